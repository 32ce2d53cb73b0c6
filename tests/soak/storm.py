# SPDX-License-Identifier: GPL-3.0-or-later
"""A storm of alerts: each of any number of processes behaves strangely at once."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imsafe.events import EVENT, Kind
from imsafe.stream.trace_file import TraceWriter
from tests.faults.kills import META, learned
from tests.sources.running import ROOT, tool

_AT_A_TIME = 20_000


@dataclass
class Storm:
    """What came of it."""

    asked: int
    alerts: int = 0
    started: int = 0
    held_back: int = 0
    peak_mb: float = 0.0
    seconds: float = 0.0

    def __str__(self) -> str:
        return (
            f"{self.asked:,} processes behaved strangely: {self.alerts:,} alerts counted in"
            f" {self.seconds:.0f} s; {self.started} programs started, {self.held_back:,} held back;"
            f" memory of the monitor at most {self.peak_mb:.0f} MB"
        )


def _strange_trace(path: Path, processes: int) -> None:
    writer = TraceWriter.create(path, META)
    for first in range(0, processes, _AT_A_TIME):
        count = min(_AT_A_TIME, processes - first)
        events = np.zeros((count, 3), EVENT)
        # One after another, 1 ms each: pids come again, as they do on a machine.
        events["pid"] = events["tid"] = (np.arange(first, first + count) % 30_000 + 2)[:, None]
        events["time_ns"] = (np.arange(first, first + count) * 10**6)[:, None] + np.arange(3)
        events["syscall"], events["abi"] = [101, 165, 0], 1
        events["kind"][:, 2] = Kind.EXIT
        writer.write(events.reshape(-1))
    writer.close({"calls": 2 * processes, "lost": 0})


def storm(folder: Path, processes: int) -> Storm:
    """Replay so many strange processes to a monitor that executes a program on alert."""
    result = Storm(processes)
    trace, started = folder / "storm.imt", folder / "started"
    _strange_trace(trace, processes)
    act = folder / "act"
    act.write_text(f"#!/bin/sh\necho >> {started}\n")
    act.chmod(0o755)
    words = ["-d", learned(folder), "-t", 0, "-x", act, "--boxes", folder / "boxes", "--json"]
    begin = time.monotonic()
    with (folder / "out").open("wb") as out:
        monitor = subprocess.Popen(
            tool("monitor", *words, "--replay", trace),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(monitor.pid, 0)
        monitor.returncode = os.waitstatus_to_exitcode(status)
    result.seconds = time.monotonic() - begin
    result.peak_mb = usage.ru_maxrss / 1024
    with (folder / "out").open("rb") as out:
        for line in out:
            if b'"type": "end"' in line:
                summary = json.loads(line)
    assert monitor.returncode == 1
    result.alerts = summary["alerts"]
    result.held_back = summary["actions_held_back"]
    result.started = started.read_text().count("\n") if started.exists() else 0
    return result
