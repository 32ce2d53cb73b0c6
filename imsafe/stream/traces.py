# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces of every format: found in folders, recognised by content, read as one stream of items."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from imsafe.errors import CutShort, ImsafeError, StreamError, cannot, reason
from imsafe.stream.adfa import read_adfa
from imsafe.stream.frames import MAGIC
from imsafe.stream.items import Tagged
from imsafe.stream.native import read_native
from imsafe.stream.strace_line import LINE
from imsafe.stream.strace_text import read_strace
from imsafe.stream.unm import read_unm
from imsafe.words import translate

Importer = Callable[[Iterable[bytes], str, list[str]], Iterator[Tagged]]

_IMPORTERS: dict[str, Importer] = {
    "imsafe": read_native,
    "strace": read_strace,
    "unm": read_unm,
    "adfa": read_adfa,
}
FORMATS = ("auto", "imsafe", "strace", "unm", "adfa")
"""What a person may say that a trace is."""

UNTIMED = frozenset({"unm", "adfa"})
"""Formats in which two different processes may have left the same bytes."""

_PIECE = 1 << 20
_PEEK = 4096


class TraceReader:
    """A trace of any format; iterate over it to get its items, as often as you like.

    Attributes
    ----------
    path
        As it was given; ``-`` is standard input.
    format
        One of `FORMATS`, never ``auto``.
    size
        Bytes in all; 0 where that cannot be known (a pipe).
    position
        Bytes read so far by the running iteration.
    warnings
        What was wrong with the file, in words; complete when the iteration is.
    cut_short
        Whether its last part could not be read, which one of the warnings says.
    """

    def __init__(self, path: str | os.PathLike[str], format: str = "auto") -> None:  # noqa: A002
        self.path = os.fspath(path)
        self.name = "standard input" if self.path == "-" else self.path
        self.position = 0
        self.warnings: list[str] = []
        self.cut_short = False
        self._pipe: IO[bytes] | None = None
        self._peeked = b""
        self._drained = False
        self._identity = ""
        with self._opened() as file:
            status = os.fstat(file.fileno())
            regular = stat.S_ISREG(status.st_mode) and self.path != "-"
            self.size = status.st_size if regular else 0
            try:
                self._peeked = _start_of(file)
            except OSError as error:
                raise cannot("read", self.path, error) from error
            if not regular:
                # Cannot be opened a second time: what was taken out of it is kept.
                self._pipe = os.fdopen(os.dup(file.fileno()), "rb", 0)
        self.format = format
        try:
            if not self._peeked:
                words = translate("traces", "{0} is empty: there is no trace in it.")
                raise StreamError(words.format(self.name))
            if format == "auto":
                self.format = recognised(self._peeked, self.name)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Tagged]:
        self.warnings.clear()
        self.cut_short = False
        try:
            yield from _IMPORTERS[self.format](self._pieces(), self.name, self.warnings)
        except CutShort as error:
            self.cut_short = True
            self.warnings.append(str(error))

    @property
    def identity(self) -> str:
        """The trace's sha256, by which learning the same one twice is noticed.

        Where the format has no clock the file's name is hashed too: two
        processes may have made the same calls.  A pipe is first read to its
        end, into a temporary file.
        """
        if not self._identity:
            if self._pipe is not None:
                self._spool(self._pipe)
            digest = hashlib.sha256()
            if self.format in UNTIMED:
                digest.update(Path(self.path).name.encode("utf-8", "surrogateescape") + b"\0")
            for piece in self._pieces():
                digest.update(piece)
            self.position = 0
            self._identity = digest.hexdigest()
        return self._identity

    def close(self) -> None:
        """Let go of a pipe; safe to call twice."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _opened(self) -> IO[bytes]:
        try:
            if self.path == "-":
                return os.fdopen(os.dup(sys.stdin.fileno()), "rb", 0)
            return Path(self.path).open("rb", 0)
        except OSError as error:
            raise cannot("read", self.path, error) from error

    def _drain(self) -> None:
        """Note that a pipe is about to be read: what it gave once it does not give again."""
        if self._drained:
            raise ImsafeError(f"{self.name} is a pipe, which cannot be read a second time.")
        self._drained = True

    def _spool(self, pipe: IO[bytes]) -> None:
        if pipe.seekable():
            return
        self._drain()
        spool: IO[bytes] | None = None
        try:
            spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the reader
            spool.write(self._peeked)
            while piece := pipe.read(_PIECE):
                spool.write(piece)
            spool.flush()
        except OSError as error:
            if spool is not None:
                with suppress(OSError):  # what is in its buffer does not fit either
                    spool.close()
            raise ImsafeError(
                f"Cannot keep {self.name} in the temporary folder: {reason(error).lower()};"
                " name another folder by TMPDIR, or save it as a file first."
            ) from error
        self.size = spool.tell()
        pipe.close()
        self._pipe, self._peeked = spool, b""

    def _pieces(self) -> Iterator[bytes]:
        self.position = 0
        try:
            if self._pipe is not None:
                if self._pipe.seekable():
                    self._pipe.seek(0)
                    yield from self._read(self._pipe)
                    return
                self._drain()
                self.position = len(self._peeked)
                yield self._peeked
                yield from self._read(self._pipe)
                return
            with self._opened() as file:
                yield from self._read(file)
        except OSError as error:
            raise cannot("read", self.path, error) from error

    def _read(self, file: IO[bytes]) -> Iterator[bytes]:
        # Small enough that progress shows in a hundred steps.
        length = min(max(self.size // 100, _PEEK), _PIECE) if self.size else _PIECE
        while piece := file.read(length):
            self.position += len(piece)
            yield piece


def _start_of(file: IO[bytes]) -> bytes:
    """Enough to recognise the format by: a pipe may give less than that at first."""
    start = b""
    while len(start) < _PEEK and not start.startswith(MAGIC):
        piece = file.read(_PEEK - len(start))
        if not piece:
            break
        start += piece
    return start


def open_trace(path: str | os.PathLike[str], format: str = "auto") -> TraceReader:  # noqa: A002
    """Open a trace; ``-`` is standard input.

    Raises
    ------
    ImsafeError
        It cannot be read, is empty, or is of no known format.
    """
    if format not in FORMATS:
        raise ImsafeError(
            f"There is no trace format {format!r}; it is one of {', '.join(FORMATS)}."
        )
    return TraceReader(path, format)


def recognised(start: bytes, name: str) -> str:
    """The format of a trace that begins with these bytes.

    Raises
    ------
    StreamError
        None that is known.
    """
    if start[: len(MAGIC)] == MAGIC[: len(start)]:
        return "imsafe"
    lines = [line for line in start.splitlines() if line.strip()]
    if len(start) >= _PEEK and len(lines) > 1:
        del lines[-1]  # it may be cut
    if lines and all(word.isdigit() for line in lines for word in line.split()):
        pairs = all(len(line.split()) == 2 for line in lines)
        return "unm" if pairs and (len(lines) > 1 or name.endswith(".int")) else "adfa"
    if any(LINE.match(line) for line in lines[:20]):
        return "strace"
    words = translate(
        "traces",
        "{0} is not a trace of a known format (an ImSafe recording, strace -f -o text, UNM or"
        " ADFA-LD numbers).",
    )
    raise StreamError(words.format(name))


def find_traces(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The trace files that these files and folders name, in a fixed order.

    Folders are searched through; hidden files, profiles (``.db``) and score
    logs in them are passed over.

    Raises
    ------
    ImsafeError
        A path does not exist or may not be looked at, or a folder holds no file.
    """
    found: list[Path] = []
    for given in paths:
        path = Path(given)
        try:
            is_folder = os.fspath(given) != "-" and stat.S_ISDIR(path.stat().st_mode)
        except OSError as error:
            raise cannot("read", path, error) from error
        if not is_folder:
            found.append(path)
            continue
        inside = sorted(_files(path))
        if not inside:
            raise ImsafeError(f"The folder {path} holds no traces.")
        found += inside
    return list(dict.fromkeys(found))


def _files(folder: Path) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        raise cannot("read", error.filename, error)

    for here, folders, names in os.walk(folder, onerror=refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(here, name)
            if not name.startswith(".") and path.is_file() and not _is_ours(path):
                yield path


def _is_ours(path: Path) -> bool:
    """Whether this is a file of ImSafe that is no trace, as may lie beside traces."""
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise cannot("read", path, error) from error
    return start.startswith((b"SQLite format 3\0", b"# ImSafe"))
