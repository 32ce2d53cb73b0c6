# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is, by its content, never by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from imsafe.errors import ImsafeError, cannot
from imsafe.monitor.score_log import MAGIC as LOG_MAGIC

SQLITE_MAGIC = b"SQLite format 3\0"

FileKind = Literal["profile", "log", "trace"]


def file_kind(path: str) -> FileKind:
    """Whether a file is a behaviour database, a score log or a trace.

    Whatever is neither of the first two is taken for a trace: there are many
    formats, and the monitor says in words what it cannot read.

    Raises
    ------
    ImsafeError
        It cannot be read, or is no file, or is empty.
    """
    try:
        with Path(path).open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise cannot("open", path, error) from error
    if not start:
        raise ImsafeError(f"{path} is empty.")
    if start.startswith(SQLITE_MAGIC):
        return "profile"
    if start.startswith(LOG_MAGIC.encode()):
        return "log"
    return "trace"
