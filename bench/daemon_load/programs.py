# SPDX-License-Identifier: GPL-3.0-or-later
"""ims-trace, ims-learn and ims-monitor as a user has them: recording, learning, watching."""

from __future__ import annotations

import itertools
import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from daemon_load.daemon import PATIENCE_S, Daemon
from imsafe.monitor.score_log_reader import read_score_log

BIN = Path(sys.executable).parent


def recording(trace: Path) -> list[str]:
    """The command that records, but for its source."""
    return [str(BIN / "ims-trace"), "-o", str(trace)]


def watching(profile: Path, trace: Path, folder: Path) -> list[str]:
    """The command that watches and records what it watches, but for its source."""
    record = ["--record", str(trace)] if trace.parent != folder else []
    return [
        *(str(BIN / "ims-monitor"), "--json", "-d", str(profile), *record),
        *("-l", str(folder / f"{trace.stem}.log"), "--boxes", str(folder / "boxes")),
    ]


class Session:
    """One of our programs around many runs of a daemon.

    The kernel tracer finds them by the path of the executable, one for all; by ptrace each
    start of the daemon has a program of its own, which starts it.
    """

    def __init__(
        self, name: str, executable: Path, folder: Path, *, ptrace: bool,
        command: Callable[[Path], list[str]], traces: Path,
    ) -> None:  # fmt: skip
        self._name, self._folder, self._traces = name, folder, traces
        self._command, self._ptrace, self._executable = command, ptrace, executable
        self._numbers = itertools.count(1)
        self._program: subprocess.Popen[bytes] | None = None

    def start(self, daemon: Daemon) -> None:
        """Start a daemon inside of it."""
        if not self._ptrace:
            daemon.start()
            return
        name = f"{self._name}-{next(self._numbers)}"
        argv = self._command(self._traces / f"{name}.imt")
        daemon.start([*argv, "--"], self._folder / f"{name}.printed")

    def __enter__(self) -> Session:
        if self._ptrace:
            return self
        trace, printed = self._traces / f"{self._name}.imt", self._folder / f"{self._name}.printed"
        argv = [*self._command(trace), "--ring-size", "32M", "--path", str(self._executable)]
        with printed.open("wb") as output:
            self._program = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output)
        deadline = time.monotonic() + PATIENCE_S
        while not (
            trace.exists() if "ims-trace" in argv[0] else b'"tracing"' in printed.read_bytes()
        ):
            if self._program.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"bench/daemons.py: {argv!r} did not begin")
            time.sleep(0.1)
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._program is None:
            return
        self._program.send_signal(signal.SIGINT)
        try:
            status = self._program.wait(PATIENCE_S * 4)
        finally:
            self._program.kill()
            self._program.wait()
        if error is None and status not in {0, 1}:
            raise SystemExit(f"bench/daemons.py: {self._program.args!r} ended with {status}")


def learned(profile: Path, traces: Sequence[Path]) -> dict[str, Any]:
    """What ims-learn says at its end."""
    argv = [str(BIN / "ims-learn"), "--json", "-o", str(profile), *map(str, traces)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def replayed(profile: Path, traces: Sequence[Path], folder: Path) -> None:
    """Judge recordings as they were judged live, to the same scores."""
    for trace in traces:
        with (folder / f"{trace.stem}.printed").open("wb") as output:
            argv = watching(profile, folder / trace.name, folder)
            done = subprocess.run(
                [*argv, "--replay", str(trace)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                check=False,
            )
        if done.returncode not in {0, 1}:
            raise SystemExit(f"bench/daemons.py: {done.args!r} ended with {done.returncode}")


@dataclass
class Watching:
    """What monitors have said that have ended.

    Attributes
    ----------
    times, scores
        Of the score logs: wall clock, seconds.
    ends
        The last line of each.
    """

    alerts: list[dict[str, Any]] = field(default_factory=list)
    ends: list[dict[str, Any]] = field(default_factory=list)
    times: Any = None
    scores: Any = None

    def total(self, what: str) -> int:
        return sum(int(end[what]) for end in self.ends)

    @property
    def unseen_share(self) -> float:
        """Of the calls, those in sequences that were never learned."""
        counted = [one for end in self.ends for one in end["coverage"].values()]
        sequences, unseen = (sum(one[n] for one in counted) for n in ("sequences", "unseen"))
        return float(unseen / max(sequences, 1))

    def highest(self, begin: float = 0.0, end: float = math.inf) -> float:
        inside = (self.times >= begin - 0.1) & (self.times < end)
        return float(self.scores[inside].max(initial=0.0))

    def opened(self, begin: float, end: float) -> list[dict[str, Any]]:
        return [alert for alert in self.alerts if begin - 0.1 <= alert["time"] < end]


def findings(folder: Path) -> Watching:
    """What the monitors of a folder found."""
    found = Watching()
    logs = [read_score_log(path).records for path in sorted(folder.glob("*.log"))]
    found.times = np.concatenate([log["time"] for log in logs])
    found.scores = np.concatenate([log["score"] for log in logs])
    for path in sorted(folder.glob("*.printed")):
        for line in path.read_text().splitlines():
            said = json.loads(line)
            if said["type"] == "alert":
                found.alerts.append(said)
            elif said["type"] == "end":
                found.ends.append(said)
    found.alerts.sort(key=lambda alert: alert["time"])
    return found
