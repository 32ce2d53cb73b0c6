# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/stream-format.md says what the code does: its example, its limits, its numbers."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from imsafe.events import EVENT, OUT_OF_RANGE, Abi, Kind
from imsafe.stream.codec import (
    MAX_ARGV,
    MAX_EVENTS,
    MAX_FIELDS,
    MAX_PARENTS,
    MAX_USER,
    MAX_WORDS,
    encode,
)
from imsafe.stream.frames import MAGIC, MAX_META, MAX_PAYLOAD, VERSION, FrameKind, segment_header
from imsafe.stream.items import Closed, End, Lost, ProcessInfo, Segment
from imsafe.stream.meta import MAX_APPLICATIONS, MAX_NAME
from imsafe.stream.parser import StreamParser

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "stream-format.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


PARTS = [bytes.fromhex(block) for block in _blocks("hex")]
ROWS = [tuple(map(int, line.split())) for line in _blocks("records")[0].splitlines()[1:]]
RECORDS = np.array(ROWS, EVENT)
META = {
    "applications": [{"name": "cat", "matched_by": "command"}],
    "abi": "x86_64",
    "wall_ns": 1_700_000_000_000_000_000,
    "monotonic_ns": 5_000_000_000,
    "timed": True,
}
CAT = ProcessInfo(5_000_001_000, 4711, 4700, "cat", "/usr/bin/cat", 1)
LOST = Lost(2, 5_000_003_600, 5_000_003_900)
END = End({"calls": 5, "lost": 2})


def test_the_example_reads_as_the_document_says() -> None:
    parser = StreamParser("the example")
    items = [item for part in PARTS for _, item in parser.feed(part)]
    items += [item for _, item in parser.finish()]
    segment, process, calls, lost, last, end, closed = items
    assert segment == Segment(META)
    assert (process, lost, end, closed) == (CAT, LOST, END, Closed(complete=True))
    assert np.concatenate([calls, last]).tobytes() == RECORDS.tobytes()  # type: ignore[arg-type]
    assert sum(map(len, PARTS)) == int(re.search(r"(\d+) bytes, the six parts", DOCUMENT)[1])  # type: ignore[index]


def test_the_program_writes_the_example() -> None:
    written = [segment_header(META), *(encode(item) for item in (CAT, RECORDS[:2], LOST))]
    assert PARTS[:4] == written
    assert PARTS[5] == encode(END)


def test_another_implementation_writes_the_example() -> None:
    """What the document says, done by hand, without any code of ImSafe."""

    def compact(value: object) -> bytes:
        return json.dumps(value, separators=(",", ":")).encode()

    def frame(kind: int, payload: bytes) -> bytes:
        start = struct.pack("<BBHI", kind, 0, 0, len(payload))
        return start + struct.pack("<I", zlib.crc32(start + payload)) + payload

    text = compact(META)
    start = struct.pack("<HHI", 1, 0, len(text))
    header = b"\x89IMSAFE\n" + start + struct.pack("<I", zlib.crc32(start + text)) + text
    keys = ("time_ns", "pid", "parent", "comm", "exe", "application")
    process = {key: getattr(CAT, key) for key in keys}
    events = b"".join(struct.pack("<QIIHBBI", *row) for row in ROWS[:2])
    lost = struct.pack("<QQQ", LOST.count, LOST.from_ns, LOST.to_ns)
    assert PARTS[0] == header
    assert PARTS[1] == frame(3, compact(process))
    assert PARTS[2] == frame(1, events)
    assert PARTS[3] == frame(4, lost)
    assert PARTS[5] == frame(5, b'{"calls":5,"lost":2}')


def test_the_columns_are_as_described() -> None:
    rows = ROWS[2:]
    plain = b""
    columns = [(8, True), (4, True), (4, True), (2, False), (1, False), (1, False), (4, True)]
    for place, (width, differences) in enumerate(columns):
        values = [row[place] for row in rows]
        if differences:
            before = [0, *values[:-1]]
            values = [(b - a) % (1 << 8 * width) for a, b in zip(before, values, strict=True)]
        for byte in range(width):
            plain += bytes(value >> 8 * byte & 0xFF for value in values)
    assert plain == bytes.fromhex(_blocks("columns")[0])
    payload = PARTS[4][12:]
    assert payload[:4] == struct.pack("<I", len(rows))
    assert zlib.decompress(payload[4:]) == plain
    # Compressed by another zlib the bytes may differ, never what they expand to.
    assert zlib.decompress(encode(RECORDS[2:], compress=True)[16:]) == plain


def _table_after(heading: str) -> list[list[str]]:
    """The cells of the first table behind these words."""
    behind = DOCUMENT.partition(heading)[2]
    table = re.search(r"(?:^\|.*\n)+", behind, re.MULTILINE)
    assert table is not None
    lines = table[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_layout_of_a_record() -> None:
    size = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
    told = [
        (field.strip("`"), int(offset), size[kind])
        for offset, kind, field, _ in _table_after("## Event records")
    ]
    fields = EVENT.fields
    assert fields is not None
    assert told == [(name, at, kind.itemsize) for name, (kind, at, *_) in fields.items()]


def test_the_numbers_of_kinds_and_abis() -> None:
    frames = {int(row[0]): row[1] for row in _table_after("knows a segment header from a frame")}
    assert frames == {
        kind.value: kind.name.lower().replace("_compressed", ", compressed") for kind in FrameKind
    }
    kinds = _table_after("| 20 | u32 | `aux` |")
    assert {int(row[0]): row[1] for row in kinds} == {
        kind.value: kind.name.lower() for kind in Kind
    }
    abis = ", ".join(f"{abi.value} {abi.name.lower()}" for abi in Abi)
    assert f"| {abis} |" in DOCUMENT


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        (r"length of the JSON, bytes; at most ([\d,]+)", MAX_META),
        (r"length of the payload, bytes; at most ([\d,]+)", MAX_PAYLOAD),
        (r"u32, from 1 to ([\d,]+), and a zlib stream", MAX_EVENTS),
        (r"At most ([\d,]+) bytes in all\. A process frame", MAX_FIELDS),
        (r"at most ([\d,]+) texts, 4,096 characters", MAX_WORDS),
        (r"texts, ([\d,]+) characters in all", MAX_ARGV),
        (r"at most ([\d,]+) characters \| name of the effective user", MAX_USER),
        (r"at most ([\d,]+) pairs", MAX_PARENTS),
        (r"are allowed\. At most ([\d,]+) bytes", MAX_FIELDS),
        (r"`applications` \| list of objects, at most ([\d,]+)", MAX_APPLICATIONS),
        (r"`name` \| text, 1 to ([\d,]+) characters", MAX_NAME),
        (r"^# The stream format, version (\d+)", VERSION),
        (r"([\d,]+): out of range", OUT_OF_RANGE),
    ],
)
def test_the_limits(sentence: str, value: int) -> None:
    found = re.search(sentence, DOCUMENT)
    assert found is not None
    assert int(found[1].replace(",", "")) == value
    assert f"`{MAGIC.hex(' ')}`" in DOCUMENT
