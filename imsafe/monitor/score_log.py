# SPDX-License-Identifier: GPL-3.0-or-later
"""The score log: the complete history of the scores as text that gnuplot plots as it is.

A comment header, then one tab-separated line for each thread and 100 ms of
event time with its highest score.  Names come from the programs that are
watched, so whatever could break a line apart is neutralised.
"""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import re
import select
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imsafe.errors import FileExistsRefused, ImsafeError, cannot
from imsafe.files import almost_full, opened_to_append
from imsafe.words import printable

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
MOST_BYTES = 256 << 20
"""A part of a log at most; then the next one begins."""

PATIENCE_S = 1.0
"""How long a pipe whose reader is busy is waited for: nothing is scored meanwhile."""

_PART = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?")


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

    The file is its user's alone, unless it was there with another mode.  When it
    has its greatest size it is put aside under its name and the time, and a new
    one begins; it also begins anew when somebody has moved or removed it.

    Attributes
    ----------
    path : Path
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        header: Iterable[str] = (),
        *,
        most_bytes: int = MOST_BYTES,
        keep: int | None = None,
    ) -> None:
        """Make the file, or go on with an earlier score log.

        Parameters
        ----------
        path
            A new file, a score log to append to, or a pipe or device.
        header
            Lines about this run; written as comments.
        most_bytes
            The size at which it is put aside.
        keep
            How many that were put aside are kept; None: all.

        Raises
        ------
        ImsafeError
            The file is something else, or cannot be written.
        """
        self.path = Path(path)
        self._most_bytes = most_bytes
        self._keep = keep
        comments = [MAGIC, *(f"# {printable(line, 1000)}" for line in header)]
        comments.append("# " + "\t".join(COLUMNS))
        self._header = "\n".join(comments) + "\n"
        self._pending: list[str] = []
        self._open()

    def _open(self) -> None:
        descriptor = opened_to_append(self.path, 0o600)
        # Unbuffered: what a full disk refused must not be tried again at close.
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        try:
            status = os.fstat(descriptor)
            self._is_regular = stat.S_ISREG(status.st_mode)
            if self._is_regular and status.st_size:
                self._check_earlier(descriptor, status.st_size)
            self._put(self._header)
        except OSError as error:
            self._file.close()
            raise cannot("write", self.path, error) from error
        except ImsafeError:
            self._file.close()
            raise

    def _check_earlier(self, descriptor: int, size: int) -> None:
        """Refuse to write into what is no score log; end a line that was cut short."""
        os.lseek(descriptor, 0, os.SEEK_SET)  # not pread, which Windows has not
        if os.read(descriptor, len(MAGIC) + 1) != MAGIC.encode() + b"\n":
            raise FileExistsRefused(
                f"{self.path} exists already and is not a score log; choose another name."
            )
        os.lseek(descriptor, size - 1, os.SEEK_SET)
        if os.read(descriptor, 1) != b"\n":
            os.write(descriptor, b" # cut short\n")

    def write(self, lines: Iterable[LogLine]) -> None:
        """Add lines; they reach the file at the next `flush`."""
        self._pending += [format_line(line) for line in lines]

    def flush(self) -> list[str]:
        """Hand everything to the system; what there is to say of it, in words.

        Raises
        ------
        ImsafeError
            The disk is (almost) full, the pipe is closed, or its reader does not keep up; what
            was pending is given up.
        """
        if not self._pending:
            return []
        text, self._pending = "".join(self._pending), []
        try:
            news = self._find_place() if self._is_regular else []
            self._put(text)
        except OSError as error:
            raise cannot("write", self.path, error) from error
        return news

    def _put(self, text: str) -> None:
        left = almost_full(self._file.fileno()) if self._is_regular else None
        if left is not None:
            raise ImsafeError(f"The disk of {self.path} is almost full ({left} MiB left).")
        rest = memoryview(text.encode())
        while rest:
            taken = self._file.write(rest)
            if taken is None and not select.select([], [self._file], [], PATIENCE_S)[1]:
                raise ImsafeError(f"The reader of {self.path} does not keep up.")
            rest = rest[taken or 0 :]

    def _find_place(self) -> list[str]:
        """Begin a new file where that is due; what there is to say."""
        status = os.fstat(self._file.fileno())
        try:
            there = self.path.stat()
        except FileNotFoundError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (status.st_dev, status.st_ino):
            self._begin_anew(status.st_mode)
            return [f"{self.path} was moved or removed; the log goes on in a new file."]
        if status.st_size < self._most_bytes:
            return []
        part = self._put_aside()
        self._begin_anew(status.st_mode)
        return [f"{self.path} has reached its size and is called {part} now; a new one begins."]

    def _begin_anew(self, mode: int) -> None:
        self._file.close()
        self._open()
        if os.name == "posix" and os.fstat(self._file.fileno()).st_size == len(
            self._header.encode()
        ):
            os.fchmod(self._file.fileno(), mode & 0o777)  # as the user wants the log to be

    def _put_aside(self) -> Path:
        now = time.strftime("%Y-%m-%dT%H-%M-%SZ", time.gmtime())
        names = (now if not n else f"{now}-{n}" for n in itertools.count())
        part = next(p for n in names if not (p := Path(f"{self.path}.{n}")).exists())
        self.path.rename(part)
        if self._keep is not None:
            start = len(self.path.name) + 1
            found = [
                (path.stat().st_mtime_ns, path)
                for path in self.path.parent.glob(f"{glob.escape(self.path.name)}.*")
                if _PART.fullmatch(path.name[start:])
            ]
            for _, path in sorted(found)[: max(0, len(found) - self._keep)]:
                path.unlink()
        return part

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
