# SPDX-License-Identifier: GPL-3.0-or-later
"""The score log: the complete history of the scores as text that gnuplot plots as it is.

A comment header, then one tab-separated line for each thread and 100 ms of
event time with its highest score.  Names come from the programs that are
watched, so whatever could break a line apart is neutralised.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imsafe.errors import FileExistsRefused, ImsafeError, cannot

MAGIC = "# ImSafe score log 1"
COLUMNS = (
    "time",
    "score",
    "threshold",
    "application",
    "pid",
    "tid",
    "call",
    "probability",
    "reading",
    "lost",
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """The highest score of one thread in one 100 ms.

    Attributes
    ----------
    time_ns
        Start of the 100 ms, wall clock.
    threshold
        None when there was none.
    lost
        Calls of the stream that were lost since its line before.
    """

    time_ns: int
    score: float
    threshold: float | None
    application: str
    pid: int
    tid: int
    call: str
    probability: float
    reading: str
    lost: int


def printable(text: str, longest: int = 200) -> str:
    """`text` on one line and without control characters, at most `longest` characters.

    Backslashes and everything that is not printable are written as Python
    escapes, so two different names stay different.
    """
    safe = "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode()
        for c in text[:longest]
    )
    return safe if len(text) <= longest else safe + "..."


def format_line(line: LogLine) -> str:
    """One line of the log, with its newline."""
    seconds, rest = divmod(line.time_ns, 1_000_000_000)
    threshold = "-" if line.threshold is None else f"{line.threshold:.6f}"
    return (
        f"{seconds}.{rest // 100_000_000}\t{line.score:.6f}\t{threshold}"
        f"\t{_field(line.application)}\t{line.pid}\t{line.tid}\t{_field(line.call)}"
        f"\t{line.probability:.3e}\t{line.reading}\t{line.lost}\n"
    )


def _field(text: str) -> str:
    # gnuplot splits at any white space by default: a name is one word.
    return printable(text).replace(" ", "\\x20") or "-"


class ScoreLog:
    """Writes a score log; whole lines only, handed to the system at every `flush`.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: str | os.PathLike[str], header: Iterable[str] = ()) -> None:
        """Make the file, or go on with an earlier score log.

        Parameters
        ----------
        path
            A new file, a score log to append to, or a pipe or device.
        header
            Lines about this run; written as comments.

        Raises
        ------
        ImsafeError
            The file is something else, or cannot be written.
        """
        self.path = Path(path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            # Unbuffered: what a full disk refused must not be tried again at close.
            self._file = os.fdopen(descriptor, "wb", buffering=0)
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size:
                self._check_earlier(descriptor, status.st_size)
        except OSError as error:
            raise cannot("write", self.path, error) from error
        except ImsafeError:
            self._file.close()
            raise
        comments = [MAGIC, *(f"# {printable(line, 1000)}" for line in header)]
        comments.append("# " + "\t".join(COLUMNS))
        self._pending = ["\n".join(comments) + "\n"]
        try:
            self.flush()
        except ImsafeError:
            self._file.close()
            raise

    def _check_earlier(self, descriptor: int, size: int) -> None:
        """Refuse to write into what is no score log; end a line that was cut short."""
        if os.pread(descriptor, len(MAGIC) + 1, 0) != MAGIC.encode() + b"\n":
            raise FileExistsRefused(
                f"{self.path} exists already and is not a score log; choose another name."
            )
        if os.pread(descriptor, 1, size - 1) != b"\n":
            os.write(descriptor, b" # cut short\n")

    def write(self, lines: Iterable[LogLine]) -> None:
        """Add lines; they reach the file at the next `flush`."""
        self._pending += [format_line(line) for line in lines]

    def flush(self) -> None:
        """Hand everything to the system.

        Raises
        ------
        ImsafeError
            The disk is full, or the pipe is closed; what was pending is given up.
        """
        if not self._pending:
            return
        text, self._pending = "".join(self._pending), []
        rest = memoryview(text.encode())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise cannot("write", self.path, error) from error

    def abandon(self) -> None:
        """Close after an error, without writing what is pending."""
        self._pending.clear()
        with contextlib.suppress(OSError):  # it has been said already what is wrong
            self._file.close()

    def close(self, summary: Iterable[str] = ()) -> None:
        """Write `summary` as comments and close the file."""
        self._pending += [f"# {printable(line, 1000)}\n" for line in summary]
        try:
            self.flush()
        finally:
            try:
                self._file.close()
            except OSError as error:
                raise cannot("write", self.path, error) from error
