# SPDX-License-Identifier: GPL-3.0-or-later
"""The rings' reader against the kernel's layout, and the order of calls and lifecycle records.

No kernel is needed: a file in memory is laid out as the kernel lays a ring out.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsafe.events import EVENT, Kind
from imsafe.sources.ebpf.lifecycle import Lifecycle
from imsafe.stream.items import ProcessInfo

if sys.platform != "linux":
    pytest.skip("memory files are Linux's", allow_module_level=True)

from imsafe.sources.ebpf.ring import SLOT, CallRing, CallRings, LifecycleRing

PAGE = mmap.PAGESIZE
BUSY = 1 << 31
SLOTS = 2 * PAGE // SLOT
EVENT_BYTES = struct.Struct("<QIIHBBI")


class Kernel:
    """Writes a ring as the kernel does: reserve, fill, commit, in any order."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.descriptor = os.memfd_create("ring")
        os.ftruncate(self.descriptor, 2 * PAGE + size)
        self.memory = mmap.mmap(self.descriptor, 2 * PAGE + size)
        self.produced = 0

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def _position(self, page: int) -> ctypes.c_uint64:
        return ctypes.c_uint64.from_buffer(self.memory, page * PAGE)

    def reserve(self, length: int) -> int | None:
        """A place for a record; None when there is no room."""
        wide = (length + 8 + 7) & ~7
        if self.produced + wide - self._position(0).value > self.size:
            return None
        place = self.produced
        self._write(place, struct.pack("<II", length | BUSY, 0))
        self.produced += wide
        self._position(1).value = self.produced
        return place

    def commit(self, place: int, octets: bytes) -> None:
        self._write(place + 8, octets)
        self._write(place, struct.pack("<II", len(octets), 0))

    def _write(self, place: int, octets: bytes) -> None:
        for offset, octet in enumerate(octets):
            self.memory[2 * PAGE + (place + offset) % self.size] = octet


def call(time_ns: int, pid: int, tid: int, number: int = 0) -> bytes:
    return EVENT_BYTES.pack(time_ns, pid, tid, number, 1, Kind.CALL, 0)


@given(
    st.lists(
        st.one_of(st.just("write"), st.just("hold"), st.just("release"), st.integers(0, 40)),
        max_size=400,
    )
)
def test_every_record_once_and_in_order(steps) -> None:
    """Whatever is written, held back and taken, and whenever; a full ring says so."""
    with Kernel(2 * PAGE) as kernel:
        ring = CallRing(kernel.descriptor, kernel.size)
        held: list[tuple[int, int]] = []
        written, taken, number = [], [], 0
        for step in steps:
            if isinstance(step, int):
                events, horizon = ring.take(10**9, step)
                taken += events["time_ns"].tolist()
                assert len(events) <= step
                missing = [n for n in written if n not in taken and n not in dict(held)]
                assert all(n >= horizon for n in missing)
            elif step == "release" and held:
                moment, place = held.pop()
                kernel.commit(place, call(moment, 1, 1))
            else:
                place = kernel.reserve(24)
                if place is None:
                    assert len(written) - len(taken) >= SLOTS
                    continue
                number += 1
                written.append(number)
                if step == "hold":
                    held.append((number, place))
                else:
                    kernel.commit(place, call(number, 1, 1))
        for moment, place in held:
            kernel.commit(place, call(moment, 1, 1))
        taken += ring.take(10**9, 10**6)[0]["time_ns"].tolist()
        assert taken == written
        assert ring.take(77, 10)[1] == 77


@given(st.lists(st.integers(1, 700), max_size=60), st.integers(0, 3))
def test_records_of_any_length(lengths, every) -> None:
    with Kernel(PAGE) as kernel:
        ring = LifecycleRing(kernel.descriptor, kernel.size)
        written, taken = [], []
        for number, length in enumerate(lengths):
            octets = bytes([number % 251]) * length
            place = kernel.reserve(length)
            if place is None:
                taken += ring.take()
                place = kernel.reserve(length)
            assert place is not None
            kernel.commit(place, octets)
            written.append(octets)
            if every and number % every == 0:
                taken += ring.take()
        taken += ring.take()
        assert taken == written


def birth(time_ns: int, pid: int, tid: int, child: int, *, thread: bool, app: int = 1) -> bytes:
    event = EVENT_BYTES.pack(time_ns, pid, tid, 0, 0, Kind.FORK, child)
    return event + struct.pack("<IBBxx", pid, app, thread)


def end(time_ns: int, pid: int, tid: int) -> bytes:
    event = EVENT_BYTES.pack(time_ns, pid, tid, 0, 0, Kind.EXIT, 0xFFFFFFFF)
    return event + struct.pack("<IBBxx", 0, 1, 0)


def program(time_ns: int, pid: int, former: int, app: int, file: bytes) -> bytes:
    event = EVENT_BYTES.pack(time_ns, pid, pid, 0, 0, Kind.EXEC, former)
    return event + struct.pack("<IBxxx16s464s", 7, app, file[-15:], file)


def calls(*moments: tuple[int, int, int]) -> np.ndarray:
    return np.frombuffer(b"".join(call(*moment) for moment in moments), EVENT)


def told(items) -> list[object]:
    """Events as (time, pid, kind), processes as (pid, application, exe)."""
    found: list[object] = []
    for item in items:
        if isinstance(item, ProcessInfo):
            found.append((item.pid, item.application, item.exe))
        else:
            assert len(item)
            found += [(int(e["time_ns"]), int(e["pid"]), Kind(int(e["kind"])).name) for e in item]
    return found


def test_a_process_is_named_before_its_first_call() -> None:
    lifecycle = Lifecycle()
    batch = calls((10, 5, 5), (30, 6, 6), (20, 5, 5))  # two processors: not in order
    items = lifecycle.items(
        batch, [program(5, 5, 5, 1, b"/bin/a"), birth(25, 5, 5, 6, thread=False)], 100
    )
    assert told(items) == [
        (5, 1, "/bin/a"),
        (10, 5, "CALL"),
        (20, 5, "CALL"),
        (25, 5, "FORK"),
        (6, 1, "/bin/a"),
        (30, 6, "CALL"),
    ]
    assert set(lifecycle.processes) == {5, 6}


def test_a_record_waits_for_the_calls_before_it() -> None:
    lifecycle = Lifecycle()
    list(lifecycle.items(calls(), [program(5, 5, 5, 1, b"/bin/a")], 100))
    assert told(lifecycle.items(calls((110, 5, 5)), [end(130, 5, 5)], 120)) == [(110, 5, "CALL")]
    assert len(lifecycle) == 1
    assert told(lifecycle.items(calls((125, 5, 5)), [], 140)) == [
        (125, 5, "CALL"),
        (130, 5, "EXIT"),
    ]
    assert not lifecycle.processes


def test_a_leader_that_ends_first() -> None:
    """It is told last, as ptrace tells it; not at all when another thread takes its place."""
    lifecycle = Lifecycle()
    begin = [program(1, 5, 5, 1, b"/bin/a"), birth(2, 5, 5, 55, thread=True)]
    list(lifecycle.items(calls(), begin, 100))
    assert told(lifecycle.items(calls(), [end(3, 5, 5)], 100)) == []
    assert told(lifecycle.items(calls(), [end(4, 5, 55)], 100)) == [(4, 5, "EXIT"), (4, 5, "EXIT")]
    assert not lifecycle.processes
    list(lifecycle.items(calls(), begin, 100))
    records = [end(3, 5, 5), program(4, 5, 55, 1, b"/bin/b"), end(6, 5, 5)]
    assert told(lifecycle.items(calls((5, 5, 5)), records, 100)) == [
        (4, 5, "EXEC"),
        (5, 1, "/bin/b"),
        (5, 5, "CALL"),
        (6, 5, "EXIT"),
    ]


def test_leaving_by_exec() -> None:
    lifecycle = Lifecycle()
    list(lifecycle.items(calls(), [program(1, 5, 5, 2, b"/bin/a")], 100))
    assert told(lifecycle.items(calls(), [program(2, 5, 5, 0, b"/bin/b")], 100)) == [
        (2, 5, "EXEC"),
        (5, 0, "/bin/b"),
    ]
    assert not lifecycle.processes


def test_names_that_are_no_text() -> None:
    lifecycle = Lifecycle()
    (info,) = lifecycle.items(calls(), [program(1, 5, 5, 1, b"/tmp/\xff\xfe\n\x1b[2J")], 100)
    assert info.exe == "/tmp/\ufffd\ufffd\n\x1b[2J"
    assert info.parent == 7


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), max_size=60))
def test_two_rings_are_one_in_the_order_of_time(steps):
    """A thread that moves between processors: its calls come in order, none twice, none lost."""
    with Kernel(PAGE) as left, Kernel(PAGE) as right:
        kernels = left, right
        rings = CallRings([kernel.descriptor for kernel in kernels], 2 * PAGE)
        now, made, got = 0, [], []
        for ring, pause in steps:
            now += 1
            place = kernels[ring].reserve(24)
            if place is not None:
                kernels[ring].commit(place, call(now, 7, 7, now & 0xFFFF))
                made.append(now)
            if pause == 0:
                got += rings.take(now, 6)[0]["time_ns"].tolist()  # at the very moment of a call
        while (events := rings.take(now + 1, 6)[0]).size or len(rings):
            got += events["time_ns"].tolist()
        assert got == made


def test_what_another_ring_may_still_bring_is_waited_for():
    with Kernel(PAGE) as left, Kernel(PAGE) as right:
        rings = CallRings([left.descriptor, right.descriptor], 2 * PAGE)
        place = left.reserve(24)  # under way on one processor
        right.commit(right.reserve(24), call(20, 8, 8))
        left_done = left.reserve(24)
        left.commit(left_done, call(10, 7, 7))
        events, horizon = rings.take(30, 100)
        assert (events["time_ns"].tolist(), horizon, len(rings)) == ([], 10, 1)
        left.commit(place, call(5, 6, 6))
        events, horizon = rings.take(40, 100)
        assert (events["time_ns"].tolist(), horizon, len(rings)) == ([5, 10, 20], 40, 0)
