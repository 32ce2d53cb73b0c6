# SPDX-License-Identifier: GPL-3.0-or-later
"""Black boxes: the calls around an alert as a trace that replays to the same scores.

A box begins 500 calls of the thread before the alert and ends 500 after.  It
holds all calls of that process, because its threads share a score, and its
header holds the scorer's state before the first of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Events, Kind, chosen, joined
from imsafe.monitor.history import THREAD_CALLS, Part, State, Stretch, calls_of
from imsafe.stream.frames import MAX_META
from imsafe.stream.items import Item, Lost, ProcessInfo

if TYPE_CHECKING:
    from imsafe.profile.scorer import Scorer

LARGEST_TAIL = 16 * 1024
"""Records of a process after an alert beyond which its box is ended, whatever is missing."""


@dataclass(slots=True)
class BlackBox:
    """A box that is being filled, or is full.

    Attributes
    ----------
    alert : int
        The alert's number.
    process : ProcessInfo
    program : str
        The name of the program that it was seen to load, if it was.
    thread : int
        The thread's tid.
    meta : dict
        Header of the trace.
    state : dict
        The scorer's before the first record.
    missing : int
        Calls of the thread that are still to come.
    """

    alert: int
    process: ProcessInfo
    program: str
    thread: int
    meta: dict[str, Any]
    state: State
    missing: int = THREAD_CALLS
    full: bool = False
    _items: list[Events | Lost] = field(default_factory=list)
    _tail: int = 0
    _loaded: int = 0
    """Items up to the last program that was loaded before the alert."""
    _tid: int = field(init=False)
    """Under which the thread goes on: after its exec that is the process's number."""

    def __post_init__(self) -> None:
        self._tid = self.thread

    @classmethod
    def begin(
        cls,
        *,
        alert: int,
        process: ProcessInfo,
        program: str,
        thread: int,
        application: str,
        meta: dict[str, Any],
        stretches: list[Stretch],
        after: int,
        scorer: Scorer,
        scratch: int,
    ) -> BlackBox:
        """Start a box from a process's history.

        Parameters
        ----------
        alert, process, program, thread, application
            What it is about; the application is the only one of the trace.
        meta
            Header of the stream that the process belongs to.
        stretches
            The process's history, at least one.
        after
            How many records at the end of the history are later than the alert.
        scorer, scratch
            The scorer that made the snapshots, and a stream number that nobody uses.
        """
        first, skipped = _start(stretches, thread, after)
        state, parts, aux = _reach(stretches[first], skipped, process.pid, scorer, scratch)
        for stretch in stretches[first + 1 :]:
            parts += stretch.parts
        entries = meta.get("applications", [])
        named = [entry for entry in entries if entry["name"] == application]
        kept = {"pid": process.pid, "lost": aux, "scorer": state}
        header = {
            **meta,
            "applications": named[:1] or [{"name": application}],
            "state": kept,
        }
        box = cls(alert, replace(process, application=1), program, thread, header, state)
        records = sum(len(p.events) for p in parts if isinstance(p, Part))
        box._begin_with(parts, records - after)
        if program and not box._loaded:  # before the first record
            kept["program"] = program
        box.meta = _fitting(header, thread)
        return box

    def _begin_with(self, parts: list[Part | Lost], before: int) -> None:
        for part in parts:
            if isinstance(part, Lost):
                self.lost(part)
                continue
            count = min(before, len(part.events))
            loads = np.flatnonzero(part.events["kind"][:count] == Kind.EXEC)
            loaded = int(loads[-1]) + 1 if len(loads) else 0
            if loaded:
                self._items.append(part.events[:loaded])
                self._loaded = len(self._items)
            if loaded < count:
                self._items.append(part.events[loaded:count])
            before -= count
            self.add(part.events[count:])

    def lost(self, lost: Lost) -> None:
        """Calls were lost here."""
        if not self.full:
            self._items.append(lost)

    def add(self, events: Events) -> None:
        """Add later records of the process; those beyond the end of the box are left out."""
        start = 0
        for row in np.flatnonzero(events["kind"] == Kind.EXEC).tolist():
            self._add(events[start : row + 1])
            start = row + 1
            # All threads but one have ended: that which called goes on in the first one's place.
            if self._tid == events["aux"][row]:
                self._tid = int(events["tid"][row])
            elif self._tid != events["tid"][row]:
                self.full = True
        self._add(events[start:])

    def _add(self, events: Events) -> None:
        if self.full or not len(events):
            return
        own = events["tid"] == self._tid
        calls = np.flatnonzero(own & (events["kind"] == Kind.CALL))
        ends = np.flatnonzero(own & (events["kind"] == Kind.EXIT))
        stop = min(len(events), LARGEST_TAIL - self._tail)
        if len(calls) >= self.missing:
            stop = min(stop, int(calls[self.missing - 1]) + 1)
        if len(ends):
            stop = min(stop, int(ends[0]) + 1)
        self._items.append(chosen(events, slice(stop)))
        taken = int(np.searchsorted(calls, stop))
        self._tail += stop
        self.missing -= taken
        ended = len(ends) > 0 and ends[0] < stop
        self.full = self.missing == 0 or self._tail == LARGEST_TAIL or ended

    def items(self) -> list[Item]:
        """The items of the trace, without its header.

        Where the process has loaded its program within them, what it was called before is not
        known any more, and is left empty.
        """
        items: list[Item] = list(self._items[: self._loaded])
        if items:
            items.insert(0, replace(self.process, comm="", exe="", argv=()))
        return [*items, self.process, *self._items[self._loaded :]]

    def sequences(self) -> list[tuple[Events, State]]:
        """The records in stretches without loss, each with the scorer's state before it."""
        result: list[tuple[Events, State]] = []
        run: list[Events] = []
        state = self.state
        for item in [*self._items, None]:
            if isinstance(item, np.ndarray):
                run.append(item)
            elif run:
                result.append((joined(run), state))
                run, state = [], {}
        return result


def _fitting(header: dict[str, Any], thread: int) -> dict[str, Any]:
    """The header, if need be without what is known of other threads: its length is bounded."""
    if _is_short(header):
        return header
    state = header["state"]
    threads = [t for t in state["scorer"].get("threads", []) if t["tid"] == thread]
    less = {**header, "state": {**state, "scorer": {**state["scorer"], "threads": threads}}}
    if _is_short(less):
        return less
    # A header that was as long as it may be before anything was added.
    return {key: less[key] for key in ("state", "wall_ns", "monotonic_ns") if key in less} | {
        "applications": [{"name": str(less["applications"][0]["name"])[:200]}]
    }


def _is_short(header: dict[str, Any]) -> bool:
    return len(json.dumps(header, ensure_ascii=False).encode("utf-8", "replace")) <= MAX_META


def _start(stretches: list[Stretch], thread: int, after: int) -> tuple[int, int]:
    """Where the box begins: index of a stretch, and how many of its records to skip."""
    positions: list[NDArray[np.intp]] = []
    begins = []
    position = 0
    for stretch in stretches:
        begins.append(position)
        for part in stretch.parts:
            if isinstance(part, Part):
                positions.append(calls_of(part, thread) + position)
                position += len(part.events)
    calls = np.concatenate(positions) if positions else np.empty(0, np.intp)
    so_far = calls[calls < position - after]  # the last one is that which raised the alert
    start = int(so_far[-THREAD_CALLS - 1]) if len(so_far) > THREAD_CALLS else 0
    index = int(np.searchsorted(begins, start, side="right")) - 1
    return index, start - begins[index]


def _reach(
    stretch: Stretch, skipped: int, pid: int, scorer: Scorer, scratch: int
) -> tuple[State, list[Part | Lost], int]:
    """The scorer's state after the first records of a stretch, what follows, the lost count."""
    if not skipped:
        return stretch.state, list(stretch.parts), stretch.aux
    aux = stretch.aux
    rest: list[Part | Lost] = []
    scorer.begin_stream(scratch)
    if stretch.state:
        scorer.restore(scratch, pid, stretch.state)
    for part in stretch.parts:
        if not skipped:
            rest.append(part)
        elif isinstance(part, Lost):
            scorer.lost(scratch)
        else:
            head = part.events[:skipped]
            scorer.feed(scratch, head)
            calls = head["aux"][head["kind"] == Kind.CALL]
            aux = int(calls[-1]) if len(calls) else aux
            if len(head) < len(part.events):
                rest.append(Part(part.events[skipped:], part.surprise[skipped:]))
            skipped -= len(head)
    state = scorer.snapshot(scratch, pid)
    scorer.end_stream(scratch)
    return state, rest, aux
