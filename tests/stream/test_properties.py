# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every stream, however it is cut, and for every garbage."""

from __future__ import annotations

import json
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.errors import StreamError
from imsafe.stream.codec import MAX_EVENTS
from imsafe.stream.frames import (
    HEADER_SIZE,
    MAGIC,
    MAX_PAYLOAD,
    FrameKind,
    FrameParser,
    frame,
    segment_header,
)
from imsafe.stream.items import Closed, End, Item, Tagged
from imsafe.stream.parser import StreamParser
from tests.stream.strategies import META, chunks, encoded, items, joined, segment


@given(st.lists(items(), max_size=8), st.booleans(), st.lists(st.integers(0, 1 << 16), max_size=12))
def test_what_is_written_is_read_however_it_is_cut(
    stream: list[Item], compress: bool, places: list[int]
) -> None:
    parser = StreamParser("the test")
    received: list[Tagged] = []
    for piece in chunks(encoded(stream, compress=compress), places):
        received += parser.feed(piece)
    received += parser.finish()
    assert {number for number, _ in received} == {0}
    assert joined([item for _, item in received]) == joined(
        [segment(), *stream, End({"calls": 1}), Closed(complete=True)]
    )


@given(st.lists(items(), min_size=1, max_size=3), st.booleans())
@settings(max_examples=25)
def test_byte_by_byte(stream: list[Item], compress: bool) -> None:
    octets = encoded(stream, compress=compress)
    parser = StreamParser("the test")
    received = [tagged for octet in octets for tagged in parser.feed(bytes([octet]))]
    assert joined([item for _, item in received]) == joined([segment(), *stream, End({"calls": 1})])
    assert parser.consumed == len(octets)


@given(st.lists(items(), max_size=4), st.data())
def test_a_stream_that_ends_early_gives_a_prefix(stream: list[Item], data: st.DataObject) -> None:
    octets = encoded(stream, compress=True)
    cut = data.draw(st.integers(0, len(octets) - 1))
    parser = StreamParser("the test")
    received = [item for _, item in parser.feed(octets[:cut])]
    whole = joined([segment(), *stream, End({"calls": 1})])
    assert joined(received) == whole[: len(received)]
    closing = [item for _, item in parser.finish()]
    assert all(isinstance(item, Closed) and not item.complete for item in closing)
    assert len(closing) == bool(received)
    for item in closing:
        assert isinstance(item, Closed)
        assert bool(item.warning) == (parser.consumed < cut)


def _survives(octets: bytes, step: int) -> None:
    parser = StreamParser("the test")
    try:
        for start in range(0, len(octets), step):
            parser.feed(octets[start : start + step])
        parser.feed(b"")
    except StreamError as error:
        said = str(error)
        assert said.isprintable()
        assert parser.why in said
        with pytest.raises(StreamError):  # and it stays broken
            parser.feed(segment_header(META))
    parser.finish()


@given(st.binary(max_size=400), st.integers(1, 400))
def test_garbage_is_a_stream_error_and_nothing_else(octets: bytes, step: int) -> None:
    _survives(octets, step)
    _survives(segment_header(META) + octets, step)
    _survives(MAGIC + octets, step)


@given(st.integers(0, 255), st.integers(0, 3), st.binary(max_size=200))
def test_a_right_checksum_makes_no_frame_trusted(kind: int, channel: int, payload: bytes) -> None:
    _survives(segment_header(META) + frame(kind, payload, channel), 1 << 16)


KEYS = st.sampled_from(
    ["pid", "parent", "comm", "exe", "application", "time_ns", "applications", "name", "wall_ns"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


@given(st.sampled_from([FrameKind.PROCESS, FrameKind.END, FrameKind.CHANNEL]), JSON)
def test_json_of_any_shape(kind: FrameKind, value: object) -> None:
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    _survives(segment_header(META) + frame(kind, text), 1 << 16)


@given(st.lists(items(), max_size=3), st.data())
def test_one_flipped_bit_never_passes_for_data(stream: list[Item], data: st.DataObject) -> None:
    octets = bytearray(encoded(stream, compress=True))
    place = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[place // 8] ^= 1 << place % 8
    parser = StreamParser("the test")
    received: list[Item] = []
    broken = False
    try:
        received = [item for _, item in parser.feed(bytes(octets))]
        parser.feed(b"")
    except StreamError:
        broken = True
    # A longer length may leave the parser waiting: then the rest is missing, and said so.
    assert broken or parser.consumed < len(octets)
    whole = joined([segment(), *stream, End({"calls": 1})])
    assert joined(received) == whole[: len(received)] != whole


def _bomb(count: int, size: int) -> bytes:
    return count.to_bytes(4, "little") + zlib.compress(bytes(size), 9)


@pytest.mark.parametrize(
    "payload", [_bomb(1, 64 << 20), _bomb(MAX_EVENTS, 64 << 20), _bomb(MAX_EVENTS + 1, 24)]
)
def test_a_bomb_does_not_grow_beyond_what_its_frame_claims(payload: bytes) -> None:
    parser = StreamParser("the test")
    parser.feed(segment_header(META))
    tracemalloc.start()
    try:
        with pytest.raises(StreamError, match="compressed"):
            parser.feed(frame(FrameKind.EVENTS_COMPRESSED, payload))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_a_claimed_length_allocates_nothing() -> None:
    parser = FrameParser(headers=False)
    header = frame(FrameKind.EVENTS, bytes(24))[:HEADER_SIZE]
    huge = header[:4] + MAX_PAYLOAD.to_bytes(4, "little") + header[8:]
    tracemalloc.start()
    try:
        assert parser.feed(huge) == []
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000
    assert parser.pending == HEADER_SIZE
    over = header[:4] + (MAX_PAYLOAD + 1).to_bytes(4, "little") + header[8:]
    with pytest.raises(StreamError, match="over the limit"):
        FrameParser(headers=False).feed(over)


def test_items_before_a_break_are_given_first() -> None:
    parser = StreamParser("a.imt")
    unknown_kind = encoded([], compress=False) + frame(FrameKind.EVENTS, bytes(25))
    assert len(parser.feed(unknown_kind)) == 2
    assert parser.consumed == len(encoded([], compress=False))
    with pytest.raises(StreamError, match=r"^a\.imt is not a valid ImSafe stream: an events frame"):
        parser.feed(b"")
    ((_, closed),) = parser.finish()
    assert isinstance(closed, Closed)
    assert closed.complete
    assert "ends inside a record" in closed.warning


def test_channels_are_streams_with_numbers_of_their_own() -> None:
    parser = StreamParser("it")
    octets = (
        segment_header({"host": "a"})
        + frame(FrameKind.CHANNEL, b'{"host":"b"}', 1)
        + frame(FrameKind.END, b"{}", 1)
        + frame(FrameKind.CHANNEL, b'{"host":"c"}', 1)
        + segment_header({"host": "d"})
    )
    got = parser.feed(octets)
    numbered = [(number, item.meta["host"]) for number, item in got if hasattr(item, "meta")]
    assert numbered == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
    closed = {number: item.complete for number, item in got if isinstance(item, Closed)}
    assert closed == {1: True, 0: False, 2: False}
    # Channel 1 belonged to the segment before.
    with pytest.raises(StreamError, match="channel 1, which is not open"):
        parser.feed(frame(FrameKind.END, b"{}", 1))


@pytest.mark.parametrize(
    "meta",
    [
        {"applications": {}},
        {"applications": [1]},
        {"applications": [{}]},
        {"applications": [{"name": ""}]},
        {"applications": [{"name": "x" * 257}]},
        {"wall_ns": "now"},
        {"wall_ns": -1},
        {"monotonic_ns": 1e300},
        {"monotonic_ns": True},
        {"host": 1},
        {"timed": 1},
        {"follow_exec": None},
    ],
    ids=str,
)
def test_metadata_of_the_wrong_kind_is_refused(meta: dict[str, object]) -> None:
    with pytest.raises(StreamError, match=r"the header's|has no name"):
        StreamParser("it").feed(segment_header(meta))
