# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user marked as normal, on top of what was learned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from imsafe.events import EVENT, Events, Kind, joined
from imsafe.profile.knowledge import Mark, MarkedSequence
from imsafe.profile.repertoire import CHECKPOINTS, Sets, Stage
from imsafe.profile.slots import records, symbol_of
from imsafe.profile.trace_counts import TraceCounts, added, canonical_tree
from imsafe.profile.tree import PrefixTree
from imsafe.profile.units import BLOCK


def with_marks(
    tree: PrefixTree, sets: Sets, marks: Sequence[Mark]
) -> tuple[PrefixTree, Sets]:  # fmt: skip
    """The learned counts and sets with those of the marks added."""
    if not marks:
        return tree, sets
    whole = added(None, tree.parent, tree.symbol, tree.count, tree.processes)
    all_sets = sets.copy()
    for mark in marks:
        for sequence in mark.sequences:
            counts = TraceCounts(tree.depth, mark.weight)
            counts.feed(0, _with_contexts(sequence))
            whole = counts.added_to(whole)
            all_sets.update(_sets(sequence))
    return canonical_tree(tree.depth, whole), all_sets


def _with_contexts(sequence: MarkedSequence) -> Events:
    """The events after those calls that each thread had just made."""
    threads = sequence.state.get("threads", [])
    calls = [(thread["tid"], symbol) for thread in threads for symbol in thread["context"]]
    if not calls or len(sequence.events) == 0:
        return sequence.events
    before = np.zeros(len(calls), EVENT)
    before["pid"] = sequence.events["pid"][0]
    before["tid"] = [tid for tid, _ in calls]
    before["abi"] = [symbol >> 16 for _, symbol in calls]
    before["syscall"] = [symbol & 0xFFFF for _, symbol in calls]
    before["kind"] = Kind.CALL
    before["aux"] = max(sequence.state.get("lost", 0), 0)
    return joined([before, sequence.events])


def _sets(sequence: MarkedSequence) -> Iterator[Stage]:
    """The stages by which the marked process becomes normal."""
    calls_made = sequence.events[sequence.events["kind"] == Kind.CALL]
    batch = records(calls_made)
    symbols = [symbol_of(batch, row) for row in range(len(batch))]
    used = set(sequence.state.get("used", ()))
    calls = int(sequence.state.get("unit_calls", 0))
    before = tuple(sorted(used))
    for symbol in symbols:
        if calls == BLOCK:
            used, calls, before = set(), 0, ()
        used.add(symbol)
        calls += 1
        if calls in CHECKPOINTS:
            after = tuple(sorted(used))
            yield calls, before, after
            before = after
    after = tuple(sorted(used))
    for limit in CHECKPOINTS:
        if limit > calls and after:
            yield limit, before, after
            before = after


def next_number(marks: Iterable[Mark]) -> int:
    """Make the number of a new mark."""
    return max((mark.number for mark in marks), default=0) + 1
