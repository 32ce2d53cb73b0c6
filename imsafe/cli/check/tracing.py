# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracing by ptrace: a child is really traced, in each way there is."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imsafe.cli.check.finding import Finding
from imsafe.errors import ImsafeError
from imsafe.words import number_of

if TYPE_CHECKING:
    from imsafe.sources.tracer_process import TracerProcess

_TRACE_S = 30.0


def kernel() -> Finding:
    """Whether the kernel has what the ptrace tracer uses."""
    from imsafe.sources.ptrace import require_kernel  # noqa: PLC0415 - after numpy was checked

    try:
        require_kernel()
    except ImsafeError as error:
        return Finding("Kernel", "missing", str(error), "upgrade the kernel")
    return Finding("Kernel", "works", f"{platform.system()} {platform.release()}")


def tracing() -> Iterator[Finding]:
    """Really trace a child, in each way there is."""
    try:
        text = Path("/proc/sys/kernel/seccomp/actions_avail").read_text(encoding="ascii")
        seccomp = "trace" in text.split()
    except OSError:
        seccomp = False
    if seccomp:
        yield _traced("Trace a command", lambda: _command(full=False), "one stop a call")
    else:
        detail = "the kernel has no seccomp filters; trace with --full"
        yield Finding("Trace a command", "note", detail, "use --full")
    yield _traced("... with --full", lambda: _command(full=True), "two stops a call")
    yield _traced("Trace a running process", _running, "two stops a call")


def _traced(check: str, trace: Callable[[], int], how: str) -> Finding:
    try:
        calls = trace()
    except (ImsafeError, OSError) as error:
        mend = "in a container: run it with --cap-add SYS_PTRACE; else see Yama below"
        return Finding(check, "missing", str(error), mend)
    return Finding(check, "works", f"ptrace, {how}; {number_of(calls, 'call')} seen")


def _command(*, full: bool) -> int:
    from imsafe.sources.tracer_process import TracerProcess  # noqa: PLC0415

    source = TracerProcess([sys.executable, "-S", "-c", "0"], full=full)
    try:
        source.open()
        return _count(source, lambda: source.finished)
    finally:
        source.close()


def _running() -> int:
    from imsafe.sources.tracer_process import TracerProcess  # noqa: PLC0415

    code = "import time\nwhile True: time.sleep(0.01)"
    child = subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.DEVNULL)
    try:
        source = TracerProcess(pids=[child.pid])
        try:
            source.open()
            return _count(source, lambda: source.counters.calls > 0)
        finally:
            source.close()
    finally:
        child.kill()
        child.wait()


def _count(source: TracerProcess, enough: Callable[[], bool]) -> int:
    deadline = time.monotonic() + _TRACE_S
    while not enough():
        if time.monotonic() > deadline:
            raise ImsafeError(f"The tracer did not get done within {_TRACE_S:.0f} seconds.")
        source.read(0.1)
    if not source.counters.calls:
        raise ImsafeError("The tracer saw no calls.")
    return source.counters.calls


def yama() -> Finding:
    """Whom Yama lets attach to whom."""
    try:
        scope = int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii"))
    except OSError:
        return Finding("Yama", "works", "not in this kernel: you may attach to your own processes")
    if os.geteuid() == 0 and scope < 3:
        return Finding("Yama", "works", f"ptrace_scope is {scope}; root may attach to any process")
    mend = "sudo sysctl kernel.yama.ptrace_scope=0   (until the next boot)"
    match scope:
        case 0:
            return Finding("Yama", "works", "you may attach to your own processes")
        case 1:
            detail = "commands can be traced (-- CMD); attaching (-p PID) needs root"
            return Finding("Yama", "note", detail, mend)
        case 2:
            return Finding("Yama", "missing", "only root may trace (ptrace_scope is 2)", mend)
    detail = "nobody may trace until the next boot (ptrace_scope is 3)"
    return Finding("Yama", "missing", detail, "set kernel.yama.ptrace_scope in /etc/sysctl.d, boot")
