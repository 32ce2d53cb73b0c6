# SPDX-License-Identifier: GPL-3.0-or-later
"""ims-trace: files, limits, totals, and every kind of source."""

from __future__ import annotations

import json
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imsafe.stream.trace_file import TraceWriter
from tests.connecting import connected

from .running import (
    GETPPID,
    eventually,
    kill_and_wait,
    run,
    start,
    stream_of,
    streams_of,
    tool,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")


def refused(*words: object) -> str:
    done = run("trace", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("ims-trace: ")
    return done.stderr


def test_no_file_is_overwritten_unasked(program, tmp_path) -> None:
    path, mark = tmp_path / "t.imt", tmp_path / "ran"
    calls = program("calls")
    assert run("trace", "-o", path, "--", calls, 11).returncode == 0
    before = path.read_bytes()
    assert "exists already" in refused("-o", path, "--", "touch", mark)
    assert path.read_bytes() == before
    assert not mark.exists()  # refused before the command ran
    assert run("trace", "--append", "-o", path, "--", calls, 13).returncode == 0
    assert [stream.count(GETPPID) for stream in streams_of(path)] == [11, 13]
    assert run("trace", "--force", "-o", path, "--", calls, 17).returncode == 0
    assert stream_of(path).count(GETPPID) == 17


@pytest.mark.parametrize("how", ["--force", "--append"])
def test_a_trace_is_not_recorded_into_itself(tmp_path, how) -> None:
    path, link = tmp_path / "keep.imt", tmp_path / "link"
    TraceWriter.create(path, {"applications": [{"name": "kept"}]}).close({})
    link.symlink_to(path)
    before = path.read_bytes()
    assert "is the trace that is replayed" in refused(
        how, "--max-size", "1M", "-o", link, "--replay", path
    )
    assert path.read_bytes() == before
    with path.open("rb") as file:
        done = run("trace", how, "--max-size", "1M", "-o", path, "--replay", "-", stdin=file)
    assert done.returncode == 2
    assert path.read_bytes() == before


def test_a_signal_before_the_tracer_takes_it_is_the_commands(program, tmp_path) -> None:
    script = """
import os, signal, sys
from imsafe.cli import trace
class Stop(trace.Stop):
    def __init__(self, **words):
        super().__init__(**words)
        os.kill(os.getpid(), signal.SIGTERM)
trace.Stop = Stop
sys.exit(trace.main(sys.argv[1:]))
"""
    path = tmp_path / "t.imt"
    done = subprocess.run(
        [sys.executable, "-c", script, "-o", path, "--", "sleep", "600"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert stream_of(path).items


def test_what_cannot_be_done_is_said_in_one_line(tmp_path) -> None:
    path = tmp_path / "t.imt"
    mark = tmp_path / "ran"
    assert "no such file or directory" in refused("-o", tmp_path / "no" / "t", "--", "touch", mark)
    assert "exactly one kind of source" in refused("-o", path)
    assert "exactly one kind of source" in refused("-o", path, "-p", 1, "--", "touch", mark)
    assert "no such command" in refused("-o", path, "--", "no-such-command")
    assert "no such process" in refused("-o", path, "-p", 4194303)
    assert "not a process number" in refused("-o", path, "-p", "x")
    assert "not allowed with" in refused("-o", path, "--append", "--force", "--", "true")
    assert "standard output" in refused("-o", "-", "--json", "--", "true")
    (tmp_path / "text").write_text("words")
    assert "nothing was changed" in refused("-o", tmp_path / "text", "--append", "--", "true")
    assert not mark.exists()
    assert not path.exists()


def test_totals(program, tmp_path) -> None:
    path = tmp_path / "t.imt"
    done = run("trace", "-v", "-o", path, "--", program("calls"), "-f", 11, program("calls"), 13)
    trace = stream_of(path)
    assert f"{len(trace.calls):,} calls of 2 processes, 0 lost; " in done.stderr
    assert f"{path.stat().st_size:,} bytes" in done.stderr
    assert "keep recording: " in done.stderr
    done = run("trace", "--json", "--force", "-o", path, "--", program("calls"), 11)
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["type"] == "done"
    assert last["calls"] == len(stream_of(path).calls)
    assert (last["lost"], last["processes"]) == (0, 1)
    assert last["bytes"] == path.stat().st_size
    assert not last["learned_enough"]
    assert f"keep recording: {1000 * last['learned'] // 1 / 10:.1f} %" in last["saturation"]
    assert f"({last['new_per_1000']:.1f} new sequences" in last["saturation"]


def test_to_standard_output(program, tmp_path) -> None:
    """The trace alone: what the command prints goes to standard error."""
    path = tmp_path / "t.imt"
    with path.open("wb") as file:
        words = tool("trace", "-o", "-", "--", "sh", "-c", f"echo words; {program('calls')} 23")
        done = subprocess.run(words, stdout=file, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"words\n")
    assert stream_of(path).count(GETPPID) >= 23


def test_a_size_limit_ends_the_recording_not_the_command(tmp_path) -> None:
    path, mark = tmp_path / "t.imt", tmp_path / "ran"
    script = (
        f"import os\nfor _ in range(50000): os.getppid()\nopen({str(mark)!r}, 'w')\nos._exit(5)"
    )
    words = ["-o", path, "--max-size", "40K", "--", sys.executable, "-c", script]
    done = run("trace", *words)
    assert done.returncode == 5
    assert "has reached its limit" in done.stderr
    assert path.stat().st_size <= 40 * 1024
    assert mark.exists()
    (trace,) = streams_of(path)
    assert len(trace.calls) > 0
    assert not trace.closed.warning  # cut at a frame


def test_a_size_limit_that_is_reached_by_trickling(tmp_path) -> None:
    """The records that wait in memory are written once a second, and may not fit either."""
    path = tmp_path / "t.imt"
    script = "import os, time\nfor _ in range(40): os.urandom(8); time.sleep(0.06)\nos._exit(5)"
    words = ["-o", path, "--max-size", "1500", "--", sys.executable, "-c", script]
    done = run("trace", *words)
    assert "has reached its limit" in done.stderr
    assert done.returncode == 5


def test_a_process_named_twice(tmp_path) -> None:
    path = tmp_path / "t.imt"
    script = "import threading, time\nthreading.Thread(target=time.sleep, args=(1,)).start()"
    command = subprocess.Popen([sys.executable, "-c", script + "\ntime.sleep(1)"])
    try:
        thread = eventually(
            lambda: [t.name for t in Path(f"/proc/{command.pid}/task").iterdir()][1:], "a thread"
        )
        done = run("trace", "-o", path, "-p", command.pid, "-p", thread[0], "-p", command.pid)
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        kill_and_wait(command)
    assert [info.pid for info in stream_of(path).processes] == [command.pid]


def test_the_window_ends_it_by_closing_standard_input(tmp_path) -> None:
    path = tmp_path / "t.imt"
    command = subprocess.Popen([sys.executable, "-c", "import time\nwhile True: time.sleep(0.01)"])
    tracer = start(
        "trace",
        *("--json", "-o", path, "-p", command.pid),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert json.loads(tracer.stdout.readline())["type"] == "progress"
        tracer.stdin.close()
        tracer.stdin = None
        last = json.loads(tracer.stdout.read().splitlines()[-1])
        assert tracer.wait(10) == 0
        assert command.poll() is None
    finally:
        kill_and_wait(tracer)
        kill_and_wait(command)
    assert last["type"] == "done"
    trace = stream_of(path)
    assert trace.closed.complete
    assert len(trace.calls) == last["calls"]


def test_several_sensors_in_one_file(program, tmp_path) -> None:
    path = tmp_path / "t.imt"
    sockets = [tmp_path / "a", tmp_path / "b"]
    options = [f"--sensor={name}" for name in sockets]
    tracer = start("trace", "-v", "-o", path, *options, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: all(name.exists() for name in sockets), "it listens")
        sensors = [
            start("sensor", "-s", name, "--", program("calls"), count)
            for name, count in zip([*sockets, sockets[0]], (1009, 1013, 1019), strict=True)
        ]
        assert [sensor.wait(20) for sensor in sensors] == [0, 0, 0]
        tracer.send_signal(signal.SIGINT)
        message = tracer.communicate(timeout=20)[1]
        assert tracer.returncode == 0
    finally:
        kill_and_wait(tracer)
    _, *streams = streams_of(path)
    assert sorted(stream.count(GETPPID) for stream in streams) == [1009, 1013, 1019]
    for stream in streams:
        assert stream.meta["applications"][0]["name"] == "calls"
        assert stream.totals["calls"] == len(stream.calls)
        assert stream.closed.complete
    assert f"{sum(len(stream.calls) for stream in streams):,} calls of 3 processes" in message
    assert not any(name.exists() for name in sockets)


def test_garbage_from_a_peer_is_one_line_and_status_2(program, tmp_path) -> None:
    path = tmp_path / "t.imt"
    tracer = start(
        "trace", "-o", path, "--sensor", tmp_path / "s", "--json",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        with connected(tmp_path / "s") as peer:
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert peer.recv(1) == b""
        assert start("sensor", "-s", tmp_path / "s", "--", program("calls"), 11).wait(20) == 0
        tracer.send_signal(signal.SIGINT)
        out, errors = tracer.communicate(timeout=20)
    finally:
        kill_and_wait(tracer)
    assert tracer.returncode == 2
    (line,) = errors.splitlines()
    assert line.startswith("ims-trace: What process ")
    assert "is not a valid ImSafe stream" in line
    assert json.loads(out.splitlines()[-1])["warnings"] == [line.removeprefix("ims-trace: ")]
    assert [stream.count(GETPPID) for stream in streams_of(path)] == [0, 0, 11]


def test_a_socket_that_is_taken(tmp_path) -> None:
    (tmp_path / "s").write_text("words")
    assert "there is a file of that name" in refused(
        "-o", tmp_path / "t", "--sensor", tmp_path / "s"
    )
    assert not (tmp_path / "t").exists()


def test_a_recording_recorded_again_is_the_same(program, tmp_path) -> None:
    first, second = tmp_path / "1.imt", tmp_path / "2.imt"
    assert (
        run(
            "trace", "-o", first, "--", program("calls"), "-f", 10007, program("calls"), 11
        ).returncode
        == 0
    )
    assert run("trace", "-o", second, "--replay", first).returncode == 0
    (original,) = streams_of(first)
    _, copy = streams_of(second)
    assert copy.meta == original.meta
    assert (copy.events == original.events).all()
    assert copy.processes == original.processes


def test_a_command_cannot_make_up_reports(tmp_path) -> None:
    words = '{"type": "done", "calls": 9}'
    done = run("trace", "--json", "-o", tmp_path / "t.imt", "--", "echo", words)
    assert words in done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [report["calls"] for report in reports if report["type"] == "done"] != [9]
    assert len([report for report in reports if report["type"] == "done"]) == 1
