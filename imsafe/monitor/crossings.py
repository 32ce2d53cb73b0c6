# SPDX-License-Identifier: GPL-3.0-or-later
"""When a thread's score crosses the threshold, and when that is over.

A crossing opens at the first call whose score reaches the threshold.  It is
over 10 s of event time after its last such call, or when the thread ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

QUIET_NS = 10_000_000_000
"""Event time below the threshold after which a crossing is over."""

ENOUGH_CALLS = 20
"""Calls above the threshold after which it can be told what came of it."""


@dataclass(slots=True, eq=False)
class Crossing:
    """A stretch of one thread's life above the threshold; times are wall clock.

    Attributes
    ----------
    score
        Of the call that opened it.
    peak
        The highest score so far.
    calls_above
        How many calls reached the threshold so far.
    """

    pid: int
    tid: int
    opened_ns: int
    score: float
    threshold: float
    peak: float
    calls_above: int
    last_ns: int
    closed_ns: int | None = None


class What(IntEnum):
    """What happened to a crossing; at the same row an end comes before a begin."""

    CLOSED = 0
    OPENED = 1
    TELLING = 2
    """Its call has the highest score so far, or is the one with which it has had enough."""


@dataclass(frozen=True, slots=True)
class Change:
    """A crossing opened, grew or closed at `row` of the batch."""

    row: int
    what: What
    crossing: Crossing


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one stream, N of them, lifecycle records among them.

    Attributes
    ----------
    times : array of int64
        Wall clock, never decreasing.
    keys : array of uint64
        The thread of each, as `thread_keys` gives it.
    scores : array of float64
        -1 for records that are not scored calls.
    thresholds : array of float64
        That of the record's application; infinite where there is none.
    exits : array of intp, shape (M,)
        Rows at which a thread ends.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.uint64]
    scores: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    exits: NDArray[np.intp]


class Crossings:
    """The crossings of one stream.

    Attributes
    ----------
    open : dict of int to Crossing
        By thread (`thread_keys`).
    grown : set of Crossing
        Open ones that have got further calls since the caller last cleared it.
    """

    def __init__(self) -> None:
        self.open: dict[int, Crossing] = {}
        self.grown: set[Crossing] = set()

    def add(self, batch: Batch) -> list[Change]:
        """Take in a batch; what happens in it, ordered by row."""
        above = np.flatnonzero(batch.scores >= batch.thresholds)
        if not len(batch.times) or (not len(above) and not self.open):
            return []
        changes: list[Change] = []
        for key, rows in self._by_thread(batch, above):
            ends = batch.exits[batch.keys[batch.exits] == key]
            self._thread(batch, key, rows, ends, changes)
        changes.sort(key=lambda c: (c.row, c.what, c.crossing.pid, c.crossing.tid))
        return changes

    def _by_thread(
        self, batch: Batch, above: NDArray[np.intp]
    ) -> list[tuple[int, NDArray[np.intp]]]:
        """Each thread that is above, or whose crossing may close, with its rows above."""
        keys, latest = batch.keys, int(batch.times[-1])
        ending = set(keys[batch.exits].tolist())
        # Of thousands of open crossings a batch concerns few.
        rows: dict[int, NDArray[np.intp]] = {
            key: above[:0]
            for key, crossing in self.open.items()
            if key in ending or latest >= crossing.last_ns + QUIET_NS
        }
        if len(above):
            order = above[np.argsort(keys[above], kind="stable")]
            threads, starts = np.unique(keys[order], return_index=True)
            rows |= zip(threads.tolist(), np.split(order, starts[1:]), strict=True)
        return list(rows.items())

    def _thread(
        self,
        batch: Batch,
        key: int,
        rows: NDArray[np.intp],
        ends: NDArray[np.intp],
        changes: list[Change],
    ) -> None:
        """Follow one thread, given its rows above and those at which it ends."""
        times, scores = batch.times, batch.scores
        crossing = self.open.pop(key, None)
        done = 0
        since = -1  # the crossing began at this row; -1: before the batch
        while crossing is not None or done < len(rows):
            if crossing is None:
                since = int(rows[done])
                crossing = Crossing(
                    pid=key >> 32,
                    tid=key & 0xFFFFFFFF,
                    opened_ns=int(times[since]),
                    score=float(scores[since]),
                    threshold=float(batch.thresholds[since]),
                    peak=0.0,
                    calls_above=0,
                    last_ns=int(times[since]),
                )
                changes.append(Change(since, What.OPENED, crossing))
            later_ends = ends[ends > since]
            end = int(later_ends[0]) if len(later_ends) else len(times)
            own = rows[: np.searchsorted(rows, end)]
            done = self._extend(crossing, batch, own, done, changes)
            over = int(np.searchsorted(times, crossing.last_ns + QUIET_NS))
            row = min(over, end)
            if row == len(times):
                self.open[key] = crossing
                return
            crossing.closed_ns = int(times[end]) if end < over else crossing.last_ns + QUIET_NS
            self.grown.discard(crossing)
            changes.append(Change(row, What.CLOSED, crossing))
            crossing = None

    def _extend(
        self,
        crossing: Crossing,
        batch: Batch,
        rows: NDArray[np.intp],
        done: int,
        changes: list[Change],
    ) -> int:
        """Add the rows that belong to the crossing; how many rows are done then."""
        stop = len(rows)
        own = batch.times[rows[done:]]
        if len(own):
            before = np.concatenate([[crossing.last_ns], own[:-1]])
            gaps = np.flatnonzero(own - before >= QUIET_NS)
            if len(gaps):
                stop = done + int(gaps[0])
        if stop > done:
            scores = batch.scores[rows[done:stop]]
            highest, enough = int(scores.argmax()), ENOUGH_CALLS - crossing.calls_above - 1
            telling = [enough] if 0 <= enough < stop - done else []
            if scores[highest] > crossing.peak and (crossing.calls_above or highest):
                telling.append(highest)
            changes += [Change(int(rows[done + at]), What.TELLING, crossing) for at in telling]
            crossing.calls_above += stop - done
            crossing.peak = max(crossing.peak, float(scores[highest]))
            crossing.last_ns = int(batch.times[rows[stop - 1]])
            self.grown.add(crossing)
        return stop

    def finish(
        self, now_ns: int, pid: int | None = None, *, survivor: int | None = None
    ) -> list[Crossing]:
        """Close all crossings, or those of one process: the stream or the watching of it ends.

        That of the survivor, a tid, goes on: all other threads have ended.
        """
        over = [
            c for c in self.open.values() if (pid is None or c.pid == pid) and c.tid != survivor
        ]
        for crossing in over:
            crossing.closed_ns = min(now_ns, crossing.last_ns + QUIET_NS)
            self.grown.discard(crossing)
            del self.open[crossing.pid << 32 | crossing.tid]
        return sorted(over, key=lambda c: (c.pid, c.tid))


def thread_keys(pids: NDArray[np.uint32], tids: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One number for each thread: ``pid << 32 | tid``."""
    return (pids.astype(np.uint64) << np.uint64(32)) | tids
