# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile as an SQLite file: written whole, and opened as what a stranger may have made.

Opening trusts nothing: see `opening`; every value is checked by `database_rows`
before it is used.
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

from imsafe import files, syscalls
from imsafe.errors import ImsafeError
from imsafe.files import saved_whole
from imsafe.profile import database_rows as rows
from imsafe.profile.automaton import is_consistent
from imsafe.profile.calibration import Calibration
from imsafe.profile.knowledge import Knowledge, Mark, fit_into_a_profile
from imsafe.profile.opening import Damaged, opened
from imsafe.profile.saturation import saturation
from imsafe.profile.schema import APPLICATION_ID, TABLES, VERSION


def load(path: str | os.PathLike[str]) -> tuple[Knowledge, Calibration]:
    """Read a `.db`; see `imsafe.profile.profile.Profile.load`."""
    with opened(path) as connection:
        knowledge = rows.read_knowledge(connection)
        if not is_consistent(knowledge.tree):
            raise Damaged("its tree lacks sequences that its longer ones end with")
        calibration = rows.read_calibration(connection)
        if calibration.units and not knowledge.pace.units:
            raise Damaged("its traces have no units, but its calibration has")
        return knowledge, calibration


def save(
    path: str | os.PathLike[str],
    knowledge: Knowledge,
    calibration: Calibration,
    *,
    replace: bool,
    instead_of: files.FileState | None = None,
) -> None:
    """Write a `.db`; see `imsafe.profile.profile.Profile.save`."""
    with saved_whole(path, replace=replace, instead_of=instead_of) as beside:
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
    assert fit_into_a_profile(knowledge.marks)
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
            ("saturation", json.dumps(asdict(saturation(tree)))),
            ("marked_programs", json.dumps({m.number: m.programs for m in knowledge.marks})),
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
        "INSERT INTO repertoire VALUES (?, ?, ?, ?)",
        (
            (checkpoint, " ".join(map(str, before)), " ".join(map(str, after)), units)
            for (checkpoint, before, after), units in sorted(knowledge.sets.items())
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
