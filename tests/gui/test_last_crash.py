# SPDX-License-Identifier: GPL-3.0-or-later
"""A window that crashes inside of Qt is not forgotten: the next one says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QLabel

from imsafe.gui import crash, last_crash
from tests.sources.running import ROOT, eventually, status_line


@pytest.fixture
def state(tmp_path) -> Path:
    """Where `own_folders` keeps the state of a test."""
    return tmp_path / "state" / "imsafe"


def a_window(state: Path) -> subprocess.Popen[bytes]:
    """A program of its own with the main window, which has begun."""
    window = subprocess.Popen([sys.executable, "-m", "imsafe.cli.imsafe"], cwd=ROOT)

    def minds_signals() -> bool:
        return bool(int(status_line(window.pid, "SigCgt") or "0", 16) & 1 << (signal.SIGTERM - 1))

    eventually(lambda: minds_signals() or window.poll() is not None, "a window", 60)
    assert (state / f"window-{window.pid}.crash").exists()
    return window


def test_what_python_did_is_told_by_the_next_window(qtbot, window, state) -> None:
    crashed = a_window(state)
    crashed.send_signal(signal.SIGSEGV)
    assert crashed.wait(30) == -signal.SIGSEGV
    try:
        left = last_crash.begin()
    finally:
        last_crash.end()
    assert "Fatal Python error: Segmentation fault" in left
    assert "show_main_window" in left
    assert not list(state.glob("*.crash"))
    dialog = crash.show_last(left, window)
    assert any("crashed when it ran last" in label.text() for label in dialog.findChildren(QLabel))
    dialog.copy.click()
    report = QGuiApplication.clipboard().text()
    assert report.startswith("ImSafe ")
    assert "Segmentation fault" in report
    dialog.close()


def test_one_that_ends_as_it_should_leaves_nothing(state) -> None:
    ended = a_window(state)
    kept = state / f"window-{ended.pid}.crash"
    ended.terminate()
    assert ended.wait(60) == 0
    assert not kept.exists()


def test_one_that_runs_is_left_alone(state) -> None:
    running = a_window(state)
    try:
        assert last_crash.begin() == ""
        last_crash.end()
        assert (state / f"window-{running.pid}.crash").exists()
    finally:
        running.terminate()
        assert running.wait(60) == 0


def test_of_several_the_latest_is_told_and_one_that_was_killed_says_nothing(tmp_path) -> None:
    for number, text in ((1, "first"), (2, "second"), (3, "")):
        path = tmp_path / f"window-{number}.crash"
        path.write_text(text)
        os.utime(path, (1000 * number, 1000 * number))
    try:
        assert last_crash.begin(tmp_path).splitlines()[1:] == ["second"]
    finally:
        last_crash.end()
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_written_to_is_no_reason_not_to_start(tmp_path, capfd) -> None:
    (tmp_path / "file").touch()
    try:
        assert last_crash.begin(tmp_path / "file" / "below") == ""
    finally:
        last_crash.end()
