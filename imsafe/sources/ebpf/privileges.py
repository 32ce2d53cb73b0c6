# SPDX-License-Identifier: GPL-3.0-or-later
"""Root's part of the tracer: what code it may run, and how it gives its rights up.

Once the kernel program is attached, everything that is left to do is to read
memory that is mapped already and to write to a socket that is open already.
So the process becomes one that can do nothing else, and does not begin to
stream before it has tried.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from imsafe.errors import SourceError

_FIRST_USER = 0x70000000
"""The user numbers from here to 2^31 belong to nobody, by systemd's and Debian's division."""

_PR_SET_DUMPABLE, _PR_GET_DUMPABLE = 4, 3
_PR_SET_NO_NEW_PRIVS, _PR_GET_NO_NEW_PRIVS = 38, 39
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION = 0x20080522

# All that Python needs to read memory, write to a socket, wait and end.  No file can be
# opened, no socket made, no program started, no other process touched, no BPF called.
_ALLOWED = {
    "x86_64": (
        0,  # read
        1,  # write
        3,  # close
        5,  # fstat
        7,  # poll
        8,  # lseek
        9,  # mmap
        10,  # mprotect
        11,  # munmap
        12,  # brk
        13,  # rt_sigaction
        14,  # rt_sigprocmask
        15,  # rt_sigreturn
        24,  # sched_yield
        25,  # mremap
        28,  # madvise
        39,  # getpid
        44,  # sendto
        45,  # recvfrom
        48,  # shutdown
        60,  # exit
        131,  # sigaltstack
        144,  # sched_setscheduler: to take less; more needs a capability
        186,  # gettid
        202,  # futex
        219,  # restart_syscall
        228,  # clock_gettime
        230,  # clock_nanosleep
        231,  # exit_group
        271,  # ppoll
        318,  # getrandom
    ),
    "aarch64": (
        57,  # close
        62,  # lseek
        63,  # read
        64,  # write
        73,  # ppoll
        80,  # fstat
        93,  # exit
        94,  # exit_group
        98,  # futex
        113,  # clock_gettime
        115,  # clock_nanosleep
        119,  # sched_setscheduler: to take less; more needs a capability
        124,  # sched_yield
        128,  # restart_syscall
        132,  # sigaltstack
        134,  # rt_sigaction
        135,  # rt_sigprocmask
        139,  # rt_sigreturn
        172,  # getpid
        178,  # gettid
        206,  # sendto
        207,  # recvfrom
        210,  # shutdown
        214,  # brk
        215,  # munmap
        216,  # mremap
        222,  # mmap
        226,  # mprotect
        233,  # madvise
        278,  # getrandom
    ),
}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL, _DENY = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def check_code(places: Iterable[Path], folders: Iterable[Path]) -> None:
    """Refuse code that somebody other than root can change.

    Parameters
    ----------
    places
        Files that root is going to run, and folders with all that is in them.
    folders
        Folders where modules are looked for: only these themselves.

    Raises
    ------
    SourceError
        Naming the first that root does not own, or that others may write.
    """
    seen: set[Path] = set()
    paths = [path for folder in folders for path in _with_ancestors(folder)]
    for place in places:
        paths += [*_with_ancestors(place), *_inside(place)]
    for path in paths:
        if path not in seen:
            seen.add(path)
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue  # removed meanwhile; whoever could do that owns the folder
            # What lies in a folder like /tmp cannot be replaced by those who do not own it.
            shared = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
            writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not shared
            if status.st_uid != 0 or (writable and not stat.S_ISLNK(status.st_mode)):
                raise SourceError(
                    f"The kernel tracer runs as root and does not run {path}, which others than"
                    " root can change: install ImSafe where only root writes."
                )


def _with_ancestors(place: Path) -> Iterator[Path]:
    """A path, where it really is, and the folders above both."""
    for path in {place, place.resolve()}:
        yield from (path, *path.parents)


def _inside(place: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(place.resolve()):
        yield from (Path(folder) / name for name in (*folders, *files))


def code_places() -> list[Path]:
    """Where the running interpreter takes code from."""
    package = Path(__file__).resolve().parents[2]
    places = [Path(sys.executable), package]
    numpy = ("numpy", "numpy.libs")  # a wheel keeps its libraries beside it
    places += [
        found for entry in sys.path for name in numpy if (found := Path(entry, name)).is_dir()
    ]
    return places


def code_folders() -> list[Path]:
    """The folders that modules are looked for in; what is in them is not looked at."""
    return [Path(entry) for entry in sys.path if Path(entry).is_dir()]


def own_user() -> int:
    """A user number that no other process has.

    Daemons run as the user nobody; one that is watched could stop a tracer that did, too.
    """
    return _FIRST_USER + os.getpid()


def give_up() -> None:
    """Become a process that can read, write and end; prove it.

    Raises
    ------
    SourceError
        Something that should be impossible now is possible.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        # Capabilities and filters are a thread's own.
        raise SourceError("The kernel tracer has more than one thread and cannot be confined.")
    if os.geteuid() == 0:
        user = own_user()
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
    nothing = ctypes.create_string_buffer(24)
    if libc.capset(header, nothing):
        raise _failed("give up its capabilities")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise _failed("set no_new_privs")
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        raise _failed("make itself undumpable")
    _prove_rights(libc, header)
    machine = platform.machine()
    code = _filter(machine)
    program = _Program(len(code) // 8, code)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0):
        raise _failed("install its seccomp filter")
    _prove_filter()


def _failed(what: str) -> SourceError:
    return SourceError(
        f"The kernel tracer could not {what} ({os.strerror(ctypes.get_errno()).lower()})"
        " and does not go on with more rights than it needs."
    )


def _filter(machine: str) -> bytes:
    """A seccomp program: EPERM for all but `_ALLOWED`, the end for another ABI's calls."""
    allowed = _ALLOWED.get(machine)
    if allowed is None:
        raise SourceError(f"The kernel tracer does not know the processor {machine}.")
    lines = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _AUDIT_ARCH[machine]), (_RETURN, 0, 0, _KILL)]
    lines.append((_LOAD, 0, 0, 0))
    for place, number in enumerate(allowed):
        lines.append((_EQUAL, len(allowed) - place, 0, number))
    lines += [(_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _prove_rights(libc: ctypes.CDLL, header: ctypes.Array[ctypes.c_char]) -> None:
    if 0 in (*os.getresuid(), *os.getresgid()) or os.getgroups():
        raise SourceError("The kernel tracer is still root and does not go on.")
    rights = ctypes.create_string_buffer(24)
    if libc.capget(header, rights) or any(rights.raw):
        raise SourceError("The kernel tracer still has capabilities and does not go on.")
    if libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 or libc.prctl(
        _PR_GET_DUMPABLE, 0, 0, 0, 0
    ):
        raise SourceError("The kernel tracer could regain rights and does not go on.")
    try:
        os.setresuid(0, 0, 0)
    except PermissionError:
        return
    raise SourceError("The kernel tracer could become root again and does not go on.")


def _prove_filter() -> None:
    try:
        os.close(os.open("/dev/null", os.O_RDONLY))
    except PermissionError:
        return
    raise SourceError("The kernel tracer can still open files and does not go on.")
