# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks the threads of processes that run already; the kernel program does all later ones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imsafe.sources import procfs
from imsafe.sources.ebpf.layout import NEVER
from imsafe.sources.kernel_request import KernelRequest
from imsafe.sources.matching import Running, matched, running
from imsafe.stream.items import ProcessInfo

_PASSES = 20
_OWN_PROGRAMS = ("imsafe", "ims-")


def own_processes(start: int) -> Iterator[int]:
    """Find this process and ImSafe's above it: never followed, nor their children."""
    yield os.getpid()
    pid = start
    while pid > 1:
        if _is_own(procfs.argv(pid)):
            yield pid
        pid = procfs.number(pid, "PPid")


def _is_own(words: list[str]) -> bool:
    """Whether a command line is one of ImSafe's: a program, a module, or what starts the tracer."""
    scripts = [Path(word).name for word in words[:2] if not word.startswith("-")]
    python = bool(scripts) and scripts[0].startswith("python")
    if any(name.startswith(_OWN_PROGRAMS) for name in (scripts if python else scripts[:1])):
        return True
    if python and "-m" in words and words[-1] != "-m":
        return words[words.index("-m") + 1].startswith("imsafe")
    # `tracer.STARTER` comes behind -I; a shell's command, one word, may speak of ImSafe as well.
    isolated = "-I" in words and any("from imsafe." in word for word in words)
    return isolated or any(word.endswith("/imsafe-tracer") for word in words)


def mark(marks: NDArray[np.uint8], pid: int, value: int) -> list[int]:
    """Mark every thread of a process, also those that are born meanwhile; their tids."""
    for _ in range(_PASSES):
        tids = procfs.threads(pid)
        fresh = [tid for tid in tids if marks[tid] != value]
        if not fresh:
            return tids
        marks[fresh] = value
    return tids


def follow_running(
    request: KernelRequest, marks: NDArray[np.uint8]
) -> dict[int, tuple[ProcessInfo, list[int]]]:
    """Mark the processes that are meant and run already.

    Passes over /proc until one finds nothing new: a process may have been born
    behind the place where the pass before was.

    Returns
    -------
    dict
        By pid: what to say of the process, and its threads.
    """
    followed: dict[int, tuple[ProcessInfo, list[int]]] = {}
    for _ in range(_PASSES):
        processes: dict[int, Running] = {process.pid: process for process in running()}
        fresh = False
        for pid, application in matched(request, processes).items():
            if marks[pid] == NEVER:
                continue
            process = processes[pid]
            known = followed.get(pid)
            if known is None or known[0].exe != process.exe:
                fresh = True
                info = ProcessInfo(
                    time.monotonic_ns(), pid, process.parent, process.comm, process.exe, application
                )
                if tids := mark(marks, pid, application):
                    followed[pid] = (info, tids)
        if not fresh:
            return followed
    return followed
