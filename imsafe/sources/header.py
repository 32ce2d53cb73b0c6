# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of a tracer's stream: which application, on which machine, since when."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import imsafe
from imsafe.sources import procfs
from imsafe.sources.executable import describe, package_of
from imsafe.sources.ptrace import NATIVE_ABI


def of_command(path: str, argv: list[str], name: str | None) -> dict[str, Any]:
    """The application entry of a command that is about to be started."""
    exe = str(Path(path).resolve())
    return {
        "name": name or Path(argv[0]).name,
        "matched_by": "command",
        "argv": argv,
        "exe": exe,
        **describe(exe),
        **package_of(exe),
    }


def of_process(pid: int, name: str | None) -> dict[str, Any]:
    """The application entry of a running process; mostly empty when it is gone."""
    exe = procfs.exe(pid)
    return {
        "name": name or (Path(exe).name if exe else procfs.comm(pid)) or f"process {pid}",
        "matched_by": "pid",
        "argv": procfs.argv(pid),
        "exe": exe,
        # Through /proc: what runs, even if the file on disk has been replaced since.
        **describe(f"/proc/{pid}/exe"),
        **(package_of(exe) if exe else {}),
    }


def of_stream(applications: list[dict[str, Any]], tracer: str, follow_exec: bool) -> dict[str, Any]:
    """A stream's header; `docs/stream-format.md` explains the keys."""
    system = os.uname()
    return {
        "applications": applications,
        "host": system.nodename,
        "kernel": system.release,
        "abi": NATIVE_ABI.name.lower(),
        "tracer": tracer,
        "follow_exec": follow_exec,
        "wall_ns": time.time_ns(),
        "monotonic_ns": time.monotonic_ns(),
        "timed": True,
        "imsafe": imsafe.__version__,
    }
