# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls around a moment: from memory, from black boxes, from recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imsafe.events import EVENT, Kind
from imsafe.monitor.calls_around import BEFORE, Moment
from imsafe.monitor.engine import Engine
from imsafe.monitor.history import DEPARTED
from imsafe.monitor.recorder import Recorder
from imsafe.monitor.recording_index import CHUNK
from imsafe.monitor.view_client import StatusMessage
from imsafe.stream.items import End, Lost
from imsafe.stream.trace_file import TraceWriter

from .conftest import EXECVE, OPENAT, events_of, normal_calls, process, segment, strange_calls
from .test_ims_monitor import Running, linux
from .test_view_server import Window

WALL = 1_700_000_000
MS = 1_000_000


def moment(ms: int, *, pid: int = 100, symbol: int | None = None) -> Moment:
    """The 100 ms that begin so long after the stream."""
    return Moment(pid, pid, WALL * 10**9 + ms * MS, symbol)


def begin(engine: Engine, stream: int = 0) -> None:
    engine.feed(1, stream, segment())
    engine.feed(1, stream, process())


def test_the_most_surprising_call_of_the_moment_is_in_the_middle(
    new_engine: Callable[..., Engine],
) -> None:
    engine = new_engine(None)
    begin(engine)
    calls = normal_calls(400)
    calls[250] = EXECVE
    engine.feed(1, 0, events_of(calls))
    found = engine.calls_around("worker", moment(200))
    assert found is not None
    assert (found["comm"], found["kept"], found["middle"]) == ("worker", "memory", BEFORE)
    middle = found["calls"][BEFORE]
    assert middle["call"] == "execve"
    assert middle["time"] == pytest.approx(WALL + 0.25)
    assert middle["surprise"] == max(call["surprise"] for call in found["calls"]) > 5
    assert middle["expected"][0][1] > 0.1
    assert all(call["follows"] for call in found["calls"])
    assert len(found["calls"]) == 61
    # As an alert there would be explained, by the same code.
    usual = engine.calls_around("worker", moment(200, symbol=(1 << 16) + OPENAT))
    assert usual is not None
    assert usual["calls"][usual["middle"]]["call"] == "openat"
    for nothing in (moment(5000), moment(200, pid=7), moment(200, symbol=(1 << 16) + 999)):
        assert engine.calls_around("worker", nothing) is None


def test_no_call_is_judged_across_a_loss(new_engine: Callable[..., Engine]) -> None:
    engine = new_engine(None)
    begin(engine)
    engine.feed(1, 0, events_of(normal_calls(100)))
    engine.feed(1, 0, Lost(5, 100 * MS, 101 * MS))
    engine.feed(1, 0, events_of(normal_calls(100), start_ns=101 * MS))
    found = engine.calls_around("worker", moment(100))
    assert found is not None
    breaks = [at for at, call in enumerate(found["calls"]) if not call["follows"]]
    assert [found["calls"][at]["time"] for at in breaks] == [pytest.approx(WALL + 0.101)]


def test_a_call_after_a_fork_is_expected_as_the_scorer_expected_it(
    new_engine: Callable[..., Engine],
) -> None:
    found = []
    for forks in (False, True):
        engine = new_engine(None)
        begin(engine)
        calls = events_of(normal_calls(100))
        fork = calls[60:61].copy()
        fork["kind"], fork["syscall"], fork["abi"], fork["aux"] = Kind.FORK, 0, 0, 555
        engine.feed(1, 0, np.concatenate([calls[:60], fork[:forks], calls[60:]]))
        found.append(engine.calls_around("worker", moment(60)))
    without, with_fork = found
    assert without is not None
    assert with_fork == without


def test_a_process_that_has_ended_is_remembered_for_a_while(
    new_engine: Callable[..., Engine],
) -> None:
    engine = new_engine(None)
    begin(engine)
    engine.feed(1, 0, events_of(normal_calls(300)))
    end = np.zeros(1, EVENT)
    end["time_ns"], end["pid"], end["tid"], end["kind"] = 300 * MS, 100, 100, Kind.EXIT
    engine.feed(1, 0, end)
    other = process(200)
    engine.feed(1, 0, other)
    engine.feed(1, 0, events_of(normal_calls(300), pid=200, start_ns=500 * MS))
    assert engine.histories.stretches(1, 100) == []
    found = engine.calls_around("worker", moment(100))
    assert found is not None
    assert found["exe"] == "/usr/bin/worker"
    engine.finish()  # the stream is over too
    assert engine.calls_around("worker", moment(100)) is not None
    assert engine.calls_around("worker", moment(500, pid=200)) is not None
    for stream in range(1, DEPARTED // 4000 + 2):
        begin(engine, stream)
        for part in range(2):
            engine.feed(1, stream, events_of(normal_calls(2000), start_ns=part * 10**12))
        engine.end_source(1)
    assert engine.calls_around("worker", moment(100)) is not None  # of a later process of that pid
    assert engine.calls_around("worker", moment(500, pid=200)) is None
    assert sum(one.records for one in engine.histories.departed(100)) <= DEPARTED


def test_a_moment_is_found_in_a_long_recording(tmp_path: Path) -> None:
    path = tmp_path / "long.imt"
    recorder = Recorder(str(path))
    recorder.write(1, 0, segment())
    recorder.write(1, 0, process())
    rng = np.random.default_rng(1)
    for part in range(120):  # some 20 chunks of what can hardly be compressed
        events = events_of(rng.integers(0, 60_000, 20_000).tolist(), start_ns=part * 20_000 * MS)
        events["pid"] = events["tid"] = np.resize((100, 300), 20_000)
        recorder.write(1, 0, events)
    recorder.flush()
    assert path.stat().st_size > 10 * CHUNK
    for second in (0, 1234, 2399):
        found = recorder.index.find(300, (WALL + second) * 10**9)
        assert found is not None
        items, _, offset = found
        times = np.concatenate([i["time_ns"] for i in items if isinstance(i, np.ndarray)])
        wall = times.astype(np.int64) + offset - (WALL + second) * 10**9
        assert ((wall >= 0) & (wall < 100 * MS)).sum() == 50
        assert len(times) < 600_000  # not the whole of it
    assert recorder.index.find(300, (WALL + 2401) * 10**9) is None
    assert recorder.index.find(7, WALL * 10**9) is None
    recorder.close()


@linux
def test_memory_black_box_and_recording_are_asked_in_turn(
    profile_path: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace.imt"
    writer = TraceWriter.create(trace, segment().meta)
    writer.write(process())
    writer.write(events_of(normal_calls(5000)))
    writer.write(events_of(strange_calls(60), start_ns=5000 * MS))
    writer.write(events_of(normal_calls(60_000), start_ns=5060 * MS))
    writer.close(End().totals)
    running = Running(tmp_path, "-d", profile_path, "-t", 0.6, "--record", tmp_path / "r.imt")
    try:
        with Window(running.socket) as window:
            assert window.ask("add-source", source={"kind": "replay", "trace": str(trace)}).ok
            window.until(
                lambda m: (
                    isinstance(m, StatusMessage) and any(s["finished"] for s in m.status["sources"])
                )
            )

            def ask(second: float, **keys: object):  # type: ignore[no-untyped-def]
                asked = {"application": "worker", "pid": 100, "tid": 100, "time": WALL + second}
                return window.ask("calls", **{**asked, **keys})

            answers = {second: ask(second) for second in (1.0, 5.0, 65.0)}
            kept = {at: reply.values["around"]["kept"] for at, reply in answers.items()}
            assert kept == {1.0: "recording", 5.0: "black box", 65.0: "memory"}
            for reply in answers.values():
                around = reply.values["around"]
                assert around["comm"] in ("worker", "")
                assert len(around["calls"]) > 50
            assert not ask(9999.0).ok
            assert "kept no longer" in ask(9999.0).error
            assert "is watched" in ask(1.0, application="other").error
            assert "number of seconds" in ask(0, time="now").error
            assert "number of seconds" in ask(0, time=1e300).error
            assert window.ask("record-stop").ok
            assert ask(1.0).ok  # what was recorded stays
            (tmp_path / "r.imt").write_bytes(b"other")
            assert not ask(1.0).ok
    finally:
        running.kill()
