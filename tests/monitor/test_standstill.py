# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracer or sensor that is stopped looks like a program that makes no calls: it is told of."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("ptrace and /proc are Linux's", allow_module_level=True)

from imsafe.errors import SourceError
from imsafe.monitor.view_client import NoticeMessage, StatusMessage
from imsafe.sources.matching import cgroup_root
from imsafe.sources.standstill import SendingProcess

from ..sources.kernel_tracer import needs_the_kernel
from ..sources.running import children_of, eventually, kill_and_wait, start, state_of
from .test_ims_monitor import Running
from .test_view_server import Window

(in_kernel,) = needs_the_kernel()

TICKER = "import os, time\nwhile True: os.getppid(); time.sleep(0.002)"
HOW = "stopped (by SIGSTOP or the like): until it goes on, no call of what it traces is seen."


def notice(window: Window, *parts: str) -> None:
    window.until(lambda m: isinstance(m, NoticeMessage) and all(part in m.text for part in parts))


def status(window: Window, state: str, stopped: int, *, calls: int = 0) -> int:
    """Wait until the only source is so; the calls it has brought."""
    found = window.until(
        lambda m: (
            isinstance(m, StatusMessage)
            and [(s["state"], s["stopped"]) for s in m.status["sources"]] == [(state, stopped)]
            and m.status["sources"][0]["calls"] > calls
        )
    )
    assert isinstance(found, StatusMessage)
    return found.status["sources"][0]["calls"]


def stopped_and_continued(view: Path, pid: int, name: str, state: str) -> None:
    """Both are told, and calls come again."""
    with Window(view) as window:
        calls = status(window, state, 0)
        os.kill(pid, signal.SIGSTOP)
        try:
            notice(window, name, HOW)
            status(window, "stopped", 1)
        finally:
            os.kill(pid, signal.SIGCONT)
        notice(window, name, " goes on; it stood still for ")
        status(window, state, 0, calls=calls)
    assert state_of(pid) not in ("T", "")


def test_the_tracer_of_a_command(profile_path: Path, tmp_path: Path) -> None:
    watched = Running(
        tmp_path, "-d", profile_path, "-t", 1, "--", sys.executable, "-c", TICKER, "ims-ticker"
    )
    try:
        (tracer,) = eventually(
            lambda: [pid for pid in children_of(watched.process.pid) if children_of(pid)],
            "its tracer has a command",
        )
        stopped_and_continued(watched.socket, tracer, "The tracer of ", "tracing")
        # Ended while it is stopped, it does not "go on".
        (command,) = children_of(tracer)
        with Window(watched.socket) as window:
            os.kill(tracer, signal.SIGSTOP)
            status(window, "stopped", 1)
            os.kill(tracer, signal.SIGKILL)
            os.kill(command, signal.SIGKILL)
            assert window.ask("stop").ok
        _, output, _ = watched.wait()
        assert output.count(" goes on; ") == 1
    finally:
        watched.kill()


def test_a_sensor_among_others(profile_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with ExitStack() as stack:
        watched = Running(tmp_path, "-d", profile_path, "-t", 1, "--sensor", path)
        stack.callback(watched.kill)
        sensors = []
        for _ in range(2):
            command = subprocess.Popen([sys.executable, "-c", TICKER])
            stack.callback(kill_and_wait, command)
            sensors.append(start("sensor", "-s", path, "-p", command.pid))
            stack.callback(kill_and_wait, sensors[-1])
        with Window(watched.socket) as window:
            status(window, "2 sensors", 0)
            first, second = (sensor.pid for sensor in sensors)
            os.kill(first, signal.SIGSTOP)
            notice(window, f"Process {first} ", HOW)
            status(window, "2 sensors", 1)
            os.kill(second, signal.SIGSTOP)
            notice(window, f"Process {second} ", HOW)
            status(window, "stopped", 2)
            os.kill(first, signal.SIGCONT)
            notice(window, f"Process {first} ", " goes on; ")
            calls = status(window, "2 sensors", 1)
            status(window, "2 sensors", 1, calls=calls)
            os.kill(second, signal.SIGCONT)
            notice(window, f"Process {second} ", " goes on; ")


@in_kernel
def test_the_kernel_tracer(profile_path: Path, tmp_path: Path) -> None:
    program = tmp_path / f"dd{os.getpid()}"
    shutil.copy("/bin/dd", program)
    with ExitStack() as stack:
        watched = Running(tmp_path, "-d", profile_path, "-t", 1, "--driver", program.name)
        stack.callback(watched.kill)
        flow = subprocess.Popen(
            ["sh", "-c", f"while sleep 0.1; do {program} if=/dev/zero of=/dev/null count=99; done"],
            stderr=subprocess.DEVNULL,
        )
        stack.callback(kill_and_wait, flow)
        with Window(watched.socket) as window:
            status(window, "tracing", 0)
        (tracer,) = children_of(watched.process.pid)
        stopped_and_continued(watched.socket, tracer, "The kernel tracer of dd", "tracing")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    kill_and_wait(process)


def test_a_pid_that_is_used_again(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = SendingProcess("It", sleeper.pid)
    sleeper.send_signal(signal.SIGSTOP)
    eventually(lambda: state_of(sleeper.pid) == "T", "it is stopped")
    with monkeypatch.context() as another:
        # The same number, born at another time.
        another.setattr("imsafe.sources.procfs.state", lambda pid: ("T", 1))
        process.look()
        assert not process.stopped
    process.look()
    assert process.stopped
    kill_and_wait(sleeper)
    process.look()
    assert process.stopped, "it has not gone on"


def test_nothing_is_said_of_what_cannot_be_looked_at() -> None:
    process = SendingProcess("It", 0)
    process.look()
    assert not process.stopped


def test_a_debugger(sleeper: subprocess.Popen[bytes]) -> None:
    process = SendingProcess("It", sleeper.pid)
    attach = (
        "import ctypes, sys, time; libc = ctypes.CDLL(None); pid = int(sys.argv[1]);"
        "assert libc.ptrace(16, pid, None, None) == 0; print('attached', flush=True);"
        "time.sleep(60)"
    )
    debugger = subprocess.Popen(
        [sys.executable, "-c", attach, str(sleeper.pid)], stdout=subprocess.PIPE
    )
    try:
        assert debugger.stdout is not None
        assert debugger.stdout.readline() == b"attached\n"
        eventually(lambda: state_of(sleeper.pid) == "t", "it is stopped")
        process.look()
        assert process.sentence.startswith("It is stopped by a debugger: ")
    finally:
        kill_and_wait(debugger)
        assert debugger.stdout is not None
        debugger.stdout.close()
    sleeper.send_signal(signal.SIGCONT)  # an attached process was sent SIGSTOP
    eventually(lambda: state_of(sleeper.pid) == "S", "it goes on")
    process.look()
    assert not process.stopped


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a control group")
def test_a_frozen_control_group(sleeper: subprocess.Popen[bytes]) -> None:
    try:
        group = cgroup_root() / f"imsafe-test-{os.getpid()}"
        group.mkdir()
    except (SourceError, OSError):
        pytest.skip("no control groups (version 2) can be made here")
    inner = group / "inner"
    try:
        inner.mkdir()
        (inner / "cgroup.procs").write_text(str(sleeper.pid))
        process = SendingProcess("It", sleeper.pid)
        process.look()
        assert not process.stopped
        (group / "cgroup.freeze").write_text("1")
        eventually(lambda: "frozen 1" in (inner / "cgroup.events").read_text(), "it is frozen")
        process.look()
        assert process.sentence.startswith("It is frozen with its control group: ")
        (group / "cgroup.freeze").write_text("0")
        eventually(lambda: "frozen 0" in (inner / "cgroup.events").read_text(), "it goes on")
        process.look()
        assert not process.stopped
    finally:
        kill_and_wait(sleeper)
        inner.rmdir()
        group.rmdir()
