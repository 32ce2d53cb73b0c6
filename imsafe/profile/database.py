# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile as an SQLite file: written whole, and opened as what a stranger may have made.

Opening trusts nothing: the file is opened read-only, may hold only the tables
that `schema` lists (no view, trigger or virtual table, whose definitions are
programs), and every value is checked by `database_rows` before it is used.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from imsafe import syscalls
from imsafe.errors import ImsafeError, ProfileError, cannot
from imsafe.files import saved_whole
from imsafe.profile import database_rows as rows
from imsafe.profile.calibration import Calibration
from imsafe.profile.knowledge import Knowledge, Mark
from imsafe.profile.schema import APPLICATION_ID, MAJOR, TABLES, VERSION

_MAGIC = b"SQLite format 3\0"
_LONGEST_VALUE = 1 << 26
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PATIENCE_S = 5.0


def load(path: str | os.PathLike[str]) -> tuple[Knowledge, Calibration]:
    """Read a `.db`; see `imsafe.profile.profile.Profile.load`."""
    file = Path(path)
    _check_header(file)
    try:
        with contextlib.closing(_opened(file)) as connection:
            _check_schema(connection)
            knowledge = rows.read_knowledge(connection)
            calibration = rows.read_calibration(connection)
            return knowledge, calibration
    except rows.Damaged as damage:
        raise ProfileError(f"The profile {file} is damaged: {damage}.") from damage
    except (sqlite3.Error, OverflowError) as error:
        # OverflowError: an integer or length that does not fit.
        if getattr(error, "sqlite_errorcode", None) in _BUSY:
            raise ProfileError(
                f"The profile {file} is being changed by another program; try again."
            ) from error
        raise ProfileError(f"The profile {file} is damaged: {error}.") from error


def _check_header(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            header = opened.read(100)
    except OSError as error:
        raise cannot("read", file, error) from error
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise ProfileError(f"{file} is not a profile.")
    if header[18] != 1 or header[19] != 1:
        # A write-ahead log would have to be made beside it to read it.
        raise ProfileError(f"The profile {file} has a write-ahead log; it was not made by ImSafe.")


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S, isolation_level=None
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    return connection


def _check_schema(connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise rows.Damaged("it is a database of something else")
    major, minor = version >> 16, version & 0xFFFF
    if major != MAJOR:
        raise rows.Damaged(f"its format {major}.{minor} is not one that this version reads")
    found: dict[str, str] = {}
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        if kind == "index" and sql is None:
            continue
        if kind != "table" or not isinstance(sql, str) or "VIRTUAL" in sql.upper()[:30]:
            raise rows.Damaged(f"it holds the {kind} {name!r}, which has no place in a profile")
        found[name] = sql
    for name, sql in TABLES.items():
        if found.get(name) != sql:
            raise rows.Damaged(f"its table {name!r} is missing or is another one")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise rows.Damaged(str(verdict).replace("\n", " "))


def save(
    path: str | os.PathLike[str], knowledge: Knowledge, calibration: Calibration, *, replace: bool
) -> None:
    """Write a `.db`; see `imsafe.profile.profile.Profile.save`."""
    with saved_whole(path, replace=replace) as beside:
        try:
            with contextlib.closing(sqlite3.connect(beside, isolation_level=None)) as connection:
                _write(connection, knowledge, calibration)
        except sqlite3.Error as error:
            raise ImsafeError(f"Cannot write {Path(path)}: {error}.") from error


def _write(connection: sqlite3.Connection, knowledge: Knowledge, calibration: Calibration) -> None:
    # The file gets its name only when it is whole: no journal is needed.
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("BEGIN")
    for sql in TABLES.values():
        connection.execute(sql)
    tree = knowledge.tree
    pace = knowledge.pace
    connection.executemany(
        "INSERT INTO profile VALUES (?, ?)",
        [
            ("depth", str(tree.depth)),
            ("calls", str(pace.calls)),
            ("units", str(pace.units)),
            ("sample_bound", knowledge.sample.bound),
            ("calibration", json.dumps(asdict(calibration))),
        ],
    )
    connection.executemany("INSERT INTO alphabets VALUES (?, ?)", knowledge.alphabets.items())
    connection.executemany(
        "INSERT INTO symbols VALUES (?, ?)",
        [(symbol, syscalls.name(symbol)) for symbol in np.unique(tree.symbol[1:]).tolist()],
    )
    columns = (tree.parent, tree.symbol, tree.count, tree.processes)
    connection.executemany(
        "INSERT INTO nodes VALUES (?, ?, ?, ?, ?)",
        zip(range(len(tree)), *(column.tolist() for column in columns), strict=True),
    )
    connection.executemany(
        "INSERT INTO repertoire VALUES (?, ?, ?)",
        (
            (checkpoint, " ".join(map(str, calls)), units)
            for (checkpoint, calls), units in sorted(knowledge.sets.items())
        ),
    )
    connection.executemany(
        "INSERT INTO sample VALUES (?, ?, ?, ?)",
        (
            (key, unit.first, unit.calls, rows.packed_rows(unit.rows))
            for key, unit in sorted(knowledge.sample.units.items())
        ),
    )
    connection.executemany(
        "INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                number, trace.identity, trace.name, trace.added, json.dumps(trace.meta),
                trace.calls, trace.processes, trace.units, trace.duration_ns, trace.lost,
            )
            for number, trace in enumerate(knowledge.traces, 1)
        ),
    )  # fmt: skip
    for mark in knowledge.marks:
        connection.execute(
            "INSERT INTO marks VALUES (?, ?, ?, ?)",
            (mark.number, mark.note, mark.added, mark.weight),
        )
        connection.executemany("INSERT INTO marked VALUES (?, ?, ?, ?, ?)", _marked(mark))
    connection.execute("COMMIT")


def _marked(mark: Mark) -> Iterator[tuple[int, int, str, int, bytes]]:
    for place, sequence in enumerate(mark.sequences):
        packed = zlib.compress(sequence.events.tobytes(), 6)
        state = json.dumps(sequence.state)
        yield mark.number, place, state, len(sequence.events), packed
