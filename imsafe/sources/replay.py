# SPDX-License-Identifier: GPL-3.0-or-later
"""The replay source: a trace as if it came live, at full speed or at its own pace.

A thread reads the trace and hands over what is due, so that neither a slow
disk nor a pipe that pauses can hold up whoever reads the source.
"""

from __future__ import annotations

import math
import os
import socket
import stat
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Literal

import numpy as np

from imsafe.errors import ImsafeError, SourceError
from imsafe.events import Kind
from imsafe.files import mode_of
from imsafe.sources.base import Counters
from imsafe.sources.pace import Pace
from imsafe.stream.items import Closed, Item, Lost, Segment, Tagged
from imsafe.stream.losses import Losses
from imsafe.stream.traces import TraceReader, open_trace

_AHEAD = 4
"""How many items wait at most for whoever reads the source."""

_AT_ONCE = 32768
"""A `read` takes no further batch once it has so many events."""

_LONGEST_WAIT_S = 3600.0
"""A time stamp may be centuries away, a wait may not."""


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

    Attributes
    ----------
    warnings
        What was wrong with the trace, in words; complete once it is finished.
    cut_short
        Whether its last part could not be read, which one of the warnings says.

    Raises
    ------
    SourceError
        The speed is none.
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
        self.cut_short = False
        self._format = format
        self._pace = Pace(factor)
        self._thread: threading.Thread | None = None
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._losses: dict[int, Losses] = {}
        self._size = 0
        self._position = 0
        # Shared with the thread, under the lock:
        self._lock = threading.Condition()
        self._due: deque[tuple[int, Item, int]] = deque()
        self._over = False
        self._stopped = False
        self._cut_off = False  # closed before its end
        self._rung = False
        self._bug: BaseException | None = None

    @property
    def finished(self) -> bool:
        """Whether everything was handed over."""
        with self._lock:
            return self._over and not self._due

    @property
    def progress(self) -> float:
        """How much was handed over, from 0 to 1; 0 until the end where it is not known (a pipe)."""
        if self.finished:
            return 1.0
        return min(self._position / self._size, 1.0) if self._size else 0.0

    @property
    def state(self) -> str:
        """One phrase for the status bar."""
        if self._cut_off:
            return "replay closed"
        if self.finished:
            return "replay finished"
        if self._thread is None:
            return "replay not started"
        return f"replaying, {int(self.progress * 100)} %" if self._size else "replaying"

    def open(self) -> None:
        """Begin.

        Raises
        ------
        SourceError
            The trace cannot be read.
        """
        if self._thread is not None or self._stopped:
            return
        reader: TraceReader | None = None
        items: Iterator[Tagged] | None = None
        first: list[Tagged] = []
        mode = mode_of(self.path)
        if not (self.path == "-" or stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
            # A pipe or a terminal is opened in the thread: there it may take its time.
            try:
                reader = open_trace(self.path, self._format)
                items = iter(reader)
                first = [item for item in (next(items, None),) if item is not None]
            except ImsafeError as error:
                raise SourceError(str(error)) from error
            self._size = reader.size
        self._bell = socket.socketpair()
        for end in self._bell:
            end.setblocking(False)
        self._thread = threading.Thread(
            target=self._run,
            args=(reader, items, first),
            name=f"replay of {self.name}",
            daemon=True,
        )
        self._thread.start()

    def fileno(self) -> int:
        """A descriptor that is readable when `read` has something, and once it is finished."""
        if self._bell is None:
            raise ValueError("the source is not open")
        return self._bell[0].fileno()

    def read(self, timeout: float = 0.0) -> list[Tagged]:
        """The items that are due; waits `timeout` seconds at most for the first."""
        items: list[Tagged] = []
        with self._lock:
            if timeout > 0:
                self._lock.wait_for(lambda: self._due or self._over, timeout)
            events = 0
            while self._due and events < _AT_ONCE:
                stream, item, self._position = self._due.popleft()
                items.append((stream, item))
                events += len(item) if isinstance(item, np.ndarray) else 1
            if not self._due and not self._over:
                self._silence()
            self._lock.notify_all()
            bug, self._bug = self._bug, None
        if bug is not None:
            raise bug
        for stream, item in items:
            self._count(stream, item)
        self.counters.bytes = self._position
        return items

    def reads(self, path: str | os.PathLike[str]) -> bool:
        """Whether its trace is this very file; ``-`` is standard output."""
        try:
            own = os.fstat(sys.stdin.fileno()) if self.path == "-" else os.stat(self.path)  # noqa: PTH116
            other = os.fstat(sys.stdout.fileno()) if path == "-" else os.stat(path)  # noqa: PTH116
        except OSError:
            return False
        return stat.S_ISREG(own.st_mode) and os.path.samestat(own, other)

    def stop(self) -> bool:
        """Nothing is on its way that `close` would lose."""
        return False

    def close(self) -> None:
        """Stop, and release everything."""
        with self._lock:
            if not self._stopped:
                self._cut_off = not self._over or bool(self._due)
            self._stopped = self._over = True
            self._due.clear()
            self._lock.notify_all()
        if self._thread is not None:
            # A thread that waits for a silent pipe ends with the program, or with the pipe.
            self._thread.join(None if self._size else 0.1)
        with self._lock:
            if self._bell is not None:
                for end in self._bell:
                    end.close()
                self._bell = None
        self.counters.streams_open = 0

    def _count(self, stream: int, item: Item) -> None:
        counters = self.counters
        if isinstance(item, Segment):
            self._losses[stream] = Losses()
            counters.streams_total += 1
        elif isinstance(item, Closed):
            self._losses.pop(stream, None)
        elif isinstance(item, Lost):
            counters.lost += self._losses[stream].frame(item)
        elif isinstance(item, np.ndarray):
            told = item["aux"][item["kind"] == Kind.CALL]
            counters.calls += len(told)
            counters.lost += sum(new for _, new in self._losses[stream].calls(told))
        counters.streams_open = len(self._losses)

    # -- in the thread ---------------------------------------------------------------

    def _run(
        self, reader: TraceReader | None, items: Iterator[Tagged] | None, first: list[Tagged]
    ) -> None:
        open_streams: set[int] = set()
        last = -1
        failure = ""
        try:
            if reader is None or items is None:
                reader = open_trace(self.path, self._format)
                items = iter(reader)
            with closing(reader):
                for stream, item in _both(first, items):
                    last = max(last, stream)
                    open_streams.add(stream)
                    if isinstance(item, Closed):
                        open_streams.discard(stream)
                    for part in self._pace.parts(stream, item):
                        if not self._hand_over(stream, part, reader.position):
                            return
        except ImsafeError as error:
            # What came before stays; the reason is how the streams end.
            if last < 0:
                last = 0
                open_streams.add(0)
                self._hand_over(0, Segment({"applications": []}), 0)
            for stream in sorted(open_streams or {last}):
                self._hand_over(stream, Closed(complete=False, warning=str(error)), self._size)
            failure = str(error)
        except BaseException as error:  # noqa: BLE001 - a bug of ours: read() raises it
            with self._lock:
                self._bug = error
        finally:
            with self._lock:
                warnings = [] if reader is None else reader.warnings
                self.warnings = [*warnings, failure] if failure else list(warnings)
                self.cut_short = bool(failure) or (reader is not None and reader.cut_short)
                self._over = True
                self._ring()
                self._lock.notify_all()

    def _hand_over(self, stream: int, item: Item, position: int) -> bool:
        """Give an item when it is due; false when the source was closed meanwhile."""
        with self._lock:
            while not self._stopped:
                wait = self._pace.wait(stream, item)
                if wait > 0:
                    self._lock.wait(min(wait, _LONGEST_WAIT_S))
                elif len(self._due) >= _AHEAD:
                    self._lock.wait()
                else:
                    break
            if self._stopped:
                return False
            self._due.append((stream, item, position))
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


def refuse_what_is_read(output: str | os.PathLike[str], sources: Iterable[object]) -> None:
    """Refuse to record into a trace that is replayed: it would be lost, or grow without end.

    Raises
    ------
    SourceError
        One of the sources reads it.
    """
    for source in sources:
        if isinstance(source, ReplaySource) and source.reads(output):
            raise SourceError(
                f"{source.name} is the trace that is replayed; record to another file."
            )


def _both(first: list[Tagged], rest: Iterator[Tagged]) -> Iterator[Tagged]:
    yield from first
    yield from rest
