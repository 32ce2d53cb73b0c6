# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the demonstration, each with ImSafe's own programs, as a user would type them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from demo.web_server import DemoError, WebServer, new_site

ROOT = Path(__file__).resolve().parent.parent

LEARNED_RUNS = 24
"""How often the web server is run to learn from it."""

AT_ONCE = 4
"""So many of those runs at a time, beside the quiet ones: visitors mostly wait."""

QUIET_RUNS, QUIET_S = 4, 15.0
"""So many of the runs have no visitors for so long in their middle: that is normal, too."""

HOUSEKEEPING_S = 64
"""lighttpd gives memory back whenever its clock can be divided by this: that is normal, too."""

REQUESTS = 90
"""In each run."""

DRIVER = ["--driver", "lighttpd", "--not-yet-started"]
"""What the kernel tracer follows, where it is asked for; not a server that you run already."""


def tool(name: str) -> str:
    """The path of one of ImSafe's programs, of the installation that this Python belongs to."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise DemoError(f"{name} is not installed beside {sys.executable}; run `make setup`.")
    return str(path)


def say(text: str) -> None:
    """Tell the person who watches."""
    print(text, flush=True)


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A temporary folder; a server that gives up its rights (started by root) can enter it."""
    with tempfile.TemporaryDirectory(prefix="imsafe-demo-") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            folder.chmod(0o755)
        yield folder


_started: set[subprocess.Popen[Any]] = set()
"""What runs now, so that whoever ends the demonstration early need not wait for it."""
_ending = threading.Event()


def _keep(process: subprocess.Popen[Any]) -> None:
    """Remember what was started; it is ended at once if the demonstration ends already."""
    _started.add(process)
    if _ending.is_set():
        process.terminate()


def _end_all() -> None:
    """End what runs, and what another thread is just starting."""
    _ending.set()
    for process in tuple(_started):
        process.terminate()


@contextlib.contextmanager
def running(argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program; whatever happens in the block, it has ended afterwards."""
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=ROOT)
    _keep(process)
    try:
        yield process
    finally:
        end(process)
        _started.discard(process)


def end(process: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """Ask a program of ours to end, and make it after a while."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def visitors(site: WebServer, seed: int, quiet: float = 0.0) -> list[str]:
    """The command line that lets ordinary visitors come."""
    words = ["--port", site.port, "--seed", seed, "--requests", REQUESTS, "--quiet", quiet]
    return [sys.executable, "-m", "demo.visitors", *map(str, words)]


def attacker(site: WebServer, name: str) -> list[str]:
    """The command line of one attack."""
    return [sys.executable, "-m", "demo.attacks", "--port", str(site.port), "--attack", name]


def call(argv: Sequence[str], seconds: float = 120.0) -> str:
    """Run a program to its end.

    Returns
    -------
    str
        What it printed.

    Raises
    ------
    DemoError
        It failed; with its own words.
    """
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=ROOT,
    ) as process:
        _keep(process)
        try:
            printed, complaint = process.communicate(timeout=seconds)
        except BaseException:
            process.kill()
            raise
        finally:
            _started.discard(process)
    if process.returncode:
        words = complaint.strip() or f"status {process.returncode}"
        raise DemoError(f"{Path(argv[0]).name} failed: {words}")
    return printed


def quiet_seconds() -> float:
    """How long a quiet run that begins now has no visitors: until it has kept house once."""
    start = 5  # by then the server runs
    to_housekeeping = start + HOUSEKEEPING_S - (time.monotonic() + start) % HOUSEKEEPING_S
    return max(QUIET_S, to_housekeeping + 2)


def visit(site: WebServer, before: Sequence[str], seed: int, quiet: float = 0.0) -> None:
    """Run the web server once, with visitors.

    Parameters
    ----------
    before
        What stands before the server's command line: a tracer, or nothing.
    quiet
        Seconds without requests, among them.
    """
    argv = [*before, *site.argv]
    with running(argv) as server:
        site.wait_until_up(server)
        call(visitors(site, seed, quiet=quiet))
        site.stop(server)
    if server.returncode:
        raise DemoError(f"{Path(argv[0]).name} ended with status {server.returncode}.")


@contextlib.contextmanager
def kernel_tracer(trace: Path) -> Iterator[None]:
    """Record every web server that starts meanwhile, by the kernel tracer."""
    with running([tool("ims-trace"), "-o", str(trace), *DRIVER]) as tracer:
        deadline = time.monotonic() + 60
        while not trace.exists():  # it is made when the tracer has begun
            if tracer.poll() is not None or time.monotonic() > deadline:
                raise DemoError("The kernel tracer did not begin, for the reason above.")
            time.sleep(0.05)
        yield
    if tracer.returncode:
        raise DemoError(f"ims-trace ended with status {tracer.returncode}.")


def record_runs(folder: Path, runs: int = LEARNED_RUNS, *, driver: bool = False) -> Path:
    """Record several runs, each of a web site of its own.

    Parameters
    ----------
    driver
        By the kernel tracer, all into one trace; else each under a ptrace tracer.

    Returns
    -------
    Path
        The folder of the traces.
    """
    traces = folder / "traces"
    traces.mkdir()

    def one(number: int) -> None:
        place = folder / f"site-{number}"
        place.mkdir()
        quiet = quiet_seconds() if number < QUIET_RUNS else 0.0
        tracer = [tool("ims-trace"), "-o", str(traces / f"{number:02}.imt"), "--"]
        visit(new_site(place, seed=number), [] if driver else tracer, number, quiet)

    recording = kernel_tracer(traces / "all.imt") if driver else contextlib.nullcontext()
    with recording, ThreadPoolExecutor(AT_ONCE + QUIET_RUNS) as pool:
        try:
            list(pool.map(one, range(runs)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            _end_all()
            raise
    return traces


def learn(traces: Path, profile: Path) -> None:
    """Learn a profile from a folder of traces."""
    call([tool("ims-learn"), "-o", str(profile), str(traces)], seconds=300)
