# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who: births, programs loaded, ends, and what follows an exec."""

from __future__ import annotations

import platform
import shutil
import subprocess

import numpy as np
import pytest

from imsafe.events import Kind
from imsafe.stream.items import ProcessInfo

from .running import (
    GETPPID,
    eventually,
    is_traced,
    kill_and_wait,
    run,
    start,
    state_of,
    stream_of,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")


def record(tmp_path, *words):
    path = tmp_path / "trace.imt"
    done = run("trace", "-o", path, *words)
    assert done.returncode == 0, done.stderr
    return stream_of(path)


def calls_in_order(trace, number):
    """Programs (ProcessInfo) and how many such calls each process made until the next one."""
    found = []
    for item in trace.items:
        if isinstance(item, ProcessInfo):
            found.append([item.pid, item.application, 0])
        elif isinstance(item, np.ndarray):
            of_it = item[(item["kind"] == Kind.CALL) & (item["syscall"] == number)]
            for pid, count in zip(*np.unique(of_it["pid"], return_counts=True), strict=True):
                next(entry for entry in reversed(found) if entry[0] == pid)[2] += int(count)
    return found


@pytest.mark.parametrize("how", ["-f", "-v", "-c"], ids=["fork", "vfork", "clone"])
@pytest.mark.parametrize("mode", [(), ("--full",)], ids=["seccomp", "full"])
def test_child_that_loads_a_program(program, tmp_path, how, mode) -> None:
    calls = program("calls")
    trace = record(tmp_path, *mode, "--", calls, how, 11, calls, 23)
    parent, child, loaded = calls_in_order(trace, GETPPID)
    assert parent[1:] == [1, 11]
    assert child[1:] == [1, 0]
    assert loaded[1:] == [1, 23]
    assert loaded[0] == child[0] != parent[0]
    assert [info.parent for info in trace.processes][1:] == [parent[0]] * 2
    assert {info.exe for info in trace.processes} == {str(calls)}
    (fork,) = trace.of_kind(Kind.FORK)
    assert (int(fork["pid"]), int(fork["aux"])) == (parent[0], child[0])
    (loads,) = trace.of_kind(Kind.EXEC)
    assert (int(loads["tid"]), int(loads["aux"])) == (child[0], child[0])
    exits = trace.of_kind(Kind.EXIT)
    assert exits["tid"].tolist() == [child[0], parent[0]]
    # A thread's calls come after its birth.
    events = trace.events
    birth = np.flatnonzero(events["kind"] == Kind.FORK)[0]
    assert np.flatnonzero(events["tid"] == child[0])[0] > birth


@pytest.mark.parametrize("mode", [(), ("--full",)], ids=["seccomp", "full"])
def test_exec_by_a_thread_that_is_not_the_leader(program, tmp_path, mode) -> None:
    calls = program("calls")
    trace = record(tmp_path, *mode, "--", calls, "-t", 11, calls, 23)
    before, after = calls_in_order(trace, GETPPID)
    assert (before[2], after[2]) == (11, 23)
    assert before[0] == after[0]
    (birth,) = trace.of_kind(Kind.FORK)
    (loads,) = trace.of_kind(Kind.EXEC)
    assert int(loads["tid"]) == int(loads["pid"]) == before[0]
    assert int(loads["aux"]) == int(birth["aux"]) != before[0]
    execs = trace.calls[trace.calls["syscall"] == 59]
    assert execs["tid"].tolist() == [int(birth["aux"])]


@pytest.mark.parametrize("mode", [(), ("--full",)], ids=["seccomp", "full"])
@pytest.mark.parametrize("how", ["", "-t", "-f"], ids=["itself", "thread", "fork"])
def test_a_process_that_leaves_by_exec(program, tmp_path, mode, how) -> None:
    calls = program("calls")
    how = [how] if how else []
    # The program that is loaded has a child of its own, which is not of the application either.
    words = [calls, *how, 11, calls, "-f", 23, calls, 29]
    trace = record(tmp_path, *mode, "--no-follow-exec", "--", *words)
    assert trace.count(GETPPID) == 11
    assert trace.meta["follow_exec"] is False
    left = trace.processes[-1]
    assert left.application == 0
    # Nothing is heard of it after that.
    events = trace.events
    (loads,) = np.flatnonzero(events["kind"] == Kind.EXEC)
    of_it = events[loads + 1 :]
    assert not (of_it["pid"] == left.pid).any()
    if how != ["-f"]:
        assert loads == len(events) - 1


def test_status_of_a_command_that_has_left(program, tmp_path) -> None:
    for mode in ((), ("--full",)):
        path = tmp_path / f"{len(mode)}.imt"
        words = ["--", program("calls"), 1, shutil.which("sh"), "-c", "exit 37"]
        assert run("trace", "-o", path, *mode, "--no-follow-exec", *words).returncode == 37


@pytest.mark.parametrize("mode", [(), ("--full",)], ids=["seccomp", "full"])
def test_status_of_the_command(tmp_path, mode) -> None:
    def status(*command: str) -> int:
        return run("trace", "--force", "-o", tmp_path / "t.imt", *mode, "--", *command).returncode

    assert status("sh", "-c", "exit 3") == 3
    assert status("sh", "-c", "kill -TERM $$") == 128 + 15
    assert status("sh", "-c", "kill -KILL $$") == 128 + 9


def test_what_a_command_leaves_behind_is_recorded_to_its_end(program, tmp_path) -> None:
    words = ["sh", "-c", '(sleep 0.3; exec "$0" 23) & exit 5', program("calls")]
    path = tmp_path / "t.imt"
    assert run("trace", "-o", path, "--", *words).returncode == 5
    assert calls_in_order(stream_of(path), GETPPID)[-1][2] == 23
    assert calls_in_order(stream_of(path), GETPPID)[-1][2] == 23


def test_several_processes_are_several_applications(program, build, tmp_path) -> None:
    other = build / "other"
    if not other.exists():
        shutil.copy(program("calls"), other)
    commands = [
        subprocess.Popen([name, "-w", str(count)], stdin=subprocess.PIPE)
        for name, count in ((program("calls"), 11), (other, 13), (program("calls"), 17))
    ]
    path = tmp_path / "t.imt"
    options = [f"-p{command.pid}" for command in commands]
    tracer = start("trace", "-o", path, *options)
    try:
        for command in commands:
            eventually(lambda c=command: path.exists() and is_traced(c.pid), "attached")
            eventually(lambda c=command: state_of(c.pid) == "S", "resumed")
        for command in commands:
            command.communicate(b"!")
        assert tracer.wait(30) == 0
    finally:
        for process in (tracer, *commands):
            kill_and_wait(process)
    trace = stream_of(path)
    assert [entry["name"] for entry in trace.meta["applications"]] == ["calls", "other"]
    assert {tuple(x) for x in calls_in_order(trace, GETPPID)} == {
        (commands[0].pid, 1, 11),
        (commands[1].pid, 2, 13),
        (commands[2].pid, 1, 17),
    }


@pytest.mark.parametrize("mode", [(), ("--full",)], ids=["seccomp", "full"])
def test_children_of_killed_parents_are_seen(program, tmp_path, mode) -> None:
    """A parent may be killed after its child was born and before it could tell of it."""
    path = tmp_path / "t.imt"
    done = run("trace", "-o", path, *mode, "--", program("orphans"), 40)
    assert done.returncode == 0, done.stderr
    trace = stream_of(path)
    calls = trace.calls[trace.calls["syscall"] == GETPPID]
    pids, counts = np.unique(calls["pid"], return_counts=True)
    complete = pids[counts == 7]
    assert len(complete) == int(done.stdout) > 40
    assert len(trace.of_kind(Kind.FORK)) == len(trace.of_kind(Kind.EXIT)) - 1
    assert {info.pid for info in trace.processes} == set(trace.events["pid"].tolist())
