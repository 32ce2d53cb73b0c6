# SPDX-License-Identifier: GPL-3.0-or-later
"""What /proc says about processes; a process that is gone is never an error here."""

from __future__ import annotations

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
