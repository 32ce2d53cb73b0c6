# SPDX-License-Identifier: GPL-3.0-or-later
"""The replay source: a trace as if it came live, at full speed or at its own pace.

A thread reads the trace and hands over what is due, so that neither a slow
disk nor a pipe that pauses can hold up whoever reads the source.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections import deque
from typing import Literal

import numpy as np

from imsafe.errors import ImsafeError, SourceError
from imsafe.events import Kind
from imsafe.sources.base import Counters
from imsafe.stream.items import Closed, Item, Lost, ProcessInfo, Segment, Tagged
from imsafe.stream.traces import TraceReader, open_trace

_AHEAD = 4
"""How many items wait at most for whoever reads the source."""

_SLICE_NS = 20_000_000
"""Events due within so short a time are handed over together."""


class ReplaySource:
    """A trace file as a source.

    Parameters
    ----------
    path
        The trace; ``-`` is standard input.
    format
        See `imsafe.stream.traces.FORMATS`.
    speed
        ``full``, ``recorded``, or how many times faster than recorded.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        format: str = "auto",  # noqa: A002
        speed: Literal["full", "recorded"] | float = "full",
    ) -> None:
        if isinstance(speed, str):
            if speed not in {"full", "recorded"}:
                raise SourceError(f"A replay's speed is full, recorded or a factor, not {speed!r}.")
            factor = math.inf if speed == "full" else 1.0
        else:
            factor = float(speed)
            if not factor > 0:
                raise SourceError(f"A replay's speed must be above 0, not {speed}.")
        self.path = os.fspath(path)
        self.name = "standard input" if self.path == "-" else self.path
        self.counters = Counters()
        self.warnings: list[str] = []
        self._format = format
        self._pace = _Pace(factor)
        self._reader: TraceReader | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Condition()
        self._due: deque[Tagged] = deque()
        self._over = False
        self._failure: BaseException | None = None
        self._stopped = False
        self._open: set[int] = set()
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._rung = False

    @property
    def finished(self) -> bool:
        """Whether everything was handed over."""
        with self._lock:
            return self._over and not self._due

    @property
    def progress(self) -> float:
        """How much was read, from 0 to 1; 0 where the end cannot be known (a pipe)."""
        if self.finished:
            return 1.0
        reader = self._reader
        return min(reader.position / reader.size, 1.0) if reader and reader.size else 0.0

    @property
    def state(self) -> str:
        """One phrase for the status bar."""
        if self._reader is None:
            return "replay not started" if not self._over else "replay closed"
        if self.finished:
            return "replay finished"
        if not self._reader.size:
            return "replaying"
        return f"replaying, {int(self.progress * 100)} %"

    def open(self) -> None:
        """Begin.

        Raises
        ------
        SourceError
            The trace cannot be read.
        """
        if self._reader is not None:
            return
        try:
            self._reader = open_trace(self.path, self._format)
        except SourceError:
            raise
        except ImsafeError as error:
            raise SourceError(str(error)) from error
        self._bell = socket.socketpair()
        for end in self._bell:
            end.setblocking(False)
        self._thread = threading.Thread(
            target=self._run, args=(self._reader,), name=f"replay of {self.name}", daemon=True
        )
        self._thread.start()

    def fileno(self) -> int:
        """A descriptor that is readable when `read` has something."""
        if self._bell is None:
            raise ValueError("the source is not open")
        return self._bell[0].fileno()

    def read(self, timeout: float = 0.0) -> list[Tagged]:
        """The items that are due; waits `timeout` seconds at most for the first."""
        with self._lock:
            if not self._due and not self._over and timeout > 0:
                self._lock.wait_for(lambda: self._due or self._over, timeout)
            items = list(self._due)
            self._due.clear()
            if not self._over:
                self._silence()
            self._lock.notify_all()
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        for stream, item in items:
            self._count(stream, item)
        if self._reader is not None:
            self.counters.bytes = self._reader.position
        return items

    def close(self) -> None:
        """Stop, and release everything."""
        with self._lock:
            self._stopped = self._over = True
            self._due.clear()
            self._lock.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._bell is not None:
            for end in self._bell:
                end.close()
            self._bell = None

    def _count(self, stream: int, item: Item) -> None:
        counters = self.counters
        if isinstance(item, np.ndarray):
            counters.calls += int(np.count_nonzero(item["kind"] == Kind.CALL))
        elif isinstance(item, Lost):
            counters.lost += item.count
        elif isinstance(item, Segment):
            self._open.add(stream)
            counters.streams_total += 1
        elif isinstance(item, Closed):
            self._open.discard(stream)
        counters.streams_open = len(self._open)

    # -- in the thread ---------------------------------------------------------------

    def _run(self, reader: TraceReader) -> None:
        last: int | None = None
        try:
            for stream, item in reader:
                last = stream
                for part in self._pace.parts(item):
                    if not self._hand_over(stream, part):
                        return
        except ImsafeError as error:
            # Whoever reads gets what came before, and the reason as the end of the stream.
            if last is not None:
                self._hand_over(last, Closed(complete=False, warning=str(error)))
            else:
                self._fail(SourceError(str(error)))
        except BaseException as error:  # noqa: BLE001 - a bug of ours: raised again by read()
            self._fail(error)
        finally:
            with self._lock:
                self.warnings = list(reader.warnings)
                self._over = True
                self._ring()
                self._lock.notify_all()

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._failure = error

    def _hand_over(self, stream: int, item: Item) -> bool:
        """Give an item when it is due; false when the source was closed meanwhile."""
        with self._lock:
            while not self._stopped:
                wait = self._pace.wait(item)
                if wait > 0:
                    self._lock.wait(wait)
                elif len(self._due) >= _AHEAD:
                    self._lock.wait()
                else:
                    break
            if self._stopped:
                return False
            self._due.append((stream, item))
            self._ring()
            self._lock.notify_all()
        return True

    def _ring(self) -> None:
        if self._bell is not None and not self._rung:
            self._bell[1].send(b"!")
            self._rung = True

    def _silence(self) -> None:
        if self._bell is not None and self._rung:
            self._bell[0].recv(16)
            self._rung = False


class _Pace:
    """When an item is due, from the times recorded in it."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._began = 0.0
        self._origin: int | None = None

    def parts(self, item: Item) -> list[Item]:
        """An item, or slices of a batch of events that are due at about the same time."""
        if not isinstance(item, np.ndarray) or math.isinf(self._factor) or len(item) < 2:
            return [item]
        times = np.maximum.accumulate(item["time_ns"])
        step = max(1, int(_SLICE_NS * self._factor))
        slots = (times - times[0]) // np.uint64(step)
        cuts = np.flatnonzero(np.diff(slots)) + 1
        return list(np.split(item, cuts))

    def wait(self, item: Item) -> float:
        """Seconds until an item is due."""
        if math.isinf(self._factor):
            return 0.0
        if isinstance(item, Segment):
            self._origin = None  # another recording: the time between the two is not replayed
            return 0.0
        at = _time_of(item)
        if at is None:
            return 0.0
        now = time.monotonic()
        if self._origin is None:
            self._origin, self._began = at, now
        return self._began + (at - self._origin) / 1e9 / self._factor - now


def _time_of(item: Item) -> int | None:
    if isinstance(item, np.ndarray):
        return int(item["time_ns"][0]) if len(item) else None
    if isinstance(item, ProcessInfo):
        return item.time_ns
    if isinstance(item, Lost):
        return item.to_ns
    return None
