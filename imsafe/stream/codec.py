# SPDX-License-Identifier: GPL-3.0-or-later
"""Items of a stream to bytes and back; whatever comes back has been checked."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import StreamError
from imsafe.events import EVENT, Abi, Events, Kind
from imsafe.stream import meta
from imsafe.stream.frames import (
    MAX_META,
    MAX_PAYLOAD,
    Frame,
    FrameKind,
    frame,
    json_text,
    parse_object,
)
from imsafe.stream.items import End, Item, Lost, ProcessInfo, Segment

MAX_EVENTS = 65536
"""Most events of one frame."""

MAX_FIELDS = 1 << 16
"""Longest JSON of a process or end frame, bytes."""

MAX_ARGV = 4096
"""Most characters of a command line, all words together."""

MAX_WORDS = 256
MAX_USER = 64
MAX_PARENTS = 16
MAX_PARENT_COMM = 64

_COUNT = struct.Struct("<I")
_LOST = struct.Struct("<QQQ")
_COLUMNS: tuple[tuple[str, str, bool], ...] = (
    ("time_ns", "<u8", True),
    ("pid", "<u4", True),
    ("tid", "<u4", True),
    ("syscall", "<u2", False),
    ("abi", "u1", False),
    ("kind", "u1", False),
    ("aux", "<u4", True),
)
"""Order of the compressed columns: field, type, and whether differences are stored."""


def encode(item: Item, channel: int = 0, *, compress: bool = False) -> bytes:
    """The frames of an item; a long batch becomes several.

    `Closed` is not part of a stream and gives no bytes; a `Segment` gives a
    CHANNEL frame (the header that opens a file is `frames.segment_header`).
    """
    if isinstance(item, np.ndarray):
        return b"".join(
            _events(item[start : start + MAX_EVENTS], channel, compress=compress)
            for start in range(0, len(item), MAX_EVENTS)
        )
    if isinstance(item, ProcessInfo):
        fields = {
            "time_ns": item.time_ns,
            "pid": item.pid,
            "parent": item.parent,
            "comm": item.comm[:256],
            "exe": item.exe[:4096],
            "application": item.application,
            **_identity(item),
        }
        return frame(FrameKind.PROCESS, json_text(fields), channel)
    if isinstance(item, Lost):
        return frame(FrameKind.LOST, _LOST.pack(item.count, item.from_ns, item.to_ns), channel)
    if isinstance(item, End):
        return frame(FrameKind.END, json_text(item.totals), channel)
    if isinstance(item, Segment):
        return frame(FrameKind.CHANNEL, json_text(item.meta), channel)
    return b""


def _identity(item: ProcessInfo) -> dict[str, Any]:
    """What is known of a process beyond what every frame says, within the bounds."""
    room = MAX_ARGV
    argv = []
    for word in item.argv[:MAX_WORDS]:
        argv.append(word[:room])
        room -= len(argv[-1])
        if not room:
            break
    fields = {
        "argv": argv,
        "user": item.user[:MAX_USER],
        "started_ns": item.started_ns,
        "parents": [[pid, comm[:MAX_PARENT_COMM]] for pid, comm in item.parents[:MAX_PARENTS]],
    }
    return {key: value for key, value in fields.items() if value}


def _events(events: Events, channel: int, *, compress: bool) -> bytes:
    if not compress:
        return frame(FrameKind.EVENTS, np.ascontiguousarray(events).view(np.uint8).data, channel)
    planes = []
    for name, kind, differences in _COLUMNS:
        values = column = events[name].astype(kind)
        if differences:
            # The first value stands as it is; unsigned arithmetic wraps and comes back exactly.
            column = values.copy()
            column[1:] -= values[:-1]
        width = column.dtype.itemsize
        # Bytes of equal weight side by side: the high ones are nearly all zero.
        planes.append(column.view(np.uint8).reshape(-1, width).T.tobytes())
    # Level 2: half the processor time of the usual 6, for a tenth more bytes.
    body = zlib.compress(b"".join(planes), 2)
    return frame(FrameKind.EVENTS_COMPRESSED, _COUNT.pack(len(events)) + body, channel)


def decode(received: Frame) -> Item:
    """The item in a frame.

    Raises
    ------
    StreamError
        The payload is not what its kind says.
    """
    if received.kind == FrameKind.EVENTS:
        if len(received.payload) % EVENT.itemsize:
            raise StreamError("an events frame ends inside a record")
        return _checked(np.frombuffer(received.payload, EVENT))
    if received.kind == FrameKind.EVENTS_COMPRESSED:
        return _checked(_inflated(received.payload))
    if received.kind == FrameKind.LOST:
        if len(received.payload) != _LOST.size:
            raise StreamError("a lost frame has the wrong length")
        return Lost(*_LOST.unpack(received.payload))
    if received.kind == FrameKind.PROCESS:
        return _process(_object(received, "a process frame", MAX_FIELDS))
    if received.kind == FrameKind.END:
        totals = _object(received, "an end frame", MAX_FIELDS)
        return End({key: _integer(totals, key, 64) for key in totals})
    return Segment(meta.checked(_object(received, "a channel frame", MAX_META)))


def _object(received: Frame, what: str, longest: int) -> dict[str, Any]:
    if len(received.payload) > longest:
        raise StreamError(f"{what} is longer than {longest} bytes")
    return parse_object(received.payload, what)


def _checked(events: Events) -> Events:
    if len(events) and (events["kind"].max() > max(Kind) or events["abi"].max() > max(Abi)):
        raise StreamError("an event has an unknown kind or ABI")
    return events


def _inflated(payload: bytes) -> Events:
    if len(payload) < _COUNT.size:
        raise StreamError("a compressed frame is too short")
    (count,) = _COUNT.unpack_from(payload)
    if not 0 < count <= MAX_EVENTS:
        raise StreamError(f"a compressed frame claims {count} events")
    size = count * EVENT.itemsize
    # The limit is what the frame itself claims: a bomb cannot grow beyond it.
    engine = zlib.decompressobj()
    try:
        plain = engine.decompress(payload[_COUNT.size :], size + 1)
    except zlib.error:
        raise StreamError("a compressed frame cannot be decompressed") from None
    if len(plain) != size or not engine.eof or engine.unused_data:
        raise StreamError("a compressed frame does not hold what it claims")
    events = np.empty(count, EVENT)
    position = 0
    for name, kind, differences in _COLUMNS:
        width = np.dtype(kind).itemsize
        planes = np.frombuffer(plain, np.uint8, count * width, position).reshape(width, count)
        column: NDArray[Any] = np.ascontiguousarray(planes.T).view(kind).reshape(count)
        events[name] = np.cumsum(column, dtype=kind) if differences else column
        position += count * width
    return events


def _process(fields: dict[str, Any]) -> ProcessInfo:
    return ProcessInfo(
        _integer(fields, "time_ns", 64),
        _integer(fields, "pid", 32),
        _integer(fields, "parent", 32),
        _text(fields, "comm", 256),
        _text(fields, "exe", 4096),
        _integer(fields, "application", 16),
        _argv(fields.get("argv", [])),
        _text(fields, "user", MAX_USER) if "user" in fields else "",
        _integer(fields, "started_ns", 64) if "started_ns" in fields else 0,
        _parents(fields.get("parents", [])),
    )


def _argv(value: Any) -> tuple[str, ...]:
    if (
        not isinstance(value, list)
        or len(value) > MAX_WORDS
        or not all(isinstance(word, str) for word in value)
        or sum(map(len, value)) > MAX_ARGV
    ):
        raise StreamError("the value of 'argv' is not a command line, or too long")
    return tuple(value)


def _parents(value: Any) -> tuple[tuple[int, str], ...]:
    if not isinstance(value, list) or len(value) > MAX_PARENTS:
        raise StreamError("the value of 'parents' is no list, or too long")
    found = []
    for entry in value:
        if not isinstance(entry, list) or len(entry) != 2:
            raise StreamError("the value of an entry of 'parents' is not a pid and a name")
        fields = {"pid": entry[0], "comm": entry[1]}
        found.append((_integer(fields, "pid", 32), _text(fields, "comm", MAX_PARENT_COMM)))
    return tuple(found)


def _integer(fields: dict[str, Any], key: str, bits: int) -> int:
    value = fields.get(key)
    if type(value) is not int or not 0 <= value < 1 << bits:
        raise StreamError(f"the value of {key[:32]!r} is not a whole number of {bits} bits")
    return value


def _text(fields: dict[str, Any], key: str, longest: int) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or len(value) > longest:
        raise StreamError(f"the value of {key!r} is not a text of at most {longest} characters")
    return value


assert MAX_EVENTS * EVENT.itemsize <= MAX_PAYLOAD
