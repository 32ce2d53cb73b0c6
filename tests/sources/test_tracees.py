# SPDX-License-Identifier: GPL-3.0-or-later
"""A traced program behaves as it would otherwise, and outlives its tracer where it can."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import sys
import time

import pytest

from imsafe.events import Kind
from imsafe.sources import procfs

from .running import (
    AS_NOBODY,
    GETPPID,
    children_of,
    eventually,
    is_traced,
    kill_and_wait,
    run,
    start,
    state_of,
    status_line,
    stream_of,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")
MODES = pytest.mark.parametrize("mode", [(), ("--full",)], ids=["seccomp", "full"])
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")

TICKER = """
import os, sys, threading, time
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
def tick():
    while True:
        time.sleep(0.005)
for _ in range(3):
    threading.Thread(target=tick, daemon=True).start()
n = 0
while True:
    time.sleep(0.005)
    n += 1
    os.pwrite(file, b"%08d" % n, 0)
"""


@pytest.fixture
def ticker(tmp_path):
    """A running program of four threads that counts in a file; (process, its progress)."""
    path = tmp_path / "ticks"
    process = subprocess.Popen([sys.executable, "-c", TICKER, str(path)])
    eventually(lambda: path.exists() and path.read_text(), "the program started")
    yield process, lambda: _stands_at(path)
    kill_and_wait(process)


def _stands_at(path) -> int:
    return int(eventually(path.read_text, "a number"))


def goes_on(ticks) -> None:
    before = ticks()
    eventually(lambda: ticks() > before + 3, "the program goes on")


def stands_still(ticks) -> bool:
    before = ticks()
    time.sleep(0.2)
    return ticks() == before


@MODES
def test_signals_arrive_as_they_were(program, tmp_path, mode) -> None:
    path = tmp_path / "t.imt"
    done = run("trace", "-o", path, *mode, "--", program("signals"))
    assert done.returncode == 0
    assert stream_of(path).count(62) == 303  # kill


@MODES
def test_group_stop_of_a_command(tmp_path, mode) -> None:
    ticks = tmp_path / "ticks"
    words = ["-o", tmp_path / "t.imt", *mode, "--", sys.executable, "-c", TICKER, ticks]
    tracer = start("trace", *words)
    try:
        eventually(lambda: ticks.exists() and ticks.read_text(), "the program started")
        (command,) = children_of(tracer.pid)
        for _ in range(3):
            os.kill(command, signal.SIGSTOP)
            eventually(lambda: stands_still(lambda: _stands_at(ticks)), "it stops")
            os.kill(command, signal.SIGCONT)
            goes_on(lambda: _stands_at(ticks))
        tracer.send_signal(signal.SIGTERM)
        assert tracer.wait(20) == 128 + signal.SIGTERM
        assert state_of(command) == ""
    finally:
        kill_and_wait(tracer)
    trace = stream_of(tmp_path / "t.imt")
    assert trace.closed.complete
    assert len(trace.of_kind(Kind.EXIT)) == 4


def test_group_stop_of_an_attached_process(ticker, tmp_path) -> None:
    process, ticks = ticker
    tracer = start("trace", "-o", tmp_path / "t.imt", "-p", process.pid)
    try:
        eventually(lambda: is_traced(process.pid), "attached")
        process.send_signal(signal.SIGSTOP)
        eventually(lambda: stands_still(ticks), "it stops")
        # Detached while it is stopped, it must stay stopped, and be continued by SIGCONT alone.
        tracer.send_signal(signal.SIGTERM)
        assert tracer.wait(20) == 0
        assert not is_traced(process.pid)
        assert state_of(process.pid) == "T"
        assert stands_still(ticks)
        process.send_signal(signal.SIGCONT)
        goes_on(ticks)
    finally:
        kill_and_wait(tracer)
    assert stream_of(tmp_path / "t.imt").closed.complete


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_detached_in_order(ticker, tmp_path, number) -> None:
    process, ticks = ticker
    tracer = start("trace", "-o", tmp_path / "t.imt", "-p", process.pid)
    try:
        eventually(lambda: is_traced(process.pid), "attached")
        goes_on(ticks)
        tracer.send_signal(number)
        assert tracer.wait(20) == 0
        assert status_line(process.pid, "TracerPid") == "0"
        goes_on(ticks)
    finally:
        kill_and_wait(tracer)
    trace = stream_of(tmp_path / "t.imt")
    assert trace.closed.complete
    assert trace.totals["calls"] == len(trace.calls) > 0
    assert len(set(trace.calls["tid"].tolist())) == 4


def test_killed_tracer_leaves_an_attached_process_running(ticker, tmp_path) -> None:
    process, ticks = ticker
    tracer = start("trace", "-o", tmp_path / "t.imt", "-p", process.pid)
    eventually(lambda: is_traced(process.pid), "attached")
    goes_on(ticks)
    kill_and_wait(tracer)
    assert status_line(process.pid, "TracerPid") == "0"
    goes_on(ticks)


@MODES
def test_killed_tracer_takes_its_command_along(tmp_path, mode) -> None:
    ticks = tmp_path / "ticks"
    words = ["-o", tmp_path / "t.imt", *mode, "--", sys.executable, "-c", TICKER, ticks]
    tracer = start("trace", *words)
    eventually(lambda: ticks.exists() and ticks.read_text(), "the program started")
    (command,) = children_of(tracer.pid)
    kill_and_wait(tracer)
    eventually(lambda: state_of(command) in ("", "Z"), "the command ended")


@MODES
def test_recording_ends_and_the_command_goes_on(tmp_path, mode) -> None:
    path = tmp_path / "t.imt"
    script = "import os, time\nfor i in range(200): os.getppid(); time.sleep(0.01)\nos._exit(7)"
    words = ["-o", path, "--duration", "0.5", *mode, "--", sys.executable, "-c", script]
    assert run("trace", *words).returncode == 7
    trace = stream_of(path)
    assert trace.closed.complete
    assert len(trace.calls) > 0
    assert trace.count(GETPPID) < 200


def test_attached_again_and_again(ticker, tmp_path) -> None:
    """Attaching at any moment of 4 threads' sleeping and waking harms nothing."""
    process, ticks = ticker
    for turn in range(5):
        path = tmp_path / f"{turn}.imt"
        words = ["-o", path, "--duration", "0.1", "-p", process.pid]
        assert run("trace", *words).returncode == 0
        assert len(stream_of(path).calls) > 4
        goes_on(ticks)


@needs_root
@pytest.mark.usefixtures("open_checkout")
@MODES
def test_by_a_user_without_rights(program, open_folder, mode) -> None:
    path = open_folder / "t.imt"
    words = ["-o", path, *mode, "--", program("calls"), "-t", 11, program("calls"), 23]
    done = run("trace", *words, as_nobody=True)
    assert done.returncode == 0, done.stderr
    assert stream_of(path).count(GETPPID) == 11 + 23


@needs_root
@pytest.mark.usefixtures("open_checkout")
def test_attached_by_a_user_without_rights(program, open_folder) -> None:
    path = open_folder / "t.imt"
    command = subprocess.Popen([*AS_NOBODY, program("calls"), "-w", "23"], stdin=subprocess.PIPE)
    eventually(lambda: status_line(command.pid, "Name") == "calls", "it became the program")
    tracer = start("trace", "-o", path, "-p", command.pid, as_nobody=True)
    try:
        eventually(lambda: is_traced(command.pid), "attached")
        eventually(lambda: state_of(command.pid) == "S", "resumed")
        command.communicate(b"!")
        assert tracer.wait(20) == 0
    finally:
        kill_and_wait(tracer)
        kill_and_wait(command)
    assert stream_of(path).count(GETPPID) == 23


@needs_root
@pytest.mark.usefixtures("open_checkout")
def test_what_may_not_be_traced(ticker, open_folder, tmp_path) -> None:
    process, ticks = ticker
    done = run("trace", "-o", open_folder / "t.imt", "-p", process.pid, as_nobody=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"Cannot trace process {process.pid}: operation not permitted" in done.stderr
    assert not (open_folder / "t.imt").exists()

    strace = shutil.which("strace")
    if strace:
        other = subprocess.Popen([strace, "-qq", "-f", "-o", "/dev/null", "-p", str(process.pid)])
        try:
            eventually(lambda: is_traced(process.pid), "strace is attached")
            done = run("trace", "-o", tmp_path / "t.imt", "-p", process.pid)
        finally:
            other.terminate()
            other.wait()
        assert done.returncode == 2
        assert f"process {other.pid} (strace) traces it already" in done.stderr
        goes_on(ticks)


def test_attached_where_the_first_thread_has_ended(program, tmp_path) -> None:
    path = tmp_path / "t.imt"
    command = subprocess.Popen([program("leaderless"), "23"], stdin=subprocess.PIPE)
    tracer = None
    try:
        eventually(lambda: state_of(command.pid) == "Z", "its first thread has ended")
        tracer = start("trace", "-o", path, "-p", command.pid, stderr=subprocess.PIPE, text=True)
        (worker,) = set(procfs.threads(command.pid)) - {command.pid}
        eventually(
            lambda: status_line(worker, "TracerPid") != "0" or tracer.poll() is not None, "attached"
        )
        assert tracer.poll() is None, tracer.stderr.read()
        command.communicate(b"!")
        assert tracer.wait(20) == 0
    finally:
        kill_and_wait(command)
        if tracer:
            kill_and_wait(tracer)
    trace = stream_of(path)
    assert trace.count(GETPPID) == 23
    assert trace.closed.complete


def test_one_that_has_ended_is_not_attached_to(tmp_path) -> None:
    """Nobody has waited for it yet."""
    ended = subprocess.Popen(["true"])
    eventually(lambda: state_of(ended.pid) == "Z", "it has ended")
    done = run("trace", "-o", tmp_path / "t.imt", "-p", ended.pid)
    ended.wait()
    assert done.returncode == 2
    assert done.stderr == f"ims-trace: Cannot trace process {ended.pid}: it has ended already.\n"


def test_an_executable_that_takes_hours_to_read(program, tmp_path) -> None:
    """It is attached to all the same, and described without its hash."""
    huge, path = tmp_path / "huge", tmp_path / "t.imt"
    shutil.copy(program("calls"), huge)
    os.truncate(huge, 1 << 39)  # of which almost nothing is on the disk
    command = subprocess.Popen([huge, "-w", "23"], stdin=subprocess.PIPE)
    tracer = start("trace", "-o", path, "-p", command.pid)
    try:
        eventually(lambda: is_traced(command.pid), "attached", 20)
        command.communicate(b"!")
        assert tracer.wait(20) == 0
    finally:
        kill_and_wait(tracer)
        kill_and_wait(command)
    trace = stream_of(path)
    assert trace.count(GETPPID) == 23
    (application,) = trace.meta["applications"]
    assert "sha256" not in application
    assert application["build_id"]
