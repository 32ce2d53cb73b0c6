# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a listener does, calls received and calls lost are the calls made."""

from __future__ import annotations

import socket
import time
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.events import EVENT, Kind
from imsafe.sources import sender as sender_module
from imsafe.sources.sender import Sender
from imsafe.stream.items import Lost, ProcessInfo
from imsafe.stream.parser import StreamParser

from .running import sorted_out

PROCESS = ProcessInfo(1, 42, 1, "comm", "/exe", 1)


class Listener:
    """The other end: reads when told to, goes away when told to."""

    def __init__(self) -> None:
        self.streams = {}
        self.connection = None
        self.finished = []

    def connect(self) -> socket.socket:
        if self.connection is not None:
            raise ConnectionRefusedError
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            end.setblocking(False)
        self.connection = ours
        self.parser = StreamParser("it")
        self.streams = {}
        return theirs

    def read(self) -> bool:
        try:
            octets = self.connection.recv(1 << 20)
        except BlockingIOError:
            return False
        sorted_out(self.parser.feed(octets), self.streams)
        return bool(octets)

    def leave(self) -> None:
        while self.read():
            pass
        sorted_out(self.parser.finish(), self.streams)
        self.finished += self.streams.values()
        self.connection.close()
        self.connection = None


def batch(calls: int, others: int, at: int) -> np.ndarray:
    events = np.zeros(calls + others, EVENT)
    events["kind"][calls:] = Kind.EXIT
    events["pid"] = events["tid"] = 42
    events["time_ns"] = at
    return events


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 60), st.integers(0, 3)),
        st.tuples(st.just("tick")),
        st.tuples(st.just("read")),
        st.tuples(st.just("leave")),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_received_and_lost_are_made(steps) -> None:
    listener = Listener()
    with patch("imsafe.sources.sender._RETRY_S", (0.0, 0.0)):
        sender = Sender({}, lambda: [PROCESS], connect=listener.connect, limit=8192)
        made = exits = 0
        for at, (step, *numbers) in enumerate(steps):
            if step == "write":
                sender.write(batch(*numbers, at + 1))
                made += numbers[0]
                exits += numbers[1]
            elif step == "tick":
                assert sender.tick()
            elif listener.connection is not None:
                listener.read() if step == "read" else listener.leave()
        for _ in range(1000):
            sender.tick()
            if listener.connection is not None and not listener.read() and not sender._queue:
                break
        with patch("imsafe.sources.sender._PATIENCE_S", 0.0):
            sender.close()
        listener.leave()
    assert sender.calls == made
    received = sum(len(stream.calls) for stream in listener.finished)
    lost = sum(stream.lost for stream in listener.finished)
    assert received + lost == made
    last = listener.finished[-1]
    assert last.totals == {"calls": len(last.calls) + last.lost, "lost": last.lost}
    assert last.closed.complete
    for stream in listener.finished:
        assert stream.processes in ([], [PROCESS])
        told = 0
        for item in stream.items:
            if isinstance(item, Lost):
                told += item.count
            elif isinstance(item, np.ndarray):
                assert set(item["aux"][item["kind"] == Kind.CALL].tolist()) <= {told}
    if len(listener.finished) == 1 and not lost:
        assert len(last.of_kind(Kind.EXIT)) == exits


def test_the_other_end_of_a_socketpair_is_not_called_again() -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    sender = Sender({}, list, connection=theirs)
    assert sender.tick()
    ours.close()
    assert not sender.tick()
    assert not sender.tick()
    sender.close()


def test_what_is_never_dropped_has_a_limit_too() -> None:
    """A fork bomb before a listener that does not read: a new segment, not all memory."""
    listener = Listener()
    sender = Sender({}, lambda: [PROCESS], connect=listener.connect, limit=8192)
    for at in range(2000):
        sender.write(batch(1, 10, at))
        assert sender._queued <= 2 * 8192 + 500
    sender.tick()
    while listener.read():
        sender.tick()
    (stream,) = listener.streams.values()
    assert len(stream.calls) + stream.lost == 2000
    sender.close()
    listener.leave()


def test_turned_away_it_tries_ever_more_rarely_and_says_so_once(monkeypatch) -> None:
    monkeypatch.setattr(sender_module, "_RETRY_S", (0.01, 0.16))
    tries: list[float] = []
    said: list[str] = []

    def connect() -> socket.socket:
        tries.append(time.monotonic())
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.close()
        return ours

    sender = Sender({}, list, connect=connect, say=said.append)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        sender.tick()
        time.sleep(0.002)
    assert 5 < len(tries) < 20
    assert tries[-1] - tries[-2] > 0.12
    assert said == [
        "The listener has closed the connection at once; it may have no place left, or not admit"
        " this user."
    ]
