# SPDX-License-Identifier: GPL-3.0-or-later
"""Started and stopped again and again, closed in every state: nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication, QMessageBox

from imsafe.gui.action_test import ActionTest
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import SensorDevice, SensorProgram, TraceDevice
from imsafe.gui.guide import Guide
from imsafe.gui.main_window import MainWindow
from imsafe.gui.what_if_dialog import WhatIfDialog

LONG = 90_000
TIMES = int(os.environ.get("IMSAFE_TIMES", "6"))
"""How often the monitor is started and stopped; each time a process is made, and numba loaded."""


def descendants(pid):
    """The processes below one that have not ended: command lines by pid."""
    found = {}
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                words = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                if words:
                    found[child] = words
                found |= descendants(child)
    return found


def channels():
    """How many sockets and pipes this process has open."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # that of the listing itself
            count += os.readlink(entry).startswith(("socket:", "pipe:"))  # noqa: PTH115
    return count


class Left:
    """What the process has that a window could leave behind."""

    def __init__(self):
        self.processes = descendants(os.getpid())
        self.threads = set(threading.enumerate())
        self.channels = channels()

    def new(self):
        """What is there now and was not; empty when nothing is."""
        more = {
            "processes": [w for pid, w in descendants(os.getpid()).items()
                          if pid not in self.processes],
            "threads": [thread for thread in threading.enumerate() if thread not in self.threads],
            "channels": max(channels() - self.channels, 0),
        }  # fmt: skip
        return {name: what for name, what in more.items() if what}


@pytest.fixture
def runtime(short_folder, monkeypatch):
    """The folder of the sockets of views, empty when nothing is left; and that of other files."""
    folders = short_folder / "run", short_folder / "tmp"
    for folder, name in zip(folders, ("XDG_RUNTIME_DIR", "TMPDIR"), strict=True):
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folders
    tempfile.tempdir = None


@pytest.fixture
def make(qtbot, settings, learned):
    """A window with the small service's profile; it is not closed when the test ends."""

    def made():
        window = MainWindow(settings, Configuration([WatchedApplication("", str(learned[1]))]))
        window.show()
        return window

    QApplication.processEvents()
    return made


def until(qtbot, true):
    qtbot.waitUntil(lambda: bool(true()), timeout=LONG)


def test_started_and_stopped_many_times(qtbot, make, runtime, learned):
    window = make()
    window.watch.open_device(TraceDevice(str(learned[0])))
    whole = None
    for turn in range(TIMES):
        if turn == 2:  # what is loaded once is loaded by now, and one monitor stands by
            until(qtbot, lambda: window.watch._standby.running)
            before = Left()
            timers = len(window.findChildren(QTimer))
        window.menus.actions["start"].trigger()
        until(qtbot, lambda: window.watch.status is not None)
        until(qtbot, lambda: all(row["finished"] for row in window.watch.status["sources"]))
        calls = window.watch.status["calls"]
        whole = whole or calls
        assert calls == whole > 0
        assert not window.menus.actions["start"].isEnabled()
        window.menus.actions["stop"].trigger()
        until(qtbot, lambda: window.watch.session is None)
        assert list(runtime[0].iterdir()) == []
    until(qtbot, lambda: window.watch._standby.running)
    qtbot.waitUntil(lambda: len(before.new().get("processes", [])) <= 1, timeout=LONG)
    # What ends with a process that has ended may take a turn of the loop more.
    qtbot.waitUntil(lambda: before.new().keys() <= {"processes"}, timeout=LONG)
    assert len(window.findChildren(QTimer)) <= timers + 1
    assert window.findChildren(QMessageBox) == []
    window.close()
    window.deleteLater()


def test_stopped_before_the_monitor_is_there(qtbot, make, runtime, short_folder):
    window = make()
    window.watch.open_device(SensorDevice((str(short_folder / "s"),)))
    for wait in (0, 0, 5, 50, 300):
        window.menus.actions["start"].trigger()
        qtbot.wait(wait)
        window.menus.actions["stop"].trigger()
        until(qtbot, lambda: window.watch.session is None)
        assert window.menus.actions["start"].isEnabled()
    assert window.findChildren(QMessageBox) == []
    assert list(runtime[0].iterdir()) == []
    assert not (short_folder / "s").exists()
    window.close()
    window.deleteLater()


class States:
    """Brings a window into each state in which it may be closed."""

    def __init__(self, qtbot, window, folder, learned, argv):
        self.qtbot, self.window, self.folder = qtbot, window, folder
        (self.trace, self.profile), self.argv = learned, argv

    def until(self, true):
        until(self.qtbot, true)

    def nothing(self):
        pass

    def a_device(self):
        self.window.watch.open_device(SensorDevice((str(self.folder / "s"),)))

    def a_monitor_that_starts(self):
        self.a_device()
        self.window.menus.actions["start"].trigger()

    def a_monitor_that_waits(self):
        self.a_monitor_that_starts()
        self.until(lambda: self.window.watch.status is not None)
        self.until((self.folder / "s").exists)

    def a_monitor_that_ends(self):
        self.a_monitor_that_waits()
        self.window.menus.actions["stop"].trigger()

    def a_program_that_is_watched(self):
        program = SensorProgram(argv=self.argv)
        self.window.watch.open_device(SensorDevice((str(self.folder / "s"),), program))
        self.window.menus.actions["start"].trigger()
        self.until(lambda: self.window.watch.status and self.window.watch.status["calls"] > 100)

    def a_replay(self):
        self.window.watch.open_device(TraceDevice(str(self.trace), "recorded"))
        self.window.menus.actions["start"].trigger()
        self.until(lambda: self.window.watch.status and self.window.watch.status["calls"] > 0)

    def a_recording_of_the_monitor(self):
        self.a_replay()
        self._record()

    def a_recording(self):
        program = SensorProgram(argv=self.argv)
        self.window.watch.open_device(SensorDevice((str(self.folder / "s"),), program))
        self._record()

    def _record(self):
        self.window.menus.actions["record"].trigger()
        recorder = self.window.recorder
        recorder.output.set_path(str(self.folder / "r.imt"))
        recorder.start.click()
        self.until(lambda: " calls," in recorder.said.text())

    def a_profile_that_is_learned(self):
        self.window.learn_from(str(self.trace))
        self.window.learner.output.set_path(str(self.folder / "l.db"))
        self.window.learner.start.click()

    def the_guide_that_records(self):
        self.window.menus.actions["guide"].trigger()
        (guide,) = self.window.findChildren(Guide)
        guide.choose.folder.set_path(str(self.folder / "guide"))
        guide.choose.command.setText(f"sh {self.folder}/service {self.folder}")
        (self.folder / "service").write_text(self.argv[2])
        guide.next()
        guide.record.begin.click()
        self.until(lambda: guide.record._totals.get("calls", 0) > 0)

    def an_action_that_is_tested(self):
        script = self.folder / "act"
        script.write_text("#!/bin/sh\necho begun\n")
        script.chmod(0o755)
        dialog = self._configure()
        dialog.action.set_path(str(script))
        dialog.test.click()
        assert dialog.findChildren(ActionTest)

    def a_what_if_that_is_scored(self):
        dialog = self._configure()
        dialog.form.what_if.click()
        (what_if,) = dialog.findChildren(WhatIfDialog)
        what_if.path.set_path(str(self.trace))
        what_if.go.click()
        assert what_if._child is not None

    def _configure(self):
        self.window.menus.actions["configure"].trigger()
        (dialog,) = self.window.findChildren(ConfigureDialog)
        return dialog

    def windows_of_its_own(self):
        self.window.show_tree(str(self.profile))
        (self.folder / "scores.log").write_text("# ImSafe score log 1\n")
        self.window.plot_log(str(self.folder / "scores.log"))
        self.window.menus.actions["manual"].trigger()

    def dialogs(self):
        for name in ("driver", "sensor", "trace", "open", "configure", "attach", "plot", "learn",
                     "record", "tree", "about"):  # fmt: skip
            self.window.menus.actions[name].trigger()
        QApplication.processEvents()

    def a_message(self):
        self.window.show_error("Something is wrong.")

    def what_s_this(self):
        self.window.menus.actions["whatsthis"].trigger()

    def another_s_monitor(self):
        view = self.folder / "view"
        self.service = subprocess.Popen(
            [sys.executable, "-m", "imsafe.cli.monitor", "-d", str(self.profile),
             "--view", str(view), "--stay", "--sensor", str(self.folder / "s")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.until(view.exists)
        self.window.watch.attach(str(view))
        self.until(lambda: self.window.watch.status is not None)

    service = None


STATES = [name for name in vars(States) if not name.startswith("_") and name not in
          ("until", "service")]  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_closed_in_any_state(qtbot, make, runtime, short_folder, learned, service_argv, state):
    before = Left()
    window = make()
    states = States(qtbot, window, short_folder, learned, service_argv)
    getattr(states, state)()
    began = time.monotonic()
    window.close()
    took = time.monotonic() - began
    window.deleteLater()
    QApplication.processEvents()
    if states.service is not None:
        assert states.service.poll() is None, "it is not ours to end"
        states.service.terminate()
        states.service.wait(60)
    qtbot.waitUntil(lambda: before.new() == {}, timeout=LONG)
    assert [path for folder in runtime for path in folder.iterdir()] == []
    assert not (short_folder / "s").exists()
    assert took < 10, "a window that is closed goes away"
