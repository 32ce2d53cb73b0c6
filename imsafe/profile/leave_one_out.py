# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings of a unit by a profile that had not learned it: its own counts are subtracted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.automaton import Automaton, child_of
from imsafe.profile.compiled import compiled_lean
from imsafe.profile.repertoire import (
    CHECKPOINTS,
    LeftOut,
    Remembered,
    Repertoire,
    Sets,
    left_out,
    nothing_remembered,
    repertoire,
    sets_of,
    word_count,
)
from imsafe.profile.surprise import surprise
from imsafe.profile.tree import PrefixTree
from imsafe.profile.units import SYMBOL, VOID, Unit
from imsafe.profile.windows import (
    ProcessWindows,
    ThreadWindows,
    burst,
    clear_process,
    clear_thread,
    drift,
    is_excused,
    new_pairs,
    process_windows,
    thread_windows,
    use_call,
)

BURST_COLUMN, DRIFT_COLUMN, REPERTOIRE_COLUMN, NOVELTY_COLUMN = range(4)


@compiled_lean
def score_unit(
    symbols: NDArray[np.int64],
    before: NDArray[np.int64],
    thread: NDArray[np.int64],
    first: int,
    left_out_from: int,
    depth: int,
    automaton: Automaton,
    count: NDArray[np.int64],
    continuations: NDArray[np.int64],
    distinct: NDArray[np.int32],
    own_count: NDArray[np.int64],
    own_continuations: NDArray[np.int64],
    own_distinct: NDArray[np.int64],
    threads: ThreadWindows,
    process: ProcessWindows,
    sets: Repertoire,
    without: LeftOut,
    remembered: Remembered,
    node: NDArray[np.int64],
    costs: NDArray[np.int64],
    readings: NDArray[np.float64],
) -> None:
    """Surprise and readings of each call of a unit, its own counts left out.

    Parameters
    ----------
    before
        Row of the thread's call before this one, -1 where its context is void.
    first
        Rows from here on are the unit's own.
    left_out_from
        And from here on they are left out: `first`, or the number of rows.
    own_count, own_continuations, own_distinct
        Zero on entry and on return; shape (nodes,).
    node
        Node of the o calls that end at a row; -1, as on entry, where that goes back
        behind the thread's start, or was never seen.  Shape (N, depth + 1).
    costs, readings
        Filled in, shapes (N,) and (N, 4).
    """
    rows = len(symbols)
    for row in range(rows):
        node[row, 0] = 0
        for order in range(1, depth + 1):
            context = 0
            if order > 1:
                context = node[before[row], order - 1] if before[row] >= 0 else -1
            if context < 0:
                break
            found = child_of(automaton, context, symbols[row])
            if found < 0:
                break
            node[row, order] = found
            if row >= left_out_from:
                parent = context
                own_count[found] += 1
                own_continuations[parent] += 1
                if own_count[found] == count[found]:
                    own_distinct[parent] += 1
    for slot in range(len(threads.total)):
        clear_thread(threads, slot)
    clear_process(process, 0)
    for row in range(rows):
        symbol = symbols[row]
        chance = automaton.chance[symbol >> 16]
        known = longest = 0
        escapes = 0
        for order in range(depth):
            context = 0
            if order > 0:
                context = node[before[row], order] if before[row] >= 0 else -1
            if context < 0:
                break
            total = continuations[context] - own_continuations[context]
            if total <= 0:
                break
            longest = order + 1
            kinds = distinct[context] - own_distinct[context]
            child = node[row, order + 1]
            seen = count[child] - own_count[child] if child >= 0 else 0
            if seen > 0:
                chance = (seen + kinds * chance) / (total + kinds)
                known = order + 1
            else:
                escapes += surprise(kinds / (total + kinds))
        cost = escapes
        cost += surprise(chance) if known else automaton.base[symbol >> 16]
        costs[row] = cost
        foreign = known + 1 if known < max(longest, 1) else 0
        new = new_pairs(foreign)
        last = symbols[before[row]] if depth > 1 and before[row] >= 0 else -1
        excused = is_excused(threads, thread[row], last, symbol, foreign)
        if excused:
            cost = new = 0
        in_burst, novelty = burst(threads, thread[row], cost, new, excused)
        readings[row, BURST_COLUMN] = in_burst
        readings[row, NOVELTY_COLUMN] = novelty
        readings[row, DRIFT_COLUMN] = drift(process, 0, cost)
        if row >= first:
            readings[row, REPERTOIRE_COLUMN] = use_call(
                process, 0, symbol, sets, without, remembered
            )  # fmt: skip
    for row in range(left_out_from, rows):
        for order in range(1, depth + 1):
            found = node[row, order]
            if found >= 0:
                own_count[found] = 0
                context = node[before[row], order - 1] if order > 1 else 0
                own_continuations[context] = 0
                own_distinct[context] = 0


def contexts(unit: Unit) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Symbols, the row of the thread's call before (-1: void) and the thread (0, 1 ...) of rows."""
    symbols = unit.rows & SYMBOL
    _, thread = np.unique(unit.rows >> 32, return_inverse=True)
    order = np.argsort(thread, kind="stable")
    before = np.full(len(symbols), -1, np.int64)
    before[order[1:]] = np.where(np.diff(thread[order]) == 0, order[:-1], -1)
    before[unit.rows & VOID != 0] = -1
    return symbols, before, thread.astype(np.int64)


def readings_left_out(
    tree: PrefixTree,
    automaton: Automaton,
    sets: Sets,
    units: Sequence[Unit],
    progress: Callable[[float], None] | None = None,
    *,
    leave_out: bool = True,
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Surprise and readings of each unit's own calls, by the profile without it.

    Parameters
    ----------
    leave_out
        Or not: what repetitions of the units read.

    Returns
    -------
    list of (array of int64, shape (N,), array of float64, shape (N, 4))
        Columns: burst, drift, repertoire, novelty.
    """
    ready, row_of = repertoire(sets)
    own_count, own_continuations, own_distinct = (np.zeros(len(tree), np.int64) for _ in range(3))
    process = process_windows(1, word_count(ready.known))
    threads = thread_windows(1)
    remembered = nothing_remembered(ready, 64)
    results = []
    for number, unit in enumerate(units):
        symbols, before, thread = contexts(unit)
        if thread.max() >= len(threads.total):
            threads = thread_windows(int(thread.max()) + 1)
        own_sets = np.full(len(CHECKPOINTS), -1, np.int64)
        left_out_from = unit.first if leave_out else len(symbols)
        if leave_out:
            for place, key in enumerate(sets_of(unit.rows[unit.first :])):
                own_sets[place] = row_of.get(key, -1)
        remembered.stage[:] = -1
        costs = np.zeros(len(symbols), np.int64)
        readings = np.zeros((len(symbols), 4))
        score_unit(
            symbols, before, thread, unit.first, left_out_from, tree.depth, automaton,
            tree.count, tree.continuations, tree.distinct,
            own_count, own_continuations, own_distinct,
            threads, process, ready, left_out(ready, own_sets), remembered,
            np.full((len(symbols), tree.depth + 1), -1, np.int64), costs, readings,
        )  # fmt: skip
        results.append((costs[unit.first :], readings[unit.first :]))
        if progress is not None and number % 64 == 0:
            progress(number / len(units))
    return results
