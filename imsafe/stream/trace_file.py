# SPDX-License-Identifier: GPL-3.0-or-later
"""Trace files: a stream on disk, written so that whatever cuts it short costs little."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np

from imsafe.errors import FileExistsRefused, ImsafeError, StreamError, cannot
from imsafe.events import EVENT, Events
from imsafe.stream.codec import MAX_EVENTS, encode
from imsafe.stream.frames import MAGIC, FrameParser, segment_header
from imsafe.stream.items import End, Item, Segment

try:
    import fcntl
except ImportError:  # Windows: one writer at a time is the user's promise there
    fcntl = None  # type: ignore[assignment]

_ROOM_CHECK = 4 << 20
_ROOM_BYTES = 64 << 20
_READ = 1 << 20


class DiskAlmostFull(ImsafeError):
    """The recording stopped before the disk was full."""


class SizeLimitReached(ImsafeError):
    """The recording reached the size it was given."""


class TraceWriter:
    """Writes a trace; use `create` or `append`.

    Attributes
    ----------
    path
    bytes_written
        Into this file since it was opened.
    """

    def __init__(
        self, path: Path | None, file: IO[bytes], *, compress: bool, max_size: int | None
    ) -> None:
        self.path = path
        self.bytes_written = 0
        self._file = file
        self._compress = compress
        self._max_size = max_size
        self._checked_at = -_ROOM_CHECK
        self._channels = 1
        self._waiting: dict[int, list[Events]] = {}
        self._waiting_count: dict[int, int] = {}

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        meta: dict[str, Any],
        *,
        replace: bool = False,
        compress: bool = True,
        max_size: int | None = None,
    ) -> TraceWriter:
        """Start a new file (``-`` is standard output).

        Raises
        ------
        FileExistsRefused
            The file exists and `replace` is false.
        ImsafeError
            It cannot be written.
        """
        if os.fspath(path) == "-":
            writer = cls(None, sys.stdout.buffer, compress=compress, max_size=max_size)
        else:
            target = Path(path)
            try:
                # Opened without truncation: an old file is emptied only once it is locked.
                flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
                handle = os.open(target, flags | (0 if replace else os.O_EXCL), 0o600)
            except FileExistsError:
                raise FileExistsRefused(
                    f"{target} exists already; append to it, replace it on purpose,"
                    " or choose another name."
                ) from None
            except OSError as error:
                raise cannot("write", target, error) from error
            file = os.fdopen(handle, "wb")
            _lock(file, target)
            file.truncate(0)
            writer = cls(target, file, compress=compress, max_size=max_size)
        writer._put(segment_header(meta))
        writer.flush()
        return writer

    @classmethod
    def append(
        cls,
        path: str | os.PathLike[str],
        meta: dict[str, Any],
        *,
        compress: bool = True,
        max_size: int | None = None,
    ) -> TraceWriter:
        """Start a new segment at the end of a file, after cutting a broken tail.

        A file that is missing is created.

        Raises
        ------
        StreamError
            The file is not a trace: nothing is changed in it.
        """
        target = Path(path)
        try:
            file = target.open("r+b")
        except FileNotFoundError:
            return cls.create(target, meta, compress=compress, max_size=max_size)
        except OSError as error:
            raise cannot("append to", target, error) from error
        try:
            _lock(file, target)
            whole = _whole_length(file, target)
            file.truncate(whole)
            file.seek(whole)
        except BaseException:
            file.close()
            raise
        writer = cls(target, file, compress=compress, max_size=max_size)
        writer.bytes_written = whole
        writer._put(segment_header(meta))
        writer.flush()
        return writer

    def open_channel(self, meta: dict[str, Any]) -> int:
        """Begin one more stream in this segment; return its channel number."""
        if self._channels > 0xFFFF:
            raise ImsafeError(
                f"{self.path} already holds 65,535 streams in one segment; start a new recording."
            )
        channel = self._channels
        self._channels += 1
        self._put(encode(Segment(meta), channel))
        return channel

    def write(self, item: Item, channel: int = 0) -> None:
        """Write an item; small batches of events wait to be packed together until `flush`.

        Raises
        ------
        DiskAlmostFull, SizeLimitReached
            Before anything of this item is written; the file stays whole.
        ImsafeError
            The system refused to write.
        """
        if isinstance(item, np.ndarray):
            if not len(item):
                return
            self._waiting.setdefault(channel, []).append(item)
            count = self._waiting_count.get(channel, 0) + len(item)
            self._waiting_count[channel] = count
            if count < MAX_EVENTS // 8:
                return
        self._pack(channel)
        if not isinstance(item, np.ndarray):
            self._put(encode(item, channel))

    def flush(self) -> None:
        """Hand everything to the system."""
        for channel in list(self._waiting):
            self._pack(channel)
        try:
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error

    def close(self, totals: dict[str, int] | None = None) -> None:
        """Write the last items (and the totals of channel 0), and close; safe to call twice."""
        if self._file.closed:
            return
        try:
            if totals is not None:
                self.write(End(totals))
            self.flush()
            if self.path is not None:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error) from error
        finally:
            if self.path is not None:
                self._file.close()

    def _pack(self, channel: int) -> None:
        batches = self._waiting.pop(channel, None)
        self._waiting_count.pop(channel, None)
        if batches:
            events = batches[0] if len(batches) == 1 else np.concatenate(batches)
            self._put(encode(events.astype(EVENT, copy=False), channel, compress=self._compress))

    def _put(self, data: bytes) -> None:
        if self._max_size is not None and self.bytes_written + len(data) > self._max_size:
            raise SizeLimitReached(
                f"{self.path} has reached its limit of {self._max_size:,} bytes;"
                " the recording ended there."
            )
        self._check_room()
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failed(error) from error
        self.bytes_written += len(data)

    def _check_room(self) -> None:
        """Stop in words while there is still room for everybody else."""
        if self.path is None or self.bytes_written - self._checked_at < _ROOM_CHECK:
            return
        self._checked_at = self.bytes_written
        if not hasattr(os, "fstatvfs"):
            return
        disk = os.fstatvfs(self._file.fileno())
        free = disk.f_bavail * disk.f_frsize
        keep = max(_ROOM_BYTES, min(disk.f_blocks * disk.f_frsize // 100, 1 << 30))
        if free < keep:
            raise DiskAlmostFull(
                f"The disk of {self.path} is almost full ({free >> 20} MiB left);"
                " the recording ended there. Make room, then append to it."
            )

    def _failed(self, error: OSError) -> ImsafeError:
        return cannot("write", self.path or "standard output", error)


def _lock(file: IO[bytes], path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ImsafeError(
            f"{path} is being written by another program; stop that, or choose another file."
        ) from None


def _whole_length(file: IO[bytes], path: Path) -> int:
    """Where the last whole frame ends."""
    parser = FrameParser()
    seen = 0
    while data := file.read(_READ):
        try:
            parser.feed(data)
        except StreamError as error:
            if not parser.consumed:
                raise StreamError(
                    f"{path} is not an ImSafe trace: {error}; nothing was changed."
                ) from None
            break
        seen += len(data)
    if seen and not parser.consumed and seen >= len(MAGIC):
        # Cut inside its first header: nothing in it can be kept, but it was a trace.
        return 0
    return parser.consumed
