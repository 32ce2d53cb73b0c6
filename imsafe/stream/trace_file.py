# SPDX-License-Identifier: GPL-3.0-or-later
"""Trace files: a stream on disk, written so that whatever cuts it short costs little."""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from imsafe.errors import FileExistsRefused, ImsafeError, StreamError, cannot
from imsafe.events import Events, chosen, joined
from imsafe.files import almost_full, check_no_folder, check_not_planted
from imsafe.stream.codec import MAX_EVENTS, encode
from imsafe.stream.frames import HEADER_SIZE, MAX_PAYLOAD, FrameParser, segment_header
from imsafe.stream.items import End, Item, Segment

if sys.platform != "win32":
    import fcntl

_PACKED = MAX_EVENTS // 8
"""So many events make a frame; fewer wait for more, or for `flush`."""
_END_ROOM = 256
"""Kept of a size limit for the last frame, which holds the totals."""
_READ = 1 << 20


class DiskAlmostFull(ImsafeError):
    """The recording stopped before the disk was full."""


class FileRemoved(ImsafeError):
    """Somebody removed the file that was being written."""


MOST_CHANNELS = 0xFFFF
"""Streams of one segment that can be told apart at a time, beside its own."""


class SizeLimitReached(ImsafeError):
    """The recording reached the size it was given."""


class TraceWriter:
    """Writes a trace; use `create` or `append`.

    Frames go to the system one by one, so whoever reads the file meanwhile,
    or after a crash, misses at most what waits to be packed.

    Attributes
    ----------
    path
        None for standard output.
    bytes_written
        The size of the file so far (of what went to standard output).
    """

    def __init__(
        self, path: Path | None, file: IO[bytes], *, compress: bool, max_size: int | None
    ) -> None:
        self.path = path
        self.bytes_written = 0
        self._name = "standard output" if path is None else str(path)
        self._file = file
        self._compress = compress
        self._max_size = max_size
        self._channels = 1
        self._over: deque[int] = deque()
        self._waiting: dict[int, list[Events]] = {}
        self._waiting_count: dict[int, int] = {}
        self._failure: ImsafeError | None = None

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
            return cls(None, sys.stdout.buffer, compress=compress, max_size=max_size)._begun(meta)
        target = Path(path)
        # Opened without truncation: an old file is emptied only once it is locked.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(target, flags | (0 if replace else os.O_EXCL), 0o600)
        except FileExistsError:
            check_no_folder(target)
            raise FileExistsRefused(
                f"{target} exists already; append to it, replace it on purpose,"
                " or choose another name."
            ) from None
        except OSError as error:
            raise cannot("write", target, error) from error
        file = os.fdopen(handle, "r+b", 0)
        _check_and_lock(file, target)
        try:
            writer = cls(target, file, compress=compress, max_size=max_size)
            return writer._begun(meta, anew=True)
        except ImsafeError:
            if not replace:
                target.unlink(missing_ok=True)  # ours, and empty
            raise

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
            file = target.open("r+b", 0)
        except FileNotFoundError:
            return cls.create(target, meta, compress=compress, max_size=max_size)
        except OSError as error:
            raise cannot("append to", target, error) from error
        _check_and_lock(file, target)
        try:
            whole = _whole_length(file, target)
            file.truncate(whole)
            file.seek(whole)
        except BaseException:
            file.close()
            raise
        writer = cls(target, file, compress=compress, max_size=max_size)
        writer.bytes_written = whole
        return writer._begun(meta)

    def _begun(self, meta: dict[str, Any], *, anew: bool = False) -> TraceWriter:
        try:
            header = segment_header(meta)
            if anew:
                # What makes the new recording impossible must not cost the old one.
                self._check_room(header)
                if _is_regular(self._file):
                    self._file.truncate(0)
            self._put(header)
            self.flush()
        except ImsafeError:
            self.close()
            raise
        return self

    def open_channel(self, meta: dict[str, Any]) -> int:
        """Begin one more stream in this segment; return its channel number."""
        if self._channels <= MOST_CHANNELS:
            channel = self._channels
            self._channels += 1
        elif self._over:
            channel = self._over.popleft()
        else:
            raise ImsafeError(
                f"{self._name} holds {MOST_CHANNELS:,} streams at once, and no more can be told"
                " apart; start a new recording."
            )
        self._put(encode(Segment(meta), channel))
        return channel

    def close_channel(self, channel: int) -> None:
        """A stream is over: when all numbers have been used, another one may have its number."""
        self._pack(channel)
        self._over.append(channel)

    def write(self, item: Item, channel: int = 0) -> None:
        """Write an item; small batches of events wait to be packed together until `flush`.

        Raises
        ------
        DiskAlmostFull, SizeLimitReached
            Before anything of this item is written; the file stays whole.
        FileRemoved
            At a `flush`.
        ImsafeError
            The system refused to write.
        """
        if self._failure is not None:
            raise self._failure
        if isinstance(item, np.ndarray):
            if not len(item):
                return
            count = self._waiting_count.get(channel, 0) + len(item)
            waits = count < _PACKED
            # Copied where it waits: the caller may use its buffer again.
            self._waiting.setdefault(channel, []).append(
                chosen(item, slice(None)) if waits else item
            )
            self._waiting_count[channel] = count
            if waits:
                return
        self._pack(channel)
        if not isinstance(item, np.ndarray):
            self._put(encode(item, channel), last=isinstance(item, End))

    def flush(self) -> None:
        """Hand everything to the system."""
        for channel in list(self._waiting):
            self._pack(channel)
        self._check_place()
        if self.path is None:
            try:
                self._file.flush()
            except BrokenPipeError:
                raise  # whoever read has had enough: the programs end quietly
            except OSError as error:
                raise self._failed(error) from error

    def close(self, totals: dict[str, int] | None = None) -> None:
        """Write the last items (and the totals of channel 0), and close; safe to call twice.

        After an error that a write has already raised, only the totals are
        still written, where there is room.
        """
        if self._file.closed:
            return
        try:
            if self._failure is not None:
                self._waiting.clear()
                with suppress(ImsafeError):
                    self._put(encode(End(totals)) if totals is not None else b"", last=True)
                return
            if totals is not None:
                self.write(End(totals))
            self.flush()
            if self.path is not None and _is_regular(self._file):
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
            self._put(encode(joined(batches), channel, compress=self._compress))

    def _check_room(self, frames: bytes, *, last: bool = False) -> None:
        if self._max_size is not None:
            limit = self._max_size - (0 if last else _END_ROOM)
            if self.bytes_written + len(frames) > limit:
                self._failure = SizeLimitReached(
                    f"{self._name} has reached its limit of {self._max_size:,} bytes;"
                    " the recording ended there."
                )
                raise self._failure
        if not last:
            self._check_disk()

    def _put(self, frames: bytes, *, last: bool = False) -> None:
        self._check_room(frames, last=last)
        rest = memoryview(frames)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            # A part of a frame helps nobody; where it cannot be cut off, readers ignore it.
            with suppress(OSError):
                if self.path is not None and len(rest) < len(frames):
                    self._file.truncate(self.bytes_written)
                    self._file.seek(self.bytes_written)
            raise self._failed(error) from error
        self.bytes_written += len(frames)

    def _check_disk(self) -> None:
        """Stop in words while there is still room for everybody else."""
        left = None if self.path is None else almost_full(self._file.fileno())
        if left is not None:
            self._failure = DiskAlmostFull(
                f"The disk of {self.path} is almost full ({left} MiB left);"
                " the recording ended there. Make room, then append to it."
            )
            raise self._failure

    def _check_place(self) -> None:
        """Stop in words when the file was removed: what is written to it now, nobody can read."""
        if self._failure is None and self.path is not None and not self._file.closed:
            status = os.fstat(self._file.fileno())
            if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                self._failure = FileRemoved(
                    f"{self.path} was removed while being written; the recording ended there."
                )
                raise self._failure

    def _failed(self, error: OSError) -> ImsafeError:
        self._failure = cannot("write", self._name, error)
        return self._failure


def _is_regular(file: IO[bytes]) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _check_and_lock(file: IO[bytes], path: Path) -> None:
    try:
        check_not_planted(path, file.fileno())
    except ImsafeError:
        file.close()
        raise
    if sys.platform == "win32":
        return  # one writer at a time is the user's promise there
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise ImsafeError(
            f"{path} is being written by another program; stop that, or choose another file."
        ) from None


def _whole_length(file: IO[bytes], path: Path) -> int:
    """Where the last whole frame ends.

    Raises
    ------
    StreamError
        The file is not a trace, or is damaged so far from its end that more
        than a broken tail would be cut off.
    """
    parser = FrameParser()
    try:
        while data := file.read(_READ):
            parser.feed(data)
        parser.feed(b"")
    except StreamError as error:
        if not parser.consumed:
            raise StreamError(
                f"{path} is not an ImSafe trace: {error}; nothing was changed."
            ) from None
        tail = file.seek(0, os.SEEK_END) - parser.consumed
        if tail > HEADER_SIZE + MAX_PAYLOAD:
            raise StreamError(
                f"{path} is damaged at byte {parser.consumed:,} ({error}), far from its end:"
                " nothing was changed; choose another file to record to."
            ) from None
    return parser.consumed
