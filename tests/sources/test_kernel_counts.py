# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer is exact: prime numbers of calls, with and without loss."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from imsafe.events import Abi, Kind
from imsafe.stream.losses import Losses

from .kernel_tracer import needs_the_kernel, recorded, recording
from .running import (
    EXECVE,
    GETPPID,
    children_of,
    eventually,
    kill_and_wait,
    run,
    state_of,
    stream_of,
)
from .test_counts import check_counted, counts, strace_counts, without_ends

pytestmark = needs_the_kernel()

EXIT_GROUP = 231


@pytest.fixture
def only(program, tmp_path):
    """A program under a name that nothing else on this machine has."""

    def copied(name: str, *flags: str) -> Path:
        copy = tmp_path / f"{name}-{os.getpid()}"
        shutil.copy(program(name, *flags), copy)
        return copy

    return copied


def test_counted_from_its_start(only, tmp_path) -> None:
    path = tmp_path / "kernel.imt"
    counted = only("counted")
    with recording(path, "--driver", counted.name, "--not-yet-started"):
        subprocess.run([counted], check=True)
        time.sleep(0.1)
    trace = recorded(path)
    check_counted(trace)
    assert trace.meta["tracer"] == "kernel"
    assert trace.count(EXIT_GROUP) == 1 + 3
    assert trace.count(EXECVE) == 0  # it joined by that call
    kernel = without_ends(counts(trace))
    assert kernel == without_ends(strace_counts([counted], tmp_path))


def test_sensor_and_kernel_tell_the_same(only, tmp_path) -> None:
    """Of one and the same run, call for call in each thread."""
    by_sensor, by_kernel = tmp_path / "sensor.imt", tmp_path / "kernel.imt"
    counted = only("counted")
    with recording(by_kernel, "--driver", counted.name):
        done = run("trace", "-o", by_sensor, "--", counted)
        assert done.returncode == 0, done.stderr
        time.sleep(0.1)
    sensor, kernel = stream_of(by_sensor), recorded(by_kernel)
    keys = ["tid", "syscall", "abi"]
    for tid in np.unique(sensor.calls["tid"]):
        ours = sensor.calls[sensor.calls["tid"] == tid][keys]
        theirs = kernel.calls[kernel.calls["tid"] == tid][keys]
        assert (ours == theirs).all()
    assert Counter(sensor.events["kind"].tolist()) == Counter(kernel.events["kind"].tolist())
    assert [p.pid for p in sensor.processes] == [p.pid for p in kernel.processes]
    trees = []
    for trace in (by_sensor, by_kernel):
        profile = trace.with_suffix(".db")
        assert run("learn", "-o", profile, trace).returncode == 0
        trees.append(run("tree", "--text", profile).stdout)
    assert trees[0] == trees[1]
    assert trees[0].count("\n") > 100


@pytest.mark.parametrize("how", ["name", "pid"])
def test_counted_that_runs_already(only, tmp_path, how) -> None:
    path = tmp_path / "kernel.imt"
    counted = only("counted")
    command = subprocess.Popen([counted, "wait"], stdin=subprocess.PIPE)
    try:
        eventually(lambda: state_of(command.pid) == "S", "it waits")
        option = ["--driver", counted.name] if how == "name" else ["--driver-pid", command.pid]
        with recording(path, *option) as tracer:
            command.communicate(b"!")
            assert command.returncode == 0
            if how == "pid":
                assert tracer.wait(10) == 0  # nothing is left to follow
            time.sleep(0.1)
    finally:
        kill_and_wait(command)
    trace = recorded(path)
    check_counted(trace)
    assert trace.count(0) == 0  # the read was under way before


def test_simulated_loss_is_counted_to_the_unit(only, tmp_path) -> None:
    path = tmp_path / "kernel.imt"
    calls = only("calls")
    with recording(path, "--driver", calls.name, "--simulate-loss", 7):
        subprocess.run([calls, "50021"], check=True)
        time.sleep(0.1)
    trace = recorded(path)
    lost = trace.totals["lost"]
    assert 50021 / 7 * 0.9 < lost < 50021 / 7 * 1.1
    assert len(trace.calls) + lost == trace.totals["calls"]
    whole = strace_counts([calls, "50021"], tmp_path)
    assert abs(trace.totals["calls"] - whole.total()) <= 1  # the execve by which it joined
    losses = Losses()
    placed = losses.calls(trace.calls["aux"])
    assert len(placed) > lost / 2  # many gaps, each where it happened
    assert losses.total <= lost


def ticks_of(pid: int) -> int:
    """The processor time that a process has had, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.parametrize("attempt", range(3))
def test_overload_is_counted_to_the_unit(only, tmp_path, attempt) -> None:
    """A ring that is far too small, at full speed, and nobody who empties it for a while."""
    path = tmp_path / "kernel.imt"
    calls = only("calls")
    with recording(path, "--driver", calls.name, "--ring-size", "64K") as reader:
        (tracer,) = children_of(reader.pid)
        os.kill(tracer, signal.SIGSTOP)
        running = subprocess.Popen([calls, "1000003"])
        eventually(lambda: ticks_of(running.pid) > 2 * attempt + 2, "it has filled the ring")
        os.kill(tracer, signal.SIGCONT)
        assert running.wait() == 0
        time.sleep(0.1)
    trace = recorded(path)
    assert trace.totals["lost"] > 1000
    assert len(trace.calls) + trace.totals["lost"] == trace.totals["calls"]
    alone = tmp_path / "alone.imt"
    with recording(alone, "--driver", calls.name):
        subprocess.run([calls, "1000003"], check=True)
        time.sleep(0.1)
    assert recorded(alone).totals["calls"] == trace.totals["calls"]
    assert recorded(alone).totals["lost"] == 0
    assert len(trace.of_kind(Kind.EXIT)) == 1  # who is who is known all the same


def test_32_bit_program(only, tmp_path) -> None:
    path = tmp_path / "kernel.imt"
    calls = only("calls", "-m32")
    with recording(path, "--driver", calls.name):
        subprocess.run([calls, "23"], check=True)
        time.sleep(0.1)
    trace = recorded(path)
    assert trace.count(64, Abi.I386) == 23
    assert set(trace.calls["abi"].tolist()) == {int(Abi.I386)}


def test_filter_of_its_own(only, tmp_path) -> None:
    """What it denies never becomes a call; what a supervisor lets go on does."""
    denied, supervised = only("denied"), only("supervised")
    path = tmp_path / "filters.imt"
    with recording(path, "--driver", denied.name, "--driver", supervised.name):
        for command in (denied, supervised):
            subprocess.run([command], check=False)  # RET_TRACE fails where nobody traces
        time.sleep(0.1)
    trace = recorded(path)
    application = {info.pid: info.application for info in trace.processes}
    made = trace.calls[trace.calls["syscall"] == GETPPID]
    assert [application[pid] for pid in made["pid"].tolist()] == [2] * 23


def test_short_processes(tmp_path) -> None:
    """Each of 211 processes is named before its first call, and ended."""
    path = tmp_path / "kernel.imt"
    true = tmp_path / f"true-{os.getpid()}"
    shutil.copy("/bin/true", true)
    script = f"i=0; while [ $i -lt 211 ]; do {true}; i=$((i+1)); done"
    with recording(path, "--driver", true.name):
        subprocess.run(["/bin/sh", "-c", script], check=True)
        time.sleep(0.1)
    trace = recorded(path)
    assert len(trace.processes) == 211
    assert trace.count(EXIT_GROUP) == 211
    assert len(trace.of_kind(Kind.EXIT)) == 211
    known: set[int] = set()
    for item in trace.items:
        if isinstance(item, np.ndarray):
            assert set(np.unique(item["pid"]).tolist()) <= known
        elif hasattr(item, "pid"):
            known.add(item.pid)
            assert (item.comm, item.exe) == (true.name[:15], str(true))
            assert item.parent > 1
    assert trace.count(GETPPID) == 0
