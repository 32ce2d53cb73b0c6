# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is, by its content, never by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from imsafe.errors import ImsafeError, cannot
from imsafe.monitor.score_log import MAGIC as LOG_MAGIC
from imsafe.words import translate

SQLITE_MAGIC = b"SQLite format 3\0"

FileKind = Literal["profile", "log", "trace"]


def database_filter() -> str:
    """What a file chooser shows of behaviour databases."""
    return translate("file_kinds", "Behaviour databases (*.db);;All files (*)")


def trace_filter() -> str:
    """The same of traces."""
    return translate("file_kinds", "Traces (*.imt *.int *.txt *.strace);;All files (*)")


def log_filter() -> str:
    """The same of score logs."""
    return translate("file_kinds", "Score logs (*.log *.txt *.tsv);;All files (*)")


def graph_filter() -> str:
    """The same of what a plot is saved as."""
    return translate("file_kinds", "Image (*.png);;Drawing (*.svg);;Values (*.csv)")


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
        raise ImsafeError(translate("file_kinds", "{0} is empty.").format(path))
    if start.startswith(SQLITE_MAGIC):
        return "profile"
    if start.startswith(LOG_MAGIC.encode()):
        return "log"
    return "trace"
