# SPDX-License-Identifier: GPL-3.0-or-later
"""The sensor's side of a socket: never waits, counts what it has to drop, comes back.

What a listener has not taken yet is kept up to a limit, 64 MiB; then calls are
dropped and counted until half of it is free again.  What is known of processes
(births, programs, ends) is kept in any case.  When a listener goes away, a new
segment begins: a header, the live processes, and how many calls it misses.
Over all segments, calls received and calls lost are the calls made, to the
unit, but for what a listener was sent and never read.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from imsafe.errors import SourceError
from imsafe.events import Events, Kind
from imsafe.stream.codec import encode
from imsafe.stream.frames import segment_header
from imsafe.stream.items import End, Item, Lost, ProcessInfo
from imsafe.words import number_of

BUFFER_LIMIT = 64 << 20
_RETRY_S = (0.1, 2.0)
_TURNED_AWAY_S = 1.0
"""A connection that is closed sooner was not wanted: it is tried ever more rarely again."""
_PATIENCE_S = 10.0
_CLOSED = "the listener has closed the connection"
_U32 = 0xFFFFFFFF


@dataclass(slots=True)
class _Chunk:
    """Bytes to send, and what is settled once the last of them is sent."""

    octets: bytes
    calls: int = 0
    lost: int = 0
    until_ns: int = 0


class Sender:
    """Sends a tracer's items to a listener.

    Parameters
    ----------
    meta
        The stream's header.
    live_processes
        Gives the processes to announce when a new segment begins.
    connection
        A connected socket; when its other end closes it, the sending is over.
    connect
        Instead: returns a connected, trusted, non-blocking socket; raises
        `OSError` when nobody listens and `SourceError` when the wrong one
        does.  It is called again whenever there is no connection.
    limit
        Bytes to keep for a slow listener.
    say
        Takes a sentence for a person.
    """

    def __init__(
        self,
        meta: dict[str, Any],
        live_processes: Callable[[], Iterable[ProcessInfo]],
        *,
        connection: socket.socket | None = None,
        connect: Callable[[], socket.socket] | None = None,
        limit: int = BUFFER_LIMIT,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._meta = meta
        self._live_processes = live_processes
        self._connection = connection
        self._connect = connect
        self._limit = limit
        self._say = say
        self._said = ""
        self._retry_at = 0.0
        self._retry_s = _RETRY_S[0]
        self._connected_at = time.monotonic()
        # Over the whole life: calls taken, and calls in or missing from what was sent.
        self.calls = 0
        self._settled = 0
        self._settled_ns = time.monotonic_ns()
        self._queue: deque[_Chunk] = deque()
        self._queued = 0
        self._sent_of_first = 0
        self._begin_segment(())  # the tracer begins by telling of its processes

    def _begin_segment(self, processes: Iterable[ProcessInfo]) -> None:
        self._queue.clear()
        self._queued = self._sent_of_first = 0
        self._dropping = False
        now = time.monotonic_ns()
        times = {"wall_ns": time.time_ns(), "monotonic_ns": now}
        self._put(_Chunk(segment_header({**self._meta, **times})))
        # Of this segment: calls made, calls lost, and those not told of yet.
        self._made = self._lost = self._untold = self.calls - self._settled
        self._lost_from, self._lost_to = self._settled_ns, now
        for info in processes:
            self._put(_Chunk(encode(info)))
        self._tell_lost()

    @property
    def lost(self) -> int:
        """Calls that cannot arrive any more, or are missing in what did, of this segment."""
        return self._lost

    def write(self, item: Item) -> None:
        """Take an item and keep it until the listener takes it; calls may be dropped."""
        if isinstance(item, np.ndarray):
            self._write_events(item)
        else:
            self._put(_Chunk(encode(item)))
        if self._queued > 2 * self._limit:
            # Even what is never dropped has a limit: begin anew from the live processes.
            if self._connection is not None:
                self._disconnect("the listener does not read")
            else:
                self._begin_segment(self._live_processes())

    def _write_events(self, events: Events) -> None:
        is_call = events["kind"] == Kind.CALL
        calls = int(np.count_nonzero(is_call))
        self.calls += calls
        self._made += calls
        if self._dropping:
            self._dropping = self._queued > self._limit // 2
        if not self._dropping and self._queued + events.nbytes > self._limit:
            self._dropping = True
        if self._dropping and calls:
            times = events["time_ns"][is_call]
            if not self._untold:
                self._lost_from = int(times[0])
            self._lost_to = int(times[-1])
            self._lost += calls
            self._untold += calls
            events = events[~is_call]
            calls = 0
        if not len(events):
            return
        if calls:
            self._tell_lost()
            if self._lost:
                events = events.copy()
                events["aux"][is_call] = self._lost & _U32
        self._put(_Chunk(encode(events), calls, 0, int(events["time_ns"][-1])))

    def _tell_lost(self) -> None:
        if self._untold:
            lost = Lost(self._untold, self._lost_from, self._lost_to)
            self._put(_Chunk(encode(lost), 0, self._untold, self._lost_to))
            self._untold = 0

    def _put(self, chunk: _Chunk) -> None:
        self._queue.append(chunk)
        self._queued += len(chunk.octets)

    def tick(self) -> bool:
        """Send what the listener takes; False when the other end is closed for good."""
        if self._connection is None and self._connect is not None:
            self._try_to_connect(self._connect)
        if self._connection is not None:
            self._pump(self._connection)
        if self._connect is not None and self._connection is not None and self._is_wanted():
            self._retry_s = _RETRY_S[0]
            self._say_once("Connected to a listener.")
        return self._connection is not None or self._connect is not None

    def _try_to_connect(self, connect: Callable[[], socket.socket]) -> None:
        if time.monotonic() < self._retry_at:
            return
        self._retry_at = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, _RETRY_S[1])
        try:
            connection = connect()
        except SourceError as error:
            self._say_once(str(error))
            return
        except OSError:
            self._say_once("Nobody listens yet; the calls are kept until somebody does.")
            return
        self._connected_at = time.monotonic()
        if self._lost:
            # What has been kept is old and has a hole: better the present.
            self._begin_segment(self._live_processes())
        self._connection = connection

    def _is_wanted(self) -> bool:
        return time.monotonic() - self._connected_at >= _TURNED_AWAY_S

    def _say_once(self, sentence: str) -> None:
        if sentence != self._said:
            self._said = sentence
            self._say(sentence)

    def _pump(self, connection: socket.socket) -> bool:
        """Send until the listener takes no more; whether it took anything."""
        progress = False
        try:
            if self._closed_by_listener(connection):
                self._disconnect(_CLOSED)
                return progress
            while self._queue:
                first = self._queue[0]
                sent = connection.send(memoryview(first.octets)[self._sent_of_first :])
                progress = True
                self._sent_of_first += sent
                self._queued -= sent
                if self._sent_of_first == len(first.octets):
                    self._sent_of_first = 0
                    self._settled += first.calls + first.lost
                    self._settled_ns = max(self._settled_ns, first.until_ns)
                    self._queue.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self._disconnect(_CLOSED)
        return progress

    @staticmethod
    def _closed_by_listener(connection: socket.socket) -> bool:
        # A listener never answers: what can be read is its end.
        try:
            return not connection.recv(4096)
        except BlockingIOError:
            return False

    def _disconnect(self, why: str) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._connect is not None and why is _CLOSED and not self._is_wanted():
            why += " at once; it may have no place left, or not admit this user"
        self._say_once(f"{why[0].upper()}{why[1:]}.")
        self._retry_at = time.monotonic() + self._retry_s
        self._begin_segment(self._live_processes())

    def close(self, totals: dict[str, int] | None = None) -> None:
        """Send the rest and this segment's totals, as long as the listener goes on reading.

        Parameters
        ----------
        totals
            Of the tracer; the segment's own are sent.
        """
        self._tell_lost()
        self._put(_Chunk(encode(End({"calls": self._made, "lost": self._lost}))))
        self.tick()
        give_up = time.monotonic() + _PATIENCE_S
        while self._connection is not None and self._queue and time.monotonic() < give_up:
            select.select([], [self._connection], [], 0.1)
            if self._pump(self._connection):
                give_up = time.monotonic() + _PATIENCE_S
        if self._connection is not None:
            if self._connect is not None and not self._queue:
                self._say_once("Connected to a listener.")  # too shortly to have been said
            self._connection.close()
            self._connection = None
        if self._queue:
            unsent = self.calls - self._settled
            calls = number_of(unsent, "call")
            self._say(f"{calls} could not be sent: the listener takes no more.")
