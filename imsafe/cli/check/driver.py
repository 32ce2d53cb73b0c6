# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer ("driver"): what it needs, and, as root, whether it really traces."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import imsafe
from imsafe.cli.check import kernel_side
from imsafe.cli.check.finding import Finding, python_says
from imsafe.cli.distribution import this_distribution
from imsafe.errors import ImsafeError

if TYPE_CHECKING:
    from imsafe.sources.kernel import KernelSource

_CALLS = 1_003
_TRACE_S = 20.0
_CHILD = f"""
import os, sys
sys.stdin.readline()
for _ in range({_CALLS}):
    os.getppid()
"""
_MAY_ROOT_RUN_IT = (
    "from imsafe.sources.ebpf import privileges as p;"
    " p.check_code(p.code_places(), p.code_folders())"
)
_LOAD_BCC = "from imsafe.sources.ebpf.compile import import_bcc; import_bcc()"


def findings() -> Iterator[Finding]:
    """Everything about the kernel tracer; it is never needed, so nothing is "missing"."""
    from imsafe.sources import procfs  # noqa: PLC0415 - Linux only

    root = os.geteuid() == 0
    status = procfs.status(os.getpid())
    yield from kernel_side.kernel(platform.release(), platform.machine())
    yield permission(root=root)
    yield code(root=root)
    yield bcc()
    yield kernel_side.namespaces(
        str(Path("/proc/self/ns/pid").readlink()), _text("/proc/self/uid_map")
    )
    yield kernel_side.capabilities(status, root=root)
    yield kernel_side.lockdown(_text("/sys/kernel/security/lockdown"))
    yield kernel_side.perf_events(_text("/proc/sys/kernel/perf_event_paranoid"))
    yield kernel_side.types()
    yield kernel_side.control_groups()
    if root:
        yield kernel_side.ring_buffer(status.get("Seccomp", ""))
        yield kernel_side.tracepoints()
        yield trace()
    else:
        detail = "whether BPF and tracepoints can be used, and a trace, only root can try"
        yield Finding("Driver: trace", "note", detail, f"sudo {_this_program()} check")


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _this_program() -> str:
    program = Path(sys.argv[0])
    if program.name == "imsafe" and program.is_absolute():
        return str(program)
    return f"{sys.executable} -m imsafe.cli.imsafe"


def permission(
    *,
    root: bool,
    installed: bool | None = None,
    display: bool | None = None,
    which: Callable[[str], str | None] = shutil.which,
) -> Finding:
    """By which program the user is asked, as `imsafe.sources.kernel` chooses."""
    from imsafe.sources.kernel import INSTALLED_TRACER  # noqa: PLC0415 - after numpy was checked

    check = "Driver: permission"
    if installed is None:
        installed = INSTALLED_TRACER.is_file()
    if display is None:
        display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if root:
        return Finding(check, "works", "this is root: the tracer starts directly")
    if installed and display and which("pkexec"):
        return Finding(check, "works", "pkexec asks for a password")
    if which("sudo"):
        return Finding(check, "works", "sudo asks for a password, in the terminal")
    install = this_distribution().install(["sudo"]).removeprefix("sudo ")
    detail = "only root may start the kernel tracer, and there is no sudo here to ask for that"
    if which("pkexec"):
        detail += f"; pkexec needs a display, and ImSafe installed by root ({INSTALLED_TRACER})"
    return Finding(check, "note", detail, f"as root (su -): {install}")


def code(*, root: bool) -> Finding:
    """Whether root would run this code: only what nobody else can change."""
    from imsafe.sources.kernel import INSTALLED_TRACER  # noqa: PLC0415

    check = "Driver: code"
    if not root and INSTALLED_TRACER.is_file():
        return Finding(check, "works", f"root runs {INSTALLED_TRACER}")
    status, output = python_says(_MAY_ROOT_RUN_IT, isolated=True)
    if not status:
        return Finding(check, "works", "only root can change what root runs")
    place = Path(imsafe.__file__).resolve().parents[1]
    what = str(place) if (place / "pyproject.toml").is_file() else "imsafe"
    mend = f"sudo python3 -m venv /opt/imsafe && sudo /opt/imsafe/bin/pip install {what}"
    return Finding(check, "note", output.removeprefix("imsafe.errors.SourceError: "), mend)


def bcc() -> Finding:
    """The system's bcc, found by its path, and loaded by this Python as the tracer does."""
    from imsafe.sources.ebpf.compile import bcc_folder  # noqa: PLC0415

    install = this_distribution().install(["bcc"])
    folder = bcc_folder()
    if folder is None:
        return Finding("bcc", "note", "not installed; only the kernel tracer needs it", install)
    told = re.search(r"__version__ = ['\"]([^'\"]+)", _text(str(folder / "version.py")))
    version = told[1] if told else "of unknown version"
    status, output = python_says(_LOAD_BCC, isolated=True)
    if status:
        detail = f"{version} in {folder}: {output.removeprefix('imsafe.errors.SourceError: ')}"
        return Finding("bcc", "note", detail, install)
    return Finding("bcc", "works", f"{version} in {folder}, with its library, loads here")


def trace() -> Finding:
    """Follow a program of one's own with the kernel tracer, and count."""
    from imsafe.sources.kernel import KernelSource  # noqa: PLC0415
    from imsafe.sources.kernel_request import KernelRequest, Target  # noqa: PLC0415

    check, mend = "Driver: trace", "mend what is noted above about the driver"
    child = subprocess.Popen([sys.executable, "-I", "-S", "-c", _CHILD], stdin=subprocess.PIPE)
    try:
        source = KernelSource(KernelRequest((Target("pid", str(child.pid)),)))
        try:
            began = time.monotonic()
            source.open()
            ready = time.monotonic() - began
            child.communicate(b"\n")
            seen = _count(source)
        finally:
            source.close()
    except (ImsafeError, OSError) as error:
        return Finding(check, "note", str(error), mend)
    finally:
        child.kill()
        child.communicate()
    detail = f"{seen:,} of {_CALLS:,} calls, ready after {ready:.1f} s"
    if seen != _CALLS:
        return Finding(check, "note", detail, "report this as a bug of ImSafe")
    return Finding(check, "works", detail)


def _count(source: KernelSource) -> int:
    """How many getppid came, until the tracer has ended with the program that it followed."""
    import numpy as np  # noqa: PLC0415

    from imsafe.events import Kind  # noqa: PLC0415
    from imsafe.syscalls import number  # noqa: PLC0415

    abi, seen, deadline = platform.machine(), 0, time.monotonic() + _TRACE_S
    wanted = number(_abi(abi), "getppid")
    while not source.finished:
        if time.monotonic() > deadline:
            raise ImsafeError(f"The kernel tracer did not get done within {_TRACE_S:.0f} seconds.")
        for _, item in source.read(0.1):
            if isinstance(item, np.ndarray):
                calls = item[item["kind"] == Kind.CALL]
                seen += int(np.count_nonzero(calls["syscall"] == wanted))
    return seen


def _abi(machine: str) -> int:
    from imsafe.events import Abi  # noqa: PLC0415

    return Abi.AARCH64 if machine == "aarch64" else Abi.X86_64
