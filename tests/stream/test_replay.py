# SPDX-License-Identifier: GPL-3.0-or-later
"""The replay source: complete, never blocking, and in step with the recording."""

from __future__ import annotations

import math
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imsafe.errors import SourceError
from imsafe.events import EVENT, Events
from imsafe.sources.base import Source
from imsafe.sources.replay import ReplaySource
from imsafe.stream.items import Closed, End, Item, Lost, ProcessInfo, Segment, Tagged
from imsafe.stream.trace_file import TraceWriter
from imsafe.stream.traces import open_trace

META = {"applications": [{"name": "x"}], "wall_ns": 10**18, "monotonic_ns": 10**9}


def _events(times_ms: list[float], first_tid: int = 1) -> Events:
    events = np.zeros(len(times_ms), EVENT)
    events["time_ns"] = [10**9 + int(ms * 1e6) for ms in times_ms]
    events["pid"] = 1
    events["tid"] = np.arange(first_tid, first_tid + len(times_ms))
    return events


def _trace(path: Path, *batches: Item, meta: dict[str, Any] | None = None) -> Path:
    writer = TraceWriter.create(path, meta or META)
    for batch in batches:
        writer.write(batch)
        writer.flush()
    writer.close({"calls": 0})
    return path


def _all(source: ReplaySource, limit_s: float = 20) -> list[tuple[float, Tagged]]:
    """Everything, each with when it came, waiting on the descriptor alone."""
    end = time.monotonic() + limit_s
    got: list[tuple[float, Tagged]] = []
    while not source.finished:
        assert time.monotonic() < end, "the replay does not end"
        if select.select([source.fileno()], [], [], 1)[0]:
            began = time.monotonic()
            items = source.read()
            assert time.monotonic() - began < 0.5
            got += [(began, tagged) for tagged in items]
    return got


def _tids(got: list[tuple[float, Tagged]]) -> list[int]:
    return [
        tid for _, (_, item) in got if isinstance(item, np.ndarray) for tid in item["tid"].tolist()
    ]


def test_a_factor_beyond_all_measure(tmp_path: Path) -> None:
    with closing(ReplaySource(_trace(tmp_path / "a.imt", _events([0, 1, 2])), speed=1e308)) as fast:
        fast.open()
        assert sum(len(i) for _, (_, i) in _all(fast) if isinstance(i, np.ndarray)) == 3


def test_at_full_speed_it_is_the_trace(tmp_path: Path) -> None:
    batches = [_events([n] * 3000, 3000 * n) for n in range(100)]
    path = _trace(tmp_path / "a.imt", *batches, Lost(5, 1, 2), ProcessInfo(1, 1, 0, "x", "/x", 1))
    source = ReplaySource(path)
    assert isinstance(source, Source)
    assert source.name == str(path)
    assert source.state == "replay not started"
    source.open()
    got = _all(source)
    direct = list(open_trace(path))
    assert len(got) == len(direct)
    for (_, (stream, item)), (other_stream, other) in zip(got, direct, strict=True):
        assert stream == other_stream
        assert np.array_equal(item, other) if isinstance(item, np.ndarray) else item == other
    assert source.counters.calls == 300_000
    assert source.counters.lost == 5
    assert (source.counters.streams_total, source.counters.streams_open) == (1, 0)
    assert source.counters.bytes == path.stat().st_size
    assert source.progress == 1
    assert source.state == "replay finished"
    assert source.read() == []
    source.close()
    source.close()
    assert source.state == "replay finished"  # closed after its end, it was played whole


def test_a_read_is_bounded_and_progress_grows(tmp_path: Path) -> None:
    path = _trace(tmp_path / "a.imt", *[_events([n] * 60_000) for n in range(20)])
    source = ReplaySource(path)
    source.open()
    progress = [source.progress]
    while not source.finished:
        items = source.read(1)
        assert sum(len(item) for _, item in items if isinstance(item, np.ndarray)) <= 96_000
        progress.append(source.progress)
        if not source.finished:
            assert source.state == f"replaying, {int(source.progress * 100)} %"
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] == 1
    assert len(set(progress)) > 5
    source.close()


@pytest.mark.parametrize(("speed", "expected"), [("recorded", 0.6), (2.0, 0.3), (0.5, 1.2)])
def test_gaps_are_kept(tmp_path: Path, speed: Any, expected: float) -> None:
    # One batch with a gap within, then one after a gap.
    path = _trace(tmp_path / "a.imt", _events([0, 1, 300, 301], 1), _events([600], 5))
    source = ReplaySource(path, speed=speed)
    source.open()
    got = _all(source)
    source.close()
    assert _tids(got) == [1, 2, 3, 4, 5]
    began = {
        tid: when
        for when, (_, item) in got
        if isinstance(item, np.ndarray)
        for tid in item["tid"].tolist()
    }
    half, whole = began[3] - began[1], began[5] - began[1]
    assert half == pytest.approx(expected / 2, abs=0.15)
    assert whole == pytest.approx(expected, abs=0.15)
    # What belongs together comes together.
    assert began[1] == began[2]


def test_the_time_between_two_recordings_is_not_replayed(tmp_path: Path) -> None:
    path = _trace(tmp_path / "a.imt", _events([0]))
    later = TraceWriter.append(path, {**META, "wall_ns": 2 * 10**18})
    later.write(_events([0, 100], 7))
    later.close({})
    source = ReplaySource(path, speed="recorded")
    source.open()
    began = time.monotonic()
    assert _tids(_all(source)) == [1, 7, 8]
    assert 0.05 < time.monotonic() - began < 2
    source.close()


def test_streams_of_one_recording_keep_their_distance(tmp_path: Path) -> None:
    """Their monotonic clocks differ, as on two machines; the wall clock says which was first."""
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META)
    writer.write(_events([0], 1))
    other = writer.open_channel({**META, "monotonic_ns": 500 * 10**9})
    late = _events([0], 2)
    late["time_ns"] = 500 * 10**9 + 300 * 10**6
    writer.write(late, other)
    writer.close({})
    source = ReplaySource(path, speed="recorded")
    source.open()
    got = _all(source)
    source.close()
    when = [began for began, (_, item) in got if isinstance(item, np.ndarray)]
    assert when[1] - when[0] == pytest.approx(0.3, abs=0.15)


def test_waiting_for_what_is_due_costs_nothing_and_close_ends_it(tmp_path: Path) -> None:
    far = _events([0, 10**9], 1)  # eleven days
    far["time_ns"][1] = 2**64 - 1  # or centuries
    path = _trace(tmp_path / "a.imt", far)
    source = ReplaySource(path, speed="recorded")
    source.open()
    while source.counters.calls < 1:
        source.read(1)
    while source.read():
        pass
    assert select.select([source.fileno()], [], [], 0.2)[0] == []
    assert not source.finished
    before = time.process_time()
    began = time.monotonic()
    assert source.read(0.3) == []
    assert 0.25 < time.monotonic() - began < 1
    assert time.process_time() - before < 0.15
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 1
    assert threading.active_count() == 1 or not any(
        "replay" in thread.name for thread in threading.enumerate()
    )


def test_a_reader_that_takes_nothing_holds_the_replay(tmp_path: Path) -> None:
    path = _trace(tmp_path / "a.imt", *[_events([n]) for n in range(1000)])
    source = ReplaySource(path)
    source.open()
    time.sleep(0.3)
    assert 0 < len(source.read()) < 20
    source.close()


@pytest.mark.parametrize("speed", ["fast", 0, -1, math.nan])
def test_a_speed_that_is_none(speed: Any) -> None:
    with pytest.raises(SourceError, match="replay's speed"):
        ReplaySource("a.imt", speed=speed)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b"hello\n", "not a trace of a known format"),
        (b"\x89IMSAFE\n\xff\xff" + bytes(50), "format version"),
        (b"\x89IMSAFE\n\x01", "cut short inside its header"),
    ],
)
def test_what_cannot_be_read_is_said_on_opening(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "a.imt"
    if content is not None:
        path.write_bytes(content)
    source = ReplaySource(path)
    with pytest.raises(SourceError, match=words):
        source.open()
    source.close()


def test_damage_ends_the_streams_with_the_reason(tmp_path: Path) -> None:
    path = _trace(tmp_path / "a.imt", *[_events([n] * 500) for n in range(20)])
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)
    source = ReplaySource(path)
    source.open()
    items = [item for _, (_, item) in _all(source)]
    assert 0 < source.counters.calls < 10_000
    assert isinstance(items[-1], Closed)
    assert "checksum" in items[-1].warning
    assert len(source.warnings) == 1
    assert "bytes after the last whole frame" in source.warnings[0]
    assert source.cut_short
    source.close()


def test_an_importer_that_fails_later_gives_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("1 close(3) = 0\n" * 20_000 + "nonsense\n" + "1 close(3) = 0\n" * 20_000)
    source = ReplaySource(path)
    source.open()
    items = [item for _, (_, item) in _all(source)]
    assert 8_000 < source.counters.calls <= 20_000
    assert isinstance(items[-1], Closed)
    assert "Line 20,001" in items[-1].warning
    assert source.warnings == [items[-1].warning]
    assert source.cut_short
    source.close()


def test_a_silent_pipe_blocks_nobody(tmp_path: Path) -> None:
    path = _trace(tmp_path / "a.imt", _events([0, 1, 2]))
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    source = ReplaySource(fifo)
    began = time.monotonic()
    source.open()
    assert source.read() == []
    assert source.state == "replaying"
    assert time.monotonic() - began < 0.5
    with fifo.open("wb") as writer:
        writer.write(path.read_bytes())
        writer.flush()
        while source.counters.calls < 3:
            assert time.monotonic() - began < 10
            source.read(0.1)
        assert not source.finished
        assert source.progress == 0
        began = time.monotonic()
        source.close()
        assert time.monotonic() - began < 1
    for thread in threading.enumerate():
        if thread.name.startswith("replay"):
            thread.join(5)
            assert not thread.is_alive()


def test_garbage_from_a_pipe_is_a_stream_that_ends_with_the_reason() -> None:
    program = (
        "from imsafe.sources.replay import ReplaySource\n"
        "source = ReplaySource('-')\n"
        "source.open()\n"
        "while not source.finished:\n"
        "    for _, item in source.read(1): print(item)\n"
        "source.close()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        input=b"GET / HTTP/1.1\r\n",
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    lines = ended.stdout.decode().splitlines()
    assert lines[0] == repr(Segment({"applications": []}))
    assert "standard input is not a trace of a known format" in lines[1]
    assert len(lines) == 2


def test_losses_told_twice_are_counted_once(tmp_path: Path) -> None:
    batch = _events([0, 1, 2])
    batch["aux"] = [0, 7, 7]
    path = _trace(tmp_path / "a.imt", batch, Lost(7, 1, 2), End({"calls": 10}))
    source = ReplaySource(path)
    source.open()
    _all(source)
    assert (source.counters.calls, source.counters.lost) == (3, 7)
    source.close()
