# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imsafe.errors import ImsafeError
from imsafe.events import EVENT, Events, Kind
from imsafe.monitor.box_store import BoxStore, check_folder
from imsafe.monitor.engine import Engine
from imsafe.monitor.findings import log_lines
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.stream.items import Item, Lost, ProcessInfo, Segment
from imsafe.stream.traces import open_trace

from .conftest import READ, events_of, feed_all, normal_calls, process, segment, strange_calls

NewEngine = Callable[..., Engine]


def threads_at_work(tids: list[int], count: int, start: int, *, strange: int = 0) -> Events:
    """Threads of one process side by side; one of them does strange things."""
    parts = [
        events_of(
            strange_calls(count) if tid == strange else normal_calls(count, seed=tid),
            pid=100,
            tid=tid,
            start_ns=start + 100 * index,
        )
        for index, tid in enumerate(tids)
    ]
    events = np.concatenate(parts)
    return events[np.argsort(events["time_ns"], kind="stable")]


def story(calls_before: int) -> list[Item]:
    tids = [100, 101, 102]
    second = max(1_000_000_000, calls_before * 1_000_000)
    other = events_of(normal_calls(500, seed=7), pid=555, start_ns=second)
    late = threads_at_work(tids, 700, 3 * second)
    late["aux"] = 12
    return [
        segment(),
        process(),
        process(555, comm="bystander"),
        threads_at_work(tids, calls_before, 0),
        other,
        Lost(5, 2 * second, 2 * second),
        threads_at_work(tids, 100, 2 * second, strange=101),
        late,
    ]


def read(path: Path) -> list[Item]:
    reader = open_trace(path)
    items = [item for _, item in reader]
    reader.close()
    return items


def scores_of(profile: Profile, items: list[Item]) -> list[tuple[int, int, float, int]]:
    """Time, tid, score and surprise of the process's records, one by one."""
    scorer = Scorer(profile)
    scorer.begin_stream(1)
    scores = []
    for item in items:
        if isinstance(item, Segment):
            state = item.meta.get("state", {})
            if state.get("scorer"):
                scorer.restore(1, state["pid"], state["scorer"])
        elif isinstance(item, Lost):
            scorer.lost(1)
        elif isinstance(item, np.ndarray):
            scores += [
                (int(e["time_ns"]), int(e["tid"]), float(s["score"]), int(s["surprise"]))
                for e, s in zip(item, scorer.feed(1, item), strict=True)
                if e["pid"] == 100
            ]
    return scores


@pytest.mark.parametrize("chunk", [None, 1, 7])
def test_a_box_replays_to_the_same_scores_after_a_count_of_losses_that_came_late(
    new_engine: NewEngine, profile: Profile, tmp_path: Path, chunk: int | None
) -> None:
    """Of several processors the other process's had the newer count first."""
    calls = events_of([*normal_calls(400), *strange_calls(40), *normal_calls(600)])
    other = events_of([READ], pid=555, start_ns=300_000_000)
    calls["aux"] = 4
    calls["aux"][301:] = other["aux"] = 5
    events = np.concatenate([calls[:300], other, calls[300:]])
    stream: list[Item] = [segment(), process(), process(555), events]
    engine = new_engine(threshold=0.6)
    feed_all(engine, stream, chunk)
    (box,) = [box for box in engine.take().boxes if box.process.pid == 100]
    replayed = scores_of(profile, read(BoxStore(tmp_path).write(box, 0)))
    assert len(replayed) > 900
    assert set(replayed) <= set(scores_of(profile, stream))


@pytest.mark.parametrize("calls_before", [30, 300, 5000])
@pytest.mark.parametrize("chunk", [None, 100])
def test_a_box_replays_to_the_same_scores(
    new_engine: NewEngine,
    profile: Profile,
    tmp_path: Path,
    calls_before: int,
    chunk: int | None,
) -> None:
    items = story(calls_before)
    engine = new_engine(threshold=0.6)
    feed_all(engine, items, chunk)
    findings = engine.take()
    box = next(box for box in findings.boxes if box.thread == 101)
    path = BoxStore(tmp_path).write(box, 0)

    original = scores_of(profile, items)
    replayed = scores_of(profile, read(path))
    thread_calls = [time for time, tid, *_ in replayed if tid == 101]
    assert set(replayed) <= set(original)
    alert = engine.alerts.get(box.alert)
    assert alert is not None
    raised = round((alert["time"] - 1_700_000_000) * 1e9)
    at = int(np.abs(np.array(thread_calls) - raised).argmin())
    assert abs(thread_calls[at] - raised) < 1000
    whole = [time for time, tid, *_ in original if tid == 101]
    assert at == min(500, whole.index(thread_calls[at]))
    assert len(thread_calls) - at - 1 == 500

    # And the monitor sees the same alert in it.
    second = new_engine(threshold=0.6)
    reader = open_trace(path)
    for stream, item in reader:
        second.feed(1, stream, item)
    reader.close()
    same = [a for a in second.alerts if a["tid"] == 101]
    assert same[0]["score"] == alert["score"]
    assert same[0]["calls"] == alert["calls"]
    assert second.lost == engine.lost == 12
    assert [line for s in second.take().scored for line in log_lines(s, second.applications)]


def test_a_box_of_a_process_that_ends_at_once(new_engine: NewEngine, tmp_path: Path) -> None:
    events = events_of([*strange_calls(40), 231])
    events["kind"][-1] = Kind.EXIT
    engine = new_engine(threshold=0.6)
    feed_all(engine, [segment(), process(), events])
    (box,) = engine.take().boxes
    path = BoxStore(tmp_path / "new" / "folder").write(box, 1_700_000_000_123_000_000)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    items = [item for _, item in open_trace(path)]
    recorded = np.concatenate([item for item in items if isinstance(item, np.ndarray)])
    assert np.array_equal(recorded, events.astype(EVENT))
    assert [i.comm for i in items if isinstance(i, ProcessInfo)] == ["worker"]


def test_names_of_boxes_cannot_leave_the_folder(new_engine: NewEngine, tmp_path: Path) -> None:
    engine = new_engine(threshold=0.6, names=("../../etc/x\n",))
    feed_all(engine, [segment("../../etc/x\n"), events_of(strange_calls(40))])
    (box,) = engine.take().boxes
    path = BoxStore(tmp_path).write(box, 5)
    assert path.parent == tmp_path
    assert path.name.isprintable()
    assert "/" not in path.name


def test_the_oldest_boxes_give_way(new_engine: NewEngine, tmp_path: Path) -> None:
    engine = new_engine(threshold=0.6)
    feed_all(engine, [segment(), *(events_of(strange_calls(40), pid=p) for p in range(1, 8))])
    (tmp_path / "mine.imt").write_text("not a box")
    store = BoxStore(tmp_path, most=5)
    paths = [store.write(box, number * 10**9) for number, box in enumerate(engine.take().boxes)]
    assert store.make_room() == paths[:2]
    assert sorted(tmp_path.glob("alert-*.imt")) == paths[2:]
    size = paths[-1].stat().st_size
    assert BoxStore(tmp_path, most_bytes=size * 2 + 1).make_room() == paths[2:5]
    assert (tmp_path / "mine.imt").exists()


def test_boxes_of_a_replay_do_not_give_way_to_those_of_later_times(
    new_engine: NewEngine, tmp_path: Path
) -> None:
    engine = new_engine(threshold=0.6)
    feed_all(engine, [segment(), *(events_of(strange_calls(40), pid=p) for p in range(1, 8))])
    boxes = engine.take().boxes
    far = 4_102_444_800 * 10**9  # the year 2100
    earlier = BoxStore(tmp_path, most=3)
    there = [earlier.write(box, far + n * 10**9) for n, box in enumerate(boxes[:3])]
    for age, path in enumerate(there):  # written in the opposite order of the times they tell
        os.utime(path, ns=(10**18 - age, 10**18 - age))
    store = BoxStore(tmp_path, most=3)
    written, gone = [], []
    for number, box in enumerate(boxes[3:6]):
        written.append(store.write(box, (10 - number) * 10**9))
        gone += store.make_room()
    assert gone == there[::-1]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert BoxStore(tmp_path, most=0).make_room() == written
    only = BoxStore(tmp_path, most_bytes=1)
    latest = only.write(boxes[6], 0)
    assert only.make_room() == []
    assert latest.exists()


def test_folders_that_are_none(new_engine: NewEngine, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ImsafeError, match="not a folder"):
        check_folder(file)
    engine = new_engine(threshold=0.6)
    feed_all(engine, [segment(), events_of(strange_calls(40))])
    with pytest.raises(ImsafeError, match="Cannot make the folder"):
        BoxStore(file / "boxes").write(engine.take().boxes[0], 0)
    assert BoxStore(tmp_path / "none").make_room() == []
