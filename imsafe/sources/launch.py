# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings tracees under the tracer: starts a command, or attaches to running processes."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imsafe.errors import TraceeError, reason
from imsafe.sources import procfs
from imsafe.sources.ptrace import (
    FOLLOW,
    WALL,
    Event,
    Option,
    Request,
    event_message,
    interrupt,
    resume,
    seize,
    stop_at_every_call,
)

ATTACH_OPTIONS = FOLLOW | Option.TRACESYSGOOD
_NEVER_RAN = 127


def find_command(name: str) -> str:
    """The path of a command, searched along PATH as a shell would.

    Raises
    ------
    TraceeError
        There is none, or it is not an executable file.
    """
    path = shutil.which(name)
    if path is not None and Path(path).is_file():
        return path
    if os.sep not in name:
        raise TraceeError(f"Cannot start {name}: there is no such command along PATH.")
    try:
        Path(name).stat()
    except FileNotFoundError:
        raise TraceeError(f"Cannot start {name}: there is no such file.") from None
    except OSError as error:
        raise TraceeError(f"Cannot start {name}: {reason(error).lower()}.") from error
    raise TraceeError(f"Cannot start {name}: it is not an executable file, or not one for you.")


def start(path: str, argv: list[str], *, full: bool, descriptors: Mapping[int, int]) -> int:
    """Start a command as a tracee, stopped before its first instruction.

    Parameters
    ----------
    path
        Of the executable.
    argv
        The command line, its name first.
    full
        Whether it will be stopped twice a call by PTRACE_SYSCALL; otherwise
        it gets the seccomp filter.
    descriptors
        What its descriptors shall be, by number, where they are not ours.

    Returns
    -------
    int
        Its pid; it is in the PTRACE_EVENT_EXEC stop.

    Raises
    ------
    TraceeError
        It could not be started or may not be traced.
    """
    go_read, go_write = os.pipe()
    error_read, error_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go_write)
        _become(path, argv, full=full, descriptors=descriptors, go=go_read, errors=error_write)
    os.close(go_read)
    os.close(error_write)
    options = ATTACH_OPTIONS | Option.EXITKILL | (Option(0) if full else Option.TRACESECCOMP)
    try:
        seize(pid, options)
        os.write(go_write, b"!")
        if _until_exec(pid):
            return pid
        number = int(os.read(error_read, 32) or errno.ECHILD)
        raise TraceeError(f"Cannot start {argv[0]}: {os.strerror(number).lower()}.")
    except OSError as error:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise TraceeError(
            f"Cannot trace {argv[0]}: {reason(error).lower()}"
            " (does this container or system forbid ptrace?)."
        ) from error
    finally:
        os.close(go_write)
        os.close(error_read)


def _become(
    path: str,
    argv: list[str],
    *,
    full: bool,
    descriptors: Mapping[int, int],
    go: int,
    errors: int,
) -> None:
    """Turn the calling, just forked process into the command; never returns."""
    try:
        if not os.read(go, 1):
            os._exit(_NEVER_RAN)  # the tracer is gone
        for number, source in descriptors.items():
            os.dup2(source, number)
        for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored_by_python, signal.SIG_DFL)
        if not full:
            stop_at_every_call()
        os.execv(path, argv)  # noqa: S606
    except OSError as error:
        os.write(errors, str(error.errno).encode())
    finally:
        os._exit(_NEVER_RAN)


def _until_exec(pid: int) -> bool:
    """Let a starting command run up to its exec; False when it ended before."""
    while True:
        _, status = os.waitpid(pid, WALL)
        if not os.WIFSTOPPED(status):
            return False
        event = status >> 16
        if event == Event.EXEC:
            return True
        resume(Request.CONT, pid, 0 if event else os.WSTOPSIG(status))


@dataclass(frozen=True, slots=True)
class Attached:
    """A process that runs under the tracer: its pid and those threads that were seized."""

    pid: int
    tids: frozenset[int]


def attach(pid: int) -> Attached:
    """Seize every thread of a running process, and ask each to stop.

    Threads that are created meanwhile by a seized one are tracees from birth;
    those created by one not yet seized are found by looking again.

    Parameters
    ----------
    pid
        The process, or any of its threads.

    Raises
    ------
    TraceeError
        It does not exist or may not be traced; nothing is left attached.
    """
    leader = procfs.number(pid, "Tgid")
    if not leader:
        raise TraceeError(f"Cannot trace process {pid}: there is no such process.")
    if leader == os.getpid():
        raise TraceeError(f"Cannot trace process {pid}: a tracer cannot trace itself.")
    seized: set[int] = set()
    seen: set[int] = set()
    try:
        while new := [tid for tid in procfs.threads(leader) if tid not in seen]:
            for tid in new:
                seen.add(tid)
                if _seize_thread(tid):
                    seized.add(tid)
    except OSError as error:
        detach(seized)
        raise TraceeError(_why_not(leader, error)) from error
    if not seized:
        raise TraceeError(f"Cannot trace process {pid}: it has ended already.")
    return Attached(leader, frozenset(seized))


def _seize_thread(tid: int) -> bool:
    try:
        seize(tid, ATTACH_OPTIONS)
    except ProcessLookupError:
        return False
    except PermissionError:
        if procfs.number(tid, "TracerPid") == os.getpid():
            return False  # born a tracee; its first stop will be reported
        if procfs.state(tid)[0] in ("", "Z", "X"):
            return False  # a first thread that has ended stands there as long as others go on
        raise
    return interrupt(tid)


def _why_not(pid: int, error: OSError) -> str:
    state = procfs.status(pid)
    tracer = int(state.get("TracerPid", "0"))
    if tracer:
        return (
            f"Cannot trace process {pid}: process {tracer} ({procfs.comm(tracer)})"
            " traces it already."
        )
    try:
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text("ascii").strip()
    except FileNotFoundError:
        scope = "0"
    advice = "only its own user and root may"
    if scope != "0":
        advice += f", and kernel.yama.ptrace_scope is {scope}: become root, or set it to 0"
    return f"Cannot trace process {pid}: {reason(error).lower()}; {advice}."


def detach(tids: set[int], *, seconds: float = 5.0) -> dict[int, int]:
    """Let tracees go, in order: each is stopped, gets its pending signal, and leaves.

    A thread that cannot stop within `seconds` (it waits for a disk) is left to
    the kernel, which detaches it when the tracer ends.

    Returns
    -------
    dict
        Wait statuses of those that ended instead.
    """
    ended: dict[int, int] = {}
    waiting = {tid for tid in tids if interrupt(tid)}
    left: set[int] = set()
    for tid, status in _stops(waiting, seconds):
        waiting.discard(tid)
        if not os.WIFSTOPPED(status):
            ended[tid] = status
            continue
        event = status >> 16
        if event in (Event.FORK, Event.VFORK, Event.CLONE):
            child = event_message(tid)
            if child is not None and child not in left:
                waiting.add(child)
        number = os.WSTOPSIG(status)
        resume(Request.DETACH, tid, 0 if event or number & 0x80 else number)
        left.add(tid)
    return ended


def _stops(waiting: set[int], seconds: float) -> Iterator[tuple[int, int]]:
    end = time.monotonic() + seconds
    while waiting and time.monotonic() < end:
        try:
            tid, status = os.waitpid(-1, WALL | os.WNOHANG)
        except ChildProcessError:
            return
        if tid:
            yield tid, status
        else:
            time.sleep(0.001)
