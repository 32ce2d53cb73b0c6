# SPDX-License-Identifier: GPL-3.0-or-later
"""Random items of streams."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from imsafe.events import EVENT, Abi, Events, Kind
from imsafe.stream.codec import encode
from imsafe.stream.frames import segment_header
from imsafe.stream.items import End, Item, Lost, ProcessInfo, Segment

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

RECORD = st.tuples(
    U64,
    U32,
    U32,
    st.integers(0, 0xFFFF),
    st.integers(0, max(Abi)),
    st.integers(0, max(Kind)),
    U32,
)


@st.composite
def events(draw: st.DrawFn, max_size: int = 30) -> Events:
    return np.array(draw(st.lists(RECORD, min_size=1, max_size=max_size)), EVENT)


PROCESSES = st.builds(
    ProcessInfo,
    U64,
    U32,
    U32,
    TEXT,
    TEXT,
    st.integers(0, 0xFFFF),
    st.lists(TEXT, max_size=4).map(tuple),
    TEXT,
    U64,
    st.lists(st.tuples(U32, TEXT), max_size=4).map(tuple),
)
LOSSES = st.builds(Lost, U64, U64, U64)
TOTALS = st.dictionaries(TEXT, U64, max_size=4)
METADATA: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"applications": st.lists(st.fixed_dictionaries({"name": TEXT.filter(bool)}), max_size=3)},
    optional={
        "host": TEXT,
        "follow_exec": st.booleans(),
        "wall_ns": U64,
        "monotonic_ns": U64,
        "other": st.recursive(
            st.none() | st.booleans() | st.integers() | TEXT | st.floats(allow_nan=False),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
            max_leaves=5,
        ).filter(lambda value: "inf" not in repr(value)),
    },
)
ITEMS = events() | PROCESSES | LOSSES | st.builds(End, TOTALS)

META = {"applications": [{"name": "daemon"}], "timed": True, "wall_ns": 5, "monotonic_ns": 3}


def items() -> SearchStrategy[Item]:
    """What may stand between the begin and the end of a stream."""
    return events() | PROCESSES | LOSSES


def segment() -> Segment:
    """How `encoded` begins."""
    return Segment(META)


def encoded(stream: list[Item], *, compress: bool) -> bytes:
    """The bytes of a whole stream."""
    frames = [encode(item, compress=compress) for item in [*stream, End({"calls": 1})]]
    return segment_header(META) + b"".join(frames)


def joined(stream: list[Item]) -> list[object]:
    """Items that can be compared with ``==``: batches as their bytes."""
    return [item.tobytes() if isinstance(item, np.ndarray) else item for item in stream]


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces."""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def same(one: Item, other: Item) -> bool:
    """Whether two items are equal (arrays have no single answer to that)."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return (
            isinstance(one, np.ndarray)
            and isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and one.tobytes() == other.tobytes()
        )
    return one == other
