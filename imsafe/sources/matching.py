# SPDX-License-Identifier: GPL-3.0-or-later
"""Which running processes a request to the kernel tracer means."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from imsafe.errors import SourceError
from imsafe.sources import procfs
from imsafe.sources.kernel_request import KernelRequest, Target
from imsafe.words import translate

_COMM_LENGTH = 15
_KERNEL_THREAD = 0x0020_0000  # PF_KTHREAD, in the flags of /proc/PID/stat
_UNIT_KINDS = frozenset(
    (".service", ".scope", ".slice", ".socket", ".mount", ".swap", ".timer", ".path", ".automount")
)


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
    script
        The full path of the ``#!`` script that was started; empty if none was.
    """

    pid: int
    parent: int
    comm: str
    exe: str
    names: frozenset[str]
    cgroup: str
    script: str = ""


def running() -> Iterator[Running]:
    """Every process of the system that can be looked at."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (found := look_at(int(folder.name))):
            yield found


def look_at(pid: int) -> Running | None:
    """A process; None when it has ended, may not be looked at, or is a kernel thread."""
    try:
        raw_comm = Path(f"/proc/{pid}/comm").read_bytes().removesuffix(b"\n")
        parent, kernel, _ = _stat(pid)
        thread = 0 if kernel else _living_thread(pid)
    except OSError:  # gone, or another user's where /proc hides those (hidepid)
        return None
    if not thread:
        return None
    comm, exe, words = raw_comm.decode("utf-8", "replace"), _exe(thread), procfs.argv(thread)
    names = {comm, Path(exe).name} - {""}
    # comm is the base name of the path that was started, cut at 15 bytes.  That path stands
    # in the command line; a script's behind its interpreter and that one's option.
    started = [word for word in words[:3] if _name(word)[:_COMM_LENGTH] == raw_comm]
    if len(raw_comm) == _COMM_LENGTH:
        names.update(PurePath(word).name for word in started)
    is_script = started[:1] != words[:1] and _name(exe)[:_COMM_LENGTH] != raw_comm
    script = next((word for word in started if is_script and word.startswith("/")), "")
    return Running(pid, parent, comm, exe, frozenset(names), cgroup_of(pid), script)


def _name(path: str) -> bytes:
    return PurePath(path).name.encode("utf-8", "surrogateescape")


def _stat(pid: int) -> tuple[int, bool, bool]:
    """Parent of a process or thread, whether it is the kernel's, and whether it has ended."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[1]), bool(int(fields[6]) & _KERNEL_THREAD), fields[0] in b"ZX"


def _living_thread(pid: int) -> int:
    """A thread through which the process can be looked at; 0 when all have ended.

    The first one may end before the others: then it has no command line any more.
    """
    for tid in sorted(procfs.threads(pid), key=lambda tid: tid != pid):
        try:
            ended = _stat(tid)[2]
        except OSError:
            continue
        if not ended:
            return tid
    return 0


def _exe(pid: int) -> str:
    exe = procfs.exe(pid)
    # That is how the kernel names a file that was removed, unless one is called so.
    return exe if os.access(exe, os.F_OK) else exe.removesuffix(" (deleted)")


def cgroup_of(pid: int) -> str:
    """The control group (version 2) of a process; empty when there is none."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text("utf-8", "replace")
    except OSError:
        return ""
    return next((line[3:] for line in text.splitlines() if line.startswith("0::")), "")


def cgroup_mounts() -> dict[Path, str]:
    """Where control groups (version 2) are mounted, and which of them stands at that place.

    Raises
    ------
    SourceError
        Nowhere.
    """
    found = {}
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "replace").split("\n"):
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            # Spaces and the like are written as octal numbers there.
            root, place = (
                re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), field)
                for field in before.split(" ")[3:5]
            )
            found[Path(place)] = root
    if not found:
        words = translate(
            "matching",
            "There are no control groups of version 2 here (no cgroup2 is mounted): name the"
            " program by its name or path instead.",
        )
        raise SourceError(words)
    return found


def cgroup_root() -> Path:
    """Where control groups (version 2) are mounted, from the highest one on that can be seen.

    Raises
    ------
    SourceError
        Nowhere.
    """
    mounts = cgroup_mounts()
    return min(mounts, key=lambda place: len(mounts[place]))


def cgroup_path(target: Target) -> str:
    """The control group that a unit or cgroup target means, from the root of all.

    A unit that has not started yet is awaited where systemd puts system services.

    Raises
    ------
    SourceError
        A folder that is not below the mounted control groups.
    """
    mounts = cgroup_mounts()
    if target.kind == "unit":
        root = cgroup_root()
        return _below(mounts[root], _unit_folder(target.value, root).relative_to(root))
    group = Path(os.path.realpath(target.value))
    place = max(
        (p for p in mounts if group.is_relative_to(p)), key=lambda p: len(p.parts), default=None
    )
    if place is None:
        words = translate("matching", "{0} is not below {1}, where the control groups are.")
        raise SourceError(words.format(target.value, cgroup_root()))
    return _below(mounts[place], group.relative_to(place))


def cgroup_folder(target: Target) -> Path:
    """Where the control group of a target is mounted, or will be."""
    if target.kind == "unit":
        return _unit_folder(target.value, cgroup_root())
    return Path(os.path.realpath(target.value))


def _below(root: str, path: PurePath) -> str:
    return str(PurePath(root) / path)


def _unit_folder(unit: str, root: Path) -> Path:
    name = unit if PurePath(unit).suffix in _UNIT_KINDS else f"{unit}.service"
    usual = root / "system.slice" / name
    if usual.is_dir():
        return usual
    # Some stand in a slice of their own; users have units of the same names, deeper.
    found = [Path(folder) / name for folder, folders, _ in os.walk(root) if name in folders]
    return min(found, key=lambda folder: (len(folder.parts), folder), default=usual)


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
        number, means = request.application_of(target), _meaning(target)
        for process in processes.values():
            if means(process):
                found.setdefault(process.pid, number)
    return _with_descendants(found, processes, request.follow_exec)


def _meaning(target: Target) -> Callable[[Running], bool]:
    """The question whether a target means a process, with what it needs looked up once."""
    match target.kind:
        case "name":
            return lambda process: target.value in process.names
        case "path":
            paths = {target.value, os.path.realpath(target.value)}
            return lambda process: process.exe in paths or process.script in paths
        case "pid":
            pid = int(target.value)
            return lambda process: process.pid == pid
    group = cgroup_path(target)
    inside = group.rstrip("/") + "/"
    return lambda process: process.cgroup == group or process.cgroup.startswith(inside)


def _with_descendants(
    found: dict[int, int], processes: Mapping[int, Running], follow_exec: bool
) -> dict[int, int]:
    def of_the_same_program(child: Running, parent: int) -> bool:
        above = processes.get(parent)
        if above is None:
            return False
        if child.exe and above.exe:
            return child.exe == above.exe
        return child.comm == above.comm  # another user's, whose executable may not be read

    result = dict(found)
    children: dict[int, list[Running]] = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process)
    waiting = list(found)
    while waiting:
        parent = waiting.pop()
        for child in children.get(parent, ()):
            if child.pid not in result and (follow_exec or of_the_same_program(child, parent)):
                result[child.pid] = result[parent]
                waiting.append(child.pid)
    return result
