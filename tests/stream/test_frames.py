# SPDX-License-Identifier: GPL-3.0-or-later
"""Framing: what goes in comes out in any chunking, and garbage is refused in words."""

from __future__ import annotations

import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsafe.errors import StreamError
from imsafe.stream.frames import (
    HEADER_SIZE,
    MAGIC,
    MAX_META,
    MAX_PAYLOAD,
    Frame,
    FrameParser,
    SegmentHeader,
    frame,
    json_text,
    parse_object,
    segment_header,
)
from tests.stream.strategies import METADATA, chunks

FRAMES = st.lists(
    st.builds(Frame, st.integers(1, 6), st.integers(0, 0xFFFF), st.binary(max_size=60)), max_size=6
)
CUTS = st.lists(st.integers(0, 1 << 20), max_size=20)


def _parsed(pieces: list[bytes]) -> list[Frame | SegmentHeader]:
    parser = FrameParser()
    out = [item for piece in pieces for item in parser.feed(piece)]
    assert parser.consumed == sum(map(len, pieces))
    assert parser.pending == 0
    return out


@given(METADATA, FRAMES, CUTS)
def test_any_chunking_gives_the_same_frames(
    meta: dict, frames: list[Frame], cuts: list[int]
) -> None:
    data = segment_header(meta) + b"".join(frame(f.kind, f.payload, f.channel) for f in frames)
    expected = [SegmentHeader(meta), *frames]
    got = _parsed(chunks(data, cuts))
    assert got == expected
    # Each knows where it ends: the frames lie one after the other.
    assert [item.end for item in got][-1] == len(data)
    assert got == _parsed([data[i : i + 1] for i in range(len(data))])


@given(FRAMES.filter(bool), st.integers(0, 1 << 20), st.integers(1, 255))
def test_a_flipped_byte_is_never_taken_for_data(frames: list[Frame], at: int, flip: int) -> None:
    data = bytearray(b"".join(frame(f.kind, f.payload, f.channel) for f in frames))
    data[at % len(data)] ^= flip
    parser = FrameParser()
    parser.feed(segment_header({}))
    got: list[Frame | SegmentHeader] = []
    try:
        got += parser.feed(bytes(data))
        got += parser.feed(b"")
    except StreamError:
        pass
    assert got == frames[: len(got)]
    assert len(got) < len(frames)


def test_frames_before_a_break_are_given_first() -> None:
    good = segment_header({}) + frame(5, b"{}")
    parser = FrameParser()
    assert len(parser.feed(good + b"\xff" * 50)) == 2
    assert parser.consumed == len(good)
    with pytest.raises(StreamError, match="unknown kind of frame 255"):
        parser.feed(b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GET / HTTP/1.1\r\n", "does not begin like"),
        (frame(5, b"{}"), "does not begin like"),
        (b"\x89PNG\r\n\x1a\n", "does not begin like"),
        (MAGIC + struct.pack("<HHII", 2, 0, 2, 0) + b"{}", "format version 2"),
        (MAGIC + struct.pack("<HHII", 1, 1, 2, 0) + b"{}", "format version 1"),
        (MAGIC + struct.pack("<HHII", 1, 0, MAX_META + 1, 0), "over the limit"),
        (MAGIC + struct.pack("<HHII", 1, 0, 2, 0) + b"{}", "checksum of a header"),
        (segment_header({}) + struct.pack("<BBHII", 1, 0, 0, MAX_PAYLOAD + 1, 0), "over the limit"),
        (segment_header({}) + struct.pack("<BBHII", 1, 1, 0, 0, 0), r"flags 1"),
        (segment_header({}) + struct.pack("<BBHII", 64, 0, 0, 0, 0), "unknown kind of frame 64"),
        (segment_header({}) + struct.pack("<BBHII", 1, 0, 0, 0, 1), "checksum of a frame"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, words: str) -> None:
    parser = FrameParser()
    with pytest.raises(StreamError, match=words):
        _ = parser.feed(data) and parser.feed(b"")


def test_a_claimed_length_is_refused_before_its_bytes_are_kept() -> None:
    parser = FrameParser()
    parser.feed(segment_header({}))
    with pytest.raises(StreamError):
        parser.feed(struct.pack("<BBHII", 1, 0, 0, 2**32 - 1, 0))


def test_writing_over_the_limits_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="over the limit"):
        frame(1, bytes(MAX_PAYLOAD + 1))
    with pytest.raises(ValueError, match="over the limit"):
        segment_header({"x": "y" * MAX_META})
    assert len(frame(1, bytes(MAX_PAYLOAD))) == MAX_PAYLOAD + HEADER_SIZE


def _header(text: bytes) -> bytes:
    start = struct.pack("<HHI", 1, 0, len(text))
    crc = zlib.crc32(text, zlib.crc32(start))
    return MAGIC + start + struct.pack("<I", crc) + text


HOSTILE = [
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b'{"a": ' + b"9" * 10_000 + b"}",
    b'{"a": "\\ud800"}',
    b'{"\\uDFFF": 1}',
    b'{"a": "\xff"}',
    b"\xef\xbb\xbf{}",
    b"[]",
    b"1",
    b"",
    b'{"a": 1',
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_hostile_json_is_refused(text: bytes) -> None:
    with pytest.raises(StreamError, match=r"is not (valid JSON|a JSON object)"):
        parse_object(text, "it")
    with pytest.raises(StreamError):
        FrameParser().feed(_header(text))


def test_half_a_surrogate_pair_never_leaves_the_house() -> None:
    assert json_text({"argv": ["caf\udce9", "\ud83d\ude00"]}) == b'{"argv":["caf?","??"]}'
    # A whole pair, as other languages escape it, is a character.
    assert parse_object(b'{"a": "\\ud83d\\ude00"}', "it") == {"a": "\U0001f600"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": float("nan")})


@given(METADATA)
def test_metadata_comes_back(meta: dict) -> None:
    assert json.loads(json_text(meta)) == parse_object(json_text(meta), "it") == meta
