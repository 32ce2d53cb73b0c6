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
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

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
_LONGEST_LINE = 4096
_READ_SIZE = 1 << 20


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


_LOG_RECORD = np.dtype(
    [
        ("time", "<f8"),
        ("score", "<f8"),
        ("threshold", "<f8"),
        ("application", "<u4"),
        ("pid", "<u4"),
        ("tid", "<u4"),
        ("call", "<u4"),
        ("probability", "<f8"),
        ("reading", "<u4"),
        ("lost", "<u8"),
    ]
)


@dataclass(slots=True)
class LogData:
    """A score log that was read.

    Attributes
    ----------
    records : structured array, shape (N,)
        `time` (seconds, wall clock), `score`, `threshold` (NaN where there was
        none), `application`, `pid`, `tid`, `call`, `probability`, `reading`,
        `lost`; `application`, `call` and `reading` are indices in the lists below.
    applications, calls, readings : list of str
    header : list of str
        The comments, without their ``#``.
    skipped : int
        Damaged lines that were left out.
    """

    records: NDArray[np.void]
    applications: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    skipped: int = 0


class _Names:
    """Numbers names in order of appearance."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
        return number


def read_score_log(path: str | os.PathLike[str]) -> LogData:
    """Read a log, also while a monitor still writes it, or one that was cut short.

    Raises
    ------
    ImsafeError
        The file cannot be read, or is not a score log.
    """
    try:
        with Path(path).open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ImsafeError(f"{path} is not a file.")
            return _read(path, file)
    except OSError as error:
        raise cannot("read", path, error) from error


def _read(path: str | os.PathLike[str], file: BinaryIO) -> LogData:
    if file.readline(len(MAGIC) + 2).rstrip(b"\r\n") != MAGIC.encode():
        raise ImsafeError(f"{path} is not a score log of ImSafe.")
    applications, calls, readings = _Names(), _Names(), _Names()
    header: list[str] = []
    blocks: list[NDArray[np.void]] = []
    skipped = 0
    rest = b""
    while block := file.read(_READ_SIZE):
        # The last line may still be growing: only lines with their newline count.
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise ImsafeError(f"{path} is not a score log of ImSafe: a line has no end.")
        rows = []
        for line in lines:
            text = line.decode("utf-8", "replace")
            if text.startswith("#"):
                header.append(text[1:].strip())
                continue
            fields = text.split("\t")
            try:
                row = _row(fields)
            except ValueError:
                skipped += 1
                continue
            rows.append(
                (
                    *row[:3],
                    applications.number(fields[3]),
                    *row[3:5],
                    calls.number(fields[6]),
                    row[5],
                    readings.number(fields[8]),
                    row[6],
                )
            )
        blocks.append(np.array(rows, _LOG_RECORD))
    return LogData(
        records=np.concatenate(blocks) if blocks else np.empty(0, _LOG_RECORD),
        applications=applications.names,
        calls=calls.names,
        readings=readings.names,
        header=header,
        skipped=skipped,
    )


def _row(fields: list[str]) -> tuple[float, float, float, int, int, float, int]:
    """The numbers of a line; ValueError when it is damaged."""
    if len(fields) != len(COLUMNS):
        raise ValueError("not all columns")
    time, score = float(fields[0]), float(fields[1])
    threshold = float("nan") if fields[2] == "-" else float(fields[2])
    pid, tid, probability, lost = int(fields[4]), int(fields[5]), float(fields[7]), int(fields[9])
    if not (
        np.isfinite(time)
        and 0 <= score <= 1
        and 0 <= pid < 1 << 32
        and 0 <= tid < 1 << 32
        and 0 <= lost < 1 << 63
    ):
        raise ValueError("out of range")
    return time, score, threshold, pid, tid, probability, lost
