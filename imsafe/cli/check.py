# SPDX-License-Identifier: GPL-3.0-or-later
"""imsafe check: what works on this machine, what is missing, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import imsafe
from imsafe.cli.common import Parser, emit, run
from imsafe.cli.distribution import QT_LIBRARIES, this_distribution
from imsafe.errors import ImsafeError

if TYPE_CHECKING:
    from imsafe.sources.tracer_process import TracerProcess

OK, LACKING = 0, 1

_EXAMPLES = """\
  imsafe check            say it in words
  imsafe check --json     one object a line, for a script
"""

_ENOUGH_DISK = 1 << 30
_TRACE_S = 30.0


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    check
        What was looked at.
    state
        ``works``; ``missing``: something that is needed does not work;
        ``note``: it does not, and only a part that says so needs it.
    detail
        What was found, in words.
    mend
        The command that mends it; empty when there is nothing to mend.
    """

    check: str
    state: Literal["works", "missing", "note"]
    detail: str
    mend: str = ""


def findings() -> Iterator[Finding]:
    """Check everything, one after the other."""
    yield _python()
    yield from _libraries()
    yield _number_cruncher()
    if sys.platform == "linux":
        yield _kernel()
        yield from _tracing()
        yield _yama()
    else:
        yield Finding("Tracing", "note", "needs Linux; learning and replaying work here")
    yield _window()
    yield _display()
    yield from _folders()
    yield _driver()


def _python() -> Finding:
    return Finding("Python", "works", f"{platform.python_version()}, {sys.executable}")


def _libraries() -> Iterator[Finding]:
    for name in ("numpy", "numba", "PyQt6", "pyqtgraph"):
        try:
            yield Finding(name, "works", metadata.version(name))
        except metadata.PackageNotFoundError:
            pip = f"{sys.executable} -m pip install {name}"
            yield Finding(name, "missing", "the Python package is not installed", pip)


def _number_cruncher() -> Finding:
    """Whether machine code can be kept: else each program compiles it again."""
    code = "import numba, imsafe.profile.compiled; print(numba.config.CACHE_DIR)"
    status, output = _python_says(code)
    check = "Compiled code"
    if status:
        pip = f"{sys.executable} -m pip install --upgrade numba numpy"
        return Finding(check, "missing", f"numba does not start: {output}", pip)
    folder = Path(output)
    if folder.is_relative_to(tempfile.gettempdir()):
        shutil.rmtree(folder, ignore_errors=True)  # it was made for that one process
        detail = "no folder to keep it in, so that each program compiles it again (about 10 s)"
        return Finding(check, "note", detail, "mkdir -p ~/.cache/imsafe; chmod 700 ~/.cache/imsafe")
    return Finding(check, "works", f"kept in {folder}")


def _python_says(code: str, **environment: str) -> tuple[int, str]:
    """Run Python code in a process of its own.

    Returns
    -------
    tuple of int and str
        Its status, and what it printed (or the last line of its complaint).
    """
    try:
        # -P: nothing is imported from the folder that we happen to be in.
        process = subprocess.run(
            [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {_ROOT!r}); {code}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=120,
            env={**os.environ, **environment},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, "no answer within two minutes"
    lines = (process.stdout if process.returncode == 0 else process.stderr).strip().splitlines()
    return process.returncode, lines[-1] if lines else f"ended with {process.returncode}"


_ROOT = str(Path(imsafe.__file__).resolve().parent.parent)


def _kernel() -> Finding:
    from imsafe.sources.ptrace import require_kernel  # noqa: PLC0415 - after numpy was checked

    try:
        require_kernel()
    except ImsafeError as error:
        return Finding("Kernel", "missing", str(error), "upgrade the kernel")
    return Finding("Kernel", "works", f"{platform.system()} {platform.release()}")


def _tracing() -> Iterator[Finding]:
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
    return Finding(check, "works", f"ptrace, {how}; {calls} calls seen")


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


def _yama() -> Finding:
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


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


_START_QT = """
from PyQt6.QtGui import QGuiApplication
import pyqtgraph
application = QGuiApplication([])
print(application.platformName())
"""

_FIND_LIBRARIES = """
missing = []
for name in {names!r}:
    try:
        ctypes.CDLL(name)
    except OSError:
        missing.append(name)
print(*missing)
"""


def _window() -> Finding:
    """Whether Qt starts, on the display or in memory; which libraries X11 would need."""
    _, found = _python_says(f"exec({_FIND_LIBRARIES.format(names=QT_LIBRARIES)!r})")
    missing = [name for name in found.split() if name in QT_LIBRARIES]
    needed: Literal["missing", "note"] = "missing" if _has_display() else "note"
    if missing:
        mend = this_distribution().install(missing)
        detail = "these libraries are not installed: " + ", ".join(missing)
        return Finding("Window", needed, detail, mend)
    environment = {} if _has_display() else {"QT_QPA_PLATFORM": "offscreen"}
    status, output = _python_says(f"exec({_START_QT!r})", **environment)
    if status:
        pip = f"{sys.executable} -m pip install --upgrade PyQt6 pyqtgraph"
        return Finding("Window", needed, f"Qt does not start: {output}", pip)
    return Finding("Window", "works", f"Qt starts with its platform plugin {output}")


def _display() -> Finding:
    name = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if name:
        return Finding("Display", "works", name)
    mend = "ssh -X, or " + this_distribution().install(["xvfb"]) + "; xvfb-run imsafe"
    return Finding("Display", "note", "none: only the window needs one", mend)


def _folders() -> Iterator[Finding]:
    for check, folder in (("Working folder", Path.cwd()), ("Sockets", Path(tempfile.gettempdir()))):
        if not os.access(folder, os.W_OK | os.X_OK):
            mend = (
                "go to a folder of yours" if check == "Working folder" else f"chmod 1777 {folder}"
            )
            yield Finding(check, "note", f"{folder} cannot be written to", mend)
            continue
        yield Finding(check, "works", f"{folder} can be written to")
    free = shutil.disk_usage(Path.cwd()).free
    detail = f"{free / (1 << 30):.1f} GiB free here"
    if free < _ENOUGH_DISK:
        yield Finding("Disk", "note", f"{detail}: little for a long recording", "df -h")
    else:
        yield Finding("Disk", "works", detail)


def _driver() -> Finding:
    where = [*Path("/usr/lib/python3").glob("dist-packages/bcc")]
    where += Path("/usr/lib").glob("python3.*/site-packages/bcc")
    later = "for the kernel tracer, which comes later"
    if where:
        return Finding("bcc", "works", f"{where[0]}, {later}")
    return Finding("bcc", "note", f"not installed; {later}", this_distribution().install(["bcc"]))


def _show(finding: Finding) -> None:
    print(f"{finding.state:8} {finding.check:24} {finding.detail}", flush=True)
    if finding.mend:
        print(f"{'':8} {'':24} -> {finding.mend}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run the program.

    Returns
    -------
    int
        0: what is needed works; 1: something that is needed is missing; 2: an error.
    """
    parser = Parser("imsafe check", __doc__.partition(": ")[2], _EXAMPLES)
    parser.add_argument("--json", action="store_true", help="one object a line")
    args = parser.parse_args(argv)
    return run("imsafe check", lambda: _check(as_json=args.json))


def _check(*, as_json: bool) -> int:
    lacking = 0
    if not as_json:
        print(f"ImSafe {imsafe.__version__} on {this_distribution().name}", flush=True)
    for finding in findings():
        lacking += finding.state == "missing"
        if as_json:
            emit(asdict(finding))
        else:
            _show(finding)
    if not as_json:
        print(f"{lacking} missing." if lacking else "Everything that is needed works.")
    return LACKING if lacking else OK


if __name__ == "__main__":
    sys.exit(main())
