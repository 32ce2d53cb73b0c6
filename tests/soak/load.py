# SPDX-License-Identifier: GPL-3.0-or-later
"""Load, end to end: a program makes calls at a steady rate, and an alert every so often, while a
monitor traces, scores, logs, and serves a window that reads everything."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from imsafe.monitor.view_client import ViewClient
from imsafe.stream.items import Lost
from imsafe.stream.traces import open_trace
from tests.sources.running import ROOT, eventually, tool

NAME = "imsafe-paced"
THRESHOLD = 0.6
_LEARNED_RUNS = 24
_RESTART_SYSCALL = 219


@dataclass
class Load:
    """What came of it.

    Attributes
    ----------
    made
        Calls that the program made, its start and end included.
    received, lost
        Calls that the monitor scored, and that it was told were lost.
    latencies
        Seconds from each call that raised an alert to its alert's line.
    memory
        MB that the monitor (and the tracer) held, every half second.
    view_bytes
        What the window was sent.
    """

    seconds: float = 0.0
    made: int = 0
    received: int = 0
    lost: int = 0
    alerts: int = 0
    latencies: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    log_parts: int = 0
    log_lines: int = 0
    view_bytes: int = 0

    @property
    def p99(self) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

    @property
    def growth(self) -> float:
        """The memory of the last quarter beside that of the second."""
        quarter = max(1, len(self.memory) // 4)
        second, last = self.memory[quarter : 2 * quarter], self.memory[-quarter:]
        return statistics.median(last) / statistics.median(second)

    def __str__(self) -> str:
        return (
            f"{self.made:,} calls made in {self.seconds:.0f} s"
            f" ({self.made / self.seconds:,.0f} a second)\n"
            f"{self.received:,} received + {self.lost:,} lost = {self.received + self.lost:,}\n"
            f"{self.alerts:,} alerts; from the call to the alert's line: median"
            f" {statistics.median(self.latencies) * 1e3:.0f} ms, 99 % within"
            f" {self.p99 * 1e3:.0f} ms, at most {max(self.latencies) * 1e3:.0f} ms\n"
            f"memory of monitor and tracer: {self.memory[len(self.memory) // 4]:.0f} MB after a"
            f" quarter, {self.memory[-1]:.0f} MB at the end\n"
            f"score log: {self.log_lines:,} lines in {self.log_parts} parts;"
            f" window: {self.view_bytes / 1e6:.1f} MB"
        )


def program(folder: Path) -> Path:
    """The program that makes the calls."""
    target = folder / NAME
    source = Path(__file__).with_name("paced.c")
    subprocess.run(["gcc", "-O2", "-Wall", source, "-o", target], check=True)
    return target


def _calls_of(trace: Path) -> dict[int, Counter[int]]:
    """How often each process made each call, in the order of their first ones.

    The kernel's own restart of a sleep that something interrupted is no call of the program's.
    """
    found: dict[int, Counter[int]] = {}
    for _, item in open_trace(trace):
        if isinstance(item, np.ndarray):
            calls = item[(item["kind"] == 0) & (item["syscall"] != _RESTART_SYSCALL)]
            assert not calls["aux"].any(), "calls were lost while it was learned"
            _, first = np.unique(calls["pid"], return_index=True)
            for pid in calls["pid"][np.sort(first)].tolist():
                own = calls["syscall"][calls["pid"] == pid].tolist()
                found.setdefault(pid, Counter()).update(own)
        assert not isinstance(item, Lost), "calls were lost while it was learned"
    return found


class Source:
    """How the program is traced: by the kernel tracer, or by a ptrace sensor."""

    def __init__(self, kind: str, folder: Path, paced: Path) -> None:
        self.kind = kind
        self._paced = paced
        self._socket = folder / "sensor"
        self.options = ["--driver", NAME] if kind == "kernel" else ["--sensor", str(self._socket)]

    def run(self, *words: object) -> subprocess.Popen[str]:
        """Start the program."""
        command = [str(self._paced), *map(str, words)]
        if self.kind == "ptrace":
            eventually(self._socket.exists, "somebody listens", 60)
            command = [*tool("sensor", "-s", self._socket), "--", *command]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def made_by(self, running: subprocess.Popen[str]) -> int:
        """The calls that it says it made, at its end."""
        with running:
            said, _ = running.communicate()
        assert running.returncode == 0
        return int(said.split()[-1])


@contextlib.contextmanager
def _recording(trace: Path, source: Source) -> Any:
    recorder = subprocess.Popen(
        tool("trace", "-v", "-o", trace, *source.options), cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        eventually(lambda: trace.exists() or recorder.poll() is not None, "it records", 90)
        time.sleep(1.0)
        yield
        time.sleep(1.0)
        recorder.send_signal(2)
        assert recorder.wait(60) in (0, 130)
    finally:
        recorder.kill()
        recorder.wait()


def _learned(folder: Path, source: Source, rate: int) -> tuple[Path, int]:
    """A profile of the program without what is strange, and its calls before and after `main`."""
    trace, profile = folder / "normal.imt", folder / "paced.db"
    made = []
    with _recording(trace, source):
        for _ in range(_LEARNED_RUNS):
            made.append(source.made_by(source.run(min(rate, 20_000), 150, 0)))
    calls = _calls_of(trace)
    assert len(calls) == _LEARNED_RUNS
    extras = {count.total() - own for count, own in zip(calls.values(), made, strict=True)}
    assert len(extras) == 1, f"runs differ before and after main: {made}, {calls}"
    words = ["-o", profile, "-D", "5", trace]
    subprocess.run(tool("learn", *words), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return profile, extras.pop()


class _Window(threading.Thread):
    """A window that reads all it is sent."""

    def __init__(self, view: Path) -> None:
        super().__init__()
        self.bytes = 0
        self._view = view

    def run(self) -> None:
        client = ViewClient()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(os.fspath(self._view))
            while octets := connection.recv(1 << 18):
                client.feed(octets)
                self.bytes += len(octets)


class _Reader(threading.Thread):
    """Reads the monitor's lines, and notes when each came."""

    def __init__(self, monitor: subprocess.Popen[str]) -> None:
        super().__init__()
        self.latencies: list[float] = []
        self.summary: dict[str, Any] = {}
        self.status: dict[str, Any] = {}
        self._monitor = monitor

    def run(self) -> None:
        assert self._monitor.stdout is not None
        for line in self._monitor.stdout:
            now = time.time()
            value = json.loads(line)
            if value["type"] == "alert":
                self.latencies.append(now - value["time"])
            elif value["type"] == "status":
                self.status = value
            elif value["type"] == "end":
                self.summary = value


def _memory(pid: int) -> float:
    """MB that a process and its children hold."""
    total = 0.0
    for one in [pid, *_children(pid)]:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/statm").read_text().split()
            total += int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return total


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def load(
    folder: Path, kind: str, *, rate: int, seconds: float, alert_ms: int, log_size: str
) -> Load:
    """Run the load.

    Parameters
    ----------
    kind
        ``kernel`` or ``ptrace``.
    alert_ms
        Milliseconds from one strange child to the next.
    """
    result = Load()
    source = Source(kind, folder, program(folder))
    profile, extra = _learned(folder, source, rate)
    view, log = folder / "view", folder / "scores.log"
    words = [
        *("-d", profile, "-t", THRESHOLD, "-l", log, "--log-size", log_size, "--view", view),
        *("--boxes", folder / "boxes", "--json", *source.options),
    ]
    monitor = subprocess.Popen(
        tool("monitor", *words), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    reader = _Reader(monitor)
    reader.start()
    try:
        eventually(view.exists, "the monitor begins", 240)
        eventually(lambda: reader.status.get("state"), "it says how it is", 120)
        window = _Window(view)
        window.start()
        if kind == "kernel":
            eventually(lambda: _children(monitor.pid), "the tracer begins", 60)
            eventually(lambda: _is_tracing(reader.status), "it traces", 60)
        begin = time.monotonic()
        running = source.run(rate, int(seconds * 1000), alert_ms)
        while running.poll() is None:
            result.memory.append(_memory(monitor.pid))
            time.sleep(0.5)
        result.seconds = time.monotonic() - begin
        result.made = source.made_by(running) + extra
        eventually(
            lambda: reader.status["calls"] + reader.status["lost"] >= result.made, "all is in", 120
        )
    finally:
        monitor.terminate()
        monitor.wait(60)
        reader.join(60)
        for pipe in (monitor.stdin, monitor.stdout):
            assert pipe is not None
            pipe.close()
    window.join(60)
    result.received, result.lost = reader.summary["calls"], reader.summary["lost"]
    result.alerts = reader.summary["alerts"]
    result.latencies = reader.latencies
    result.view_bytes = window.bytes
    parts = list(folder.glob("scores.log*"))
    result.log_parts = len(parts)
    result.log_lines = sum(part.read_bytes().count(b"\n") for part in parts)
    return result


def _is_tracing(status: dict[str, Any]) -> bool:
    return any(source["state"] == "tracing" for source in status.get("sources", []))


def can_trace(kind: str) -> str:
    """Why this kind of tracing cannot be had here; empty when it can."""
    if sys.platform != "linux" or not shutil.which("gcc"):
        return "gcc and Linux are needed"
    if kind == "kernel" and os.geteuid() != 0:
        return "only root may load BPF programs"
    if kind == "kernel" and not Path("/usr/lib/python3/dist-packages/bcc").is_dir():
        return "python3-bpfcc is not here"
    return ""
