# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the programs (SIGKILL) at random moments of their work, and looks at what is left.

The programs run in forks of this process, which has loaded everything already: so hundreds of
kills take minutes, and fall into the work instead of into Python's start.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from imsafe.cli import learn, monitor, trace
from imsafe.events import EVENT, Abi, Kind
from imsafe.monitor.score_log_reader import read_score_log
from imsafe.profile.profile import Profile
from imsafe.profile.warm_up import warm_up
from imsafe.stream.items import Closed, End, ProcessInfo
from imsafe.stream.trace_file import TraceWriter
from imsafe.stream.traces import open_trace

META = {"applications": [{"name": "worker"}], "tracer": "test", "wall_ns": 1, "monotonic_ns": 0}
WORK = (257, 0, 0, 1, 3, 7, 0, 1)
_GONE_S = 30.0


@dataclass
class Round:
    """What came of killing one kind of work.

    Attributes
    ----------
    kills
        How often it was killed while it ran.
    finished
        How often it had ended before.
    """

    name: str
    kills: int = 0
    finished: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        self.left[what] = self.left.get(what, 0) + 1

    def __str__(self) -> str:
        left = ", ".join(f"{count} {what}" for what, count in sorted(self.left.items()))
        return f"{self.name:<10}{self.kills:>6} kills ({self.finished} ended before): {left}"


def made_up_trace(path: Path, seed: int, processes: int = 30, calls: int = 300) -> Path:
    """A recording of a small program."""
    rng = np.random.default_rng(seed)
    writer = TraceWriter.create(path, META)
    for number in range(processes):
        pid = 1000 * seed + number + 1
        events = np.zeros(calls + 1, EVENT)
        events["time_ns"] = number * 10**9 + np.arange(calls + 1) * 10**6
        events["pid"] = events["tid"] = pid
        events["syscall"] = np.resize(np.roll(WORK, int(rng.integers(8))), calls + 1)
        events["abi"] = Abi.X86_64
        events["kind"][-1] = Kind.EXIT
        writer.write(ProcessInfo(number * 10**9, pid, 1, "worker", "/usr/bin/worker", 1))
        writer.write(events)
    writer.close({"calls": processes * calls, "lost": 0})
    return path


def killed_after(
    work: Callable[[], object], seconds: float, begun: Callable[[], object] = lambda: True
) -> tuple[int, bool]:
    """Do `work` in a fork that leads a session of its own, and kill that.

    Parameters
    ----------
    seconds
        When, after `begun` was true for the first time.

    Returns
    -------
    tuple of int and bool
        The session, and whether the work had ended before.
    """
    child = os.fork()
    if not child:
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            work()
        finally:
            os._exit(0)
    ended = None
    while not begun() and ended is None:
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        time.sleep(0.001)
    time.sleep(seconds)
    try:
        os.kill(child, signal.SIGKILL)
    finally:
        _, status = os.waitpid(child, 0)
    return child, os.WIFEXITED(status)


def members(session: int) -> list[int]:
    """Processes of a session that are not ending."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == session and fields[0] not in (b"Z", b"X"):
                found.append(int(entry.name))
    return found


def _nothing_runs(session: int) -> None:
    end = time.monotonic() + _GONE_S
    while left := members(session):
        if time.monotonic() > end:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"{len(left)} processes of session {session} run on")
        time.sleep(0.01)


def _whole_frames(path: Path, result: Round) -> None:
    """A trace is not there, has no header yet, or is readable to its last whole frame."""
    if not path.exists() or not path.stat().st_size:
        result.count("not begun")
        return
    reader = open_trace(path)
    items = [item for _, item in reader]
    assert items
    calls = sum(int((i["kind"] == Kind.CALL).sum()) for i in items if isinstance(i, np.ndarray))
    result.count("readable, cut" if reader.cut_short else "readable, whole")
    # Appending cuts the broken tail, and loses nothing that was readable.
    with_more = TraceWriter.append(path, META)
    with_more.close({"calls": 0, "lost": 0})
    again = open_trace(path)
    after = [item for _, item in again]
    assert not again.cut_short
    assert calls == sum(
        int((i["kind"] == Kind.CALL).sum()) for i in after if isinstance(i, np.ndarray)
    )
    assert isinstance(after[-1], Closed)
    assert isinstance(after[-2], End)


def record(folder: Path, times: int, rng: random.Random) -> Round:
    """Kill `ims-trace` while it records a shell that never rests."""
    result = Round("record")
    for number in range(times):
        path = folder / f"{number}.imt"
        script = "while :; do (:); echo a; done"
        words = ["-o", str(path), "--", "sh", "-c", script]
        session, ended = killed_after(
            lambda words=words: trace.main(words),
            rng.uniform(0.0, 0.3),
            path.exists if number % 10 else lambda: True,
        )
        result.finished += ended
        result.kills += not ended
        _nothing_runs(session)
        _whole_frames(path, result)
        path.unlink(missing_ok=True)
    return result


def learned(folder: Path) -> Path:
    """A database of one made-up trace."""
    profile = folder / "worker.db"
    words = ["-o", str(profile), "-D", "5", str(made_up_trace(folder / "first.imt", 1))]
    assert learn.main(words) == 0
    return profile


def learn_more(folder: Path, times: int, rng: random.Random) -> Round:
    """Kill `ims-learn` while it adds to a database in place."""
    result = Round("learn")
    profile = learned(folder)
    old = profile.read_bytes()
    calls = Profile.load(profile).calls
    more = made_up_trace(folder / "more.imt", 2, processes=60)
    words = ["-i", str(profile), "-o", str(profile), "--force", str(more)]
    began = time.monotonic()
    assert learn.main(words) == 0
    whole_s = time.monotonic() - began
    new_calls = Profile.load(profile).calls

    def writes() -> bool:
        return any(folder.glob(".worker.db.*"))

    while result.kills < times:
        assert result.finished < 10 * times, "hardly a kill meets the work"
        profile.write_bytes(old)
        # While it learns, and from when it writes beside the old one.
        writing = (result.kills + result.finished) % 2 == 1
        session, ended = killed_after(
            lambda: learn.main(words),
            rng.uniform(0.0, 0.02 if writing else whole_s),
            writes if writing else lambda: True,
        )
        result.finished += ended
        result.kills += not ended
        _nothing_runs(session)
        found = Profile.load(profile).calls
        assert found in (calls, new_calls)
        result.count("old" if found == calls else "new")
        for left in folder.glob(".worker.db.*"):
            left.unlink()  # what a killed program was writing beside: named so that nobody reads it
    return result


def save(folder: Path, times: int, rng: random.Random) -> Round:
    """Kill a program that saves one of two profiles over the other, without rest."""
    result = Round("save")
    profile = learned(folder)
    one, other = Profile.load(profile), Profile.load(profile)
    other.mark_normal([np.zeros(9, EVENT)], "the other", 0.5)

    def work() -> None:
        while True:
            other.save(profile, replace=True)
            one.save(profile, replace=True)

    for _ in range(times):
        session, ended = killed_after(work, rng.uniform(0.0, 0.2))
        assert not ended
        result.kills += 1
        _nothing_runs(session)
        result.count("new" if Profile.load(profile).marks else "old")
        for left in folder.glob(".worker.db.*"):
            left.unlink()
    return result


def monitoring(folder: Path, times: int, rng: random.Random) -> Round:
    """Kill `ims-monitor` while it watches, logs, records, alerts, executes and listens."""
    result = Round("monitor")
    profile = learned(folder)
    log, recording, view = (folder / name for name in ("log", "recording.imt", "view"))
    # A program outlives the monitor that watched it; this one then ends when it is told to.
    end = folder / "end"
    script = 'while [ ! -e "$0" ]; do (:); echo a; done'
    words = [
        *("-d", str(profile), "-t", "0.2", "-l", str(log), "--record", str(recording)),
        *("--view", str(view), "--boxes", str(folder / "b"), "-x", "/bin/true"),
    ]
    replaying = [*words, "--replay", str(folder / "first.imt"), "--stay"]
    watching = [*words, "--", "sh", "-c", script, str(end)]
    for number in range(times):
        recording.unlink(missing_ok=True)
        end.unlink(missing_ok=True)
        chosen = watching if number % 2 else replaying
        session, ended = killed_after(
            lambda chosen=chosen: monitor.main(chosen),
            rng.uniform(0.0, 0.4),
            recording.exists if number % 10 else lambda: True,
        )
        assert not ended, "a monitor that failed was never killed"
        result.kills += 1
        end.touch()
        _nothing_runs(session)
        if log.exists() and log.stat().st_size:
            assert read_score_log(log).skipped <= number + 1
        _whole_frames(recording, result)
    # The socket that the last one left is nobody's: the next one takes its place.
    view.unlink(missing_ok=True)
    return result


KINDS = {"record": record, "learn": learn_more, "save": save, "monitor": monitoring}


def run(kind: str, folder: Path, times: int, seed: int) -> Round:
    """Kill one kind of work so often."""
    warm_up()
    os.environ["XDG_STATE_HOME"] = str(folder)
    place = folder / kind
    place.mkdir()
    return KINDS[kind](place, times, random.Random(seed))
