# SPDX-License-Identifier: GPL-3.0-or-later
"""The framing of a stream: segment headers and frames, as bytes, checked and in order.

`docs/stream-format.md` specifies the layout.  Nothing here knows what a
payload means; the view of a monitor uses the same framing with kinds of its own.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NoReturn

from imsafe.errors import StreamError

MAGIC = b"\x89IMSAFE\n"
VERSION = 1
MAX_META = 1 << 20
"""Longest JSON of a segment header, bytes."""
MAX_PAYLOAD = 4 << 20
"""Longest payload of a frame, bytes."""

_FIXED = struct.Struct("<HHII")  # version, flags, JSON length, crc32
_FRAME = struct.Struct("<BBHII")  # kind, flags, channel, length, crc32
HEADER_SIZE = _FRAME.size
SEGMENT_HEADER_SIZE = len(MAGIC) + _FIXED.size


class FrameKind(IntEnum):
    """Kinds of frames in a stream; those from 64 on belong to views."""

    EVENTS = 1
    EVENTS_COMPRESSED = 2
    PROCESS = 3
    LOST = 4
    END = 5
    CHANNEL = 6


STREAM_KINDS = frozenset(int(kind) for kind in FrameKind)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame whose checksum was right; `end` is where it ends in all the bytes."""

    kind: int
    channel: int
    payload: bytes
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The start of a segment; `end` is where the header ends in all the bytes."""

    meta: dict[str, Any]
    end: int = field(default=0, compare=False)


def frame(kind: int, payload: bytes | memoryview, channel: int = 0) -> bytes:
    """Put `payload` into a frame."""
    if len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a payload of {len(payload)} bytes is over the limit of {MAX_PAYLOAD}")
    start = struct.pack("<BBHI", kind, 0, channel, len(payload))
    return b"".join((start, zlib.crc32(payload, zlib.crc32(start)).to_bytes(4, "little"), payload))


def segment_header(meta: dict[str, Any]) -> bytes:
    """The bytes that open a segment with this metadata."""
    text = json_text(meta)
    if len(text) > MAX_META:
        raise ValueError(f"metadata of {len(text)} bytes is over the limit of {MAX_META}")
    start = struct.pack("<HHI", VERSION, 0, len(text))
    return b"".join((MAGIC, start, zlib.crc32(text, zlib.crc32(start)).to_bytes(4, "little"), text))


def json_text(fields: dict[str, Any]) -> bytes:
    """An object as JSON in valid UTF-8; half of a surrogate pair becomes a question mark."""
    text = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def parse_object(text: bytes, what: str) -> dict[str, Any]:
    """The JSON object in foreign bytes.

    Raises
    ------
    StreamError
        It is none, or holds what JSON does not know (NaN, half a surrogate pair).
    """
    try:
        value = json.loads(text.decode("utf-8"), parse_constant=_no_number)
        if b"\\ud" in text or b"\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise StreamError(f"{what} is not valid JSON") from None
    if not isinstance(value, dict):
        raise StreamError(f"{what} is not a JSON object")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


class FrameParser:
    """Takes bytes in pieces of any size; gives whole, checked frames.

    Attributes
    ----------
    consumed
        Bytes of whole frames so far: a broken tail begins there.
    """

    def __init__(self, kinds: frozenset[int] = STREAM_KINDS, *, headers: bool = True) -> None:
        self._kinds = kinds
        self._headers = headers
        self._buffer = bytearray()
        self._begun = not headers
        self._broken: StreamError | None = None
        self.consumed = 0

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes | bytearray | memoryview) -> list[Frame | SegmentHeader]:
        """Add bytes; return what they completed.

        Raises
        ------
        StreamError
            The bytes break the format.  Whole frames before the break are
            returned first; the next call raises.
        """
        if self._broken:
            raise self._broken
        self._buffer += data
        done: list[Frame | SegmentHeader] = []
        position = 0
        with memoryview(self._buffer) as view:
            try:
                while taken := self._next(view, position, done):
                    position += taken
            except StreamError as error:
                self._broken = error
        del self._buffer[:position]
        self.consumed += position
        if self._broken and not done:
            raise self._broken
        return done

    def _next(self, view: memoryview, at: int, done: list[Frame | SegmentHeader]) -> int:
        rest = len(view) - at
        if not rest:
            return 0
        if self._headers and view[at] == MAGIC[0]:
            return self._segment(view, at, rest, done)
        if not self._begun:
            raise StreamError("it does not begin like an ImSafe stream")
        if rest < HEADER_SIZE:
            return 0
        length: int
        kind, flags, channel, length, crc = _FRAME.unpack_from(view, at)
        if kind not in self._kinds or flags:
            raise StreamError(f"unknown kind of frame {kind} (flags {flags})")
        if length > MAX_PAYLOAD:
            raise StreamError(f"a frame claims {length} bytes, over the limit of {MAX_PAYLOAD}")
        end = HEADER_SIZE + length
        if rest < end:
            return 0
        payload = bytes(view[at + HEADER_SIZE : at + end])
        if zlib.crc32(payload, zlib.crc32(view[at : at + HEADER_SIZE - 4])) != crc:
            raise StreamError("the checksum of a frame is wrong")
        done.append(Frame(kind, channel, payload, self.consumed + at + end))
        return end

    def _segment(
        self, view: memoryview, at: int, rest: int, done: list[Frame | SegmentHeader]
    ) -> int:
        seen = min(rest, len(MAGIC))
        if bytes(view[at : at + seen]) != MAGIC[:seen]:
            raise StreamError("it does not begin like an ImSafe stream")
        if rest < SEGMENT_HEADER_SIZE:
            return 0
        fixed = at + len(MAGIC)
        length: int
        version, flags, length, crc = _FIXED.unpack_from(view, fixed)
        if version != VERSION or flags:
            raise StreamError(
                f"it has stream format version {version}, this program reads version {VERSION}"
            )
        if length > MAX_META:
            raise StreamError(f"a header claims {length} bytes, over the limit of {MAX_META}")
        end = SEGMENT_HEADER_SIZE + length
        if rest < end:
            return 0
        text = bytes(view[at + SEGMENT_HEADER_SIZE : at + end])
        if zlib.crc32(text, zlib.crc32(view[fixed : fixed + _FIXED.size - 4])) != crc:
            raise StreamError("the checksum of a header is wrong")
        meta = parse_object(text, "a header")
        done.append(SegmentHeader(meta, self.consumed + at + end))
        self._begun = True
        return end
