# SPDX-License-Identifier: GPL-3.0-or-later
"""Items to bytes and back: exact, compressed or not, and hostile payloads refused."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsafe.errors import StreamError
from imsafe.events import EVENT, Events
from imsafe.stream.codec import MAX_EVENTS, decode, encode
from imsafe.stream.frames import Frame, FrameKind, FrameParser, segment_header
from imsafe.stream.items import Closed, Item, ProcessInfo, Segment
from tests.stream.strategies import ITEMS, METADATA, events, same


def _frames(data: bytes) -> list[Frame]:
    parser = FrameParser()
    parser.feed(segment_header({}))
    frames = [item for item in parser.feed(data) if isinstance(item, Frame)]
    assert parser.pending == 0
    return frames


@given(ITEMS, st.integers(0, 0xFFFF), st.booleans())
def test_an_item_comes_back_exactly(item: Item, channel: int, compress: bool) -> None:
    (got,) = _frames(encode(item, channel, compress=compress))
    assert got.channel == channel
    assert same(decode(got), item)


@given(METADATA)
def test_a_channel_comes_back_exactly(meta: dict[str, Any]) -> None:
    (got,) = _frames(encode(Segment(meta), 7))
    assert decode(got) == Segment(meta)


@given(events(max_size=200))
def test_compressed_equals_raw(batch: Events) -> None:
    raw, packed = (_frames(encode(batch, compress=compress))[0] for compress in (False, True))
    assert decode(raw).tobytes() == decode(packed).tobytes() == batch.tobytes()  # type: ignore[union-attr]


@pytest.mark.parametrize("compress", [False, True])
def test_a_long_batch_becomes_several_frames(compress: bool) -> None:
    batch = np.zeros(2 * MAX_EVENTS + 1, EVENT)
    batch["tid"] = np.arange(len(batch))
    frames = _frames(encode(batch, compress=compress))
    assert len(frames) == 3
    assert np.concatenate([decode(f) for f in frames]).tobytes() == batch.tobytes()


def test_a_batch_that_is_a_view_comes_back_exactly() -> None:
    wide = np.zeros(20, EVENT)
    wide["pid"] = np.arange(20)
    for compress in (False, True):
        (got,) = _frames(encode(wide[::2], compress=compress))
        assert decode(got)["pid"].tolist() == list(range(0, 20, 2))  # type: ignore[index]


def test_nothing_gives_no_bytes() -> None:
    assert encode(np.zeros(0, EVENT), compress=True) == b""
    assert encode(Closed(complete=True)) == b""


def test_compression_is_worth_it() -> None:
    """Calls as programs make them: a few numbers, few threads, times that grow."""
    rng = np.random.default_rng(1)
    batch = np.zeros(8192, EVENT)
    batch["time_ns"] = 10**15 + np.cumsum(rng.integers(2_000, 30_000, len(batch)))
    batch["pid"] = 1234
    batch["tid"] = 1234 + rng.integers(0, 2, len(batch))
    batch["syscall"] = np.tile([0, 1, 3, 257, 5, 9], 1366)[:8192]
    batch["abi"] = 1
    assert len(encode(batch, compress=True)) / len(batch) < 4


def _packed(count: int, body: bytes) -> Frame:
    return Frame(FrameKind.EVENTS_COMPRESSED, 0, struct.pack("<I", count) + body)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (Frame(FrameKind.EVENTS, 0, bytes(25)), "ends inside a record"),
        (Frame(FrameKind.EVENTS, 0, bytes(19) + b"\x04" + bytes(4)), "unknown kind or ABI"),
        (Frame(FrameKind.EVENTS, 0, bytes(18) + b"\x07" + bytes(5)), "unknown kind or ABI"),
        (Frame(FrameKind.EVENTS_COMPRESSED, 0, b"\x01"), "too short"),
        (_packed(0, zlib.compress(b"")), "claims 0 events"),
        (_packed(MAX_EVENTS + 1, b""), "claims 65537 events"),
        (_packed(1, b"no zlib"), "cannot be decompressed"),
        (_packed(1, zlib.compress(bytes(23))), "does not hold what it claims"),
        (_packed(1, zlib.compress(bytes(25))), "does not hold what it claims"),
        (_packed(1, zlib.compress(bytes(24))[:-1]), "does not hold what it claims"),
        (_packed(1, zlib.compress(bytes(24)) + b"more"), "does not hold what it claims"),
        (Frame(FrameKind.LOST, 0, bytes(23)), "wrong length"),
        (Frame(FrameKind.END, 0, b'{"calls": -1}'), "not a whole number"),
        (Frame(FrameKind.END, 0, b'{"calls": 1.0}'), "not a whole number"),
        (Frame(FrameKind.END, 0, b'{"calls": true}'), "not a whole number"),
        (Frame(FrameKind.END, 0, b" " * 70_000), "longer than 65536"),
        (Frame(FrameKind.CHANNEL, 0, b"[]"), "not a JSON object"),
        (Frame(FrameKind.CHANNEL, 0, b'{"applications": [{"name": 1}]}'), "no name"),
    ],
)
def test_a_hostile_payload_is_refused(frame: Frame, words: str) -> None:
    with pytest.raises(StreamError, match=words):
        decode(frame)


PROCESS = {"time_ns": 1, "pid": 2, "parent": 3, "comm": "a", "exe": "/a", "application": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"pid": 2**32},
        {"pid": -1},
        {"pid": "2"},
        {"pid": None},
        {"pid": 2.0},
        {"time_ns": 2**64},
        {"application": 65536},
        {"comm": "x" * 257},
        {"comm": 5},
        {"exe": "x" * 4097},
        {"exe": None},
    ],
    ids=str,
)
def test_a_process_out_of_range_is_refused(change: dict[str, Any]) -> None:
    fields = {**PROCESS, **change}
    with pytest.raises(StreamError, match="the value of"):
        decode(Frame(FrameKind.PROCESS, 0, json.dumps(fields).encode()))
    fields = dict(PROCESS)
    del fields[next(iter(change))]
    with pytest.raises(StreamError, match="the value of"):
        decode(Frame(FrameKind.PROCESS, 0, json.dumps(fields).encode()))


@pytest.mark.parametrize(
    "change",
    [
        {"argv": "ls -l"},
        {"argv": [1]},
        {"argv": ["x"] * 257},
        {"argv": ["x" * 4096, "x"]},
        {"user": 0},
        {"user": "x" * 65},
        {"started_ns": -1},
        {"parents": {}},
        {"parents": [[1, "init"]] * 17},
        {"parents": [[1]]},
        {"parents": [["1", "init"]]},
        {"parents": [[1, "x" * 65]]},
    ],
    ids=str,
)
def test_what_may_be_missing_is_checked_where_it_stands(change: dict[str, Any]) -> None:
    with pytest.raises(StreamError, match="the value of"):
        decode(Frame(FrameKind.PROCESS, 0, json.dumps({**PROCESS, **change}).encode()))


def test_what_is_too_long_is_cut_when_it_is_written() -> None:
    long = ProcessInfo(
        1, 2, 3, "c", "/e", 1, ("a" * 4000, "\x01" * 200, "b"), "u" * 99, 5, ((1, "p" * 99),) * 99
    )
    (got,) = _frames(encode(long))
    assert decode(got) == ProcessInfo(
        1, 2, 3, "c", "/e", 1, ("a" * 4000, "\x01" * 96), "u" * 64, 5, ((1, "p" * 64),) * 16
    )
    worst = replace(
        long, comm="\x01" * 999, exe="\x01" * 9999, argv=("\x01" * 9999,), user="\x01" * 99
    )
    (got,) = _frames(encode(replace(worst, parents=((2**32 - 1, "\x01" * 99),) * 99)))
    decode(got)
    (got,) = _frames(encode(ProcessInfo(1, 2, 3, "c" * 1000, "\udce9" * 9000, 1)))
    assert decode(got) == ProcessInfo(1, 2, 3, "c" * 256, "?" * 4096, 1)
