# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc says about processes; a process that is gone is never an error here."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path


def exists(pid: int) -> bool:
    """Whether there is a process or thread of that number (a zombie too)."""
    return Path(f"/proc/{pid}").exists()


def threads(pid: int) -> list[int]:
    """The tids of a process; empty when it is gone."""
    try:
        return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def belongs_to(tid: int, pid: int) -> bool:
    """Whether the thread `tid` is one of the process `pid`."""
    return Path(f"/proc/{pid}/task/{tid}").exists()


def status(tid: int) -> dict[str, str]:
    """The lines of /proc/TID/status, such as Tgid, PPid, TracerPid; empty when it is gone."""
    try:
        text = Path(f"/proc/{tid}/status").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {key: value.strip() for key, _, value in (x.partition(":") for x in text.splitlines())}


def number(tid: int, key: str) -> int:
    """One number of /proc/TID/status; 0 when it is gone."""
    return int(status(tid).get(key, "0"))


def comm(pid: int) -> str:
    """The name of the process's main thread; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").rstrip("\n")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def exe(pid: int) -> str:
    """The path of the program that the process runs; empty when it may not be read."""
    try:
        return str(Path(f"/proc/{pid}/exe").readlink())
    except OSError:  # gone, a kernel thread, or another user's
        return ""


def argv(pid: int) -> list[str]:
    """The command line of a process; empty when it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in words]


def user(pid: int) -> str:
    """The name of the (effective) user of a process; empty when it is gone."""
    numbers = status(pid).get("Uid", "").split()
    return user_name(int(numbers[1])) if len(numbers) > 1 else ""


@functools.lru_cache(256)
def user_name(uid: int) -> str:
    """The name of a user, or the number of one that has none."""
    import pwd  # noqa: PLC0415 - not on Windows, where there is no /proc either

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def state(pid: int) -> tuple[str, int]:
    """The letter of a process's state, and its birth in the kernel's ticks; "" and 0: gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return "", 0
    return fields[0].decode(), int(fields[19])


def started_ns(pid: int) -> int:
    """When a process was born, by CLOCK_MONOTONIC; 0 when it is gone, or before that clock."""
    ticks = state(pid)[1]
    if not ticks:
        return 0
    # The kernel counts from the machine's start, with the time that it was suspended.
    since_boot = ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    suspended = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
    return max(0, since_boot - suspended)
