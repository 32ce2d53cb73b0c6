# SPDX-License-Identifier: GPL-3.0-or-later
"""Real sensors on real sockets: several at once, killed and returning, refused, misled."""

from __future__ import annotations

import os
import platform
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest

from imsafe.events import Kind
from imsafe.sources.sensor import SensorSource
from imsafe.stream.frames import segment_header
from imsafe.stream.items import Lost

from .running import (
    AS_NOBODY,
    GETPPID,
    NOBODY,
    children_of,
    eventually,
    is_traced,
    kill_and_wait,
    run,
    sorted_out,
    start,
    state_of,
    status_line,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


@contextmanager
def listening(path, **allowed):
    source = SensorSource(str(path), **allowed)
    source.open()
    try:
        yield source
    finally:
        source.close()


def pump(source, streams, condition, what="", seconds=30.0):
    """Read as a monitor does, until something is true."""

    def step():
        assert select.select([source], [], [], 0.05) is not None
        sorted_out(source.read(0.01), streams)
        return condition()

    eventually(step, what, seconds)


def all_closed(streams, count):
    return lambda: len(streams) == count and all(s.closed for s in streams.values())


def test_a_sensor_sends_every_call(program, tmp_path) -> None:
    path = tmp_path / "s"
    with listening(path) as source:
        assert source.state == "waiting for a sensor"
        assert (path.stat().st_mode & 0o777, path.is_socket()) == (0o600, True)
        sensor = start("sensor", "-s", path, "--", program("counted"))
        streams = {}
        pump(source, streams, all_closed(streams, 1), "its end")
        assert sensor.wait(10) == 0
        (trace,) = streams.values()
        assert trace.count(GETPPID) == 100_003
        assert trace.closed.complete
        assert trace.totals == {"calls": len(trace.calls), "lost": 0}
        assert source.counters.calls == len(trace.calls)
        assert source.counters.streams_total == 1
        assert source.counters.streams_open == 0
        assert source.state == "waiting for a sensor"
        assert not source.finished
    assert not path.exists()


def test_two_on_one_socket_and_one_on_another(program, tmp_path) -> None:
    with listening(tmp_path / "a") as a, listening(tmp_path / "b") as b:
        sensors = [
            start("sensor", "-s", tmp_path / name, "--", program("calls"), count)
            for name, count in (("a", 10007), ("a", 10009), ("b", 10037))
        ]
        at_a, at_b = {}, {}
        pump(a, at_a, all_closed(at_a, 2), "both ends")
        pump(b, at_b, all_closed(at_b, 1), "the end")
        assert {s.count(GETPPID) for s in at_a.values()} == {10007, 10009}
        assert [s.count(GETPPID) for s in at_b.values()] == [10037]
        assert [sensor.wait(10) for sensor in sensors] == [0, 0, 0]


TICKER = "import os, time\nwhile True: os.getppid(); time.sleep(0.002)"


def test_killed_and_back(tmp_path) -> None:
    path = tmp_path / "s"
    streams = {}
    command = subprocess.Popen([sys.executable, "-c", TICKER])
    with ExitStack() as stack:
        stack.callback(kill_and_wait, command)
        source = stack.enter_context(listening(path))
        first = start("sensor", "-s", path, "-p", command.pid)
        stack.callback(kill_and_wait, first)
        pump(source, streams, lambda: source.counters.calls > 20, "calls")
        assert source.state == "1 sensor"
        kill_and_wait(first)
        pump(source, streams, all_closed(streams, 1), "its end")
        assert not streams[0].closed.complete
        assert str(first.pid) in streams[0].closed.warning
        again = start("sensor", "-s", path, "-p", command.pid)
        stack.callback(kill_and_wait, again)
        pump(source, streams, lambda: len(streams) == 2 and streams[1].count(GETPPID) > 20, "calls")
        assert streams[1].processes[0].pid == command.pid
        again.send_signal(signal.SIGTERM)
        pump(source, streams, all_closed(streams, 2), "its end")
        assert streams[1].closed.complete
        assert again.wait(10) == 0
        assert command.poll() is None


def test_the_listener_goes_and_comes_back(tmp_path) -> None:
    """The command runs on, and the new listener hears how many calls it misses."""
    path = tmp_path / "s"
    before, after = {}, {}
    with ExitStack() as stack:
        with listening(path) as source:
            words = ["-s", path, "--", sys.executable, "-c", TICKER]
            sensor = start("sensor", *words, stderr=subprocess.PIPE, text=True)
            stack.callback(kill_and_wait, sensor)
            pump(source, before, lambda: source.counters.calls > 100, "calls")
        time.sleep(0.5)
        with listening(path) as source:
            pump(source, after, lambda: source.counters.calls > 100, "calls again")
            sensor.terminate()
            pump(source, after, all_closed(after, 1), "its end")
        assert sensor.wait(10) == 128 + signal.SIGTERM
        assert "closed the connection" in sensor.stderr.read()
    (trace,) = after.values()
    assert trace.processes[0].comm.startswith("python")
    assert trace.closed.complete
    # received + lost = made, within the new segment.
    assert trace.totals["calls"] == len(trace.calls) + trace.lost
    assert trace.totals["lost"] == trace.lost


def test_started_before_the_listener(program, tmp_path) -> None:
    path = tmp_path / "s"
    words = ["-s", path, "--", program("calls"), "-w", 10007]
    sensor = start("sensor", *words, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert b"Nobody listens yet" in sensor.stderr.readline()
        time.sleep(0.3)  # it tries again meanwhile
        streams = {}
        with listening(path) as source:
            pump(source, streams, lambda: source.state == "1 sensor", "connected")
            sensor.stdin.write(b"!")
            sensor.stdin.close()
            pump(source, streams, all_closed(streams, 1), "its end")
        assert sensor.wait(10) == 0
        assert b"Connected" in sensor.stderr.read()
    finally:
        kill_and_wait(sensor)
    (trace,) = streams.values()
    # Nothing was dropped meanwhile, so it is told from its very start.
    assert (trace.count(GETPPID), trace.lost) == (10007, 0)
    assert trace.count(12) > 0  # brk: what a program does first


def test_a_command_that_is_not_there_is_one_line(tmp_path) -> None:
    done = run("sensor", "-s", tmp_path / "s", "--", "no-such-command")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "no such command" in line


def test_nobody_ever_listens(program, tmp_path) -> None:
    sensor = start("sensor", "-s", tmp_path / "s", "--", program("calls"), 1009)
    assert sensor.wait(20) == 0


@pytest.mark.parametrize(
    ("garbage", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "not a valid ImSafe stream"),
        (b"\x89IMSAFE\n" + bytes(64), "not a valid ImSafe stream"),
        (segment_header({"applications": []}) + b"\xff" * 64, "not a valid ImSafe stream"),
        (segment_header({"applications": []})[:-1], ""),
    ],
)
def test_garbage_ends_that_peer_alone(program, tmp_path, garbage, words) -> None:
    path = tmp_path / "s"
    streams = {}
    with listening(path) as source:
        run_in = ["-s", path, "--", program("calls"), "-w", 10007]
        sensor = start("sensor", *run_in, stdin=subprocess.PIPE)
        try:
            pump(source, streams, lambda: len(streams) == 1, "connected")
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(path))
                peer.sendall(garbage)
                if words:
                    pump(source, streams, lambda: len(streams) == 2 and streams[1].closed, "end")
                    assert words in streams[1].closed.warning
                    assert f"rocess {os.getpid()}" in streams[1].closed.warning
                    assert peer.recv(1) == b""
            sensor.stdin.write(b"!")
            sensor.stdin.close()
            pump(source, streams, lambda: streams[0].closed, "the other's end")
        finally:
            kill_and_wait(sensor)
    assert streams[0].count(GETPPID) == 10007
    assert streams[0].closed.complete


def test_a_stalled_listener_costs_calls_that_are_counted(program, tmp_path) -> None:
    path = tmp_path / "s"
    streams = {}
    with listening(path) as source:
        words = ["-s", path, "--buffer", "128K", "--", program("counted")]
        sensor = start("sensor", *words)
        # Nobody reads until the command has ended.
        (command,) = eventually(
            lambda: [p for p in children_of(sensor.pid) if status_line(p, "Name") == "counted"],
            "started",
        )
        eventually(lambda: state_of(command) == "", "the command ended")
        pump(source, streams, all_closed(streams, 1), "its end")
        assert sensor.wait(10) == 0
        (trace,) = streams.values()
        assert source.counters.lost == trace.lost
    assert trace.lost > 10_000
    assert trace.totals == {"calls": len(trace.calls) + trace.lost, "lost": trace.lost}
    assert abs(trace.totals["calls"] - 100_170) < 30  # a few calls depend on who comes first
    # The loss is placed: aux goes up where calls are missing, and nowhere else.
    assert trace.calls["aux"][0] == 0
    assert (np.diff(trace.calls["aux"].astype(np.int64)) >= 0).all()
    assert trace.calls["aux"].max() <= trace.lost
    told = 0
    for item in trace.items:
        if isinstance(item, Lost):
            told += item.count
            assert item.from_ns <= item.to_ns
        elif isinstance(item, np.ndarray) and (item["kind"] == Kind.CALL).any():
            assert set(item["aux"][item["kind"] == Kind.CALL].tolist()) == {told}
    # What is known of processes is never dropped.
    assert len(trace.of_kind(Kind.FORK)) == 10
    assert len(trace.of_kind(Kind.EXIT)) == 11
    assert len(trace.processes) == 4


def test_a_flood_starves_nobody(program, tmp_path) -> None:
    path = tmp_path / "s"
    streams = {}
    with listening(path) as source, ExitStack() as stack:
        floods = []
        for _ in range(3):
            peer = stack.enter_context(socket.socket(socket.AF_UNIX))
            peer.connect(str(path))
            peer.setblocking(False)
            floods.append([peer, segment_header({"applications": []}) * 2000])
        sensor = start("sensor", "-s", path, "--", program("calls"), 10007)
        stack.callback(kill_and_wait, sensor)

        def flood_on() -> bool:
            for entry in floods:
                try:
                    entry[1] = entry[1][entry[0].send(entry[1]) :] or segment_header({}) * 2000
                except BlockingIOError:
                    continue
            done = [s for s in streams.values() if s.count(GETPPID) == 10007 and s.closed]
            return bool(done)

        pump(source, streams, flood_on, "the sensor was heard", 60)


def test_closed_on_purpose_the_command_goes_on(tmp_path) -> None:
    done = tmp_path / "done"
    script = f"import time; time.sleep(1.5); open({str(done)!r}, 'w').close()"
    with listening(tmp_path / "s") as source:
        words = ["-s", tmp_path / "s", "--", sys.executable, "-c", script]
        sensor = start("sensor", *words)
        pump(source, {}, lambda: source.counters.calls > 20, "calls")
    assert sensor.wait(20) == 0
    assert done.exists()


@needs_root
@pytest.mark.usefixtures("open_checkout")
def test_other_users_are_turned_away_and_admitted(program, open_folder) -> None:
    path = open_folder / "s"
    words = ["-s", path, "--", program("calls"), 1009]
    with listening(path):
        # The socket is private: a sensor of another user cannot even connect.
        sensor = start("sensor", *words, as_nobody=True, stderr=subprocess.PIPE, text=True)
        assert "permission denied" in sensor.communicate(timeout=20)[1]
        assert sensor.returncode == 2
        # Opened by mistake, it still refuses by the peer's credentials.
        path.chmod(0o666)
        words = ["-s", path, "--allow-user", "root", *words[2:]]
    with listening(path, allow_users=["1"]) as source:
        assert path.stat().st_mode & 0o777 == 0o666
        sensor = start("sensor", *words, as_nobody=True)
        pump(source, {}, lambda: source.refusals and sensor.poll() == 0, "it was turned away")
        assert source.counters.streams_total == 0
    for allowed in ({"allow_users": [str(NOBODY)]}, {"allow_groups": [str(NOBODY)]}):
        streams = {}
        with listening(path, **allowed) as source:
            if "allow_groups" in allowed:
                stat = path.stat()
                assert (stat.st_mode & 0o777, stat.st_gid) == (0o660, NOBODY)
            sensor = start("sensor", *words, as_nobody=True)
            pump(source, streams, all_closed(streams, 1), "it was heard")
            assert sensor.wait(10) == 0
        assert streams[0].count(GETPPID) == 1009


@needs_root
def test_a_squatter_gets_nothing(program, open_folder) -> None:
    """Another user listens where the monitor should: no byte is sent, no command started."""
    path = open_folder / "s"
    squatter = subprocess.Popen(
        [
            *AS_NOBODY,
            sys.executable,
            "-c",
            "import socket, sys\n"
            "s = socket.socket(socket.AF_UNIX)\n"
            "s.bind(sys.argv[1]); s.listen(); print(flush=True)\n"
            "c, _ = s.accept(); print(len(c.recv(4096)), flush=True)\n"
            "s.accept()\n",
            path,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        squatter.stdout.readline()
        mark = open_folder / "ran"
        words = ["-s", path, "--", "touch", mark]
        sensor = start("sensor", *words, stderr=subprocess.PIPE, text=True)
        message = sensor.communicate(timeout=20)[1]
        assert sensor.returncode == 2
        assert message.count("\n") == 1
        assert "Nothing was sent" in message
        assert "of user nobody" in message
        assert squatter.stdout.readline() == "0\n"
        assert not mark.exists()
        trusted = ["-s", path, "--allow-user", str(NOBODY), "--", "touch", mark]
        sensor = start("sensor", *trusted)
        eventually(mark.exists, "it ran")
        squatter.kill()
        sensor.wait(20)
    finally:
        kill_and_wait(squatter)


def test_detaches_when_attached_and_told_to_end(tmp_path) -> None:
    command = subprocess.Popen([sys.executable, "-c", TICKER])
    sensor = start("sensor", "-s", tmp_path / "s", "-p", command.pid)
    try:
        eventually(lambda: is_traced(command.pid), "attached")
        sensor.terminate()
        assert sensor.wait(10) == 0
        assert not is_traced(command.pid)
        assert state_of(command.pid) in "SR"
    finally:
        kill_and_wait(sensor)
        kill_and_wait(command)
