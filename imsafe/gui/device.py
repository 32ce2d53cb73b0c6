# SPDX-License-Identifier: GPL-3.0-or-later
"""The device chosen under File: where system calls come from, for Monitor and Trace to file.

Nothing here knows Qt.  A device is only a description; it turns into options
of `ims-monitor` and `ims-trace`, or into a request to a running monitor.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imsafe.errors import SourceError, reason
from imsafe.sources.kernel_request import KernelRequest, Target, TargetKind
from imsafe.sources.matching import cgroup_path
from imsafe.words import translate

AUTO = "auto"
"""The kernel tracer's device name that starts a tracer."""

TRACER_SOCKET = "/run/imsafe/tracer"
"""Where a kernel tracer listens that systemd has started."""

DEFAULT_SOCKET = "/tmp/imsensor"  # noqa: S108  # the name that the original had; the listener checks who owns it


@dataclass(frozen=True, slots=True)
class SensorProgram:
    """A program (or running processes) that the window puts under `ims-sensor` for the user.

    Attributes
    ----------
    argv
        The command and its arguments; empty when `pids` are attached to.
    pids
        Processes that run already.
    full
        Two stops a call: also sees calls that the program's own filter denies.
    """

    argv: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    full: bool = False

    def sensor_arguments(self, socket: str) -> list[str]:
        """The arguments of `ims-sensor`."""
        arguments = ["-s", socket]
        if self.full:
            arguments.append("--full")
        for pid in self.pids:
            arguments += ["-p", str(pid)]
        if self.argv:
            arguments += ["--", *self.argv]
        return arguments

    def __str__(self) -> str:
        if self.argv:
            return shlex.join(self.argv)
        return ", ".join(translate("device", "process {0}").format(pid) for pid in self.pids)


@dataclass(frozen=True, slots=True)
class SensorDevice:
    """UNIX sockets on which sensors are awaited.

    Attributes
    ----------
    sockets
        At least one path.
    program
        What the window itself runs under a sensor, on the first socket.
    """

    sockets: tuple[str, ...] = (DEFAULT_SOCKET,)
    program: SensorProgram | None = None

    def source_options(self) -> list[str]:
        """The SOURCE options of the command line."""
        return [part for socket in self.sockets for part in ("--sensor", socket)]

    def source_requests(self) -> list[dict[str, Any]]:
        """The `source` objects of the view's request add-source."""
        return [{"kind": "sensor", "socket": socket} for socket in self.sockets]

    def __str__(self) -> str:
        if self.program is not None:
            return translate("device", "{0} (under a sensor)").format(self.program)
        return translate("device", "sensors on {0}").format(", ".join(self.sockets))


@dataclass(frozen=True, slots=True)
class KernelDevice:
    """The kernel tracer.

    Attributes
    ----------
    request
        Which applications it follows, and how.
    device
        ``auto``: one is started; otherwise the socket of one that listens.
    """

    request: KernelRequest
    device: str = AUTO

    def source_options(self) -> list[str]:
        """The SOURCE options of the command line."""
        options = {"name": "--driver", "pid": "--driver-pid"}
        words = [
            f"{options.get(target.kind, f'--{target.kind}')}={target.value}"
            for target in self.request.targets
        ]
        words += self.request.words()[len(words) :]
        return words if self.device == AUTO else [*words, f"--device={self.device}"]

    def source_requests(self) -> list[dict[str, Any]]:
        """The `source` objects of the view's request add-source."""
        return [{"kind": "driver", "words": self.request.words(), "device": self.device}]

    def __str__(self) -> str:
        targets = ", ".join(map(str, self.request.targets))
        return translate("device", "{0} (by the kernel tracer)").format(targets)


@dataclass(frozen=True, slots=True)
class TraceDevice:
    """A recorded trace that is replayed as if it were live.

    Attributes
    ----------
    speed
        ``full``, ``recorded`` or a factor such as ``10``.
    """

    trace: str
    speed: str = "full"

    def source_options(self) -> list[str]:
        """The SOURCE options of the command line."""
        return ["--replay", self.trace, "--speed", self.speed]

    def source_requests(self) -> list[dict[str, Any]]:
        """The `source` objects of the view's request add-source."""
        speed: str | float = self.speed
        if self.speed not in ("full", "recorded"):
            speed = float(self.speed)
        return [{"kind": "replay", "trace": self.trace, "speed": speed}]

    def __str__(self) -> str:
        return translate("device", "trace {0}").format(Path(self.trace).name)


Device = SensorDevice | KernelDevice | TraceDevice


@dataclass(slots=True)
class Problem:
    """What is wrong with one field, in words; falsy when nothing is.

    Attributes
    ----------
    text
        The words; empty when nothing is wrong.
    missing
        Nothing has been typed or chosen there yet: the words say what to do, and are no complaint.
    """

    text: str = ""
    missing: bool = False

    def __bool__(self) -> bool:
        return bool(self.text)


OK = Problem()


def check_socket(path: str) -> Problem:
    """What is wrong with a socket path that somebody types."""
    if not path.strip():
        return Problem(translate("device", "Type the path of a socket."), missing=True)
    if not path.startswith("/"):
        return Problem(
            translate("device", "{0} is not a full path: it has to start with /.").format(path)
        )
    if len(path.encode()) > 107:
        return Problem(
            translate("device", "The path is too long for a socket (at most 107 bytes).")
        )
    target = Path(path)
    try:
        if not target.parent.is_dir():
            words = translate("device", "There is no folder {0}.")
            return Problem(words.format(target.parent))
        if target.exists() and not target.is_socket():
            words = translate("device", "{0} exists and is not a socket.")
            return Problem(words.format(path))
    except OSError as error:
        return Problem(_cannot_look(path, error))
    return OK


def _cannot_look(path: str, error: OSError) -> str:
    return translate("device", "Cannot look at {0}: {1}.").format(path, reason(error))


def _no_process(pid: str) -> str:
    return translate("device", "There is no process {0}.").format(pid)


def check_sockets(paths: list[str]) -> Problem:
    """What is wrong with several socket paths."""
    if not paths:
        return Problem(translate("device", "Add at least one socket."), missing=True)
    for path in paths:
        if problem := check_socket(path):
            return problem
    if len(set(paths)) < len(paths):
        words = translate(
            "device", "A socket is listed twice; any number of sensors may share one."
        )
        return Problem(words)
    return OK


def check_pids(text: str) -> tuple[tuple[int, ...], Problem]:
    """The process ids in `text` (separated by spaces or commas), or what is wrong with them."""
    pids = []
    for word in text.replace(",", " ").split():
        if not word.isdecimal():
            words = translate("device", "{0} is not a process id.")
            return (), Problem(words.format(word))
        if not Path(f"/proc/{int(word)}").exists():
            return (), Problem(_no_process(word))
        pids.append(int(word))
    if not pids:
        words = translate("device", "Type the id of at least one process.")
        return (), Problem(words, missing=True)
    return tuple(pids), OK


def check_driver(device: str) -> Problem:
    """What is wrong with the kernel tracer's device name."""
    if device == AUTO:
        return OK
    if not device.startswith("/"):
        words = translate(
            "device", "The device name is {0}, or the full path of a running tracer's socket."
        )
        return Problem(words.format(AUTO))
    try:
        if not Path(device).is_socket():
            words = translate(
                "device",
                "There is no socket {0}: no kernel tracer listens there. Use {1}, or start"
                " imsafe-tracer.service.",
            )
            return Problem(words.format(device, AUTO))
    except OSError as error:
        return Problem(_cannot_look(device, error))
    return OK


def check_target(kind: TargetKind, value: str) -> tuple[Target | None, Problem]:
    """What the kernel tracer shall follow, or what is wrong with what somebody types."""
    try:
        target = Target(kind, value)
        if kind == "cgroup":
            cgroup_path(target)
    except SourceError as error:
        return None, Problem(str(error))
    try:
        if kind == "pid" and not Path(f"/proc/{int(value)}").exists():
            return None, Problem(_no_process(value))
        if kind == "path" and not Path(value).is_file():
            words = translate("device", "There is no program {0}.")
            return None, Problem(words.format(value))
        if kind == "path" and not Path(value).stat().st_mode & 0o111:
            words = translate("device", "{0} is not executable.")
            return None, Problem(words.format(value))
        if kind == "cgroup" and not Path(value).is_dir():
            words = translate("device", "There is no control group {0}.")
            return None, Problem(words.format(value))
    except PermissionError:
        pass  # the tracer may look
    except OSError as error:
        return None, Problem(_cannot_look(value, error))
    return target, OK


def check_command(text: str) -> tuple[tuple[str, ...], Problem]:
    """The words of a command line (no shell is involved), or what is wrong with it."""
    try:
        argv = tuple(shlex.split(text))
    except ValueError:
        # Of the two things that can be wrong, an escape at the end is the rare one.
        words = translate(
            "device", "The command cannot be understood: a quotation mark or a \\ has no end."
        )
        return (), Problem(words)
    if not argv:
        return (), Problem(translate("device", "Type a command."), missing=True)
    return argv, OK
