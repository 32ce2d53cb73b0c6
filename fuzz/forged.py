# SPDX-License-Identifier: GPL-3.0-or-later
"""Behaviour databases as a forger would make them: a good one, with single values changed.

Flipped bytes of the file are mostly found out by SQLite itself; this is for what is behind it.
"""

from __future__ import annotations

import sqlite3
import struct
from functools import cache
from pathlib import Path

_EDIT = struct.Struct("<BHBBH")  # table, row, column, kind of value, length of what follows
_MOST_EDITS = 8


@cache
def _tables(good: Path) -> tuple[bytes, list[tuple[str, list[str], list[int]]]]:
    octets = good.read_bytes()
    connection = sqlite3.connect(":memory:")
    connection.deserialize(octets)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    tables = []
    for (name,) in names.fetchall():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        rows = [row[0] for row in connection.execute(f"SELECT _rowid_ FROM {name}")]
        if rows:
            tables.append((name, columns, rows))
    connection.close()
    return octets, tables


def forged(good: Path, recipe: bytes) -> bytes:
    """The database `good`, changed as `recipe` says; any bytes are a recipe."""
    octets, tables = _tables(good)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(octets)
    try:
        at = 0
        for _ in range(_MOST_EDITS):
            if at + _EDIT.size > len(recipe):
                break
            table, row, column, kind, length = _EDIT.unpack_from(recipe, at)
            at += _EDIT.size
            value = recipe[at : at + length]
            at += length
            _change(connection, tables[table % len(tables)], row, column, kind, value)
        return connection.serialize()
    finally:
        connection.close()


def _change(
    connection: sqlite3.Connection,
    table: tuple[str, list[str], list[int]],
    row: int,
    column: int,
    kind: int,
    value: bytes,
) -> None:
    name, columns, rows = table
    key, field = rows[row % len(rows)], columns[column % len(columns)]
    where = f"FROM {name} WHERE _rowid_ = ?"
    (before,) = connection.execute(f"SELECT {field} {where}", (key,)).fetchone() or (None,)
    try:
        if kind % 8 == 0:
            connection.execute(f"DELETE {where}", (key,))
            return
        connection.execute(
            f"UPDATE {name} SET {field} = ? WHERE _rowid_ = ?", (_value(kind, value, before), key)
        )
    except (sqlite3.Error, OverflowError):
        return  # SQLite itself does not let that be written (a key that is there twice)


def _value(kind: int, value: bytes, before: object) -> object:
    match kind % 8:
        case 1:
            return int.from_bytes(value[:8], "little", signed=True)
        case 2:
            return value
        case 3:
            return value.decode("utf-8", "replace")
        case 4:
            return None
        case 5 if len(value) >= 8:
            return struct.unpack_from("<d", value)[0]
        case 6 if isinstance(before, int):
            return before + int.from_bytes(value[:2], "little", signed=True)
    # A part of what was there is replaced.
    was = before.encode() if isinstance(before, str) else before
    if not isinstance(was, bytes):
        return before
    place = int.from_bytes(value[:2], "little") % (len(was) + 1)
    mixed = was[:place] + value[2:] + was[place + len(value) - 2 :]
    return mixed.decode("utf-8", "replace") if isinstance(before, str) else mixed
