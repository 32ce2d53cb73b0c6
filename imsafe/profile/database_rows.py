# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a `.db`, every value checked before it is used."""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from imsafe.errors import ProfileError
from imsafe.events import EVENT, Abi, Events
from imsafe.profile.calibration import AGES, KNOTS, Calibration, Triple
from imsafe.profile.knowledge import (
    MOST_MARKED_RECORDS,
    MOST_MARKS,
    WEIGHTS,
    Addition,
    Knowledge,
    Mark,
    MarkedSequence,
)
from imsafe.profile.opening import Damaged
from imsafe.profile.repertoire import CHECKPOINTS, KEPT_SETS, CallSet, Sets
from imsafe.profile.saved_state import checked
from imsafe.profile.tree import MAX_DEPTH
from imsafe.profile.tree_rows import read_tree
from imsafe.profile.units import (
    BLOCK,
    HASH_LENGTH,
    NO_BOUND,
    PRECEDING,
    SAMPLE_UNITS,
    SYMBOL,
    Rows,
    Sample,
    Unit,
)

_LAST_SYMBOL = (len(Abi) << 16) - 1
_MOST = 1 << 53
_MOST_TRACES = 1 << 20


def _number(value: Any, least: int, most: int, what: str) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Damaged(f"{what} is out of range")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise Damaged(f"{what} is no text")
    return value


def _json_object(value: Any, what: str) -> dict[str, Any]:
    try:
        found = json.loads(_text(value, what))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{what} is no JSON") from error
    if not isinstance(found, dict):
        raise Damaged(f"{what} is no JSON object")
    return found


def _at_most(connection: sqlite3.Connection, table: str, most: int) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    if count > most:
        raise Damaged(f"its table {table!r} has {count:,} rows, more than {most:,}")
    return int(count)


def _unpacked(blob: Any, size: int, what: str) -> bytes:
    """Decompress what has to become exactly `size` bytes."""
    if not isinstance(blob, bytes):
        raise Damaged(f"{what} is no blob")
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(blob, size + 1)
    except zlib.error as error:
        raise Damaged(f"{what} is not compressed data") from error
    if len(data) != size or not inflate.eof:
        raise Damaged(f"{what} has another length than it says")
    return data


def packed_rows(rows: Rows) -> bytes:
    """Rows of a unit, compressed: threads, then symbols with their void flag."""
    threads = (rows >> 32).astype("<u4").tobytes()
    symbols = (rows & 0xFFFFFFFF).astype("<u4").tobytes()
    return zlib.compress(threads + symbols, 6)


def _unpacked_rows(blob: Any, count: int) -> Rows:
    data = _unpacked(blob, 8 * count, "a unit of the sample")
    threads, symbols = np.frombuffer(data, "<u4").astype(np.int64).reshape(2, count)
    if (symbols & SYMBOL).max() > _LAST_SYMBOL or threads.max() > 0x7FFFFFFF:
        raise Damaged("a unit of the sample has calls that do not exist")
    rows: Rows = threads << 32 | symbols
    return rows


def read_knowledge(connection: sqlite3.Connection) -> Knowledge:
    """Everything that was learned.

    Raises
    ------
    Damaged
    """
    settings = _settings(connection)
    try:
        depth = int(settings.get("depth", ""))
    except ValueError as error:
        raise Damaged("its depth is no number") from error
    alphabets = {}
    for abi, calls in connection.execute("SELECT abi, calls FROM alphabets"):
        alphabets[_number(abi, 0, len(Abi) - 1, "an ABI")] = _number(
            calls, 1, 1 << 16, "an alphabet"
        )
    return Knowledge(
        tree=read_tree(connection, _number(depth, 1, MAX_DEPTH, "its depth")),
        alphabets=alphabets,
        sets=_sets(connection),
        sample=_sample(connection, settings),
        traces=tuple(_traces(connection)),
        marks=tuple(_marks(connection, _marked_programs(settings))),
    )


def _settings(connection: sqlite3.Connection) -> dict[str, str]:
    _at_most(connection, "profile", 256)
    rows = connection.execute("SELECT key, value FROM profile")
    return {_text(key, "a setting"): _text(value, "a setting") for key, value in rows}


def _sets(connection: sqlite3.Connection) -> Sets:
    _at_most(connection, "repertoire", KEPT_SETS * len(CHECKPOINTS))
    sets: Sets = Counter()
    known: dict[Any, CallSet] = {}
    numbers: dict[str, int] = {}
    for checkpoint, *texts, units in connection.execute(
        "SELECT checkpoint, before, after, units FROM repertoire"
    ):
        for text in texts:
            if text not in known:
                known[text] = _call_set(text, numbers)
        before, after = (known[text] for text in texts)
        if checkpoint not in CHECKPOINTS or not after or not set(before).issubset(after):
            raise Damaged("a set of calls has no checkpoint, or holds less than before")
        if (checkpoint, before, after) in sets:
            raise Damaged("a set of calls is there twice")
        sets[checkpoint, before, after] = _number(units, 1, _MOST, "the count of a set of calls")
    return sets


def _call_set(text: Any, numbers: dict[str, int]) -> CallSet:
    """A set from its text; `numbers` are shared by all, for there may be a million in the sets."""
    words = _text(text, "a set of calls").split()
    if not all(word.isascii() and word.isdecimal() and len(word) < 9 for word in words):
        raise Damaged("a set of calls is no list of numbers")
    calls = tuple(numbers.setdefault(word, int(word)) for word in words)
    if not all(a < b for a, b in itertools.pairwise(calls)) or calls[-1:] > (_LAST_SYMBOL,):
        raise Damaged("a set has calls that do not exist, or has one twice")
    return calls


def _sample(connection: sqlite3.Connection, settings: dict[str, str]) -> Sample:
    _at_most(connection, "sample", 2 * SAMPLE_UNITS)
    bound = settings.get("sample_bound", NO_BOUND)
    sample = Sample(bound=bound)
    for key, preceding, calls, blob in connection.execute("SELECT * FROM sample"):
        first = _number(preceding, 0, PRECEDING, "a unit's beginning")
        size = first + _number(calls, 1, BLOCK, "a unit's length")
        if len(_text(key, "a unit's hash")) != HASH_LENGTH or key >= bound:
            raise Damaged("a unit's hash is out of range")
        sample.offer(key, Unit(_unpacked_rows(blob, size), first))
    return sample


def _traces(connection: sqlite3.Connection) -> Iterable[Addition]:
    _at_most(connection, "traces", _MOST_TRACES)
    query = (
        "SELECT identity, name, added, meta, calls, processes, units, duration_ns, lost"
        " FROM traces ORDER BY number"
    )
    for identity, name, added, meta, *numbers in connection.execute(query):
        calls, processes, units, duration, lost = (
            _number(value, 0, _MOST * 1024, "a total of a trace") for value in numbers
        )
        yield Addition(
            _text(identity, "a trace's hash"),
            _text(name, "a trace's name"),
            _text(added, "a trace's date"),
            _json_object(meta, "a trace's header"),
            calls,
            processes,
            units,
            duration,
            lost,
        )


def _marked_programs(settings: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """By the number of a mark: the programs that it says are normal."""
    what = "what a mark says of programs"
    stored = _json_object(settings.get("marked_programs", "{}"), what)
    if not all(isinstance(names, list) for names in stored.values()):
        raise Damaged(f"{what} is no list")
    return {key: tuple(_text(name, what) for name in names) for key, names in stored.items()}


def _marks(connection: sqlite3.Connection, programs: dict[str, tuple[str, ...]]) -> Iterable[Mark]:
    _at_most(connection, "marks", MOST_MARKS)
    _at_most(connection, "marked", MOST_MARKS)
    (records,) = connection.execute("SELECT total(records) FROM marked").fetchone()
    _number(int(records), 0, MOST_MARKED_RECORDS, "the length of all marked sequences")
    query = "SELECT number, note, added, weight FROM marks ORDER BY number"
    for number, note, added, weight in connection.execute(query).fetchall():
        parts = connection.execute(
            "SELECT state, records, events FROM marked WHERE mark = ? ORDER BY place", (number,)
        )
        yield Mark(
            number,
            _text(note, "a mark's note"),
            _text(added, "a mark's date"),
            _number(weight, 1, WEIGHTS[-1], "a mark's weight"),
            tuple(_sequence(*part) for part in parts),
            programs.get(str(number), ()),
        )


def _sequence(state: Any, records: Any, blob: Any) -> MarkedSequence:
    count = _number(records, 0, MOST_MARKED_RECORDS, "a marked sequence's length")
    data = _unpacked(blob, count * EVENT.itemsize, "a marked sequence")
    events: Events = np.frombuffer(data, EVENT).copy()
    before = _json_object(state, "a marked sequence's state")
    if before:
        try:
            checked(before)
        except ProfileError as error:
            raise Damaged(str(error).rstrip(".")) from error
    return MarkedSequence(events, before)


def read_calibration(connection: sqlite3.Connection) -> Calibration:
    """The calibration.

    Raises
    ------
    Damaged
    """
    stored = _json_object(_settings(connection).get("calibration"), "its calibration")
    mean, scale = (_triples(stored.get(key)) for key in ("mean", "scale"))
    knots, scores = (_floats(stored.get(key), 0, KNOTS) for key in ("knots", "scores"))
    singles = [
        stored.get(key)
        for key in (
            "burst_limit", "novelty_limit", "novelty_weight",
            "tail_start", "tail_score", "tail_excess",
        )
    ]  # fmt: skip
    burst_limit, novelty_limit, novelty_weight, tail_start, tail_score, tail_excess = _floats(
        singles, 6, 6
    )
    if (
        min(map(min, scale)) <= 0
        or len(knots) != len(scores)
        or any(b <= a for a, b in itertools.pairwise(knots))
        or list(scores) != sorted(scores)
        or not all(0 <= score <= 1 for score in (*scores, tail_score))
        or tail_excess <= 0
        or novelty_weight < 0
    ):
        raise Damaged("its calibration is no calibration")
    return Calibration(
        _number(stored.get("units"), 0, 2 * SAMPLE_UNITS, "its number of units"),
        mean,
        scale,
        burst_limit,
        novelty_limit,
        novelty_weight,
        knots,
        scores,
        tail_start,
        tail_score,
        _number(stored.get("tail_units"), 1, 2 * SAMPLE_UNITS, "its tail"),
        tail_excess,
    )


def _triples(rows: Any) -> tuple[Triple, ...]:
    if not isinstance(rows, list) or len(rows) != len(AGES) + 1:
        raise Damaged("its calibration lacks values")
    triples = (_floats(row, 3, 3) for row in rows)
    return tuple((triple[0], triple[1], triple[2]) for triple in triples)


def _floats(values: Any, least: int, most: int) -> tuple[float, ...]:
    if not isinstance(values, list) or not least <= len(values) <= most:
        raise Damaged("its calibration lacks values")
    for value in values:
        if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > 1e9:
            raise Damaged("its calibration has values that are no numbers")
    return tuple(float(value) for value in values)
