# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording to a trace file: from a tracer in this process, or from any sources."""

from __future__ import annotations

import platform
import select
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import imsafe
from imsafe.cli.common import Stop, emit, say
from imsafe.errors import ImsafeError
from imsafe.events import Events, Kind
from imsafe.profile.live_saturation import LiveSaturation
from imsafe.profile.saturation import Saturation
from imsafe.sources.base import FromFile, Source
from imsafe.stream.items import Closed, Item, Lost, ProcessInfo, Segment
from imsafe.stream.trace_file import TraceWriter
from imsafe.words import number_of

_SHOW_S = 0.5
_FLUSH_S = 1.0
_WAIT_S = 0.1
_MOST_WARNINGS = 100
_COUNTING_SHARE = 0.02
_COUNTING_REST_S = 0.2
"""Counting sequences takes this share of the time at most, beyond its first fifth of a second."""
_REST_S = 10.0
"""For what is still on its way at the end."""


class Recording:
    """A trace file being written; the sink of a tracer.

    Parameters
    ----------
    stop
        Becomes true when somebody asks to end.
    duration
        Seconds after which to end; None: no limit.
    as_json, on_terminal
        How to show what has been recorded so far.
    counted
        Count what is new, though nothing is shown before the end.

    Attributes
    ----------
    failure
        Why the recording ended before its time; None when it did not.
    warnings
        What was wrong with the streams of sensors, in words; the first hundred.
    received_garbage
        Whether a peer sent what is no stream; one of the warnings says which.
    """

    def __init__(
        self,
        *,
        stop: Stop,
        duration: float | None,
        as_json: bool,
        on_terminal: bool,
        counted: bool = False,
    ) -> None:
        self.failure: ImsafeError | None = None
        self.warnings: list[str] = []
        self.received_garbage = False
        self._stop = stop
        self._duration = duration
        self._end = float("inf")
        self._json = as_json
        self._terminal = on_terminal
        self._writer: TraceWriter | None = None
        self._calls = 0
        self._lost = 0
        self._seen = LiveSaturation() if as_json or on_terminal or counted else None
        self._processes: set[tuple[int, int]] = set()
        self._counting_s = 0.0
        self._began = self._shown_at = self._flushed_at = time.monotonic()

    def begin(self, writer: TraceWriter) -> None:
        """Write to this file from now on; the duration begins."""
        self._writer = writer
        if self._duration is not None:
            self._end = time.monotonic() + self._duration

    @property
    def totals(self) -> dict[str, int]:
        """Calls received, calls lost, processes seen, size of the file."""
        return {
            "calls": self._calls,
            "lost": self._lost,
            "processes": len(self._processes),
            "bytes": 0 if self._writer is None else self._writer.bytes_written,
        }

    def write(self, item: Item, channel: int = 0) -> None:
        """Write an item; waits for the disk."""
        assert self._writer is not None
        self._writer.write(item, channel)
        if isinstance(item, np.ndarray):
            self._calls += int(np.count_nonzero(item["kind"] == Kind.CALL))
            self._count(channel, item)
        elif isinstance(item, Lost) and self._seen is not None:
            self._seen.void(channel)
        elif isinstance(item, ProcessInfo):
            self._processes.add((channel, item.pid))

    def _count(self, channel: int, events: Events) -> None:
        """Count sequences, where that does not keep the recording itself from its work.

        What is passed over makes sequences look rarer than they are: at worst one
        records for longer than was needed.
        """
        if self._seen is None:
            return
        began = time.monotonic()
        if self._counting_s > _COUNTING_REST_S + _COUNTING_SHARE * (began - self._began):
            self._seen.void(channel)
            return
        self._seen.feed(channel, events)
        self._counting_s += time.monotonic() - began

    def open_channel(self, meta: dict[str, Any]) -> int:
        """Begin one more stream in the file."""
        assert self._writer is not None
        return self._writer.open_channel(meta)

    def close_channel(self, channel: int) -> None:
        """A stream is over."""
        assert self._writer is not None
        self._writer.close_channel(channel)
        if self._seen is not None:
            self._seen.end(channel)

    @property
    def saturation(self) -> Saturation | None:
        """How much of what is to be expected was recorded; None where nobody asked."""
        return None if self._seen is None else self._seen.saturation

    def note_end(self, end: Closed) -> None:
        """Say at once what was wrong with a stream that is over."""
        self.received_garbage |= end.broken
        if end.warning:
            self.finish()
            say("ims-trace", end.warning)
            if len(self.warnings) < _MOST_WARNINGS:
                self.warnings.append(end.warning)

    def note_lost(self, lost: int) -> None:
        """Say how many calls the sources have lost so far."""
        self._lost = lost

    def tick(self) -> bool:
        """Keep the file and the person up to date; False when it is time to end."""
        now = time.monotonic()
        if now - self._flushed_at > _FLUSH_S and self._writer is not None:
            self._flushed_at = now
            self._writer.flush()
        if now - self._shown_at > _SHOW_S:
            self._shown_at = now
            self._show()
        return not self._stop and now < self._end

    def _show(self) -> None:
        seen = self.saturation
        if self._json:
            emit({"type": "progress", **self.totals, **(seen.as_fields() if seen else {})})
        elif self._terminal:
            processes = number_of(len(self._processes), "process", "processes")
            text = f"{number_of(self._calls, 'call')} of {processes}"
            if self._lost:
                text += f", {self._lost:,} lost"
            print(f"\r\x1b[K{text}; {seen}"[:200], end="", file=sys.stderr, flush=True)

    def close(self, totals: dict[str, int]) -> None:
        """Write the totals and close the file."""
        assert self._writer is not None
        self._writer.close(totals)

    def finish(self) -> None:
        """Take the line on the terminal away."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def record_sources(
    sources: Sequence[Source],
    writer: Callable[[dict[str, Any]], TraceWriter],
    recording: Recording,
) -> Recording:
    """Record everything that sources yield, each stream as a channel of the file.

    Parameters
    ----------
    sources
        Not yet open; closed when this returns.
    writer
        Makes the file, given its header.
    recording
        Where to; says when to end.
    """
    opened: list[Source] = []
    try:
        for source in sources:
            source.open()
            opened.append(source)
        recording.begin(writer(_header()))
        channels: dict[tuple[int, int], int] = {}

        def turn() -> None:
            for source in _ready(opened):
                number = opened.index(source)
                for stream, item in source.read(_WAIT_S if len(opened) == 1 else 0.0):
                    _record(recording, channels, (number, stream), item)
                    if isinstance(item, Closed) and not isinstance(source, FromFile):
                        recording.note_end(item)
            recording.note_lost(sum(source.counters.lost for source in opened))

        try:
            while recording.tick() and not all(source.finished for source in opened):
                turn()
            # What is on its way still belongs to the recording, and the tracer's totals.
            ending = [source for source in opened if source.stop()]
            deadline = time.monotonic() + _REST_S
            while time.monotonic() < deadline and not all(source.finished for source in ending):
                turn()
        except ImsafeError as error:
            recording.failure = error
        _close(recording)
    finally:
        for source in opened:
            source.close()
    return recording


def _ready(sources: list[Source]) -> list[Source]:
    """Those that may have something; a single one waits by itself, on any system."""
    if len(sources) == 1:
        return sources
    descriptors = {source.fileno(): source for source in sources if not source.finished}
    return [descriptors[number] for number in select.select(descriptors, [], [], _WAIT_S)[0]]


def _record(
    recording: Recording,
    channels: dict[tuple[int, int], int],
    stream: tuple[int, int],
    item: Item,
) -> None:
    if isinstance(item, Segment):
        channels[stream] = recording.open_channel(item.meta)
    elif isinstance(item, Closed):
        recording.close_channel(channels.pop(stream))
    else:
        recording.write(item, channels[stream])


def _close(recording: Recording) -> None:
    totals = recording.totals
    try:
        recording.close({"calls": totals["calls"] + totals["lost"], "lost": totals["lost"]})
    except ImsafeError as error:
        recording.failure = recording.failure or error


def _header() -> dict[str, Any]:
    return {
        "applications": [],
        "tracer": "ims-trace",
        "host": platform.node(),
        "kernel": platform.release(),
        "imsafe": imsafe.__version__,
        "timed": True,
        "wall_ns": time.time_ns(),
        "monotonic_ns": time.monotonic_ns(),
    }
