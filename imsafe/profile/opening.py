# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a `.db` as what a stranger may have made: read-only, and only with the tables it may have.

It holds no view, trigger or virtual table, whose definitions are programs.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from imsafe.errors import ProfileError, cannot
from imsafe.profile.schema import APPLICATION_ID, MAJOR, TABLES
from imsafe.words import printable, translate

_MAGIC = b"SQLite format 3\0"
_LONGEST_VALUE = 1 << 26
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PATIENCE_S = 5.0


class Damaged(Exception):
    """What is wrong with a profile, in words; always passed on as a ProfileError."""


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[sqlite3.Connection]:
    """Open a `.db` for reading; errors in the block that its content causes become words.

    Raises
    ------
    ProfileError
        It is no profile, is damaged, or comes from a newer version.
    ImsafeError
        It cannot be read.
    """
    file = Path(path)
    _check_header(file)
    try:
        with contextlib.closing(_connection(file)) as connection:
            _check_schema(connection, file)
            yield connection
    except Damaged as damage:
        raise _damaged(file, damage) from damage
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        # The latter two: an integer or length that does not fit, a text that is none.
        if getattr(error, "sqlite_errorcode", None) in _BUSY:
            words = translate(
                "opening", "The profile {0} is being changed by another program; try again."
            )
            raise ProfileError(words.format(file)) from error
        raise _damaged(file, error) from error


def _damaged(file: Path, damage: Exception) -> ProfileError:
    # What is damaged stays English: it is for whoever mends it.  SQLite quotes the file in it.
    words = translate("opening", "The profile {0} is damaged: {1}.")
    return ProfileError(words.format(file, printable(str(damage))))


def _check_header(file: Path) -> None:
    try:
        with file.open("rb") as raw:
            header = raw.read(100)
    except OSError as error:
        raise cannot("read", file, error) from error
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise ProfileError(translate("opening", "{0} is not a profile.").format(file))
    if header[18] != 1 or header[19] != 1:
        # A write-ahead log would have to be made beside it to read it.
        words = translate(
            "opening", "The profile {0} has a write-ahead log; it was not made by ImSafe."
        )
        raise ProfileError(words.format(file))


def _connection(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE_S, isolation_level=None
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    return connection


def _check_schema(connection: sqlite3.Connection, file: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise Damaged("it is a database of something else")
    major, minor = version >> 16, version & 0xFFFF
    if 0 < major < MAJOR:
        words = translate(
            "opening",
            "The profile {0} was learned by an earlier ImSafe, whose scores were others (its format"
            " is {1}.{2}); learn it again from its traces.",
        )
        raise ProfileError(words.format(file, major, minor))
    if major > MAJOR:
        words = translate(
            "opening",
            "The profile {0} was made by a newer ImSafe (its format is {1}.{2}); update ImSafe to"
            " read it.",
        )
        raise ProfileError(words.format(file, major, minor))
    if major != MAJOR:
        raise Damaged(f"its format {major}.{minor} is not one that this version reads")
    found: dict[str, str] = {}
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        if kind == "index" and sql is None:
            continue
        if kind != "table" or not isinstance(sql, str) or "VIRTUAL" in sql.upper()[:30]:
            raise Damaged(f"it holds the {kind} {name!r}, which has no place in a profile")
        found[name] = sql
    for name, sql in TABLES.items():
        if found.get(name) != sql:
            raise Damaged(f"its table {name!r} is missing or is another one")
    # One by one: a table of a later version may have columns that take minutes to compute.
    for name in TABLES:
        (verdict,) = connection.execute(f"PRAGMA quick_check({name})").fetchone()
        if verdict != "ok":
            raise Damaged(str(verdict).replace("\n", " "))
