# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong around the window is said, and survived; a window that dies leaves nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QMessageBox

from imsafe.gui import crash
from imsafe.gui.device import SensorDevice, TraceDevice

from .test_alerts import alert
from .test_monitoring import LONG, calls, configured, start, stop  # noqa: F401

KILLED_WINDOW = """
import sys
from pathlib import Path
from PyQt6.QtWidgets import QApplication
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.device import SensorDevice, SensorProgram
from imsafe.gui.main_window import MainWindow
from imsafe.gui.settings import Settings
from imsafe.gui.timers import timer

folder, profile, *argv = sys.argv[1:]
application = QApplication([])
window = MainWindow(Settings(Path(folder) / "settings.ini"))
window.configuration = Configuration([WatchedApplication("", profile)])
window.watch.open_device(SensorDevice((folder + "/s",), SensorProgram(argv=tuple(argv))))
window.watch.stand_by()
window.start_monitor()

def look():
    if window.watch.status is not None and window.watch.status["calls"] > 100:
        window.watch.stand_by()
        pids = [child.pid for child in (window.watch.session.child, window.watch._standby,
                                        *window.watch._programs)]
        print(*pids, window.watch.session._folder, flush=True)
        poll.stop()

poll = timer(application, 50, look)
poll.start()
application.exec()
"""


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children(pid):
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def test_a_killed_window_leaves_no_process_socket_or_folder(
    qtbot, short_folder, learned, service_argv
):
    window = subprocess.Popen(
        [sys.executable, "-c", KILLED_WINDOW, str(short_folder), str(learned[1]), *service_argv],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        *pids, folder = window.stdout.readline().split()
        pids = [int(pid) for pid in pids]
        assert len(pids) == 3
        pids += [child for pid in pids for child in children(pid)]
        assert all(map(is_alive, pids[:3]))
        assert Path(folder, "view").exists()
    finally:
        window.send_signal(signal.SIGKILL)
        window.communicate()
    qtbot.waitUntil(lambda: not any(map(is_alive, pids)), timeout=LONG)
    assert not Path(folder).exists()
    assert not (short_folder / "s").exists()


def test_a_monitor_that_is_held_up_is_said(qtbot, configured, short_folder):  # noqa: F811
    window = configured
    window.watch.open_device(SensorDevice((str(short_folder / "s"),)))
    start(qtbot, window)
    monitor = window.watch.session.child.pid
    os.kill(monitor, signal.SIGSTOP)
    qtbot.waitUntil(lambda: "No answer for" in window.status_line.state.text(), timeout=LONG)
    os.kill(monitor, signal.SIGCONT)
    qtbot.waitUntil(lambda: "No answer" not in window.status_line.state.text(), timeout=LONG)
    assert not window.findChildren(QMessageBox)
    stop(qtbot, window)


def test_a_profile_replaced_while_it_is_in_use(qtbot, configured, learned, tmp_path):  # noqa: F811
    window = configured
    profile = tmp_path / "own.db"
    shutil.copy(learned[1], profile)
    window.configuration.applications[0].profile = str(profile)
    window.watch.open_device(TraceDevice(str(learned[0]), "recorded"))
    start(qtbot, window)
    other = tmp_path / "other.db"
    shutil.copy(learned[1], other)
    other.replace(profile)
    said = window.messages.toPlainText
    qtbot.waitUntil(lambda: f"{profile} was replaced on the disk" in said(), timeout=LONG)
    window.menus.actions["reload"].trigger()
    qtbot.waitUntil(lambda: f"{profile} was read again" in said(), timeout=LONG)
    profile.write_text("no database\n")
    window.menus.actions["reload"].trigger()
    qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert str(profile) in box.text()
    box.close()
    profile.unlink()
    qtbot.waitUntil(lambda: f"{profile} was removed on the disk" in said(), timeout=LONG)
    before = calls(window)
    qtbot.waitUntil(lambda: calls(window) > before, timeout=LONG)
    stop(qtbot, window)
    assert not window.menus.actions["reload"].isEnabled()


def test_alerts_outlive_a_killed_monitor(qtbot, configured, short_folder):  # noqa: F811
    window = configured
    window.watch.open_device(SensorDevice((str(short_folder / "s"),)))
    start(qtbot, window)
    window.watch.alert.emit(alert(1))
    os.kill(window.watch.session.child.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert "ims-monitor was killed" in box.text()
    box.close()
    assert window.detail.reason.text() == "ls did that."
    assert not window.detail.normal.isEnabled()
    window.detail.acknowledge.click()
    assert window.alerts.alert(1)["acknowledged"] is not None
    start(qtbot, window)
    assert window.alerts.rowCount() == 0
    stop(qtbot, window)


@pytest.fixture
def hooks():
    before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before


def test_a_bug_in_any_thread_is_a_dialog_that_can_be_copied(qtbot, hooks, capfd):
    crash.install()

    def fail():
        raise RuntimeError("a bug of ours")

    for run in (lambda: threading.Thread(target=fail).start(), lambda: sys.excepthook(*caught())):
        run()
        qtbot.waitUntil(lambda: crash._shown is not None and crash._shown.isVisible())
        crash._shown.copy.click()
        report = QGuiApplication.clipboard().text()
        assert "RuntimeError: a bug of ours" in report
        assert "ImSafe " in report.splitlines()[0]
        crash._shown.close()
    assert "a bug of ours" in capfd.readouterr().err


def caught():
    try:
        raise RuntimeError("a bug of ours")
    except RuntimeError:
        return sys.exc_info()
