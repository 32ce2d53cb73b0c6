# SPDX-License-Identifier: GPL-3.0-or-later
"""A real profile of a small made-up program, and streams of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imsafe.events import EVENT, Abi, Events, Kind
from imsafe.monitor.engine import Engine
from imsafe.monitor.watched import Watched
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.stream.items import Closed, Item, ProcessInfo, Segment

READ, WRITE, OPENAT, CLOSE, POLL, SOCKET, EXECVE = 0, 1, 257, 3, 7, 41, 59
WORK = (OPENAT, READ, READ, WRITE, CLOSE, POLL, READ, WRITE)


def events_of(
    calls: list[int],
    *,
    pid: int = 100,
    tid: int | None = None,
    start_ns: int = 0,
    step_ns: int = 1_000_000,
) -> Events:
    """Calls of one thread at a steady pace."""
    events = np.zeros(len(calls), EVENT)
    events["time_ns"] = start_ns + np.arange(len(calls)) * step_ns
    events["pid"], events["tid"] = pid, tid or pid
    events["syscall"], events["abi"], events["kind"] = calls, Abi.X86_64, Kind.CALL
    return events


def normal_calls(count: int, seed: int = 1) -> list[int]:
    """Rounds of work, of which some are cut short."""
    random = np.random.default_rng(seed)
    calls: list[int] = []
    while len(calls) < count:
        calls += WORK[: 4 + int(random.integers(5))]
    return calls[:count]


def strange_calls(count: int, seed: int = 2) -> list[int]:
    """What an intruder does: nothing of it was ever learned."""
    return [
        int(n)
        for n in np.random.default_rng(seed).choice([SOCKET, EXECVE, 42, 33, 105, 106], count)
    ]


def segment(name: str = "worker", **more: object) -> Segment:
    """A stream's beginning."""
    return Segment(
        {
            "applications": [{"name": name}],
            "tracer": "ptrace-seccomp",
            "follow_exec": True,
            "wall_ns": 1_700_000_000_000_000_000,
            "monotonic_ns": 0,
            **more,
        }
    )


def process(pid: int = 100, application: int = 1, comm: str = "worker") -> ProcessInfo:
    """A process that joins."""
    return ProcessInfo(0, pid, 1, comm, f"/usr/bin/{comm}", application)


@pytest.fixture(scope="session")
def profile_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `.db` of the made-up program: 60 processes of 400 calls each."""
    learner = Learner(depth=6)
    learner.begin_trace("made up", "made up", segment().meta)
    for number in range(60):
        learner.feed(0, events_of(normal_calls(400, seed=number), pid=1000 + number))
    learner.end_trace()
    path = tmp_path_factory.mktemp("profile") / "worker.db"
    learner.finish().save(path)
    return path


@pytest.fixture(scope="session")
def profile(profile_path: Path) -> Profile:
    """That profile, loaded; not to be changed."""
    return Profile.load(profile_path)


@pytest.fixture
def new_engine(profile: Profile) -> Callable[..., Engine]:
    """Make an engine that watches the program."""

    def make(threshold: float | None = 0.5, *, names: tuple[str, ...] = ()) -> Engine:
        applications = [
            Watched(number, name, "worker.db", profile, Scorer(profile), threshold)
            for number, name in enumerate(names or ("worker",), 1)
        ]
        return Engine(applications, everything=not names)

    return make


def feed_all(engine: Engine, items: list[Item], chunk: int | None = None) -> None:
    """Feed a stream, its batches cut into chunks, and end it."""
    feed_cut(engine, [*items, Closed(complete=True)], chunk)


def feed_cut(engine: Engine, items: list[Item], chunk: int | None = None) -> None:
    """Feed items of a stream, its batches cut into chunks."""
    for item in items:
        if isinstance(item, np.ndarray) and chunk is not None:
            for start in range(0, len(item), chunk):
                engine.feed(1, 0, item[start : start + chunk])
        else:
            engine.feed(1, 0, item)
