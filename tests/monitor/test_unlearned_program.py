# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that runs a program which was never learned: its score, its alert, its black box."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imsafe.events import Kind
from imsafe.monitor.box_store import BoxStore
from imsafe.monitor.engine import Engine
from imsafe.monitor.view_protocol import READINGS
from imsafe.monitor.watched import Watched
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.stream.items import Item, ProcessInfo
from imsafe.stream.traces import open_trace

from ..sources.kernel_tracer import needs_the_kernel, recording
from .conftest import WORK, events_of, feed_all, segment, strange_calls
from .test_ims_monitor import ENVIRONMENT, linux

NewEngine = Callable[..., Engine]


def worked(pid: int, rounds: int, start_ns: int = 0) -> Any:
    return events_of(list(WORK) * rounds, pid=pid, start_ns=start_ns)


@pytest.fixture(scope="module")
def plain() -> Profile:
    """A program, `worker`, that does the same again and again, in 60 processes."""
    learner = Learner(depth=6)
    learner.begin_trace("plain", "plain", segment().meta)
    for number in range(60):
        learner.runs("worker", "/usr/bin/worker")
        learner.feed(0, worked(1000 + number, 50))
    learner.end_trace()
    return learner.finish()


@pytest.fixture
def new(plain: Profile) -> NewEngine:
    def make(threshold: float = 0.5) -> Engine:
        watched = Watched(1, "worker", "worker.db", plain, Scorer(plain), threshold)
        return Engine([watched], everything=True)

    return make


def story(comm: str = "sh") -> list[Item]:
    """A worker makes a child, which works on and loads a program that does the same."""
    fork, loads = worked(100, 1)[:1], worked(101, 1, 20_000_000)[:1]
    fork["kind"], fork["aux"] = Kind.FORK, 101
    loads["kind"], loads["aux"] = Kind.EXEC, 101
    return [
        segment(),
        ProcessInfo(0, 100, 1, "worker", "/usr/bin/worker", 1),
        fork,
        ProcessInfo(0, 101, 100, "worker", "/usr/bin/worker", 1),
        worked(101, 2, 1_000_000),
        loads,
        ProcessInfo(20_000_000, 101, 100, comm, f"/usr/bin/{comm}", 1, (comm, "-c", "id")),
        worked(101, 40, 30_000_000),
        worked(100, 40, 40_000_000),
    ]


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_it_scores_from_its_first_call_on_whatever_it_does(
    new: NewEngine, plain: Profile, chunk: int | None
) -> None:
    engine = new()
    feed_all(engine, story(), chunk)
    (alert,) = engine.alerts
    names = ("openat", "read", "read", "write", "close", "poll", "read", "write")
    assert alert["score"] == alert["peak"] == plain.programs.score > 0.6
    assert (alert["pid"], alert["reading"], alert["calls_above"]) == (101, "program", 320)
    assert alert["time"] == pytest.approx(1_700_000_000.03)
    assert alert["reason"] == (
        "sh (pid 101: /usr/bin/sh -c id, started by worker, pid 100) runs a program that no learned"
        " process ran; those ran worker."
    )
    # What it did is told, not what its process had done before.
    assert [call["call"] for call in alert["calls"]] == list(
        itertools.islice(itertools.cycle(names), 20)
    )
    assert READINGS[4] == "program"
    below = new(threshold=plain.programs.score + 0.01)
    feed_all(below, story(), chunk)
    assert not list(below.alerts)


def test_one_that_was_learned_or_nobody_saw_loaded_does_not(new: NewEngine) -> None:
    renamed, ran_already = story("worker"), story("sh")
    renamed[6] = ProcessInfo(20_000_000, 101, 100, "worker", "/memfd:worker (deleted)", 1)
    del ran_already[5]
    for items in (story("worker"), renamed, ran_already):
        engine = new()
        feed_all(engine, items)
        assert not list(engine.alerts)
        assert engine.calls == 2 * 8 + 2 * 40 * 8


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_of_one_that_does_worse_the_worst_is_told(new: NewEngine, chunk: int | None) -> None:
    worse = events_of(strange_calls(30), pid=101, start_ns=400_000_000)
    engine = new()
    feed_all(engine, [*story()[:8], worse, worked(101, 60, 500_000_000)], chunk)
    (alert,) = engine.alerts
    assert alert["peak"] > alert["score"]
    assert (alert["reading"], len(alert["calls"])) == ("program", 20)
    assert [call["surprise"] > 4 for call in alert["calls"]] == [False] * 15 + [True] * 5
    assert alert["reason"].endswith("those ran worker.")


@pytest.mark.parametrize("chunk", [None, 1])
def test_of_one_that_ends_soon_all_is_told(new: NewEngine, chunk: int | None) -> None:
    ends = worked(101, 1, 50_000_000)[:1]
    ends["kind"] = Kind.EXIT
    engine = new()
    feed_all(engine, [*story()[:7], worked(101, 1, 30_000_000)[:3], ends, worked(100, 9)], chunk)
    (alert,) = engine.alerts
    told = [call["call"] for call in alert["calls"]]
    assert told[-3:] == ["openat", "read", "read"]
    assert len(told) == 19  # with the 16 before
    assert (alert["state"], alert["calls_above"]) == ("closed", 3)


def test_children_are_of_the_program_until_they_load_another(new: NewEngine) -> None:
    items = story()[:-1]
    fork, loads = worked(101, 1, 10**9)[:1], worked(102, 1, 3 * 10**9)[:1]
    fork["kind"], fork["aux"] = Kind.FORK, 102
    loads["kind"], loads["aux"] = Kind.EXEC, 102
    born = ProcessInfo(10**9, 102, 101, "sh", "/usr/bin/sh", 1, started_ns=10**9)
    items += [
        fork,
        born,
        worked(102, 1, 2 * 10**9),
        loads,
        ProcessInfo(3 * 10**9, 102, 101, "worker", "/usr/bin/worker", 1),
        worked(102, 1, 4 * 10**9),
        # Its number is given to a child of the worker.
        ProcessInfo(5 * 10**9, 101, 100, "worker", "/usr/bin/worker", 1, started_ns=5 * 10**9),
        worked(101, 1, 20 * 10**9),
    ]
    engine = new()
    feed_all(engine, items)
    assert [(alert["pid"], alert["calls_above"]) for alert in engine.alerts] == [
        (101, 320),
        (102, 8),
    ]


def test_its_black_box_tells_when_it_loaded_the_program(
    new: NewEngine, plain: Profile, tmp_path: Path
) -> None:
    engine = new()
    items = story()
    fork = worked(101, 1, 10**9)[:1]
    fork["kind"], fork["aux"] = Kind.FORK, 102
    born = ProcessInfo(10**9, 102, 101, "sh", "/usr/bin/sh", 1, started_ns=10**9)
    feed_all(engine, [*items, fork, born, worked(102, 4, 2 * 10**9)])
    boxes = {box.alert: box for box in engine.take().boxes}
    assert len(boxes) == len(list(engine.alerts)) == 2
    for alert in engine.alerts:
        again = new()
        for stream, item in open_trace(BoxStore(tmp_path).write(boxes[alert["id"]], 0)):
            again.feed(1, stream, item)
        (same,) = again.alerts
        for key in ("time", "score", "reading", "calls", "calls_above", "comm"):
            assert dict(same)[key] == dict(alert)[key]


def test_said_to_be_normal_it_is_and_taken_back_it_is_not(
    new: NewEngine, plain: Profile, tmp_path: Path
) -> None:
    plain.save(tmp_path / "a.db")
    profile = Profile.load(tmp_path / "a.db")
    engine = new()
    (watched,) = engine.applications.values()
    items = story()
    for item in items[:-1]:
        engine.feed(1, 0, item)
    (alert,) = engine.alerts
    sequences, program = engine.sequences(alert["id"])
    assert program == "sh"
    units = [(state, events) for events, state in sequences]
    mark = profile.mark_normal(units, threshold=0.5, programs=[program])
    engine.use_profile(watched, profile)
    engine.feed(1, 0, worked(101, 10, 20_000_000_000))
    assert alert["state"] == "closed"
    profile.undo_normal(mark)
    engine.use_profile(watched, profile)
    engine.feed(1, 0, worked(101, 10, 40_000_000_000))
    assert [one["state"] for one in engine.alerts] == ["closed", "open"]


def program(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", f"imsafe.cli.{name}", *map(str, arguments)]
    return subprocess.run(
        argv, capture_output=True, text=True, env=ENVIRONMENT, timeout=240, check=False
    )


def by_ptrace(trace: Path, script: Path, *arguments: object) -> None:
    assert program("trace", "-o", trace, "--", script, *arguments).returncode == 0


def in_the_kernel(trace: Path, script: Path, *arguments: object) -> None:
    with recording(trace, "--driver", script.name):
        subprocess.run([script, *map(str, arguments)], check=True, timeout=60)


@linux
@pytest.mark.parametrize(
    "record", [by_ptrace, pytest.param(in_the_kernel, marks=needs_the_kernel())]
)
def test_a_script_that_runs_another_program(record: Callable[..., None], tmp_path: Path) -> None:
    script, other = tmp_path / "ims2work.sh", tmp_path / "other"
    script.write_text(
        '#!/bin/sh\nwhile [ $((n+=1)) -le $1 ]; do "$2" < /etc/passwd > /dev/null; done\n'
    )
    script.chmod(0o755)
    shutil.copy(shutil.which("wc") or "wc", other)  # only its name tells
    traces = {name: tmp_path / f"{name}.imt" for name in ("learned", "normal", "attack")}
    record(traces["learned"], script, 200, "wc")
    record(traces["normal"], script, 50, "wc")
    record(traces["attack"], script, 3, other)

    profile = tmp_path / "p.db"
    result = program("learn", "-o", profile, traces["learned"])
    assert "\nPrograms: ims2work.sh, wc; another one scores 0." in result.stdout, result
    watch = ("-d", profile, "-t", "0.5", "--json", "--replay")
    assert program("monitor", *watch, traces["normal"]).returncode == 0
    result = program("monitor", *watch, traces["attack"])
    assert result.returncode == 1, result
    said = [json.loads(line) for line in result.stdout.splitlines()]
    opened = [one for one in said if one["type"] == "alert" and one["state"] == "open"]
    assert len(opened) == 3
    for alert in opened:
        assert (alert["comm"], alert["reading"]) == ("other", "program")
        assert f": {other}" in alert["reason"]
        assert alert["reason"].endswith("; those ran ims2work.sh and wc.")

    given = ("--normal", traces["normal"], "--attack", traces["attack"], "--json")
    result = program("evaluate", "-d", profile, *given)
    last = json.loads(result.stdout.splitlines()[-1])
    assert (last["auc"], last["beside"]["program"]["auc"]) == (1.0, 1.0)
