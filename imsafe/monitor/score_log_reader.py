# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a score log part by part, also while a monitor still writes it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ImsafeError, cannot
from imsafe.monitor.score_log import COLUMNS, MAGIC
from imsafe.words import translate

LOG_RECORD = np.dtype(
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
"""One line: `time` (seconds, wall clock), `score`, `threshold` (NaN where there was none),
`application`, `pid`, `tid`, `call`, `probability`, `reading`, `lost`; `application`, `call` and
`reading` are indices in the reader's lists."""

PART = 1 << 18
"""Bytes that are read at a time: some 4,000 lines."""

_LONGEST_LINE = 4096
_MOST_HEADER = 1000
_MOST_NAMES = 100_000
_LARGEST = (1 << 32, 1 << 32, 1 << 63)  # pid, tid, lost


class _Names:
    """Numbers names in order of appearance."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[bytes, int] = {}

    def numbers(self, names: list[bytes]) -> list[int]:
        for name in dict.fromkeys(names):
            if name in self._numbers:
                continue
            if len(self.names) >= _MOST_NAMES:
                raise ValueError("too many names")
            self._numbers[name] = len(self.names)
            self.names.append(name.decode("utf-8", "replace"))
        return [self._numbers[name] for name in names]


class ScoreLogReader:
    """Reads a score log from its beginning, and goes on where it has grown.

    Attributes
    ----------
    path : Path
    applications, calls, readings : list of str
        The names so far; they only grow.
    header : list of str
        The comments, without their ``#``; of very many the first.
    lines, skipped : int
        Lines so far, and damaged ones that were left out.
    position, size : int
        Bytes that were read, and that the file had when it was looked at last.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the log.

        Raises
        ------
        ImsafeError
            It cannot be read, or is not a score log.
        """
        self.path = Path(path)
        try:
            self._file: IO[bytes] = self.path.open("rb", 0)
        except OSError as error:
            raise cannot("read", path, error) from error
        self._applications, self._calls, self._readings = _Names(), _Names(), _Names()
        self.applications = self._applications.names
        self.calls = self._calls.names
        self.readings = self._readings.names
        self.header: list[str] = []
        self.lines = 0
        self.skipped = 0
        self.position = 0
        self.size = 0
        self._rest = b""
        try:
            status = os.fstat(self._file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImsafeError(translate("score_log", "{0} is not a file.").format(path))
            self.size = status.st_size
            self._identity = status.st_dev, status.st_ino
            if self._file.readline(len(MAGIC) + 2).rstrip(b"\r\n") != MAGIC.encode():
                words = translate("score_log", "{0} is not a score log of ImSafe.")
                raise ImsafeError(words.format(path))
            self._file.seek(0)
        except OSError as error:
            self.close()
            raise cannot("read", path, error) from error
        except ImsafeError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._file.close()

    def is_other(self) -> bool:
        """Whether another file bears the name now, or this one was cut: read it anew.

        Raises
        ------
        ImsafeError
            There is no file of that name any more, or it cannot be reached.
        """
        try:
            status = self.path.stat()
        except OSError as error:
            raise cannot("read", self.path, error) from error
        self.size = status.st_size
        return (status.st_dev, status.st_ino) != self._identity or self.size < self.position

    def read(self) -> NDArray[np.void] | None:
        """The next part: array of `LOG_RECORD`; None when there is nothing new.

        Raises
        ------
        ImsafeError
            The file cannot be read, or goes on as something else.
        """
        try:
            block = self._file.read(PART)
        except OSError as error:
            raise cannot("read", self.path, error) from error
        if not block:
            return None
        self.position += len(block)
        # The last line may still be growing: only lines with their newline count.
        *lines, self._rest = (self._rest + block).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            words = translate("score_log", "{0} is not a score log of ImSafe: a line has no end.")
            raise ImsafeError(words.format(self.path))
        scores = []
        for line in lines:
            if not line.startswith(b"#"):
                scores.append(line)
            elif len(self.header) < _MOST_HEADER:
                self.header.append(line[1:].decode("utf-8", "replace").strip())
        records = self._records(scores)
        self.lines += len(records)
        return records

    def _records(self, lines: list[bytes]) -> NDArray[np.void]:
        """The records of whole lines; damaged ones are counted and left out."""
        try:
            return self._of_good_lines(lines)
        except ValueError:
            found = [np.empty(0, LOG_RECORD)]
            for line in lines:
                try:
                    found.append(self._of_good_lines([line]))
                except ValueError:
                    self.skipped += 1
            return np.concatenate(found)

    def _of_good_lines(self, lines: list[bytes]) -> NDArray[np.void]:
        """The records of lines; ValueError when one of them is damaged."""
        tabs = len(COLUMNS) - 1
        if any(line.count(b"\t") != tabs for line in lines):
            raise ValueError("not all columns")
        fields = b"\t".join(lines).split(b"\t") if lines else []
        columns = [fields[place :: len(COLUMNS)] for place in range(len(COLUMNS))]
        records = np.empty(len(lines), LOG_RECORD)
        for name, place in (("time", 0), ("score", 1), ("probability", 7)):
            records[name] = [float(text) for text in columns[place]]
        records["threshold"] = [
            float("nan") if text == b"-" else float(text) for text in columns[2]
        ]  # fmt: skip
        for name, place, limit in zip(("pid", "tid", "lost"), (4, 5, 9), _LARGEST, strict=True):
            numbers = [int(text) for text in columns[place]]
            if numbers and not (min(numbers) >= 0 and max(numbers) < limit):
                raise ValueError("out of range")
            records[name] = numbers
        scores = records["score"]
        if not (np.isfinite(records["time"]).all() and ((scores >= 0) & (scores <= 1)).all()):
            raise ValueError("out of range")
        records["application"] = self._applications.numbers(columns[3])
        records["call"] = self._calls.numbers(columns[6])
        records["reading"] = self._readings.numbers(columns[8])
        return records


@dataclass(slots=True)
class LogData:
    """A whole score log.

    Attributes
    ----------
    records : array of LOG_RECORD, shape (N,)
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


def read_score_log(path: str | os.PathLike[str]) -> LogData:
    """Read a log whole, also while a monitor still writes it, or one that was cut short.

    Raises
    ------
    ImsafeError
        The file cannot be read, or is not a score log.
    """
    reader = ScoreLogReader(path)
    try:
        blocks = [np.empty(0, LOG_RECORD)]
        while (block := reader.read()) is not None:
            blocks.append(block)
        return LogData(
            records=np.concatenate(blocks),
            applications=reader.applications,
            calls=reader.calls,
            readings=reader.readings,
            header=reader.header,
            skipped=reader.skipped,
        )
    finally:
        reader.close()
