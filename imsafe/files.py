# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that matter are saved whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EISDIR, ELOOP, ENXIO
from pathlib import Path

from imsafe.errors import ChangedMeanwhile, FileExistsRefused, ImsafeError, cannot
from imsafe.words import translate

_ROOM_BYTES = 64 << 20
_MOST_LINKS = 40
"""One after another, as the kernel has it."""


FileState = tuple[int, ...]
"""What tells one state of a file from another."""


def state_of(path: str | os.PathLike[str]) -> FileState | None:
    """The state of a file; None: there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib raises for names that no file can have
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def almost_full(descriptor: int) -> int | None:
    """The MiB that are left on the disk of an open file, if that is almost full; else None.

    Almost full is less than 1 % left, but at least 64 MiB and at most 1 GiB:
    room for everybody else, and to mend it.
    """
    if sys.platform == "win32":
        return None
    disk = os.fstatvfs(descriptor)
    free = disk.f_bavail * disk.f_frsize
    keep = max(_ROOM_BYTES, min(disk.f_blocks * disk.f_frsize // 100, 1 << 30))
    return free >> 20 if free < keep else None


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether there is such a file; a name that no file can have (too long, a NUL) is none."""
    return os.path.isfile(path)  # noqa: PTH113 - pathlib raises for such names


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether there is something of that name; a name that nothing can have is none."""
    return os.path.exists(path)  # noqa: PTH110 - pathlib raises for such names


def check_not_planted(path: str | os.PathLike[str], descriptor: int) -> None:
    """Refuse a file that somebody else has put where everybody may put files.

    Who owns it could read what is written there.  The kernel refuses the same where
    ``fs.protected_regular``, ``_fifos`` and ``_symlinks`` are on.

    Parameters
    ----------
    path, descriptor
        By which name it was opened, and the open file: what is checked cannot be exchanged.

    Raises
    ------
    ImsafeError
        It is another user's, or a link of another user leads to it.
    """
    if sys.platform == "win32":
        return
    target = Path(path)
    try:
        _refuse_planted(target, {target.lstat().st_uid, os.fstat(descriptor).st_uid})
    except OSError as error:
        raise cannot("write", target, error) from error


def _refuse_planted(target: Path, owners: set[int]) -> None:
    if sys.platform == "win32":
        return
    folder = target.parent.stat()
    if folder.st_mode & stat.S_IWOTH and not owners <= {os.geteuid(), folder.st_uid}:
        words = translate(
            "files",
            "{0} was put there by another user, who could read it, in a folder where everybody may:"
            " choose another name.",
        )
        raise ImsafeError(words.format(target))


def opened_to_append(path: str | os.PathLike[str], mode: int) -> int:
    """Open a file to append to, or make it with that mode; writing to it never waits.

    A regular file can be read as well.

    Raises
    ------
    ImsafeError
        It cannot be written, nobody reads the pipe, or see `check_not_planted`.
    """
    is_pipe = stat.S_ISFIFO(mode_of(path))
    flags = os.O_WRONLY if is_pipe else os.O_RDWR | os.O_CREAT
    for also in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, also, 0)
    try:
        descriptor = os.open(path, flags | os.O_APPEND, mode)
    except OSError as error:
        if is_pipe and error.errno == ENXIO:
            raise ImsafeError(f"Nobody reads the pipe {path}; start its reader first.") from error
        raise cannot("write", path, error) from error
    try:
        check_not_planted(path, descriptor)
    except ImsafeError:
        os.close(descriptor)
        raise
    return descriptor


def check_writable(target: str | os.PathLike[str]) -> None:
    """Say before long work, not after it, that `target` could not be written.

    Raises
    ------
    ImsafeError
        Its folder is missing or cannot be written to.
    """
    try:
        with tempfile.TemporaryFile(dir=Path(target).parent):
            pass
    except OSError as error:
        raise cannot("write", target, error) from error


def mode_of(path: str | os.PathLike[str]) -> int:
    """The mode of a file; 0 where there is none, or where one may not look.

    `pathlib` raises there if the folder is closed or the name too long; who goes on to
    open the file can say why it cannot be opened.
    """
    try:
        return Path(path).stat().st_mode
    except OSError:
        return 0


def forget_output() -> None:
    """Lead standard output to nowhere: the interpreter would fail at it once more, at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_no_folder(target: str | os.PathLike[str]) -> None:
    """Say that a folder is where a file shall be written: neither replaced nor appended to.

    Raises
    ------
    ImsafeError
        `target` is one.
    """
    if stat.S_ISDIR(mode_of(target)):
        raise cannot("write", target, IsADirectoryError(EISDIR, os.strerror(EISDIR)))


def check_not_read(
    target: str | os.PathLike[str], sources: Iterable[str | os.PathLike[str]]
) -> None:
    """Refuse to write into a file that is read.

    Raises
    ------
    ImsafeError
        It is one of the sources, by whatever name.
    """
    if any(is_same(target, source) for source in sources):
        raise ImsafeError(f"{target} is what is to be read: choose another file to write to.")


def is_same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two names are of one file, which is there."""
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def place_to_save(path: str | os.PathLike[str]) -> tuple[Path, os.stat_result | None]:
    """Where a file of that name is saved, and what is there now: links are followed.

    Returns
    -------
    tuple
        The file at the end of all links; its status, None if there is none yet.

    Raises
    ------
    ImsafeError
        Something that is no regular file is there, a link leads to nothing, or another user
        has put the file or a link where everybody may (see `check_not_planted`).
    """
    given = Path(path)
    check_no_folder(given)
    place = given
    try:
        for _ in range(_MOST_LINKS):
            status = place.lstat()
            _refuse_planted(place, {status.st_uid})
            if not stat.S_ISLNK(status.st_mode):
                break
            place = place.parent / place.readlink()
    except FileNotFoundError:
        if place == given:
            return place, None
        words = translate(
            "files", "{0} is a link to {1}, which does not exist; remove it or choose another name."
        )
        raise ImsafeError(words.format(given, place)) from None
    except OSError as error:
        raise cannot("write", given, error) from error
    if stat.S_ISLNK(status.st_mode):
        raise cannot("write", given, OSError(ELOOP, os.strerror(ELOOP)))
    if not stat.S_ISREG(status.st_mode):
        words = translate(
            "files",
            "{0} is a device, pipe or socket, which a saved file would replace; choose another"
            " name.",
        )
        raise ImsafeError(words.format(given))
    return place, status


@contextmanager
def saved_whole(
    path: str | os.PathLike[str], *, replace: bool, instead_of: FileState | None = None
) -> Iterator[Path]:
    """Give a private file beside `path` to write; move it there when the block succeeds.

    Readers see the old file or the new one, never a part.  The file and its
    folder are on the disk (fsync) before the block is left.

    Parameters
    ----------
    path
        Where the file shall be in the end; links are followed.
    replace
        Whether an existing file may be replaced; its mode is then kept, and its owner and
        group where we may give it to them.
    instead_of
        The state in which it was read; one that was changed since is not replaced.

    Raises
    ------
    ChangedMeanwhile
        It was changed or removed since.
    FileExistsRefused
        `path` exists and `replace` is false.
    ImsafeError
        The folder cannot be written to, the disk is full, or see `place_to_save`.
    """
    target, before = place_to_save(path)
    if before is not None and not replace:
        words = translate(
            "files", "{0} exists already; choose another name, or say that it may be replaced."
        )
        raise FileExistsRefused(words.format(Path(path)))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    except OSError as error:
        raise cannot("write", target, error) from error
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        if instead_of is not None and state_of(target) != instead_of:
            words = translate(
                "files",
                "{0} was changed by another program meanwhile, so nothing was saved; read it again"
                " and repeat the change.",
            )
            raise ChangedMeanwhile(words.format(Path(path)))
        _settle(beside, target, before, replace=replace)
    except OSError as error:
        raise cannot("write", target, error) from error
    finally:
        beside.unlink(missing_ok=True)


def _settle(beside: Path, target: Path, before: os.stat_result | None, *, replace: bool) -> None:
    if before is not None:
        beside.chmod(before.st_mode & 0o777)
    with beside.open("rb+") as file:
        if before is not None:
            _give(file.fileno(), before)
        os.fsync(file.fileno())
    if replace:
        beside.replace(target)
    else:
        # Another program may have made the file meanwhile: link() refuses, replace() would not.
        try:
            os.link(beside, target)
        except FileExistsError:
            words = translate("files", "{0} was made by another program meanwhile.")
            raise FileExistsRefused(words.format(target)) from None
        except OSError:
            # File systems without hard links (FAT, some network shares).
            if target.exists():
                raise
            beside.replace(target)
    if sys.platform != "win32":
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _give(descriptor: int, before: os.stat_result) -> None:
    """Let a file belong to whom the one before it belonged to, as far as we may."""
    if sys.platform == "win32":
        return
    for owner, group in ((-1, before.st_gid), (before.st_uid, -1)):
        with suppress(PermissionError):
            os.fchown(descriptor, owner, group)
