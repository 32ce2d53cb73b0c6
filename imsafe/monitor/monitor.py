# SPDX-License-Identifier: GPL-3.0-or-later
"""The monitor's process: one loop between sources, engine, log, alerts and views."""

from __future__ import annotations

import contextlib
import os
import selectors
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imsafe
from imsafe.errors import ImsafeError, SourceError
from imsafe.monitor.actions import Actions
from imsafe.monitor.box_store import BoxStore, default_folder
from imsafe.monitor.box_writer import BoxWriter
from imsafe.monitor.early_buckets import EarlyBuckets
from imsafe.monitor.engine import Engine
from imsafe.monitor.findings import Findings, gap_records, log_lines
from imsafe.monitor.identity import Identities
from imsafe.monitor.known_files import KnownFiles
from imsafe.monitor.modes import differences
from imsafe.monitor.open_source import OpenSource
from imsafe.monitor.options import Options
from imsafe.monitor.recorder import Recorder
from imsafe.monitor.recording_index import RecordingIndex
from imsafe.monitor.reloading import reload_all
from imsafe.monitor.report import Report
from imsafe.monitor.score_log import MOST_BYTES, ScoreLog
from imsafe.monitor.view_protocol import VIEW_FOLDER, VIEW_VERSION, Hello, Status
from imsafe.monitor.watched import Watched
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.sources.base import FromFile, Source
from imsafe.sources.replay import refuse_what_is_read
from imsafe.stream.items import Closed, ProcessInfo, Tagged
from imsafe.words import number_of

STATUS_S = 0.5
OPEN_BUCKETS_S = 1 / 30
FLUSH_S = 0.5
PROFILES_S = 2.0
STANDSTILL_S = 1.0
_LONGEST_WAIT = 0.25
_MOST_WARNINGS = 100
_MOST_RECORDINGS = 4
"""Of these, the latest, calls can be looked up."""
_VIEW_WAIT = 1 / 30
_REST_S = 10.0
"""For what is still on its way when a source is closed."""


class Monitor:
    """Runs until its sources have ended, a signal comes, or a window says stop.

    Attributes
    ----------
    engine : Engine
    stopping : bool
        Set it to end the loop in order.
    reload : bool
        Set it to have all profiles read again.
    recordings : deque of RecordingIndex
        What was or is being recorded, the latest last.
    """

    def __init__(self, applications: list[Watched], options: Options) -> None:
        self.engine = Engine(applications, everything=options.everything, differences=differences)
        self.stopping = False
        self.reload = False
        self.report = Report(as_json=options.as_json, quiet=options.quiet)
        self._outputs = options.outputs
        self.recorder: Recorder | None = None
        self.recordings: deque[RecordingIndex] = deque(maxlen=_MOST_RECORDINGS)
        self._options = options
        self._selector = selectors.DefaultSelector()
        self._sources: dict[int, OpenSource] = {}
        self._states: list[tuple[str, int]] = []
        self._source_count = 0
        self._actions = Actions(options.program) if options.program else None
        self._boxes = BoxWriter(self.engine, BoxStore(options.boxes or default_folder()), self.say)
        self._log: ScoreLog | None = None
        self._early = EarlyBuckets()
        self._identities = Identities()
        self._started = time.time()
        self._due: dict[str, float] = {}
        self._rate_since = (time.monotonic(), 0)
        self._rate = 0.0
        self._processes_at = time.monotonic()
        self._began = False
        self._warnings: list[str] = []
        self._failed = False
        self._steering: Any = None
        self._files = KnownFiles(watched.path for watched in applications)
        self._server = self._serve()

    def _serve(self) -> Any:
        """The view server, imported only where there is one: Windows has no such sockets."""
        if self._options.view is None:
            return None
        from imsafe.monitor.steering import Steering  # noqa: PLC0415
        from imsafe.monitor.view_server import ViewServer  # noqa: PLC0415

        self._steering = Steering(self)
        return ViewServer(
            self._options.view,
            self._selector,
            self._hello,
            self._steering.do,
            allowed=self._options.allowed,
            identities=self.engine.processes.identities,
        )

    # Sources.

    def add_source(self, kind: str, source: Source) -> int:
        """Open a source and read it from now on; its number.

        Raises
        ------
        SourceError
            It cannot be opened, or reads what is being recorded.
        """
        if self.recorder is not None:
            refuse_what_is_read(self.recorder.path, [source])
        source.open()
        self._source_count += 1
        opened = OpenSource(self._source_count, kind, source, source.fileno())
        self._sources[opened.number] = opened
        self._selector.register(opened.descriptor, selectors.EVENT_READ, lambda: self._read(opened))
        return opened.number

    def close_source(self, number: int) -> None:
        """End a source and its streams.

        Raises
        ------
        ImsafeError
            There is no such source.
        """
        opened = self._sources.get(number)
        if opened is None:
            raise ImsafeError(f"There is no source {number}.")
        self._finish_source(opened)
        del self._sources[number]

    @property
    def source_numbers(self) -> list[int]:
        """Of the sources that were not closed."""
        return list(self._sources)

    def _finish_source(self, opened: OpenSource) -> None:
        if opened.closed:
            return
        opened.closed = True
        self._selector.unregister(opened.descriptor)
        # One that has not begun may be asking for a password: nothing is on its way.
        if opened.source.counters.streams_open and opened.source.stop():
            self._read_rest(opened)
        self.engine.end_source(opened.number)
        opened.source.close()
        self._tell_rest_of_ends(opened, now=True)

    def _read_rest(self, opened: OpenSource) -> None:
        """Take what is on its way from a source that was asked to end."""
        deadline = time.monotonic() + _REST_S
        try:
            while not opened.source.finished and time.monotonic() < deadline:
                self._take(opened, opened.source.read(0.1))
                self._handle(self.engine.take())
        except SourceError as error:
            opened.problem = str(error)
            self._warn(opened.problem, error=True)

    def _take(self, opened: OpenSource, items: list[Tagged]) -> None:
        for stream, item in items:
            if isinstance(item, Closed):
                item = self._told(opened, item)  # noqa: PLW2901
            elif isinstance(item, ProcessInfo) and not isinstance(opened.source, FromFile):
                item = self._identities.complete(item)  # noqa: PLW2901
            self._record(opened.number, stream, item)
            self.engine.feed(opened.number, stream, item)

    def _read(self, opened: OpenSource) -> None:
        try:
            items = opened.source.read()
        except SourceError as error:
            opened.problem = str(error)
            self._finish_source(opened)
            if not self._options.stay and len(self._sources) == 1:
                raise
            self._warn(opened.problem, error=True)
            return
        self._take(opened, items)
        if opened.source.finished:
            if isinstance(opened.source, FromFile):
                for text in opened.source.warnings:
                    self._warn(text, error=opened.source.cut_short)
            self._finish_source(opened)
        elif not items:
            time.sleep(0.001)  # its end has been read, and its process is still ending

    def _told(self, opened: OpenSource, end: Closed) -> Closed:
        """A stream's end without what is said here, or by the source's own warnings."""
        self._failed |= end.broken
        is_told_here = end.broken or not isinstance(opened.source, FromFile)
        if end.warning and is_told_here and opened.ends.may_be_said():
            if not end.broken:
                return end
            self._warn(end.warning, error=True)
        return Closed(end.complete)

    def _tell_rest_of_ends(self, opened: OpenSource, *, now: bool = False) -> None:
        if rest := opened.ends.rest(now=now):
            streams = number_of(rest, "more stream", "more streams")
            self.say(f"{opened.source.name}: {streams} ended before the end, like those told of.")

    def _warn(self, text: str, *, error: bool) -> None:
        """Say what was wrong with what a source read; the end says it again."""
        self.say(text, error=error)
        self._failed |= error
        if len(self._warnings) < _MOST_WARNINGS:
            self._warnings.append(text)

    # Recording.

    def start_recording(self, path: str, *, append: bool, replace: bool) -> None:
        """Record from now on, beginning with what is known of the streams.

        Raises
        ------
        ImsafeError
            Something is being recorded, the file is being read, or it cannot be written.
        """
        if self.recorder is not None:
            raise ImsafeError(f"{self.recorder.path} is being recorded already; stop that first.")
        refuse_what_is_read(path, (o.source for o in self._sources.values() if not o.closed))
        self.recorder = Recorder(
            path, append=append, replace=replace, max_size=self._options.max_size
        )
        self.recordings.append(self.recorder.index)
        for (source, stream), items in self.engine.introductions():
            for item in items:
                self._record(source, stream, item)

    def stop_recording(self) -> None:
        """End the recording.

        Raises
        ------
        ImsafeError
            Nothing is being recorded, or its end cannot be written.
        """
        if self.recorder is None:
            raise ImsafeError("Nothing is being recorded.")
        recorder, self.recorder = self.recorder, None
        recorder.close()

    def _record(self, source: int, stream: int, item: Any) -> None:
        if self.recorder is None:
            return
        try:
            self.recorder.write(source, stream, item)
        except ImsafeError as error:
            self._recording_failed(error)

    def _recording_failed(self, error: ImsafeError) -> None:
        recorder, self.recorder = self.recorder, None
        self.say(str(error))
        if recorder is not None and (more := recorder.abandon()):
            self.say(more)

    # The loop.

    def run(self, sources: list[tuple[str, Source]]) -> int:
        """Watch until the end; the exit status.

        That is 1 when there was an alert, else 2 when a source failed or a trace was cut short,
        else 0.  What one of many peers sends, anybody who may connect, decides nothing here.

        Raises
        ------
        ImsafeError
            The log, the recording or a source cannot be opened.
        """
        try:
            self._begin(sources)
            self._loop()
        except ImsafeError:
            self._end()
            self.report.close()
            raise
        self._end()
        if not self.report.close():
            self._failed = True
        if self.engine.alerts.count:
            return 1
        return 2 if self._failed else 0

    def _begin(self, sources: list[tuple[str, Source]]) -> None:
        options = self._options
        if options.log:
            self._log = ScoreLog(
                options.log,
                self._header(),
                most_bytes=options.log_size or MOST_BYTES,
                keep=options.log_keep,
            )
        if options.record:
            refuse_what_is_read(options.record, (source for _, source in sources))
            self.start_recording(options.record, append=options.append, replace=False)
        if options.until_closed is not None:
            self._selector.register(
                options.until_closed, selectors.EVENT_READ, self._read_until_closed
            )
        for kind, source in sources:
            self.add_source(kind, source)
        self._began = True
        self._outputs.ready(self.status())

    def _loop(self) -> None:
        end = None
        if self._options.duration is not None:
            end = time.monotonic() + self._options.duration
        while not self.stopping:
            ready = self._selector.select(self._wait(end))
            for key, _ in ready:
                key.data()
            self._handle(self.engine.take())
            now = time.monotonic()
            self._housekeeping(now)
            if end is not None and now >= end:
                return
            if self.report.reader_gone:
                return
            if not self._options.stay and all(s.closed for s in self._sources.values()):
                return

    def _wait(self, end: float | None) -> float:
        wait = _LONGEST_WAIT
        if self._boxes.waiting:
            wait = 0.0
        elif self._server is not None and self._server.clients:
            wait = 0.001 if self._server.waiting else _VIEW_WAIT
        if end is not None:
            wait = min(wait, max(0.0, end - time.monotonic()))
        return wait

    def _read_until_closed(self) -> None:
        assert self._options.until_closed is not None
        if not os.read(self._options.until_closed, 4096):
            self._selector.unregister(self._options.until_closed)
            self.stopping = True

    def _is_due(self, what: str, now: float, interval: float) -> bool:
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + interval
        return True

    def _housekeeping(self, now: float) -> None:
        if self._actions is not None and self._is_due("actions", now, 0.2):
            for text in self._actions.tick():
                self.say(text)
        self._boxes.write_some(now)
        if self.reload:
            self.reload = False
            self._reload()
        for text in self._outputs.tick(now):
            self.say(text)
        if self._is_due("profiles", now, PROFILES_S):
            self._look_at_profiles()
        if self._is_due("flush", now, FLUSH_S):
            self._flush()
        if self._is_due("standstill", now, STANDSTILL_S):
            for opened in self._sources.values():
                opened.look(self.say)
                self._tell_rest_of_ends(opened)
        states = [(opened.source.state, opened.stopped) for opened in self._sources.values()]
        if states != self._states:  # who waits for a tracer is told at once
            self._states = states
            self._due.pop("status", None)
        if self._is_due("status", now, STATUS_S):
            self._measure_rate(now)
            status = self.status()
            self._outputs.status(status, now)
            if self._is_due("printed status", now, 2 * STATUS_S):
                self.report.status(status)
            if self._server is not None:
                self._server.status(status)
                self._tell_processes(now)
        if self._server is not None:
            if self._is_due("open buckets", now, OPEN_BUCKETS_S):
                for buckets in self.engine.open_buckets():
                    self._server.buckets(self._early.early(buckets))
            self._steering.waiting.tick()
            self._server.tick(now)

    def _tell_processes(self, now: float) -> None:
        """Only where a window looks: with thousands of them it takes a while."""
        processes = self.engine.processes
        processes.age(now)
        if self._server is None or not self._server.clients:
            return
        self._server.identities(processes.introduced())
        self._server.processes(processes.rows(now - self._processes_at))
        self._processes_at = now

    def _flush(self) -> None:
        if self._log is not None:
            try:
                for text in self._log.flush():
                    self.say(text)
            except ImsafeError as error:
                self._log_failed(error)
        if self.recorder is not None:
            try:
                self.recorder.flush()
            except ImsafeError as error:
                self._recording_failed(error)

    def _log_failed(self, error: ImsafeError) -> None:
        log, self._log = self._log, None
        self.say(f"{error} Nothing is logged from here on.")
        if log is not None:
            log.abandon()

    def _look_at_profiles(self) -> None:
        """Somebody may have learned one again, or taken it away; what was read goes on."""
        if self._steering is not None and self._steering.waiting.busy:
            return  # we are writing one ourselves
        for watched in self.engine.applications.values():
            what = self._files.news(watched.path)
            if what:
                self.say(
                    f"The profile {watched.path} was {what} on the disk; the monitor goes on with"
                    f" what it had read of it."
                    + (" Reload it to use the new one." if what == "replaced" else "")
                )

    def _reload(self) -> None:
        self._outputs.reloading()
        reload_all(self, self._options.reread)
        self._outputs.ready(self.status())

    def reload_profile(self, watched: Watched, path: str) -> None:
        """Read a profile and go on with it.

        Raises
        ------
        ImsafeError
            It cannot be read; the one in use stays.
        """
        self.use_profile(watched, path, Scorer(Profile.load(path)))

    def use_profile(self, watched: Watched, path: str, ready: Scorer) -> None:
        """Go on with a profile that has been read and compiled."""
        self.engine.use_profile(watched, ready.profile, ready)
        watched.path = path
        if watched.follows_suggestion:
            watched.threshold = ready.profile.suggested_threshold
        self.profile_is_known(watched)

    def profile_is_known(self, watched: Watched) -> None:
        """The profile's file is as it was read now."""
        self._files.know(watched.path)

    # What was found.

    def _handle(self, findings: Findings) -> None:
        for text in findings.notices:
            self.say(text)
        for notice in findings.io_urings:
            self.report.io_uring(notice)
            self._outputs.notice(notice["text"], error=False)
            if self._server is not None:
                self._server.io_uring(notice)
        for alert in findings.opened:
            self.report.alert(alert)
            self._outputs.alert(alert)
            if self._actions is not None:
                self._actions.start(alert)
        for scored in findings.scored:
            self._outputs.scored(scored.buckets)
            if self._log is not None:
                self._log.write(log_lines(scored, self.engine.applications))
            if self._server is not None:
                self._server.buckets(self._early.complete(scored.buckets))
        self._boxes.add(findings.boxes)
        for alert in findings.alerts.values():
            if alert["state"] == "closed" and alert["id"] not in findings.forgotten:
                self.report.update(alert)
                self._outputs.update(alert)
            if self._server is not None:
                self._server.alert(alert)
        if self._server is not None:
            for number in findings.forgotten:
                self._server.forget_alert(number)
            if findings.gaps:
                self._server.gaps(gap_records(findings.gaps))

    def say(self, text: str, *, error: bool = False) -> bool:
        """A warning in words, or an error, for everybody; False if it was said a moment ago."""
        if not self.report.notice(text, error=error):
            return False
        self._outputs.notice(text, error=error)
        if self._server is not None:
            self._server.notice(text, time.time(), error=error)
        return True

    # The view.

    def _hello(self, may_steer: bool) -> Hello:
        return {
            "version": VIEW_VERSION,
            "pid": os.getpid(),
            "started": self._started,
            "may_steer": may_steer,
            "applications": [watched.row() for watched in self.engine.applications.values()],
        }

    def _measure_rate(self, now: float) -> None:
        since, calls = self._rate_since
        if now - since >= 1.0 or not calls:
            self._rate = (self.engine.calls - calls) / max(now - since, 1e-3)
            self._rate_since = now, self.engine.calls

    def status(self) -> Status:
        """How the monitor fares."""
        sources = [opened.row() for opened in self._sources.values()]
        if self.stopping:
            state = "ending"
        elif all(source["finished"] for source in sources):
            state = "idle"
        else:
            state = "watching" if any(source["streams"] for source in sources) else "waiting"
        return {
            "time": time.time(),
            "state": state,  # type: ignore[typeddict-item]
            "rate": self._rate,
            "calls": self.engine.calls,
            "lost": self.engine.lost,
            "alerts": self.engine.alerts.count,
            "open_alerts": self.engine.open_alerts,
            "log": str(self._log.path) if self._log is not None else None,
            "recording": self.recorder.path if self.recorder is not None else None,
            "recorded_bytes": self.recorder.bytes_written if self.recorder is not None else 0,
            "actions_held_back": self._actions.held_back if self._actions is not None else 0,
            "applications": [watched.row() for watched in self.engine.applications.values()],
            "sources": sources,
        }

    # The end.

    def _header(self) -> Iterator[str]:
        yield f"imsafe {imsafe.__version__}"
        for watched in self.engine.applications.values():
            yield f"{watched.name}: {watched.path}"

    def _end(self) -> None:
        """Close everything in order; what goes wrong now is said, and the rest goes on."""
        self.stopping = True
        self._outputs.stopping()
        for opened in self._sources.values():
            self._finish_source(opened)
        self.engine.finish()
        self._handle(self.engine.take())
        self._boxes.write_all()
        self._handle(self.engine.take())
        if self._actions is not None:
            for text in self._actions.close():
                self.say(text)
        if self.recorder is not None:
            try:
                self.stop_recording()
            except ImsafeError as error:
                self.say(str(error))
        summary = self._summary()
        line = (
            f"{number_of(summary['calls'], 'call')} scored, highest score {summary['highest']:.3f},"
            f" {number_of(summary['alerts'], 'alert')}, {number_of(summary['lost'], 'call')} lost"
            + (f", {summary['not_watched']:,} not watched" if summary["not_watched"] else "")
            + "."
        )
        counted = {w.name: w.covering.counted for w in self.engine.applications.values()}
        lines = [line, *(f"{name}: {c}." for name, c in counted.items() if c.sequences)]
        if self._log is not None:
            try:
                self._log.close(lines)
            except ImsafeError as error:
                self.say(str(error))
        if self._began:
            self.report.status(self.status())  # one that was over at once told none
            self.report.end(summary, "\n".join(lines))
            for text in lines:
                self._outputs.notice(text, error=False)
        for text in self._outputs.close(self.status()):
            self.report.notice(text)
        if self._server is not None:
            self._server.status(self.status())
            self._server.close()
            self._remove_folder()
        self._selector.close()

    def _remove_folder(self) -> None:
        """A window that was killed cannot remove the folder that it made for the view."""
        folder = Path(self._options.view or "").absolute().parent
        if self._options.until_closed is not None and folder.name.startswith(VIEW_FOLDER):
            with contextlib.suppress(OSError):  # the window has done it, or it is not empty
                folder.rmdir()

    def _summary(self) -> dict[str, Any]:
        engine = self.engine
        return {
            "calls": engine.calls,
            "highest": engine.highest,
            "alerts": engine.alerts.count,
            "lost": engine.lost,
            "not_watched": engine.not_watched,
            "coverage": {
                watched.name: watched.covering.counted.as_json()
                for watched in engine.applications.values()
            },
            "boxes_refused": engine.boxes_refused,
            "actions_held_back": self._actions.held_back if self._actions is not None else 0,
            "lines_dropped": self.report.dropped,
            "warnings": self._warnings,
        }
