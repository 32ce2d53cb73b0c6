# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imsafe.events import EVENT, Abi, Kind
from imsafe.monitor import engine as engine_module
from imsafe.monitor import stream_watch as stream_watch_module
from imsafe.monitor.engine import Engine
from imsafe.monitor.findings import gap_records, log_lines
from imsafe.monitor.processes import MOST_ENDED
from imsafe.monitor.score_log import format_line
from imsafe.monitor.view_protocol import BUCKET_NS, ENDED
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.stream.items import Item, Lost, ProcessInfo

from .conftest import (
    READ,
    WORK,
    events_of,
    feed_all,
    normal_calls,
    process,
    segment,
    strange_calls,
)

NewEngine = Callable[..., Engine]
SECOND = 1_000_000_000


def outcome(engine: Engine) -> dict[str, Any]:
    """All that must not depend on how the stream was cut."""
    findings = engine.take()
    return {
        "log": [
            format_line(line) for s in findings.scored for line in log_lines(s, engine.applications)
        ],
        "buckets": [row for s in findings.scored for row in s.buckets.tolist()],
        "alerts": list(engine.alerts),
        "opened": findings.opened,
        "gaps": findings.gaps,
        "calls": engine.calls,
        "lost": engine.lost,
        "not watched": engine.not_watched,
        "highest": engine.highest,
    }


@st.composite
def streams(draw: st.DrawFn) -> list[Item]:
    """Streams with threads, ends, execs, losses, unordered times and processes that come and go."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    items: list[Item] = [segment()]
    reused = 0
    time, aux = draw(st.sampled_from([0, 10**15, 2**62])), 0
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["events", "events", "events", "process", "lost"]))
        if kind == "process":
            items.append(process(100 + int(random.integers(3)), int(random.integers(3))))
        elif kind == "lost":
            items.append(Lost(int(random.integers(1, 50)), time, time + 1000))
        else:
            count = draw(st.integers(1, 150))
            events = np.zeros(count, EVENT)
            steps = random.choice(
                [0, 10**5, 10**7, 3 * 10**8, 11 * 10**9], count, p=[0.5, 0.4, 0.06, 0.03, 0.01]
            )
            times = time + np.cumsum(steps)
            time = int(times[-1])
            events["time_ns"] = times - random.choice([0, 0, 0, 10**6], count).clip(0, times)
            events["pid"] = 100 + random.integers(0, 3, count)
            events["tid"] = events["pid"] + 1000 * random.integers(0, 2, count)
            strange = random.random(count) < draw(st.sampled_from([0.0, 0.1, 0.9]))
            events["syscall"] = np.where(strange, strange_calls(count), np.resize(WORK, count))
            events["abi"] = Abi.X86_64
            events["kind"] = random.choice([0, 1, 2, 3], count, p=[0.97, 0.01, 0.01, 0.01])
            lost = np.cumsum(random.random(count) < 0.005) * 3
            # The kernel does not use a thread's number again at once.
            for row in np.flatnonzero(events["kind"] == Kind.EXIT):
                later = events[row + 1 :]
                later["tid"][later["tid"] == events["tid"][row]] += 5000
            events["tid"] += np.uint32(100_000 * reused)
            reused += int(np.count_nonzero(events["kind"] == Kind.EXIT) > 0)
            counts = (aux + lost - random.choice([0, 3], count, p=[0.98, 0.02])).clip(0)  # late
            events["aux"] = np.where(events["kind"] == Kind.CALL, counts, 0)
            aux += int(lost[-1])
            items.append(events)
    return items


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(items=streams(), threshold=st.sampled_from([0.2, 0.5, None]))
def test_chunks_make_no_difference(
    new_engine: NewEngine, items: list[Item], threshold: float | None
) -> None:
    outcomes = []
    for chunk in (None, 1, 7, 1000):
        engine = new_engine(threshold)
        feed_all(engine, items, chunk)
        outcomes.append(outcome(engine))
    for other in outcomes[1:]:
        for what, expected in outcomes[0].items():
            assert other[what] == expected, what


def test_applications_are_told_apart_and_the_rest_is_counted(new_engine: NewEngine) -> None:
    engine = new_engine(names=("worker", "helper"))
    meta = {"applications": [{"name": "helper"}, {"name": "unknown"}, {"name": "worker"}]}
    items = [segment(**meta), process(1, 1), process(2, 2), process(3, 3)]
    events = np.concatenate([events_of(normal_calls(60), pid=pid) for pid in (1, 2, 3, 4)])
    events = events[np.argsort(events["time_ns"], kind="stable")]
    feed_all(engine, [*items, events], 7)
    scored = [row for s in engine.take().scored for row in s.buckets.tolist()]
    names = {row[1]: engine.applications[row[3]].name for row in scored}
    assert names == {1: "helper", 3: "worker", 4: "helper"}
    assert engine.calls == 180
    assert engine.not_watched == 60


def test_a_name_that_nothing_has_is_told(new_engine: NewEngine) -> None:
    engine = new_engine(names=("nosuchapp", "other"))
    stranger = segment(applications=[{"name": "sh"}, {"name": "e\x1bl"}])
    feed_all(engine, [stranger, events_of(normal_calls(60)), stranger], 100)
    assert engine.take().notices == [
        "sh is not watched: the applications that are watched are called nosuchapp, other.",
        "e\\x1bl is not watched: the applications that are watched are called nosuchapp, other.",
    ]


def test_a_process_that_leaves_is_void(new_engine: NewEngine) -> None:
    engine = new_engine(threshold=0.4)
    feed_all(
        engine,
        [segment(), process(), events_of(strange_calls(100)), process(application=0)],
    )
    (alert,) = engine.alerts
    assert alert["state"] == "closed"
    assert alert["closed"] == pytest.approx(1_700_000_000 + 0.099)
    assert engine.histories.records == 0


def test_normal_work_is_quiet_and_strange_work_is_not(new_engine: NewEngine) -> None:
    engine = new_engine(threshold=0.5)
    feed_all(engine, [segment(), process(), events_of(normal_calls(3000, seed=99))])
    quiet = engine.take()
    assert engine.alerts.count == 0
    assert engine.highest < 0.5
    assert quiet.opened == []

    feed_all(
        engine,
        [
            segment(),
            process(),
            events_of(normal_calls(700, seed=98)),
            events_of(strange_calls(40), start_ns=SECOND),
            events_of(normal_calls(900, seed=97), start_ns=2 * SECOND),
            events_of([READ], pid=7, start_ns=20 * SECOND),
        ],
    )
    findings = engine.take()
    (alert,) = findings.opened
    assert alert["comm"] == "worker"
    assert alert["exe"] == "/usr/bin/worker"
    assert alert["score"] >= 0.5
    assert len(alert["calls"]) == 20
    assert alert["calls"][-1]["call"] == alert["call"]
    assert alert["calls"][-1]["surprise"] > 4
    assert "worker (pid 100)" in alert["reason"]
    likely, chance = alert["calls"][0]["expected"][0]
    assert likely in {"openat", "read", "write", "close", "poll"}
    assert 0.2 < chance <= 1
    (final,) = engine.alerts
    assert final["state"] == "closed"
    assert final["peak"] >= final["score"]
    assert final["calls_above"] > 1


def test_an_alert_closes_after_ten_quiet_seconds(new_engine: NewEngine) -> None:
    engine = new_engine(threshold=0.5)
    items = [segment(), process(), events_of(strange_calls(40))]
    for item in items:
        engine.feed(1, 0, item)
    assert engine.open_alerts == 1
    last = engine.alerts.get(1)["time"]
    # Another thread's calls move the clock.
    engine.feed(1, 0, events_of([READ], pid=7, start_ns=9 * SECOND))
    assert engine.open_alerts == 1
    engine.feed(1, 0, events_of([READ], pid=7, start_ns=11 * SECOND))
    assert engine.open_alerts == 0
    assert last + 10 <= engine.alerts.get(1)["closed"] <= last + 10.04


def test_losses_are_counted_once_and_shown(new_engine: NewEngine) -> None:
    engine = new_engine()
    before, after = events_of(normal_calls(50)), events_of(normal_calls(50), start_ns=SECOND)
    after["aux"] = 30
    told_twice = [segment(), before, Lost(30, 50_000_000, 999_000_000), after]
    feed_all(engine, told_twice, 7)
    assert engine.lost == 30
    findings = engine.take()
    assert sum(count for *_, count in findings.gaps) == 30
    assert sum(int(scored.lost.sum()) for scored in findings.scored) == 30


def test_clocks_that_no_clock_shows(new_engine: NewEngine) -> None:
    engine = new_engine(threshold=0.5)
    events = events_of(strange_calls(300))
    events["time_ns"][100:200] = 2**64 - 1
    feed_all(engine, [segment(wall_ns=2**80, monotonic_ns=-(2**80)), events], 7)
    assert engine.calls == 300
    engine = new_engine()
    feed_all(engine, [segment(wall_ns="soon", applications={"name": 1}), events])
    assert engine.calls == 300


def test_losses_are_told_at_the_end_of_all_time(new_engine: NewEngine) -> None:
    engine = new_engine()
    events = events_of(normal_calls(50), start_ns=2**62 - 10**6, step_ns=10)
    events["aux"][20:] = 30
    feed_all(engine, [segment(wall_ns=2**62, monotonic_ns=0), events], 7)
    assert sum(int(scored.lost.sum()) for scored in engine.take().scored) == 30


def test_a_storm_of_alerts_is_bounded(new_engine: NewEngine) -> None:
    engine = new_engine(threshold=0.3)
    feed_all(
        engine,
        [
            segment(),
            *(
                events_of(strange_calls(30, seed=n), pid=n, start_ns=n * 100_000_000)
                for n in range(1, 1501)
            ),
        ],
    )
    assert engine.alerts.count == 1500
    assert len(list(engine.alerts)) == 1000
    assert engine.boxes_refused == 1400
    assert len(engine.take().boxes) == 100


def test_memory_stays_bounded_over_many_processes(new_engine: NewEngine) -> None:
    engine = new_engine()
    engine.feed(1, 0, segment())
    for number in range(1, 3000):
        events = events_of([*WORK, READ], pid=number, start_ns=number * 1_000_000_000)
        events["kind"][-1] = Kind.EXIT
        engine.feed(1, 0, process(number))
        engine.feed(1, 0, events)
    engine.take()
    assert engine.histories.records < 100
    assert len(engine.processes.pids(1)) <= 2
    rows = engine.processes.rows(1.0)
    assert set(rows["state"].tolist()) == {ENDED}
    assert len(rows) == MOST_ENDED
    for now in (0.0, 1000.0):
        engine.processes.age(now)
    assert len(engine.processes.rows(1.0)) == 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**9).map(lambda n: 1_700_000_000 * SECOND + n),
            st.integers(0, 3 * 10**8),
            st.integers(1, 1000),
        ),
        min_size=1,
    )
)
def test_gaps_are_joined_by_bucket_and_nothing_is_left_out(
    found: list[tuple[int, int, int]],
) -> None:
    gaps = [(begin, begin + length, count) for begin, length, count in found]
    records = gap_records(gaps)
    assert int(records["count"].sum()) == sum(count for _, _, count in gaps)
    assert len(records) <= 11
    assert (np.diff(records["from_ns"]) > 0).all()
    for begin, end, _ in gaps:
        assert ((records["from_ns"] <= begin) & (end <= records["to_ns"])).any()
    apart = [gap for gap in gaps if sum(g[0] // BUCKET_NS == gap[0] // BUCKET_NS for g in gaps) < 2]
    assert {(*gap, 0) for gap in apart} <= set(map(tuple, records.tolist()))


def test_an_alert_says_who_it_was_and_what_it_belongs_to(new_engine: NewEngine) -> None:
    second = 1_000_000_000
    shell = ProcessInfo(
        5 * second, 100, 90, "sh", "/bin/sh", 1, ("sh", "-c", "id"), "www-data", 5 * second,
        ((90, "httpd"), (1, "systemd")),
    )  # fmt: skip
    child = ProcessInfo(6 * second, 101, 100, "id", "/bin/id", 1, ("id",), "www-data", 6 * second)
    bare = ProcessInfo(6 * second, 300, 77, "cron", "/bin/cron", 1)
    items: list[Item] = [segment(), shell, child, bare]
    for pid, start in ((100, 7), (101, 8), (300, 9)):
        items.append(events_of(strange_calls(60), pid=pid, start_ns=start * second))
    engine = new_engine(threshold=0.6)
    feed_all(engine, items)
    first, second_, third = engine.alerts
    assert first["argv"] == ["sh", "-c", "id"]
    assert first["user"] == "www-data"
    assert first["started"] == 1_700_000_005
    assert first["parents"] == [(90, "httpd"), (1, "systemd")]
    assert second_["parents"] == [(100, "sh"), (90, "httpd"), (1, "systemd")]
    assert (third["argv"], third["started"], third["parents"]) == ([], None, [(77, "")])
    assert [alert["incident"] for alert in engine.alerts] == [1, 1, 3]
    boxes = {box.alert: box for box in engine.take().boxes}
    assert boxes[2].process.parents == ((100, "sh"), (90, "httpd"), (1, "systemd"))
    assert boxes[2].process.argv == ("id",)
    engine.acknowledge(1, 5.0)
    assert engine.alert(1)["acknowledged"] == 5.0
    assert set(engine.take().alerts) == {1}


def made_up(count: int, first: int, *, same_process: bool = False) -> np.ndarray:
    """Threads that make one call and never end, all at the same moment."""
    events = events_of([READ] * count, step_ns=0)
    events["tid"] = np.arange(first, first + count)
    events["pid"] = 7 if same_process else events["tid"]
    return events


@pytest.mark.parametrize("same_process", [False, True])
def test_made_up_threads_do_not_fill_the_memory(
    new_engine: NewEngine, monkeypatch: pytest.MonkeyPatch, same_process: bool
) -> None:
    monkeypatch.setattr(engine_module, "MOST_THREADS", 10_000)
    engine = new_engine(None)
    scorer = engine.applications[1].scorer
    for stream in (0, 1):
        engine.feed(1, stream, segment())
    honest = made_up(1009, 5_000_000)
    engine.feed(1, 0, honest)
    notices = []
    for first in range(8, 60_000, 9000):
        engine.feed(1, 1, made_up(9000, first, same_process=same_process))
        notices += engine.take().notices
        assert scorer.alive <= 10_000
        assert engine.histories.records <= 10_000 + 4096
    assert len(notices) > 3
    assert all("so many threads that do not end" in text for text in notices)
    # The other stream's threads were left alone: their contexts go on.
    assert len(engine.histories.pids(1)) == 1009
    assert engine.calls == 1009 + 9000 * len(range(8, 60_000, 9000))


def test_a_process_with_as_many_threads_as_are_kept(
    new_engine: NewEngine, profile: Profile
) -> None:
    """Black boxes and other profiles go on from what was saved of them."""
    count = 66_000
    engine = new_engine(None)
    scorer = engine.applications[1].scorer
    engine.feed(1, 0, segment())
    engine.feed(1, 0, made_up(count, 8, same_process=True))
    engine.use_profile(engine.applications[1], profile)
    assert scorer.alive == count


def test_threads_that_end_while_the_clock_stands_still(
    new_engine: NewEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_watch_module, "MOST_EXITS", 10_000)
    engine = new_engine(None)
    engine.feed(1, 0, segment())
    for first in range(8, 60_000, 9000):
        events = made_up(9000, first)
        events["kind"] = Kind.EXIT
        engine.feed(1, 0, events)
        assert len(engine.processes.pids(1)) <= 10_000 + 4096


def test_a_snapshot_of_many_threads_is_not_taken_at_every_turn(
    new_engine: NewEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its threads cost time each: not more of them than there are calls."""
    engine = new_engine(None)
    scorer = engine.applications[1].scorer
    snapped = []

    def counted(stream: int, pid: int) -> dict[str, Any]:
        state = Scorer.snapshot(scorer, stream, pid)
        snapped.append(len(state.get("threads", ())))
        return state

    monkeypatch.setattr(scorer, "snapshot", counted)
    engine.feed(1, 0, segment())
    engine.feed(1, 0, made_up(40_000, 8, same_process=True))
    for _ in range(4):
        engine.feed(1, 0, events_of([READ] * 20_000, pid=7, start_ns=1, step_ns=0))
    assert max(snapped) > 30_000
    assert sum(snapped) <= 2 * (40_000 + 4 * 20_000)
