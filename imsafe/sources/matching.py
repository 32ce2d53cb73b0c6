# SPDX-License-Identifier: GPL-3.0-or-later
"""Which running processes a request to the kernel tracer means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imsafe.errors import SourceError
from imsafe.sources import procfs
from imsafe.sources.kernel_request import KernelRequest, Target

_COMM_LENGTH = 15


@dataclass(frozen=True, slots=True)
class Running:
    """A process as /proc shows it.

    Attributes
    ----------
    exe
        Path of the executable; empty where it may not be read.
    names
        By which a request can mean it: base name of the executable, comm, and
        the base name that comm is the beginning of.
    cgroup
        Its control group (version 2), a path that starts with /.
    """

    pid: int
    parent: int
    comm: str
    exe: str
    names: frozenset[str]
    cgroup: str


def running() -> Iterator[Running]:
    """Every process of the system that can be looked at."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and (found := look_at(int(entry.name))):
            yield found


def look_at(pid: int) -> Running | None:
    """A process; None when it is gone or a kernel thread."""
    comm = procfs.comm(pid)
    words = procfs.argv(pid)
    if not comm or not any(words):
        return None
    exe = procfs.exe(pid).removesuffix(" (deleted)")
    names = {comm, Path(exe).name} if exe else {comm}
    # comm is cut at 15 bytes; the whole name stands in the command line, of a script
    # behind its interpreter's and that one's option.
    beginnings = (Path(word).name for word in words[:3])
    if len(comm.encode()) == _COMM_LENGTH:
        names.update(name for name in beginnings if name.startswith(comm))
    return Running(pid, procfs.number(pid, "PPid"), comm, exe, frozenset(names), cgroup_of(pid))


def cgroup_of(pid: int) -> str:
    """The control group (version 2) of a process; empty when there is none."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text("utf-8", "replace")
    except OSError:
        return ""
    return next((line[3:] for line in text.splitlines() if line.startswith("0::")), "")


def cgroup_root() -> Path:
    """Where control groups (version 2) are mounted.

    Raises
    ------
    SourceError
        Nowhere.
    """
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            # Spaces and the like are written as octal numbers there.
            place = before.split(" ")[4]
            return Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place))
    raise SourceError(
        "There are no control groups of version 2 here (no cgroup2 is mounted): name the"
        " program by its name or path instead."
    )


def cgroup_path(target: Target) -> str:
    """The control group that a unit or cgroup target means, from the root of all.

    A unit that has not started yet is awaited where systemd puts system services.

    Raises
    ------
    SourceError
        A folder that is not below the mounted control groups.
    """
    root = cgroup_root()
    if target.kind == "unit":
        name = target.value if "." in target.value else f"{target.value}.service"
        for folder, folders, _ in os.walk(root):
            if name in folders:
                return f"/{(Path(folder) / name).relative_to(root)}"
        return f"/system.slice/{name}"
    group = Path(os.path.normpath(target.value))
    if not group.is_relative_to(root):
        raise SourceError(f"{target.value} is not below {root}, where the control groups are.")
    return f"/{group.relative_to(root)}".removesuffix("/.")


def matched(
    request: KernelRequest, processes: Mapping[int, Running] | None = None
) -> dict[int, int]:
    """The running processes that a request means, with their application's number.

    Those that a target names come first; then, as children inherit, the
    descendants of these: all with follow-exec, else those that still run the
    program of their parent.

    Parameters
    ----------
    processes
        By pid; None: those that run now.

    Returns
    -------
    dict of int to int
        Empty where the request is for processes that have not started yet.
    """
    if request.not_yet_started:
        return {}
    if processes is None:
        processes = {process.pid: process for process in running()}
    found: dict[int, int] = {}
    for target in request.targets:
        number = request.application_of(target)
        cgroup = cgroup_path(target) if target.kind in ("unit", "cgroup") else ""
        for process in processes.values():
            if _means(target, cgroup, process):
                found.setdefault(process.pid, number)
    return _with_descendants(found, processes, request.follow_exec)


def _means(target: Target, cgroup: str, process: Running) -> bool:
    match target.kind:
        case "name":
            return target.value in process.names
        case "path":
            return bool(process.exe) and process.exe in (
                target.value,
                os.path.realpath(target.value),
            )
        case "pid":
            return process.pid == int(target.value)
    return process.cgroup == cgroup or process.cgroup.startswith(cgroup.rstrip("/") + "/")


def _with_descendants(
    found: dict[int, int], processes: Mapping[int, Running], follow_exec: bool
) -> dict[int, int]:
    result = dict(found)
    children: dict[int, list[Running]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process)
    waiting = list(found)
    while waiting:
        parent = waiting.pop()
        for child in children.get(parent, ()):
            same = child.exe == processes[parent].exe if parent in processes else False
            if child.pid not in result and (follow_exec or same):
                result[child.pid] = result[parent]
                waiting.append(child.pid)
    return result
