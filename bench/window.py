# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window costs and how late it gets, with a real monitor behind it.

flow    1 M calls/s are scored and plotted over 1 M points of history: frames a second, and how
        much of a processor the window's process takes (goals: 30; at most 40 %)
busy    meanwhile a profile of a million nodes is loaded, a learn runs and the tree of that profile
        is opened: how late frames are (goal: 99.9 % at most 100 ms), and when its first rows show
memory  8 hours of 10,000 calls/s are replayed at full speed: memory of window and monitor, eighth
        by eighth (goal: bounded)

    xvfb-run -a .venv/bin/python bench/window.py flow busy
    xvfb-run -a .venv/bin/python bench/window.py memory [--hours 8]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtWidgets import QApplication

from imsafe.events import EVENT, Abi, Events
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.device import TraceDevice
from imsafe.gui.main_window import MainWindow
from imsafe.gui.settings import Settings
from imsafe.monitor.view_protocol import BUCKET, BUCKET_NS
from imsafe.stream.codec import encode
from imsafe.stream.frames import segment_header
from imsafe.stream.items import End, ProcessInfo

SECOND = 1_000_000_000
WALL = 1_790_000_000
POINTS = 1_000_000
FLOW_RATE, FLOW_SECONDS = 1_000_000, 20
BUSY_SECONDS = 45  # long enough for a thousandth of the frames to be more than one
MEMORY_RATE, SEGMENT_SECONDS = 10_000, 480
FRAME_MS, GOAL_MS = 33, 100
PIDS = 8
BATCH = 8192
LARGE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from throughput import DEPTH, LONG, NODES, Learner, learn, np, server
rng, learner, number = np.random.default_rng(5), Learner(DEPTH), 0
while learner.nodes < NODES:
    learn(learner, server(rng, LONG // 10, 0.02), number)
    number += 1
learner.finish().save(Path(sys.argv[2]))
"""


def traffic(rate: int, seconds: int, odd: float) -> Events:
    """Requests of twenty kinds by the threads of a few processes; a share of the calls is any."""
    rng = np.random.default_rng(1)
    count = rate * seconds
    kinds = [rng.integers(0, 80, rng.integers(4, 30)) for _ in range(20)]
    chance = 1 / np.arange(1, 21)
    events = np.zeros(count, EVENT)
    events["time_ns"] = np.arange(count) * (SECOND // rate)
    turn = np.arange(count) // 64 % PIDS  # each process runs for a while
    events["pid"] = 1000 + turn
    events["tid"] = events["pid"] + 100 * (np.arange(count) // (64 * PIDS) % 2)
    for pid in range(PIDS):
        own = np.flatnonzero(turn == pid)
        order = rng.choice(20, len(own) // 5, p=chance / chance.sum())
        numbers = np.concatenate([kinds[kind] for kind in order])[: len(own)]
        strange = rng.random(len(own)) < odd
        numbers[strange] = rng.integers(0, 80, strange.sum())
        events["syscall"][own] = numbers
    events["abi"] = Abi.X86_64
    return events


def write_trace(path: Path, events: Events, seconds: int, segments: int) -> None:
    """The same stretch of calls again and again, each time as much later as it lasts."""
    body = b"".join(
        encode(ProcessInfo(0, 1000 + pid, 1, "worker", "/usr/bin/worker", 1)) for pid in range(PIDS)
    )
    body += b"".join(
        encode(events[at : at + BATCH], compress=True) for at in range(0, len(events), BATCH)
    )
    body += encode(End())
    with path.open("wb") as file:
        for number in range(segments):
            meta = {
                "applications": [{"name": "worker"}], "tracer": "bench", "follow_exec": True,
                "wall_ns": (WALL + number * seconds) * SECOND, "monotonic_ns": 0, "timed": True,
            }  # fmt: skip
            file.write(segment_header(meta) + body)


def run(*command: object) -> None:
    subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.DEVNULL)


def learn(folder: Path) -> Path:
    """A profile of usual traffic."""
    trace, profile = folder / "normal.imt", folder / "normal.db"
    write_trace(trace, traffic(100_000, 10, 0.001), 10, 1)
    run("-m", "imsafe.cli.learn", "-o", profile, trace)
    return profile


class Frames(QObject):
    """Counts what is painted of the plot, and how late a timer of the window's thread fires."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.painted = 0
        self.late: list[float] = []
        self.work: list[float] = []
        self._last, self._used = 0.0, 0.0
        viewport = window.plot._view.viewport()
        assert viewport is not None
        viewport.installEventFilter(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(FRAME_MS)

    def eventFilter(self, _: object, event: QEvent | None) -> bool:  # noqa: N802
        if event is not None and event.type() == QEvent.Type.Paint:
            self.painted += 1
        return False

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        if self._last:
            self.late.append(1000 * (now - self._last) - FRAME_MS)
            self.work.append(1000 * (used - self._used))
        self._last, self._used = now, used

    def begin(self) -> None:
        self.painted, self.late, self.work, self._last = 0, [], [], 0.0


def wait(application: QApplication, done: Callable[[], bool], seconds: float) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise SystemExit("This took too long.")
        application.processEvents()
        time.sleep(0.001)


def started(folder: Path, profile: Path, trace: Path, speed: str) -> MainWindow:
    """A window whose monitor replays a trace, with a million points behind it."""
    window = MainWindow(
        Settings(folder / "settings.ini"),
        Configuration([WatchedApplication("", str(profile), threshold=0.95)]),
    )
    window.show()
    window.watch.open_device(TraceDevice(str(trace), speed))
    window.start_monitor()
    return window


def fill(window: MainWindow) -> None:
    """Points of the past: one for each 100 ms before the trace."""
    rng = np.random.default_rng(2)
    past = np.zeros(POINTS, BUCKET)
    past["time_ns"] = WALL * SECOND - (POINTS - np.arange(POINTS)) * BUCKET_NS
    past["application"], past["calls"] = 1, 10
    past["maximum"] = rng.random(POINTS) * 0.4
    for start in range(0, POINTS, 4096):
        window.watch.history.add(past[start : start + 4096])


def calls_of(window: MainWindow) -> int:
    return window.watch.status["calls"] if window.watch.status is not None else 0


def measure_flow(application: QApplication, folder: Path) -> bool:
    profile, trace = learn(folder), folder / "flow.imt"
    write_trace(trace, traffic(FLOW_RATE, 5, 0.001), 5, (FLOW_SECONDS + 10) // 5)
    good = True
    for span, name in ((60.0, "following the last minute"), (0.0, "everything in view")):
        window = started(folder, profile, trace, "recorded")
        wait(application, lambda w=window: calls_of(w) > FLOW_RATE, 120)  # type: ignore[misc]
        fill(window)
        window.plot.show_newest(span)
        frames = Frames(window)
        wait(application, lambda f=frames: f.painted > 30, 60)  # type: ignore[misc]
        frames.begin()
        before, used, began = calls_of(window), time.process_time(), time.perf_counter()
        QTimer.singleShot(1000 * FLOW_SECONDS // 2, application.quit)
        application.exec()
        seconds = time.perf_counter() - began
        share = (time.process_time() - used) / seconds
        rate, fps = (calls_of(window) - before) / seconds, frames.painted / seconds
        low, high = window.plot.times()
        shown = window.watch.history.band(1, low, high, int(window.plot._view.width_pixels))
        good &= fps >= 29 and share <= 0.4
        print(
            f"flow, {name}: {rate / 1e6:.2f} M calls/s scored, {fps:.1f} frames/s over"
            f" {POINTS:,} points ({len(shown):,} bins of {shown.width:g} s in view),"
            f" {share:.0%} of a processor for the window; load {os.getloadavg()[0]:.1f}"
        )
        window.close()
        window.deleteLater()
        application.processEvents()
    return good


def measure_busy(application: QApplication, folder: Path) -> bool:
    profile, trace, large = learn(folder), folder / "flow.imt", folder / "large.db"
    run("-c", LARGE, Path(__file__).parent, large)
    write_trace(trace, traffic(100_000, 10, 0.001), 10, 30)
    learned = folder / "learned.imt"
    write_trace(learned, traffic(200_000, 30, 0.01), 30, 8)
    window = started(folder, profile, trace, "recorded")
    wait(application, lambda: calls_of(window) > 100_000, 120)
    fill(window)
    window.plot.show_newest(0.0)
    frames = Frames(window)
    wait(application, lambda: frames.painted > 30, 60)
    frames.begin()
    name = window.watch.application_rows()[0]["name"]
    loaded: list[float] = []
    began = time.perf_counter()
    window.watch.request(
        "reload-profile", lambda *_: loaded.append(time.perf_counter() - began),
        application=name, profile=str(large),
    )  # fmt: skip
    window.learn_from(str(learned))
    learner = window.learner
    assert learner is not None
    learner.output.set_path(str(folder / "new.db"))
    learner.learn()
    window.show_tree(str(large))
    tree = window.windows[-1]
    wait(application, lambda: tree.model is not None and tree.model.rowCount() > 0, 120)
    rows = time.perf_counter() - began
    QTimer.singleShot(1000 * BUSY_SECONDS, application.quit)
    application.exec()
    wait(application, lambda: bool(loaded) and learner._child is None, 240)
    late = np.array(frames.late)
    quantile = float(np.quantile(late, 0.999))
    print(
        f"busy: {len(late):,} frames; late: median {np.median(late):.1f}, 99 %"
        f" {np.quantile(late, 0.99):.1f}, 99.9 % {quantile:.1f}, worst {late.max():.1f} ms,"
        f" of which its own work {frames.work[int(late.argmax())]:.1f} ms;"
        f" first rows of the tree after {rows:.2f} s, profile in use after {loaded[0]:.1f} s;"
        f" load {os.getloadavg()[0]:.1f}"
    )
    for shown in (tree, window):
        shown.close()
    window.deleteLater()
    application.processEvents()
    return quantile <= GOAL_MS


def resident(pid: int) -> float:
    """MiB of memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure_memory(application: QApplication, folder: Path, hours: float) -> bool:
    profile, trace = learn(folder), folder / "long.imt"
    segments = round(hours * 3600 / SEGMENT_SECONDS)
    total = segments * SEGMENT_SECONDS * MEMORY_RATE
    write_trace(trace, traffic(MEMORY_RATE, SEGMENT_SECONDS, 0.001), SEGMENT_SECONDS, segments)
    print(f"memory: {total:,} calls, a trace of {trace.stat().st_size / 1e6:.0f} MB")
    window = started(folder, profile, trace, "full")
    wait(application, lambda: window.watch.hello is not None, 120)
    assert window.watch.hello is not None
    monitor = window.watch.hello["pid"]
    window.plot.show_newest(0.0)
    began = time.monotonic()
    marks: list[tuple[int, float, float]] = []

    def note() -> None:
        calls = calls_of(window)
        if calls >= total * (len(marks) + 1) / 8 - 1:
            marks.append((calls, resident(os.getpid()), resident(monitor)))
            print(
                f"  after {calls / 1e6:6.1f} M calls, {time.monotonic() - began:5.0f} s:"
                f" window {marks[-1][1]:.0f} MiB, monitor {marks[-1][2]:.0f} MiB",
                flush=True,
            )
            if len(marks) == 8:
                application.quit()

    timer = QTimer()
    timer.timeout.connect(note)
    timer.start(100)
    application.exec()
    growth = [marks[-1][column] - marks[3][column] for column in (1, 2)]
    span = window.watch.history.span()
    seen = (span[1] - span[0]) / 3600 if span is not None else 0.0
    print(
        f"  {seen:.2f} hours in the plot; from half to the end the window grew by"
        f" {growth[0]:.0f} MiB, the monitor by {growth[1]:.0f} MiB; load {os.getloadavg()[0]:.1f}"
    )
    window.close()
    window.deleteLater()
    application.processEvents()
    return max(growth) < 32


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=("flow", "busy", "memory"))
    parser.add_argument("--hours", type=float, default=8.0, help="of memory; default: %(default)g")
    options = parser.parse_args()
    application = QApplication(sys.argv[:1])
    good = True
    with tempfile.TemporaryDirectory(prefix="imsbench-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
        for what in options.what or ("flow", "busy"):
            if what == "flow":
                good &= measure_flow(application, folder)
            elif what == "busy":
                good &= measure_busy(application, folder)
            else:
                good &= measure_memory(application, folder, options.hours)
            for left in ("normal.imt", "normal.db", "flow.imt", "large.db", "learned.imt"):
                (folder / left).unlink(missing_ok=True)
    print("all goals met" if good else "a goal was MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
