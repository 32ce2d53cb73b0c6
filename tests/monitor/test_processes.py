# SPDX-License-Identifier: GPL-3.0-or-later
"""What the view tells of processes and threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from imsafe.events import Kind
from imsafe.monitor import processes
from imsafe.monitor.engine import Engine
from imsafe.monitor.processes import ENDED_S, Processes
from imsafe.monitor.view_protocol import ENDED, RUNNING
from imsafe.stream.items import Item, ProcessInfo

from .conftest import (
    READ,
    WRITE,
    events_of,
    feed_all,
    feed_cut,
    normal_calls,
    process,
    segment,
    strange_calls,
)

NewEngine = Callable[..., Engine]
SECOND = 1_000_000_000


def told(known: Processes) -> dict[tuple[int, int], Any]:
    return {(int(row["pid"]), int(row["tid"])): row for row in known.rows(2.0)}


def test_a_process_and_its_threads(new_engine: NewEngine) -> None:
    engine = new_engine(threshold=None)
    info = ProcessInfo(5, 100, 1, "worker", "/bin/worker", 1, ("worker", "-d"), "daemon", 7)
    parts = [
        events_of(normal_calls(400), pid=100),
        events_of(strange_calls(100), pid=100, tid=101),
        events_of(normal_calls(300, seed=3), pid=200),
    ]
    events = np.concatenate(parts)
    events = events[np.argsort(events["time_ns"], kind="stable")]
    for item in [segment(), info, process(200), events[:600]]:
        engine.feed(1, 0, item)
    engine.feed(1, 0, events[600:])
    # The last bucket is complete once another one begins.
    late = events_of(normal_calls(20), pid=200, start_ns=5_000_000_000)
    engine.feed(1, 0, late)
    rows = told(engine.processes)
    assert rows.keys() == {(100, 0), (100, 100), (100, 101), (200, 0)}
    whole, thread = rows[100, 0], rows[100, 101]
    assert (whole["calls"], whole["threads"], whole["rate"]) == (500, 2, 250.0)
    assert (thread["calls"], thread["threads"], thread["state"]) == (100, 1, RUNNING)
    assert whole["application"] == 1
    assert thread["known"] < 0.5 < whole["known"] < 0.99
    assert rows[200, 0]["known"] > 0.99
    assert whole["highest"] == whole["peak"] >= thread["score"] > 0
    again = told(engine.processes)[100, 0]
    assert (again["rate"], again["highest"]) == (0, -1)
    (identity, other) = engine.processes.introduced()
    assert identity == {
        "stream": 1, "pid": 100, "parent": 1, "comm": "worker", "exe": "/bin/worker",
        "argv": ["worker", "-d"], "user": "daemon", "started": 1_700_000_000.000000007,
    }  # fmt: skip
    assert other["pid"] == 200
    assert engine.processes.introduced() == []
    assert engine.processes.identities() == [identity, other]


def test_one_that_has_ended_is_told_for_a_while(new_engine: NewEngine) -> None:
    events = events_of(normal_calls(50))
    events["kind"][-1] = Kind.EXIT
    engine = new_engine()
    feed_all(engine, [segment(), process(), events])
    known = engine.processes
    assert [row["state"] for row in told(known).values()] == [ENDED]
    known.age(100.0)
    known.age(100.0 + ENDED_S)
    assert len(told(known)) == 1
    known.age(100.1 + ENDED_S)
    assert told(known) == {}
    assert known.identities() == []


def by_thread_that_loads(pid: int, start_ns: int, *, calls_after: int) -> list[Item]:
    """A process whose second thread, above the threshold, loads a program: it becomes the first."""
    tid, loads_ns = pid + 1, start_ns + SECOND
    loads = events_of([0], pid=pid, start_ns=loads_ns)
    loads["kind"], loads["aux"] = Kind.EXEC, tid
    info = replace(process(pid, comm="sh"), time_ns=loads_ns)
    ends = events_of([0], pid=pid, start_ns=loads_ns + 2 * SECOND)
    ends["kind"] = Kind.EXIT
    return [
        process(pid),
        events_of(normal_calls(30, seed=pid), pid=pid, start_ns=start_ns),
        events_of(strange_calls(30), pid=pid, tid=tid, start_ns=start_ns + SECOND // 2),
        loads,
        info,
        events_of(normal_calls(calls_after), pid=pid, start_ns=loads_ns + SECOND),
        ends,
        events_of([READ], pid=5, start_ns=start_ns + 4 * SECOND),
    ]


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_a_thread_that_loads_a_program_takes_the_place_of_the_first(
    new_engine: NewEngine, chunk: int | None
) -> None:
    """Nothing tells of its end under its former number."""
    engine = new_engine(threshold=0.6)
    items = [segment(), process(5), *by_thread_that_loads(100, SECOND, calls_after=40)]
    at_exec = len(items) - 3
    feed_cut(engine, items[:at_exec], chunk)
    rows = told(engine.processes)
    assert [(row["threads"], row["state"]) for row in rows.values()] == [(0, RUNNING), (1, RUNNING)]
    (alert,) = engine.alerts
    assert (alert["tid"], alert["state"], alert["closed"]) == (101, "closed", 1_700_000_002.0)
    assert alert["reason"].endswith("Then it started /usr/bin/sh.")
    feed_cut(engine, items[at_exec:], chunk)
    rows = told(engine.processes)
    assert {key[0]: row["state"] for key, row in rows.items()} == {5: RUNNING, 100: ENDED}
    assert engine.histories.pids(1) == [5]
    (box,) = [box for box in engine.take().boxes if box.thread == 101]
    kept = np.concatenate([item for item in box.items() if isinstance(item, np.ndarray)])
    assert len(kept) == 30 + 30 + 1 + 40 + 1  # with what it does under its new number


def test_threads_that_load_programs_do_not_use_up_the_black_boxes(new_engine: NewEngine) -> None:
    engine = new_engine(threshold=0.6)
    feed_cut(engine, [segment(), process(5)])
    for pid in range(100, 200, 10):
        feed_cut(engine, by_thread_that_loads(pid, pid * SECOND, calls_after=5))
        assert {(pid, pid + 1)} <= {(b.process.pid, b.thread) for b in engine.take().boxes}
        assert {box.process.pid for box in engine.filling} <= {5}


@pytest.mark.parametrize("chunk", [None, 1])
@pytest.mark.parametrize("goes_to", [0, 2])
def test_what_leaves_within_a_bucket_is_over(
    new_engine: NewEngine, chunk: int | None, goes_to: int
) -> None:
    """As with --no-follow-exec: a child makes a few calls and loads another program at once."""
    engine = new_engine(threshold=None, names=("worker", "other"))
    meta = {"applications": [{"name": "worker"}, {"name": "other"}]}
    items: list[Item] = [segment(**meta), process(5), events_of(normal_calls(30), pid=5)]
    for pid in (100, 110):
        start_ns = pid * SECOND
        second_thread = events_of([READ], pid=pid, tid=pid + 1, start_ns=start_ns + 3000)
        loads = events_of([0], pid=pid, start_ns=start_ns + 5000)
        loads["kind"], loads["aux"] = Kind.EXEC, pid
        # One with a record of the exec, one without.
        calls = [events_of([READ, WRITE], pid=pid, start_ns=start_ns, step_ns=1000), second_thread]
        items += [
            process(pid),
            *calls,
            *([loads] if pid == 110 else []),
            process(pid, goes_to, "sh"),
        ]
    items.append(events_of(normal_calls(8), pid=5, start_ns=200 * SECOND))
    feed_cut(engine, items, chunk)
    worker = engine.applications[1]
    assert worker.scorer.alive == 1
    assert engine.histories.pids(1) == [5]
    rows = engine.processes.rows(1.0)
    running = rows[rows["state"] == RUNNING]
    assert running["pid"].tolist() == ([5] if goes_to == 0 else [5, 100, 110])
    assert running["application"].tolist() == ([1] if goes_to == 0 else [1, 2, 2])
    assert running["calls"].tolist()[1:] == [0] * (len(running) - 1)
    if goes_to == 0:
        ended = rows[rows["state"] == ENDED]
        assert ended[["pid", "calls"]].tolist() == [(100, 3), (110, 3)]
        assert {one["pid"] for one in engine.processes.identities()} == {5, 100, 110}


def test_bounds(new_engine: NewEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MOST_ENDED", 3)
    monkeypatch.setattr(processes, "MOST_ROWS", 5)
    engine = new_engine()
    engine.feed(1, 0, segment())
    for pid in range(1, 11):
        calls = strange_calls(40) if pid % 2 else normal_calls(40)
        engine.feed(1, 0, events_of(calls, pid=pid, start_ns=pid * 1_000_000_000))
    rows = told(engine.processes)
    assert len(rows) == 5
    assert {pid for pid, _ in rows} == {1, 3, 5, 7, 9}
    engine.finish()
    assert len(told(engine.processes)) == 3
