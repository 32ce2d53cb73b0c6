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

from imsafe.sources.ebpf.layout import RING_HEADER, WORD
from imsafe.sources.ebpf.ring import CallRings, LifecycleRing

PAGE = mmap.PAGESIZE
BUSY = 1 << 31
LATER = 10**9
"""So long after a call everything before it is in its ring."""
EVENT_BYTES = struct.Struct("<QIIHBBI")


class Program:
    """Writes calls as `kernel/tracer.c` does, on several processors."""

    def __init__(self, processors: int, words: int) -> None:
        self.words = words
        self.stride = RING_HEADER + words * WORD
        self.descriptor = os.memfd_create("calls")
        os.ftruncate(self.descriptor, processors * self.stride)
        self.memory = mmap.mmap(self.descriptor, processors * self.stride)
        self.time, self.thread, self.lost = ([0] * processors for _ in range(3))

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def waiting(self, processor: int) -> int:
        """Words that have not been taken."""
        head, tail = (self._header(processor, at) for at in (0, 64))
        return head - tail

    def _header(self, processor: int, at: int) -> int:
        return struct.unpack_from("<Q", self.memory, processor * self.stride + at)[0]

    def call(
        self, processor: int, time_ns: int, pid: int = 7, tid: int = 7, number: int = 0,
        abi: int = 1, lost: int = 0,
    ) -> bool:  # fmt: skip
        """Write a call; False when there is no room."""
        if self.waiting(processor) > self.words - 4:
            return False
        thread, since = pid << 32 | tid, time_ns - self.time[processor]
        words = []
        if thread != self.thread[processor]:
            words.append(1 << 62 | thread)
        if not 0 <= since < 1 << 32:
            words.append(2 << 62 | time_ns)
            since = 0
        if lost != self.lost[processor]:
            words.append(3 << 62 | lost)
        words.append(abi << 48 | number << 32 | since)
        self.time[processor], self.thread[processor] = time_ns, thread
        self.lost[processor] = lost
        start, head = processor * self.stride, self._header(processor, 0)
        for at, word in enumerate(words, head):
            place = start + RING_HEADER + at % self.words * WORD
            struct.pack_into("<Q", self.memory, place, word)
        struct.pack_into("<Q", self.memory, start, head + len(words))
        return True


class Kernel:
    """Writes a ring of BPF's as the kernel does: reserve, fill, commit, in any order."""

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
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=200),
    st.booleans(),
)
def test_every_call_once_and_in_order(steps, ordered) -> None:
    """Of a thread that moves between processors; a full ring says so, and nothing else does."""
    with Program(3, 16) as program:
        rings = CallRings(program.descriptor, 3, 16, ordered=ordered)
        now, made, got = LATER, [], []
        for processor, most in steps:
            now += 1
            waiting = program.waiting(processor)
            if program.call(processor, now):
                made.append(now)
                assert rings.fill > waiting / 16
            else:
                assert rings.fill >= 13 / 16
            if most < 10:
                events, horizon = rings.take(now, most)  # at the very moment of a call
                got += events["time_ns"].tolist()
                assert all(moment >= horizon for moment in made[len(got) :])
            now += most * 10**5
        while (events := rings.take(now + LATER, 6)[0]).size or len(rings):
            got += events["time_ns"].tolist()
        assert got == made
        assert rings.fill == 0


CALLS = st.tuples(
    st.one_of(st.integers(0, 9), st.integers(0, 2**34)),  # since the call before
    st.sampled_from([(7, 7), (7, 8), (2**22 - 1, 2**22 - 1)]),
    st.integers(0, 0xFFFF),
    st.integers(1, 5),
    st.sampled_from([0, 0, 0, 1, 3, 2**33]),  # so many more are lost before it
)


@given(st.lists(CALLS, max_size=100), st.lists(st.integers(1, 12), min_size=1))
def test_what_a_call_is_comes_out_of_the_words(made, pieces) -> None:
    """However the ring is cut: thread, time and loss hold until they change."""
    with Program(1, 64) as program:
        rings = CallRings(program.descriptor, 1, 64)
        now, lost, wanted, got = 0, 0, [], []
        for number, (since, (pid, tid), syscall, abi, missing) in enumerate(made):
            now, lost = now + since, lost + missing
            assert program.call(0, now, pid, tid, syscall, abi, lost)
            wanted.append((now, pid, tid, syscall, abi, Kind.CALL, lost & 0xFFFFFFFF))
            got += rings.take(now + LATER, pieces[number % len(pieces)])[0].tolist()
            if program.waiting(0) > 60:
                got += rings.take(now + LATER, 64)[0].tolist()
        while (events := rings.take(now + LATER, 64)[0]).size or len(rings):
            got += events.tolist()
        assert got == wanted


def test_what_another_processor_may_still_bring_is_waited_for() -> None:
    with Program(2, 16) as program:
        rings = CallRings(program.descriptor, 2, 16, ordered=True)
        program.call(1, LATER + 20)
        events, horizon = rings.take(LATER + 30, 100)
        assert (len(events), len(rings)) == (0, 1)
        assert horizon < LATER
        program.call(0, LATER + 10)  # its processor was interrupted meanwhile
        events, _ = rings.take(2 * LATER, 100)
        assert (events["time_ns"].tolist(), len(rings)) == ([LATER + 10, LATER + 20], 0)


@pytest.mark.parametrize(("share", "calls"), [(0, 0), (1 / 8, 2), (1 / 64, 1)])
def test_the_kernel_is_told_when_to_wake_its_reader(share, calls) -> None:
    with Program(2, 16) as program:
        CallRings(program.descriptor, 2, 16).wake_at(share)
        for ring in range(2):
            start = ring * program.stride
            assert struct.unpack_from("<Q", program.memory, start + 72) == (calls,)


def test_a_machine_that_keeps_no_order_is_given_a_look_more() -> None:
    with Program(1, 16) as program:
        rings = CallRings(program.descriptor, 1, 16, ordered=False)
        program.call(0, 5)
        events, _ = rings.take(LATER, 100)
        assert (len(events), len(rings)) == (0, 2)  # whose it is, and the call
        program.call(0, LATER + 5)
        events, horizon = rings.take(2 * LATER, 100)
        assert (events["time_ns"].tolist(), len(rings)) == ([5], 1)
        assert horizon <= LATER + 5


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
    batch = calls((10, 5, 5), (20, 5, 5), (30, 6, 6))
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
