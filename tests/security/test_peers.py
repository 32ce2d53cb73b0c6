# SPDX-License-Identifier: GPL-3.0-or-later
"""Peers of a sensor's socket that misbehave: nobody else notices, and nothing grows."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("SO_PEERCRED is Linux's", allow_module_level=True)

from imsafe.events import EVENT
from imsafe.monitor.score_log_reader import read_score_log
from imsafe.sources import sensor as sensor_module
from imsafe.sources.peer import Allowed, Peer
from imsafe.sources.sensor import SensorSource
from imsafe.stream.codec import encode
from imsafe.stream.frames import MAX_PAYLOAD, FrameKind, frame, segment_header
from imsafe.stream.items import Closed, End, Item, Lost, ProcessInfo, Segment
from imsafe.stream.trace_file import TraceWriter
from tests.faults.kills import META, learned
from tests.sources.running import eventually, kill_and_wait, run, start


@pytest.fixture
def source(tmp_path: Path) -> Iterator[SensorSource]:
    opened = SensorSource(str(tmp_path / "sensor"))
    opened.open()
    yield opened
    opened.close()


@contextmanager
def connected(source: SensorSource) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(source.name)
        yield peer


def read_until(
    source: SensorSource, items: list[tuple[int, Item]], done: Callable[[], object]
) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        items += source.read(0.05)


def calls(count: int) -> np.ndarray:
    events = np.zeros(count, EVENT)
    events["pid"] = events["tid"] = 7
    events["time_ns"] = np.arange(count)
    return events


WELL = segment_header(META) + encode(calls(1009)) + encode(End({"calls": 1009, "lost": 0}))


def well_served(source: SensorSource) -> None:
    """An honest sensor gets all it sends to the other end."""
    items: list[tuple[int, Item]] = []
    before = source.counters.calls
    with connected(source) as honest:
        honest.sendall(WELL)
        read_until(source, items, lambda: source.counters.calls - before >= 1009)
    read_until(source, items, lambda: any(isinstance(item, Closed) for _, item in items))
    assert [item.complete for _, item in items if isinstance(item, Closed)] == [True]


def test_a_thousand_that_come_and_go(source: SensorSource) -> None:
    for _ in range(1000):
        with connected(source):
            source.read()
    well_served(source)
    assert source.counters.streams_open == 0
    assert source.state in ("waiting for a sensor", "1 sensor")


@pytest.mark.parametrize(
    "tiny",
    [encode(calls(1)), frame(FrameKind.END, b"{}"), frame(FrameKind.CHANNEL, b"{}", 1)],
    ids=["one call", "end", "channel"],
)
def test_many_that_send_tiny_frames(source: SensorSource, tiny: bytes) -> None:
    """They cost far more than their bytes, and the honest one beside them does not wait for it."""
    with ExitStack() as stack:
        floods = [stack.enter_context(connected(source)) for _ in range(20)]
        honest = stack.enter_context(connected(source))
        read_until(source, [], lambda: source.state == "21 sensors")
        for peer in floods:
            peer.setblocking(False)
            assert peer.send(segment_header(META) + tiny * 20_000) > 100_000
        honest.sendall(segment_header(META) + encode(calls(1009)))
        work, heard = [], False
        while not heard:
            batches = [item for _, item in source.read(0.05)]
            heard = any(isinstance(item, np.ndarray) and len(item) == 1009 for item in batches)
            work.append(sum(len(i) if isinstance(i, np.ndarray) else 1 for i in batches))
            assert len(work) < 100
    assert max(work) < 5_000
    assert sum(work) < 50_000


def test_neighbouring_tiny_frames_arrive_as_one(source: SensorSource) -> None:
    events = calls(101)
    with connected(source) as peer:
        read_until(source, [], lambda: source.state == "1 sensor")
        frames = [encode(part) for part in np.split(events, len(events))]
        peer.sendall(segment_header(META) + b"".join(frames[:50]))
        peer.sendall(encode(Lost(3, 49, 50)) + b"".join(frames[50:]))
        items: list[tuple[int, Item]] = []
        read_until(source, items, lambda: source.counters.calls == len(events))
    batches = [item for _, item in items if isinstance(item, np.ndarray)]
    assert np.array_equal(np.concatenate(batches), events)
    kinds = [type(item) for _, item in items]
    assert kinds == [Segment, np.ndarray, Lost, np.ndarray]


def test_more_at_once_than_are_served(source: SensorSource, caplog) -> None:
    with ExitStack() as stack, caplog.at_level(logging.WARNING):
        for _ in range(256):
            stack.enter_context(connected(source))
            source.read()
        assert source.state == "256 sensors"
        for _ in range(20):
            stack.enter_context(connected(source))
            source.read()
        assert source.refusals >= 1
        assert len(caplog.records) == 1  # whoever knocks again and again fills no log
        assert "there are 256 sensors already" in caplog.text
    items: list[tuple[int, Item]] = []
    read_until(source, items, lambda: source.state == "waiting for a sensor")
    well_served(source)


def test_one_that_stops_in_the_middle_of_a_frame(source: SensorSource) -> None:
    with connected(source) as stalled:
        stalled.sendall(WELL[: len(WELL) // 2])
        well_served(source)
        well_served(source)
        assert source.state.startswith("1 sensor") or source.state == "2 sensors"


def test_other_users_have_a_share(source: SensorSource, monkeypatch, caplog) -> None:
    """Neither one of them nor all together keep the listener's own user and root out."""
    theirs = 12345

    def of_another(connection: socket.socket) -> Peer:
        return Peer(os.getpid(), theirs, frozenset())

    monkeypatch.setattr(source, "_allowed", Allowed(users=frozenset({12345, 12346})))
    with ExitStack() as stack, caplog.at_level(logging.WARNING):
        with monkeypatch.context() as another:
            another.setattr(sensor_module, "peer_of", of_another)
            for _ in range(128):
                stack.enter_context(connected(source))
                source.read()
            assert (source.state, source.refusals) == ("128 sensors", 0)
            stack.enter_context(connected(source))
            source.read()
            assert (source.state, source.refusals) == ("128 sensors", 1)
            assert "that user has 128 sensors here already" in caplog.text
            theirs = 12346
            for _ in range(240 - 128):
                stack.enter_context(connected(source))
                source.read()
            assert (source.state, source.refusals) == ("240 sensors", 1)
            stack.enter_context(connected(source))
            source.read()
            assert (source.state, source.refusals) == ("240 sensors", 2)
        for _ in range(16):
            stack.enter_context(connected(source))
            source.read()
        assert (source.state, source.refusals) == ("256 sensors", 2)


def test_one_with_more_streams_than_a_peer_may_have(source: SensorSource) -> None:
    items: list[tuple[int, Item]] = []
    channel = segment_header(META)[20:]
    with connected(source) as peer:
        frames = [frame(FrameKind.CHANNEL, channel, number) for number in range(1, 300)]
        peer.sendall(b"".join([segment_header(META), *frames]))
        read_until(source, items, lambda: any(isinstance(item, Closed) for _, item in items))
    assert source.counters.streams_open == 0
    closed = [item for _, item in items if isinstance(item, Closed)]
    assert len(closed) == 257
    assert all("more than 256 streams open at once" in item.warning for item in closed)
    well_served(source)


def test_thousands_that_send_garbage_fill_no_log(tmp_path: Path) -> None:
    path = tmp_path / "s"
    words = ["-d", learned(tmp_path), "-t", 1, "--boxes", tmp_path / "b", "--sensor", path]
    monitor = start("monitor", *words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        eventually(path.exists, "it listens", 60)
        for _ in range(500):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(10)
                peer.connect(str(path))
                peer.sendall(b"garbage")
                assert peer.recv(1) == b""
        monitor.terminate()
        said = monitor.communicate(timeout=60)[1].splitlines()
        assert monitor.returncode == 2
        assert sum("is not a valid ImSafe stream" in line for line in said) == 20
        assert f"{path}: 480 more streams ended before the end" in said[20]
    finally:
        kill_and_wait(monitor)


@pytest.mark.parametrize("length", [MAX_PAYLOAD + 1, 0xFFFFFFFF])
def test_one_that_lies_about_lengths(source: SensorSource, length: int) -> None:
    items: list[tuple[int, Item]] = []
    with connected(source) as liar:
        lie = bytearray(encode(calls(3)))
        lie[4:8] = length.to_bytes(4, "little")
        liar.sendall(segment_header(META) + lie)
        read_until(source, items, lambda: any(isinstance(item, Closed) for _, item in items))
    (closed,) = (item for _, item in items if isinstance(item, Closed))
    assert f"claims {length} bytes" in closed.warning
    well_served(source)


def test_one_that_sends_the_pids_of_others(source: SensorSource, tmp_path: Path) -> None:
    """A pid in a stream is a name and nothing more: no process of that number is touched."""
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        path = tmp_path / "a.imt"
        writer = TraceWriter.create(path, META)
        strange = calls(400)
        strange["pid"] = strange["tid"] = bystander.pid
        strange["syscall"], strange["abi"] = np.arange(400) % 300, 1
        writer.write(ProcessInfo(0, bystander.pid, 1, "worker", "/bin/worker", 1))
        writer.write(strange)
        writer.close({"calls": 400, "lost": 0})
        profile = learned(tmp_path)
        done = run("monitor", "-d", profile, "-t", 0.3, "--boxes", tmp_path / "b", "--replay", path)
        assert done.returncode == 1
        assert bystander.poll() is None
        status = Path(f"/proc/{bystander.pid}/status").read_text()
        assert "TracerPid:\t0" in status
    finally:
        bystander.kill()
        bystander.wait()


HOSTILE = "\x1b]0;x\x07\x1b[31m'\"; $(id) `id`\r\n\t<b>\u202e\\" + "A" * 100


def test_a_hostile_name_is_neutral_wherever_it_goes(tmp_path: Path) -> None:
    """A process chooses its name and path: 4 KB of them, with all that moves a terminal."""
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, {**META, "applications": [{"name": HOSTILE[:200]}]})
    strange = calls(400)
    strange["syscall"], strange["abi"] = np.arange(400) % 300, 1
    writer.write(ProcessInfo(0, 7, 1, HOSTILE[:256], "/" + HOSTILE + "B" * 3900, 1))
    writer.write(strange)
    writer.close({"calls": 400, "lost": 0})
    act = tmp_path / "act"
    act.write_text(f'#!/bin/sh\ncat > {tmp_path}/in; env > {tmp_path}/env; echo "$IMSAFE_COMM"\n')
    act.chmod(0o755)
    words = ["-d", learned(tmp_path), "-t", 0.3, "-l", tmp_path / "log", "-x", act]
    for extra in ((), ("--json",)):
        done = run("monitor", *words, "--boxes", tmp_path / "b", *extra, "--replay", path)
        assert done.returncode == 1
        for text in (done.stdout, done.stderr):
            assert all(line.isprintable() for line in text.splitlines()), text
            assert "\x1b" not in text
            assert "\u202e" not in text
        assert "<b>" in done.stdout
    lines = (tmp_path / "log").read_text().splitlines()
    assert all(line.replace("\t", "").isprintable() for line in lines)
    assert read_score_log(tmp_path / "log").skipped == 0
    environment = (tmp_path / "env").read_text().splitlines()
    (comm,) = [line for line in environment if line.startswith("IMSAFE_COMM=")]
    assert comm.isprintable()
    assert len(comm) < 3000
    document = (tmp_path / "in").read_text()
    assert document.rstrip("\n").isprintable()
    assert json.loads(document)["comm"] == HOSTILE[:256]
