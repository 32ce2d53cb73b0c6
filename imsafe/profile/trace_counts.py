# SPDX-License-Identifier: GPL-3.0-or-later
"""The counts of one trace, which enter the tree together when it has ended."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ProfileError
from imsafe.events import Events
from imsafe.profile.counting import (
    FIRST_NODES,
    GrowingTree,
    Visits,
    Work,
    add_tree,
    count_calls,
    empty_tree,
    fill_depths,
    grown_tree,
    grown_visits,
    new_tree,
    new_visits,
    settled,
)
from imsafe.profile.slots import (
    EPOCH,
    FIRST_CAPACITY,
    LOST,
    end_threads,
    grow_roster,
    new_roster,
    new_stream,
    records,
    twice,
)
from imsafe.profile.tree import MAX_NODES, PrefixTree, canonical
from imsafe.profile.units import Rows


class TraceCounts:
    """The counts of one trace, as its batches come.

    Attributes
    ----------
    tree
        The counts of the longest sequences; `added_to` has those of all.
    lost
        Calls that were lost.
    """

    def __init__(self, depth: int, weight: int = 1) -> None:
        self.depth = depth
        self._weight = weight
        self.tree: GrowingTree = new_tree()
        self._visits: Visits = new_visits()
        self.restart()

    def restart(self) -> None:
        """Forget everything; the memory is kept for the next trace."""
        empty_tree(self.tree)
        self._visits = new_visits()
        self._roster = new_roster()
        self._work = Work(
            np.zeros(FIRST_CAPACITY, np.int32),
            np.zeros(FIRST_CAPACITY, np.int64),
            np.zeros(FIRST_CAPACITY, np.int64),
            np.zeros(FIRST_CAPACITY, np.int64),
        )
        self._streams: dict[int, NDArray[np.int64]] = {}
        self._reported_lost: Counter[int] = Counter()
        self._totals = np.zeros(2, np.int64)

    def added_to(self, whole: GrowingTree) -> GrowingTree:
        """The tree with these counts added."""
        used = int(self.tree.used[0])
        counts, processes = settled(self.tree, self._visits)
        return added(whole, self.tree.parent[:used], self.tree.symbol[:used], counts, processes)

    @property
    def processes(self) -> int:
        """Processes that made a call."""
        return int(self._totals[0])

    @property
    def calls(self) -> int:
        """Calls that were counted."""
        return int(self._totals[1])

    @property
    def lost(self) -> int:
        """Calls that were lost, as the events or the stream's own notices say."""
        return sum(
            max(int(state[LOST]), self._reported_lost[stream])
            for stream, state in self._streams.items()
        )

    def counts_of_length(self, length: int) -> NDArray[np.int64]:
        """How often each sequence of full length was seen so far."""
        used = int(self.tree.used[0])
        result: NDArray[np.int64] = self.tree.counts[:used][self.tree.depth[:used] == length]
        return result

    def void(self, stream: int, lost: int) -> None:
        """Calls were lost: no sequence goes across."""
        state = self._streams.setdefault(stream, new_stream())
        state[EPOCH] += 1
        self._reported_lost[stream] += lost

    def end_stream(self, stream: int) -> list[int]:
        """End every thread of a stream; gives the numbers of its processes."""
        ended = end_threads(self._roster, stream)
        return [int(number) for number in self._work.process_number[ended]]

    def feed(self, stream: int, events: Events) -> tuple[list[tuple[int, Rows]], list[int]]:
        """Count a batch.

        Returns
        -------
        rows
            The calls of each process, by its number.
        ended
            Numbers of the processes that have ended.
        """
        batch = records(events)
        state = self._streams.setdefault(stream, new_stream())
        size = len(events)
        owner, rows, ended = (np.zeros(size, np.int64) for _ in range(3))
        ends = np.zeros(1, np.int64)
        start = 0
        while True:
            start = count_calls(
                batch, start, stream, state, self._weight, self.depth, self._roster, self._work,
                self.tree, self._visits, self._totals, owner, rows, ended, ends,
            )  # fmt: skip
            if start == size:
                break
            self._make_room()
        return _by_process(owner, rows), ended[: ends[0]].tolist()

    def _make_room(self) -> None:
        used, room = int(self.tree.used[0]), len(self.tree.parent)
        if used + self.depth > room:
            self.tree = grown_tree(self.tree, room_for(used + self.depth, room))
        if 2 * (int(self._visits.used[0]) + 1) > len(self._visits.keys):
            alive = self._work.process_number[: len(self._roster.processes.key_of)]
            alive = alive[self._roster.processes.key_of != 0]
            self._visits = grown_visits(self._visits, self.tree, alive)
        self._roster, more_threads, more_processes = grow_roster(self._roster)
        active, thread_number, process_number, threads_seen = self._work
        if more_threads:
            active, thread_number = twice(active), twice(thread_number)
        if more_processes:
            process_number, threads_seen = twice(process_number), twice(threads_seen)
        self._work = Work(active, thread_number, process_number, threads_seen)


def added(
    whole: GrowingTree | None,
    parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
    counts: NDArray[np.int64],
    processes: NDArray[np.int64],
) -> GrowingTree:
    """A tree with another one's counts added, in place where there is room."""
    if whole is None:
        whole = new_tree(room_for(len(parent), FIRST_NODES))
    needed = int(whole.used[0]) + len(parent)
    if needed > len(whole.parent):
        whole = grown_tree(whole, room_for(needed, len(whole.parent)))
    add_tree(whole, parent, symbol, counts, processes)
    return whole


def counts_of_length(tree: GrowingTree, length: int) -> NDArray[np.int64]:
    """The counts of the sequences of one length in a tree of settled counts."""
    used = int(tree.used[0])
    depth = np.zeros(used, np.int8)
    fill_depths(tree.parent[:used], depth)
    result: NDArray[np.int64] = tree.counts[:used][depth == length]
    return result


def canonical_tree(depth: int, tree: GrowingTree) -> PrefixTree:
    """The grown tree in its final form."""
    used = int(tree.used[0])
    parent, symbol, counts, processes = tree[2:6]
    return canonical(depth, parent[:used], symbol[:used], counts[:used], processes[:used])


def room_for(nodes: int, room: int) -> int:
    """Capacity, a power of two from `room` on, that holds so many nodes."""
    while room < nodes:
        room *= 2
    if room > MAX_NODES:
        raise ProfileError(
            f"What is to be learned has more than {MAX_NODES:,} different sequences; "
            "learn less of it, or with a smaller depth (-D)."
        )
    return room


def _by_process(
    owner: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[tuple[int, NDArray[np.int64]]]:
    if len(owner) and owner[0] >= 0 and (owner == owner[0]).all():
        return [(int(owner[0]), rows)]
    calls = np.flatnonzero(owner >= 0)
    if len(calls) == 0:
        return []
    order = calls[np.argsort(owner[calls], kind="stable")]
    numbers = owner[order]
    first = np.flatnonzero(np.diff(numbers, prepend=-1))
    return list(zip(numbers[first].tolist(), np.split(rows[order], first[1:]), strict=True))
