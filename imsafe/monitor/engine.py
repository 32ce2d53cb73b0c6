# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of the monitor: items of streams in, scores and alerts out, no input or output.

Whatever the batches that a stream is cut into, the scores, the lines of the
score log and the alerts are the same, bit for bit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe import syscalls
from imsafe.errors import ImsafeError
from imsafe.events import Events
from imsafe.monitor.alerts import Alerts
from imsafe.monitor.black_box import BlackBox
from imsafe.monitor.calls_around import Kept, Moment, around, scored
from imsafe.monitor.crossings import Crossing
from imsafe.monitor.explanation import explain, recently
from imsafe.monitor.findings import Findings
from imsafe.monitor.history import Histories, Part, State
from imsafe.monitor.incidents import Incidents
from imsafe.monitor.processes import Processes
from imsafe.monitor.reason import reason_of, then_started
from imsafe.monitor.stream_watch import PIECE, Opening, StreamWatch
from imsafe.monitor.view_protocol import PROGRAM, READINGS, Alert, CallsAround
from imsafe.monitor.watched import Watched
from imsafe.profile import saved_state
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.stream.items import Closed, Item, Lost, ProcessInfo, Segment
from imsafe.words import printable

MOST_BOXES_FILLING = 100
"""Black boxes that may be filled at a time; alerts beyond it get none."""

MOST_THREADS = saved_state.MOST_THREADS - PIECE
"""Threads whose state is kept for each application, some 7 KiB each with all that belongs to it.

Who makes threads up must not fill the memory.  With a piece more the scorer's arrays, which double,
are just full.
"""

_MOST_STRANGERS = 20
MOST_SEQUENCES = 100
"""Alerts whose calls are kept in memory, for "this was normal"."""


class Engine:
    """Scores any number of streams of any number of applications.

    Attributes
    ----------
    applications : dict of int to Watched
        By number.
    alerts : Alerts
    findings : Findings
        Since the last `take`.
    calls, lost, not_watched : int
        Calls that were scored, that were lost on their way, and of
        applications that nobody watches.
    highest : float
        The highest score so far.
    boxes_refused : int
        Alerts that got no black box because too many were being filled.
    """

    def __init__(
        self,
        applications: Sequence[Watched],
        *,
        everything: bool,
        differences: Callable[[Watched, dict[str, Any]], list[str]] = lambda *_: [],
    ) -> None:
        """Make an engine.

        Parameters
        ----------
        applications
            What to watch; their names are distinct.
        everything
            Whether all processes belong to the only application, whatever their name.
        differences
            Says, in words, how a stream (its header) differs from what the profile learned.
        """
        self.applications = {watched.number: watched for watched in applications}
        self.alerts = Alerts()
        self._incidents = Incidents()
        self.findings = Findings()
        self.histories = Histories()
        self.processes = Processes()
        self.calls = 0
        self.lost = 0
        self.not_watched = 0
        self.highest = 0.0
        self.boxes_refused = 0
        self._everything = everything
        self._differences = differences
        self._by_name = {watched.name: watched for watched in applications}
        self._strangers: set[str] = set()
        self._streams: dict[tuple[int, int], StreamWatch] = {}
        self._begun = 0
        self._open: dict[Crossing, Alert] = {}
        self._sequences: OrderedDict[int, tuple[list[tuple[Events, State]], str]] = OrderedDict()
        self._filling: dict[int, BlackBox] = {}

    # Items in, findings out.

    def feed(self, source: int, stream: int, item: Item) -> None:
        """Take in the next item of a source's stream; what comes of it is in `findings`."""
        key = source, stream
        if isinstance(item, Segment):
            self._end(key)
            self._streams[key] = StreamWatch(self._next_number(), _sane(item), self)
            return
        watch = self._streams.get(key)
        if watch is None:
            if isinstance(item, Closed):
                return
            raise ValueError(f"stream {stream} of source {source} has not begun")
        if isinstance(item, Closed):
            self._end(key)
            if item.warning:
                self.findings.notices.append(item.warning)
        else:
            watch.feed(item)

    def _next_number(self) -> int:
        self._begun += 1
        return self._begun

    def _end(self, key: tuple[int, int]) -> None:
        watch = self._streams.pop(key, None)
        if watch is not None:
            watch.finish()

    def end_source(self, source: int) -> None:
        """A source was closed: end all its streams."""
        for key in [key for key in self._streams if key[0] == source]:
            self._end(key)

    def finish(self) -> None:
        """End everything."""
        for key in list(self._streams):
            self._end(key)

    def take(self) -> Findings:
        """What is new since the last time."""
        findings, self.findings = self.findings, Findings()
        for box in findings.boxes:
            self._filling.pop(box.alert, None)
            self._keep_sequences(box)
        for new in findings.scored:
            self.highest = max(self.highest, float(new.buckets["maximum"].max()))
        return findings

    def open_buckets(self) -> list[NDArray[np.void]]:
        """The buckets of each stream that are not complete."""
        return [w.buckets.open for w in self._streams.values() if len(w.buckets.open)]

    @property
    def open_alerts(self) -> int:
        """How many alerts are open."""
        return len(self._open)

    @property
    def filling(self) -> list[BlackBox]:
        """Black boxes that are being filled."""
        return list(self._filling.values())

    # What streams ask.

    def applications_of(self, names: list[str]) -> NDArray[np.intp]:
        """For each application of a stream, from 0 for none: the watched one's number, or 0."""
        numbers = np.zeros(max(len(names), 1) + 1, np.intp)
        if self._everything:
            (watched,) = self.applications.values()
            numbers[1:] = watched.number
        for index, name in enumerate(names):
            if name in self._by_name and not self._everything:
                numbers[index + 1] = self._by_name[name].number
        if not numbers.any():
            self._tell_of_strangers(names)
        return numbers

    def _tell_of_strangers(self, names: list[str]) -> None:
        """A stream has no watched application: a slip of the pen would watch nothing for months."""
        for name in names:
            if name not in self._strangers and len(self._strangers) < _MOST_STRANGERS:
                self._strangers.add(name)
                self.findings.notices.append(
                    f"{printable(name)} is not watched: the applications that are watched are"
                    f" called {', '.join(map(printable, self._by_name))}."
                )

    def watched(self, number: int) -> Watched:
        """The watched application of that number."""
        return self.applications[number]

    def thresholds(self) -> NDArray[np.float64]:
        """By number; infinite for 0 and where there is none."""
        thresholds = np.full(max(self.applications) + 1, np.inf)
        for number, watched in self.applications.items():
            if watched.threshold is not None:
                thresholds[number] = watched.threshold
        return thresholds

    def meet(self, watched: Watched, meta: dict[str, Any]) -> None:
        """A stream of this application has begun."""
        watched.seen = True
        for text in self._differences(watched, meta):
            if text not in watched.warnings and len(watched.warnings) < 20:
                watched.warnings.append(text)
                self.findings.notices.append(f"{watched.name}: {text}")

    def opened(self, stream: StreamWatch, crossing: Crossing, opening: Opening) -> None:
        """A thread has crossed the threshold: an alert."""
        watched = opening.watched
        process = stream.process(crossing.pid)
        process = replace(process, parents=tuple(stream.lineage(process)))
        stretches = self.histories.stretches(stream.number, crossing.pid)
        calls = explain(watched.profile, stretches, crossing.tid, opening.after)
        reading = READINGS[opening.reading]
        recent = recently(watched.profile, stretches, crossing.tid, opening.after, reading)
        parent = stream.process(process.parent) if process.parent else None
        alert: Alert = {
            "id": self.alerts.next_number(),
            "state": "open",
            "application": watched.name,
            "application_number": watched.number,
            "pid": crossing.pid,
            "tid": crossing.tid,
            "comm": process.comm,
            "exe": process.exe,
            "parent": process.parent,
            "argv": list(process.argv),
            "user": process.user,
            "started": stream.started(process),
            "parents": list(process.parents),
            "incident": 0,
            "acknowledged": None,
            "time": crossing.opened_ns / 1e9,
            "closed": None,
            "score": crossing.score,
            "peak": crossing.score,
            "threshold": crossing.threshold,
            "reading": reading,
            "reason": reason_of(
                process, parent, reading, calls, recent, watched.profile.programs.learned
            ),
            "call": syscalls.name(opening.symbol),
            "probability": opening.probability,
            "calls_above": 1,
            "calls": calls,
            "lost": opening.lost,
            "box": None,
            "normal": None,
        }
        alert["incident"] = self._incidents.of(alert)
        forgotten = self.alerts.add(alert)
        if forgotten is not None:
            self.findings.forgotten.append(forgotten)
        self._open[crossing] = alert
        self.findings.alerts[alert["id"]] = alert
        self.findings.opened.append(alert.copy())
        if len(self._filling) >= MOST_BOXES_FILLING:
            self.boxes_refused += 1
            return
        box = BlackBox.begin(
            alert=alert["id"],
            process=process,
            program=stream.loaded(crossing.pid),
            thread=crossing.tid,
            application=watched.name,
            meta=stream.meta,
            stretches=stretches,
            after=opening.after,
            scorer=watched.scorer,
            scratch=self._next_number(),
        )
        self._filling[box.alert] = box
        stream.boxes.setdefault(crossing.pid, []).append(box)

    def runs(self, crossing: Crossing, process: ProcessInfo) -> None:
        """A process whose thread is above the threshold runs another program now."""
        alert = self._open[crossing]
        if process.exe and process.exe != alert["exe"]:
            alert["reason"] = then_started(alert["reason"], process)
            self.findings.alerts[alert["id"]] = alert

    def telling(self, stream: StreamWatch, crossing: Crossing, after: int) -> None:
        """A crossing has its highest score so far, or has had 20 calls, or ends with fewer.

        A new program's first call says nothing of what it does: the calls up to here are told.
        """
        alert = self._open[crossing]
        if alert["reading"] == READINGS[PROGRAM]:
            profile = self.applications[alert["application_number"]].profile
            stretches = self.histories.stretches(stream.number, crossing.pid)
            alert["calls"] = explain(profile, stretches, crossing.tid, after) or alert["calls"]
            self.findings.alerts[alert["id"]] = alert

    def changed(self, crossing: Crossing) -> None:
        """A crossing has grown or is over."""
        alert = self._open[crossing]
        alert["peak"] = crossing.peak
        alert["calls_above"] = crossing.calls_above
        if crossing.closed_ns is not None:
            alert["closed"] = crossing.closed_ns / 1e9
            alert["state"] = "closed"
            del self._open[crossing]
        self.findings.alerts[alert["id"]] = alert

    def limit_threads(self) -> None:
        """Where too many threads are known, the stream that has most of them begins anew."""
        for watched in self.applications.values():
            if watched.scorer.alive > MOST_THREADS:
                number = watched.scorer.most_populous()
                for stream in self._streams.values():
                    if stream.number == number:
                        stream.begin_anew()

    # What is asked of the monitor.

    def named(self, name: str) -> Watched:
        """The watched application of that name.

        Raises
        ------
        ImsafeError
            There is none.
        """
        watched = self._by_name.get(name)
        if watched is None:
            raise ImsafeError(f"No application called {name} is watched.")
        return watched

    def alert(self, number: int) -> Alert:
        """The alert of that number.

        Raises
        ------
        ImsafeError
            There is none, or it is kept no longer.
        """
        alert = self.alerts.get(number)
        if alert is None:
            raise ImsafeError(f"There is no alert {number}, or it is kept no longer.")
        return alert

    def box_written(self, number: int, path: str) -> None:
        """The black box of an alert is on the disk."""
        alert = self.alerts.get(number)
        if alert is not None:
            alert["box"] = path
            self.findings.alerts[number] = alert

    def box_removed(self, path: str) -> None:
        """A black box had to give way."""
        for alert in self.alerts:
            if alert["box"] == path:
                alert["box"] = None
                self.findings.alerts[alert["id"]] = alert

    def introductions(self) -> list[tuple[tuple[int, int], list[Item]]]:
        """For each open stream (source, stream) what has to be known of it to begin with it now."""
        return [
            (key, [Segment(watch.meta), *watch.announced()]) for key, watch in self._streams.items()
        ]

    def sequences(self, number: int) -> tuple[list[tuple[Events, State]], str]:
        """The calls around an alert, of its process, in stretches without loss.

        Returns
        -------
        list of (events, state)
            The state is the scorer's before the first of the events.
        str
            The name of the program that the process was seen to load; empty if it was not.

        Raises
        ------
        ImsafeError
            They are kept no longer.
        """
        box = self._filling.get(number)
        if box is not None:
            return box.sequences(), box.program
        if number in self._sequences:
            return self._sequences[number]
        raise ImsafeError(
            f"The calls of alert {number} are kept no longer in memory; learn from its black box."
        )

    def calls_around(self, name: str, moment: Moment) -> CallsAround | None:
        """The calls around a moment, where they are still in memory; else None.

        Raises
        ------
        ImsafeError
            No application of that name is watched.
        """
        profile = self.named(name).profile
        histories = self.histories
        kept = [
            Kept(
                [p for s in histories.stretches(watch.number, moment.pid) for p in s.parts],
                watch.process(moment.pid),
                watch.offset_ns,
            )
            for watch in self._streams.values()
        ]
        kept += [
            Kept(one.parts, one.process, one.offset_ns) for one in histories.departed(moment.pid)
        ]
        found = (around(one, moment, profile) for one in kept)
        return next((calls for calls in found if calls is not None), None)

    def scored(
        self, name: str, items: Sequence[Events | Lost], pid: int, state: State
    ) -> list[Part | Lost]:
        """Records of one process as the scorer of an application sees them, from a state on."""
        return scored(items, self.named(name).scorer, self._next_number(), pid, state)

    def _keep_sequences(self, box: BlackBox) -> None:
        self._sequences[box.alert] = box.sequences(), box.program
        while len(self._sequences) > MOST_SEQUENCES:
            self._sequences.popitem(last=False)

    def mark(self, number: int, normal: int | None) -> None:
        """Note that an alert was said to be normal, or (None) that this was taken back."""
        alert = self.alert(number)
        alert["normal"] = normal
        self._incidents.over(alert["incident"])
        self.findings.alerts[number] = alert

    def acknowledge(self, number: int, when: float | None) -> None:
        """Note that somebody has seen to an alert, or (None) that this was taken back."""
        alert = self.alert(number)
        alert["acknowledged"] = when
        self._incidents.over(alert["incident"])
        self.findings.alerts[number] = alert

    def use_profile(self, watched: Watched, profile: Profile, ready: Scorer | None = None) -> None:
        """Go on with another profile; what threads and processes have done stays known.

        Parameters
        ----------
        ready
            A scorer of that profile, if one has been compiled already.
        """
        watched.scorer.adopt(profile, ready)
        watched.profile = profile
        watched.begin_covering()
        # What differed from the former one may not differ from this one.
        watched.warnings.clear()
        for stream in self._streams.values():
            if stream.watches(watched):
                self.meet(watched, stream.meta)


def _sane(segment: Segment) -> Segment:
    """The segment without those keys of its header that have not the form they should have."""
    meta = dict(segment.meta)
    for clock in ("wall_ns", "monotonic_ns"):
        if type(meta.get(clock, 0)) is not int:
            del meta[clock]
    given = meta.get("applications", [])
    if not isinstance(given, list) or not all(isinstance(e, dict) and "name" in e for e in given):
        meta["applications"] = []
    return Segment(meta)
