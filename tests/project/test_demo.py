# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration from beginning to end, without a display, learning from fewer runs."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.web_server import DemoError, find_lighttpd
from imsafe.monitor.score_log_reader import read_score_log

ROOT = Path(__file__).resolve().parents[2]
RUNS = 8

try:
    find_lighttpd()
except DemoError as error:
    pytest.skip(str(error), allow_module_level=True)
if shutil.which("Xvfb") is None:
    pytest.skip("Xvfb is not installed", allow_module_level=True)


def demo(output: Path) -> subprocess.Popen[str]:
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    return subprocess.Popen(
        [sys.executable, "-m", "demo", "--output", str(output), "--runs", str(RUNS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in hidden},
    )


def offspring(pid: int) -> set[int]:
    """Processes that descend from `pid` now."""
    found: set[int] = set()
    # A thread, or all of the process, may end while we look.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in list(Path(f"/proc/{pid}/task").iterdir()):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for child in map(int, (task / "children").read_text().split()):
                    found |= {child} | offspring(child)
    return found


def name_of(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/comm").read_text()
    return ""


@pytest.mark.slow
def test_the_attack_rises_above_the_threshold_in_the_window(tmp_path):
    output = tmp_path / "output"
    process = demo(output)
    try:
        words, complaint = process.communicate(timeout=280)
    finally:
        process.kill()
    assert process.returncode == 0, complaint
    assert re.search(
        r"[\d,]+ calls of \d+ processes, [\d,]+ nodes, suggested threshold 0\.\d", words
    )
    assert "ALERT" in words
    scores = read_score_log(output / "scores.log").records
    assert scores["score"].max() > scores["threshold"][0]
    pictures = sorted(path.name for path in output.glob("*.png"))
    assert pictures == [
        "0-configure.png",
        "1-normal.png",
        "2-attack.png",
        "3-alert.png",
        "4-tree.png",
    ]
    for picture in pictures:
        assert (output / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_early_it_leaves_nothing_behind(tmp_path, number):
    process = demo(tmp_path / "output")
    try:
        deadline = time.monotonic() + 60
        started: set[int] = set()
        while not any("lighttpd" in name_of(pid) for pid in started):
            assert time.monotonic() < deadline
            time.sleep(0.1)
            started = offspring(process.pid)
        process.send_signal(number)
        _, complaint = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + number, complaint
    assert "Traceback" not in complaint
    deadline = time.monotonic() + 30
    while (left := [pid for pid in started if Path(f"/proc/{pid}").exists()]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    assert left == []
