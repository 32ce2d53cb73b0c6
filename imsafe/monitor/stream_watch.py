# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches one stream: routes its calls to the applications' scorers and judges the scores."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ProfileError
from imsafe.events import EVENT, Events, Kind, chosen, symbols
from imsafe.monitor import io_uring
from imsafe.monitor.black_box import BlackBox
from imsafe.monitor.buckets import Buckets, Calls
from imsafe.monitor.crossings import (
    ENOUGH_CALLS,
    Batch,
    Change,
    Crossing,
    Crossings,
    What,
    thread_keys,
)
from imsafe.monitor.event_clock import EventClock
from imsafe.monitor.findings import Scored
from imsafe.monitor.history import Part
from imsafe.monitor.processes import UNKNOWN_BITS
from imsafe.monitor.view_protocol import BUCKET_NS, PROGRAM
from imsafe.monitor.watched import Watched
from imsafe.profile.slots import LAST_AUX
from imsafe.stream.items import Item, Lost, ProcessInfo, Segment
from imsafe.stream.losses import Losses, newest
from imsafe.stream.routing import Routing

if TYPE_CHECKING:
    from imsafe.monitor.engine import Engine

PIECE = 4096
"""Records that are scored at a time: as far as a snapshot may lie behind an alert."""

MOST_EXITS = 1 << 17
"""Threads that have ended and wait for the time to go on; a clock that stands still is no clock."""

MOST_PARENTS = 16
"""Of a process that are told."""

_BIT = float(1 << 32)


@dataclass(frozen=True, slots=True)
class Opening:
    """The call with which a thread crossed the threshold.

    Attributes
    ----------
    watched, symbol, probability, reading
        The application, and the call with its probability and leading reading.
    after
        Records of the process in its history that are later than the call.
    lost
        Calls that the stream has lost so far.
    """

    watched: Watched
    symbol: int
    probability: float
    reading: int
    after: int
    lost: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Records that were scored together; `rows_of` tells each process's rows."""

    events: Events
    numbers: NDArray[np.intp]
    surprise: NDArray[np.int64]
    reading: NDArray[np.uint8]
    rows_of: dict[int, NDArray[np.intp]]


class StreamWatch:
    """One stream, from its segment to its end.

    Attributes
    ----------
    number
        Unique in the engine: by it the scorers know the stream.
    meta
        The segment's header.
    boxes : dict of int to list of BlackBox
        By pid: those that are being filled.
    buckets
        Those that are not complete.
    """

    def __init__(self, number: int, segment: Segment, context: Engine) -> None:
        self.number = number
        self.meta = segment.meta
        self.boxes: dict[int, list[BlackBox]] = {}
        self._context = context
        self._routing = Routing()
        self._routing.feed(segment)
        self._numbers = context.applications_of(self._routing.names)
        self._clock = EventClock(segment.wall_offset_ns)
        self.buckets = Buckets()
        self._crossings = Crossings()
        self._losses = Losses()
        self._untold: deque[tuple[int, int]] = deque()  # when, how many calls were lost
        self._last_call_ns: int | None = None
        self._exits: deque[tuple[int, int, int]] = deque()
        self._present = [context.watched(n) for n in sorted(set(self._numbers.tolist()) - {0})]
        for watched in self._present:
            watched.scorer.begin_stream(number)
            context.meet(watched, self.meta)
        self._restore(self.meta.get("state"))

    def _restore(self, state: object) -> None:
        """Go on from where a black box begins."""
        if isinstance(state, dict) and self._present:
            pid, lost, of_scorer = (state.get(key) for key in ("pid", "lost", "scorer"))
            if type(lost) is int and 0 <= lost < 1 << 32:
                self._losses.aux = lost
            program = state.get("program")
            if type(pid) is int and isinstance(program, str):
                self._routing.assume(pid, program)
            if (
                type(pid) is int
                and 0 <= pid < 1 << 32
                and isinstance(of_scorer, dict)
                and of_scorer
            ):
                try:
                    self._present[0].scorer.restore(self.number, pid, of_scorer)
                except ProfileError as error:
                    self._context.findings.notices.append(f"{error} Its first scores may differ.")

    def watches(self, watched: Watched) -> bool:
        """Whether the application is among those of this stream."""
        return watched in self._present

    def process(self, pid: int) -> ProcessInfo:
        """Who a process is; what the stream has not said is empty."""
        return self._routing.process(pid) or ProcessInfo(0, pid, 0, "", "", 1)

    def loaded(self, pid: int) -> str:
        """The name of the program that a process, or who made it, was seen to load."""
        return self._routing.loaded(pid)

    def started(self, process: ProcessInfo) -> float | None:
        """When a process was born: wall clock, seconds."""
        return self._clock.wall(process.started_ns) / 1e9 if process.started_ns else None

    def lineage(self, process: ProcessInfo) -> list[tuple[int, str]]:
        """Pid and comm of its parent and so on: as the stream knows them, then as was seen."""
        found: list[tuple[int, str]] = []
        child, passed = process, {process.pid}
        while child.parent and child.parent not in passed and len(found) < MOST_PARENTS:
            passed.add(child.parent)
            parent = self._routing.process(child.parent)
            if parent is None:
                is_seen = bool(child.parents) and child.parents[0][0] == child.parent
                found += child.parents if is_seen else [(child.parent, "")]
                break
            found.append((parent.pid, parent.comm))
            child = parent
        return found[:MOST_PARENTS]

    def announced(self) -> list[ProcessInfo]:
        """The live processes that the stream has announced."""
        known = (self._routing.process(p) for p in self._context.processes.pids(self.number))
        return [info for info in known if info is not None]

    def feed(self, item: Item) -> None:
        """Take in the next item of the stream."""
        if isinstance(item, np.ndarray):
            for start in range(0, len(item), PIECE):
                self._events(item[start : start + PIECE])
                if len(self._exits) > MOST_EXITS:
                    self.begin_anew()
                self._context.limit_threads()
        elif isinstance(item, ProcessInfo):
            self._process(item)
        elif isinstance(item, Lost):
            self._lost(item)

    def _process(self, info: ProcessInfo) -> None:
        before = self._routing.process(info.pid)
        if before is not None and before.application != info.application:
            self._leave(info.pid, before.application)
        has_loaded = self._routing.is_loading(info.pid)
        self._routing.feed(info)
        info = self.process(info.pid)
        if info.application:
            self._context.processes.announce(
                self.number, info, self._number(info.application), self.started(info)
            )
            for crossing in self._crossings.open.values():
                if crossing.pid == info.pid:
                    self._context.runs(crossing, info)
            if has_loaded:  # by any of its threads, which all have ended: one goes on as the first
                self._close(self._crossings.finish(self._clock.now_ns, info.pid, survivor=info.pid))

    def _leave(self, pid: int, application: int) -> None:
        """The process belongs to that application no longer."""
        self._close(self._crossings.finish(self._clock.now_ns, pid))
        self._end_boxes(pid)
        number = self._number(application)
        if number:
            ends = np.zeros(2, EVENT)  # of all threads but the first, then of that one
            ends["pid"], ends["tid"], ends["kind"] = pid, pid, [Kind.EXEC, Kind.EXIT]
            watched = self._context.watched(number)
            watched.scorer.feed(self.number, ends)
            watched.covering.feed(self.number, ends)
        self._end_history(pid)
        # Its latest calls are told now: when their bucket is complete it is another's, or no one's.
        latest = self.buckets.open[self.buckets.open["pid"] == pid]
        self._context.processes.scored(self.number, latest[latest["application"] == number])
        self._context.processes.end(self.number, pid)

    def _number(self, application: int) -> int:
        return int(self._numbers[application]) if application < len(self._numbers) else 0

    def _lost(self, lost: Lost) -> None:
        count = self._losses.frame(lost)
        self._count_lost(self._clock.now_ns, count)
        begin, end = self._clock.wall(lost.from_ns), self._clock.wall(lost.to_ns)
        self._context.findings.gaps.append((begin, max(begin, end), count))
        for watched in self._present:
            watched.scorer.lost(self.number)
            watched.covering.lost(self.number)
        self._context.histories.lost(self.number, lost)
        for boxes in self.boxes.values():
            for box in boxes:
                box.lost(lost)

    def _events(self, events: Events) -> None:
        former = self._clock.now_ns if self._clock.started else None
        times = self._clock.advance(events["time_ns"])
        previous = times[0] if former is None else former
        sets = np.flatnonzero(np.diff(times, prepend=previous) < 0)
        start = 0
        for stop in [*sets.tolist(), len(events)]:
            if start < stop:
                self._batch(events[start:stop], times[start:stop])
            if stop < len(events):
                self._clock_was_set(int(times[stop - 1] if stop else previous))
            start = stop

    def _clock_was_set(self, former_ns: int) -> None:
        self._complete(self.buckets.finish())
        self._close(self._crossings.finish(former_ns))
        # The times of the former clock mean nothing now: the next bucket tells.
        self._untold = deque((-(1 << 63), count) for _, count in self._untold)

    def _batch(self, events: Events, times: NDArray[np.int64]) -> None:
        context = self._context
        kinds = np.ascontiguousarray(events["kind"])
        is_call = kinds == Kind.CALL
        aux = self._losses.aux
        lost_before = self._losses.total
        losses = self._count_losses(events, times, is_call)
        numbers = self._watched_numbers(events["pid"])
        if ((events["aux"] != aux) & is_call).any():
            events = self._without_late_counts(events, numbers, is_call)
        is_scored = is_call & (numbers > 0)
        scored_calls = int(np.count_nonzero(is_scored))
        context.calls += scored_calls
        context.not_watched += int(np.count_nonzero(is_call)) - scored_calls
        for row in io_uring.setups(events, is_scored).tolist():
            self._asks_for_io_uring(events[row], int(times[row]), int(numbers[row]))

        rows_of = self._rows_by_process(events["pid"], numbers)
        for pid, rows in rows_of.items():
            scorer = context.watched(int(numbers[rows[0]])).scorer
            context.histories.prepare(
                self.number, pid, aux, partial(scorer.snapshot, self.number, pid)
            )
        score, surprise, reading = self._score(events, numbers)
        self._raise_unlearned(rows_of, numbers, score, reading)
        score[~is_scored] = -1.0
        for pid, rows in rows_of.items():
            part = Part(chosen(events, rows), surprise[rows])
            context.histories.add(self.number, pid, part, int(times[rows[-1]]))

        exits = np.flatnonzero((kinds == Kind.EXIT) & (numbers > 0))
        keys = thread_keys(events["pid"], events["tid"])
        unknown = surprise >= UNKNOWN_BITS << 32  # -1 where nobody watches
        if unknown.any():
            context.processes.unknown(self.number, keys[unknown])
        thresholds = context.thresholds()[numbers]
        changes = self._crossings.add(Batch(times, keys, score, thresholds, exits))
        for pid in self.boxes.keys() & rows_of.keys():
            for box in self.boxes[pid]:
                box.add(chosen(events, rows_of[pid]))
        for change in changes:
            lost = lost_before + sum(count for row, count in losses if row <= change.row)
            self._judge(change, _Piece(events, numbers, surprise, reading, rows_of), lost)
        for crossing in self._crossings.grown:
            context.changed(crossing)
        self._crossings.grown.clear()
        self._finish_boxes()

        for row in np.flatnonzero((kinds >= Kind.EXEC) & (numbers > 0)).tolist():
            pid, tid, time_ns = int(events["pid"][row]), int(events["tid"][row]), int(times[row])
            if kinds[row] == Kind.EXEC:
                context.processes.thread_loads(self.number, pid, tid, time_ns)
            else:
                context.processes.thread_ended(self.number, pid, tid, time_ns)
                self._exits.append((time_ns, pid, tid))
        own = slice(None) if scored_calls == len(events) else is_scored
        calls = Calls(
            times=times[own],
            keys=keys[own],
            application=numbers[own],
            symbol=symbols(events[own]),
            reading=reading[own],
            surprise=surprise[own],
            score=score[own],
        )
        self._complete(self.buckets.add(calls, int(times[-1])))
        self._routing.loads(events)

    def _asks_for_io_uring(self, event: np.void, time_ns: int, number: int) -> None:
        pid = int(event["pid"])
        if not self._context.processes.asks_for_io_uring(self.number, pid):
            return
        process = self.process(pid)
        self._context.findings.io_urings.append(
            {
                "about": "io_uring",
                "text": io_uring.sentence(process.comm, pid),
                "time": time_ns / 1e9,
                "error": False,
                "application": self._context.watched(number).name,
                "application_number": number,
                "pid": pid,
                "tid": int(event["tid"]),
                "comm": process.comm,
                "exe": process.exe,
            }
        )

    def _watched_numbers(self, pids: NDArray[np.uint32]) -> NDArray[np.intp]:
        """The watched application's number for each pid, 0 for none."""
        applications = self._routing.application_of(pids)
        known = np.minimum(applications, len(self._numbers) - 1)
        return np.where(known == applications, self._numbers[known], 0)

    def _rows_by_process(
        self, pids: NDArray[np.uint32], numbers: NDArray[np.intp]
    ) -> dict[int, NDArray[np.intp]]:
        """Rows of each watched process, in order."""
        rows = np.flatnonzero(numbers)
        if not len(rows):
            return {}
        own = pids[rows]
        if (own == own[0]).all():
            return {int(own[0]): rows}
        order = np.argsort(own, kind="stable")
        distinct, starts = np.unique(own[order], return_index=True)
        return dict(zip(distinct.tolist(), np.split(rows[order], starts[1:]), strict=True))

    def _score(
        self, events: Events, numbers: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8]]:
        """Score, surprise and leading reading of each record; -1 where nobody watches."""
        score = np.full(len(events), -1.0)
        surprise = np.full(len(events), -1, np.int64)
        reading = np.zeros(len(events), np.uint8)
        for watched in self._present:
            own = numbers == watched.number
            rows = slice(None) if own.all() else own
            own_events = events if isinstance(rows, slice) else chosen(events, rows)
            watched.covering.feed(self.number, own_events)
            result = watched.scorer.feed(self.number, own_events)
            # Adding 0 makes one zero of the two: -0.0 and 0.0 are equal, and print differently.
            score[rows], surprise[rows] = result["score"] + 0.0, result["surprise"]
            reading[rows] = result["reading"]
        return score, surprise, reading

    def _raise_unlearned(
        self,
        rows_of: dict[int, NDArray[np.intp]],
        numbers: NDArray[np.intp],
        score: NDArray[np.float64],
        reading: NDArray[np.uint8],
    ) -> None:
        """Where a process runs a program that was not learned, its calls score at least that."""
        for pid, rows in rows_of.items():
            loaded = self._routing.loaded(pid)
            if not loaded:
                continue
            programs = self._context.watched(int(numbers[rows[0]])).profile.programs
            least = programs.score_of(loaded)
            if least:
                raised = rows[score[rows] < least]
                score[raised], reading[raised] = least, PROGRAM

    def _without_late_counts(
        self, events: Events, numbers: NDArray[np.intp], is_call: NDArray[np.bool_]
    ) -> Events:
        """The records, lost counts that come late raised to what their scorer has seen by then.

        It passes such a count over. In a black box, without other processes, it would be new.
        """
        for watched in self._present:
            rows = np.flatnonzero(is_call & (numbers == watched.number))
            aux = events["aux"][rows]
            found = newest(aux, int(watched.scorer.stream_state(self.number)[LAST_AUX]))
            if found is not aux:
                events = chosen(events, slice(None))
                events["aux"][rows] = found
        return events

    def _count_losses(
        self, events: Events, times: NDArray[np.int64], is_call: NDArray[np.bool_]
    ) -> list[tuple[int, int]]:
        """Count what the calls say was lost; the rows that say it, each with its count."""
        rows = np.flatnonzero(is_call)
        if not len(rows):
            return []
        losses: list[tuple[int, int]] = []
        for index, count in self._losses.calls(events["aux"][rows]):
            end = int(times[rows[index]])
            begin = int(times[rows[index - 1]]) if index else self._last_call_ns
            self._count_lost(end, count)
            self._context.findings.gaps.append((end if begin is None else begin, end, count))
            losses.append((int(rows[index]), count))
        self._last_call_ns = int(times[rows[-1]])
        return losses

    def _count_lost(self, time_ns: int, count: int) -> None:
        if count:
            self._context.lost += count
            self._untold.append((time_ns, count))

    def _told(self, times: NDArray[np.int64]) -> NDArray[np.int64]:
        """For complete buckets the losses up to their end that none before has told."""
        lost = np.zeros(len(times), np.int64)
        if self._untold:
            for row in np.flatnonzero(np.diff(times, prepend=times[0] - 1)).tolist():
                while self._untold and self._untold[0][0] < int(times[row]) + BUCKET_NS:
                    lost[row] += self._untold.popleft()[1]
        return lost

    def _judge(self, change: Change, piece: _Piece, lost: int) -> None:
        crossing, row = change.crossing, change.row
        rows = piece.rows_of.get(crossing.pid, np.empty(0, np.intp))
        if change.what is What.CLOSED:
            self._close([crossing], len(rows) - int(np.searchsorted(rows, row)))
            return
        after = len(rows) - int(np.searchsorted(rows, row, side="right"))
        if change.what is What.TELLING:
            self._context.telling(self, crossing, after)
            return
        opening = Opening(
            watched=self._context.watched(int(piece.numbers[row])),
            symbol=int(symbols(piece.events[row : row + 1])[0]),
            probability=float(np.exp2(piece.surprise[row] / -_BIT)),
            reading=int(piece.reading[row]),
            after=after,
            lost=lost,
        )
        self._context.opened(self, crossing, opening)

    def _close(self, crossings: list[Crossing], after: int = 0) -> None:
        for crossing in crossings:
            if crossing.calls_above < ENOUGH_CALLS:
                self._context.telling(self, crossing, after)
            self._context.changed(crossing)

    def _complete(self, buckets: NDArray[np.void]) -> None:
        if len(buckets):
            scored = Scored(buckets, self._told(buckets["time_ns"]))
            self._context.findings.scored.append(scored)
            has_left = self._watched_numbers(buckets["pid"]) != buckets["application"]
            self._context.processes.scored(self.number, buckets[~has_left])
        begin = self._clock.now_ns - self._clock.now_ns % BUCKET_NS
        while self._exits and self._exits[0][0] < begin:
            self._thread_has_ended(*self._exits.popleft())

    def _thread_has_ended(self, time_ns: int, pid: int, tid: int) -> None:
        """The buckets of an ended thread are in; its process may have ended with it."""
        context = self._context
        if not context.processes.remove_ended(self.number, pid, tid):
            return
        self._routing.ended(pid)
        # Calls after it are those of a thread that had made none before, or of another process.
        if context.histories.is_quiet_since(
            self.number, pid, time_ns - time_ns % BUCKET_NS + BUCKET_NS
        ):
            self._end_history(pid)
            self._end_boxes(pid)

    def _end_history(self, pid: int) -> None:
        self._context.histories.end(self.number, self.process(pid), self.offset_ns)

    @property
    def offset_ns(self) -> int:
        """What to add to a record's time for the wall clock."""
        return self._clock.wall(0)

    def _finish_boxes(self) -> None:
        for pid, boxes in list(self.boxes.items()):
            self._context.findings.boxes += [box for box in boxes if box.full]
            self.boxes[pid] = [box for box in boxes if not box.full]
            if not self.boxes[pid]:
                del self.boxes[pid]

    def _end_boxes(self, pid: int | None = None) -> None:
        for key in list(self.boxes) if pid is None else [pid]:
            self._context.findings.boxes += self.boxes.pop(key, [])

    def begin_anew(self) -> None:
        """Forget all threads: they are too many; each begins as a new one with its next call."""
        self.finish()
        self._exits.clear()
        self._context.findings.notices.append(
            "A stream tells of so many threads that do not end that their last calls were"
            " forgotten; the next of each are scored as if it had just begun."
        )

    def finish(self) -> None:
        """The stream is over: complete and close everything."""
        self._complete(self.buckets.finish())
        self._close(self._crossings.finish(self._clock.now_ns))
        self._end_boxes()
        for pid in self._context.histories.pids(self.number):
            self._end_history(pid)
        self._context.processes.end(self.number)
        for watched in self._present:
            watched.scorer.end_stream(self.number)
            watched.covering.end_stream(self.number)
