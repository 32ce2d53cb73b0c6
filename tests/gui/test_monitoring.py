# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching, driven as a user would: real ims-monitor and ims-sensor processes, a real alert."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QDialogButtonBox, QMessageBox

from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import SensorDevice, SensorProgram, TraceDevice
from imsafe.profile.glance import glance
from tests.connecting import connected

LONG = 90_000  # the first run on a machine compiles the number crunching


@pytest.fixture
def configured(window, learned):
    """The window with the small service's profile configured."""
    window.configuration = Configuration([WatchedApplication("", str(learned[1]))])
    window._keep_configuration()
    return window


def calls(window):
    return window.watch.status["calls"] if window.watch.status else 0


def start(qtbot, window):
    assert window.menus.actions["start"].isEnabled()
    window.menus.actions["start"].trigger()
    qtbot.waitUntil(lambda: window.watch.status is not None, timeout=LONG)


def stop(qtbot, window):
    window.menus.actions["stop"].trigger()
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)


def no_messages(window):
    return not window.findChildren(QMessageBox)


def test_alert_reason_normal_and_undo(qtbot, configured, short_folder, service_argv):
    window = configured
    window.configuration.applications[0].threshold = 0.5
    window.watch.open_device(
        SensorDevice((str(short_folder / "s"),), SensorProgram(argv=service_argv))
    )
    start(qtbot, window)
    qtbot.waitUntil(lambda: calls(window) > 2000, timeout=LONG)
    assert window.alerts.rowCount() == 0
    assert window.watch.history.applications() == [1]
    (short_folder / "attack").touch()
    qtbot.waitUntil(lambda: window.alerts.rowCount() > 0, timeout=LONG)
    seen = 0
    while seen != window.alerts.alerts:  # one more may become the incident's worst
        seen = window.alerts.alerts
        qtbot.wait(2000)
    number = window.alert_list.current()
    alert = window.alerts.alert(number)
    # The attack removes its mark, then lists: neither was learned, and either may be told first.
    assert alert["comm"] in ("rm", "ls"), alert["reason"]
    assert window.detail.reason.text() == alert["reason"] != ""
    qtbot.waitUntil(lambda: window.detail.calls.calls.rowCount() > 0, timeout=LONG)
    qtbot.waitUntil(lambda: number in [shown[0] for shown in window.plot._alerts], timeout=LONG)
    qtbot.waitUntil(
        lambda: bool(
            window.watch.history.band(1, 0, 4e9, 1000).maximum.max() >= alert["threshold"]
        ),
        timeout=LONG,
    )
    assert window.processes.rowCount() > 0

    qtbot.waitUntil(lambda: window.alerts.alert(number)["box"] is not None, timeout=LONG)
    qtbot.waitUntil(window.detail.normal.isEnabled, timeout=LONG)
    window.detail.normal.click()
    qtbot.waitUntil(lambda: window.alerts.alert(number)["normal"] is not None, timeout=LONG)
    assert window.detail.undo.isEnabled()
    window.detail.undo.click()
    qtbot.waitUntil(lambda: window.alerts.alert(number)["normal"] is None, timeout=LONG)
    assert no_messages(window)

    window.detail.box.click()
    replay = window.windows[-1]
    qtbot.waitUntil(lambda: replay.alerts.rowCount() > 0, timeout=LONG)
    replay.close()
    assert replay.watch.session is None
    stop(qtbot, window)
    assert window.alerts.rowCount() > 0  # what was shown stays
    assert no_messages(window)


def test_close_device_while_monitoring_then_another(qtbot, configured, short_folder, learned):
    window = configured
    path = str(short_folder / "s")
    window.watch.open_device(SensorDevice((path,)))
    start(qtbot, window)
    assert "Waiting for a sensor" in window.plot.empty_text()
    assert Path(path).exists()
    assert not window.menus.actions["sensor"].isEnabled()
    window.menus.actions["close"].trigger()
    qtbot.waitUntil(lambda: not Path(path).exists(), timeout=LONG)
    assert window.watch.session.running
    assert window.menus.actions["trace"].isEnabled()
    window.watch.open_device(TraceDevice(str(learned[0])))
    qtbot.waitUntil(lambda: calls(window) > 10_000, timeout=LONG)
    assert no_messages(window)
    stop(qtbot, window)


def test_a_killed_sensor_comes_back(qtbot, configured, short_folder, service_argv):
    window = configured
    path = str(short_folder / "s")
    window.watch.open_device(SensorDevice((path, str(short_folder / "t"))))
    start(qtbot, window)

    def sensor(socket):
        command = [sys.executable, "-m", "imsafe.cli.sensor", "-s", socket, "--", *service_argv]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    sensors = [sensor(path), sensor(path), sensor(str(short_folder / "t"))]
    try:
        qtbot.waitUntil(
            lambda: sum(row["streams"] for row in window.watch.status["sources"]) == 3, timeout=LONG
        )
        sensors[0].send_signal(signal.SIGKILL)
        sensors[0].wait()
        qtbot.waitUntil(
            lambda: sum(row["streams"] for row in window.watch.status["sources"]) == 2, timeout=LONG
        )
        sensors.append(sensor(path))
        qtbot.waitUntil(
            lambda: sum(row["streams"] for row in window.watch.status["sources"]) == 3, timeout=LONG
        )
        assert no_messages(window)
    finally:
        (short_folder / "end").touch()
        for process in sensors:
            process.wait(timeout=20)
    stop(qtbot, window)


def test_threshold_line_is_dragged(qtbot, configured, learned, tmp_path):
    window = configured
    window.watch.open_device(TraceDevice(str(learned[0]), "recorded"))
    start(qtbot, window)
    qtbot.waitUntil(lambda: 1 in window.plot._thresholds, timeout=LONG)
    line = window.plot._thresholds[1]
    line.setValue(0.321)
    line.sigPositionChangeFinished.emit(line)
    qtbot.waitUntil(
        lambda: window.watch.status["applications"][0]["threshold"] == 0.321, timeout=LONG
    )
    assert window.configuration.applications[0].threshold == 0.321

    # Back to what the database suggests, which holds at once, too.
    suggested = glance(learned[1]).suggested_threshold
    window.menus.actions["configure"].trigger()
    (dialog,) = window.findChildren(ConfigureDialog)
    dialog.form.suggest.click()
    dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).click()
    assert window.configuration.applications[0].threshold is None
    qtbot.waitUntil(
        lambda: window.watch.status["applications"][0]["threshold"] == suggested, timeout=LONG
    )

    # A database that is opened meanwhile is watched with from then on.
    other = tmp_path / "other.db"
    other.write_bytes(learned[1].read_bytes())
    window.open_file(str(other))
    qtbot.waitUntil(
        lambda: window.watch.status["applications"][0]["profile"] == str(other), timeout=LONG
    )
    assert window.configuration.applications == [WatchedApplication("", str(other))]
    assert no_messages(window)
    stop(qtbot, window)


def test_the_next_run_is_looked_at_from_its_newest_on(qtbot, configured, learned):
    window = configured
    window.watch.open_device(TraceDevice(str(learned[0])))
    start(qtbot, window)
    qtbot.waitUntil(lambda: calls(window) > 2000, timeout=LONG)
    stop(qtbot, window)
    window.plot._follow.setChecked(False)
    assert not window.plot.following
    start(qtbot, window)
    assert window.plot.following
    stop(qtbot, window)


def test_a_black_box_changes_nothing(qtbot, configured, learned):
    window = configured
    window.configuration.log = "/kept.log"
    window._keep_configuration()
    window.replay_box(str(learned[0]))
    box = window.windows[-1]
    try:
        qtbot.waitUntil(lambda: 1 in box.plot._thresholds, timeout=LONG)
        assert box.watch.may_steer
        assert not box.alert_list.normal.isEnabled()
        box.set_threshold(1, 0.95)
        qtbot.waitUntil(
            lambda: box.watch.status["applications"][0]["threshold"] == 0.95, timeout=LONG
        )
    finally:
        box.close()
    assert window.configuration.applications[0].threshold is None
    assert window.settings.configuration == window.configuration
    assert window.settings.configuration.log == "/kept.log"


def test_record_while_monitoring(qtbot, configured, learned, tmp_path):
    window = configured
    window.watch.open_device(TraceDevice(str(learned[0]), "recorded"))
    start(qtbot, window)
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    dialog.output.set_path(str(tmp_path / "r.imt"))
    dialog.start.click()
    qtbot.waitUntil(lambda: " calls," in dialog.said.text(), timeout=LONG)
    dialog.stop.click()
    qtbot.waitUntil(lambda: not dialog.recording, timeout=LONG)
    assert (tmp_path / "r.imt").stat().st_size > 100
    assert no_messages(window)
    stop(qtbot, window)


def test_a_trace_that_was_cut_short_is_one_dialog(qtbot, configured, learned, tmp_path):
    window = configured
    trace = tmp_path / "cut.imt"
    trace.write_bytes(learned[0].read_bytes()[:-5])
    window.watch.open_device(TraceDevice(str(trace)))
    start(qtbot, window)
    qtbot.waitUntil(lambda: not no_messages(window), timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert f"{trace} is cut short" in box.text()
    assert calls(window) > 0
    box.close()
    stop(qtbot, window)
    qtbot.waitUntil(lambda: no_messages(window))
    assert window.messages.toPlainText().count("is cut short") == 1


def test_garbage_on_the_socket_is_a_dialog_but_never_a_flood(qtbot, configured, short_folder):
    window = configured
    window.watch.open_device(SensorDevice((str(short_folder / "s"),)))
    start(qtbot, window)
    qtbot.waitUntil((short_folder / "s").exists, timeout=LONG)
    for number in range(1, 6):
        with connected(short_folder / "s") as peer:
            peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert peer.recv(1) == b""
        qtbot.waitUntil(
            lambda n=number: window.messages.toPlainText().count("not a valid ImSafe") == n,
            timeout=LONG,
        )
    boxes = window.findChildren(QMessageBox)
    assert len(boxes) == 3
    assert all("is not a valid ImSafe stream" in box.text() for box in boxes)
    assert window.watch.session is not None
    for box in boxes:
        box.close()
    stop(qtbot, window)
    qtbot.waitUntil(lambda: no_messages(window))


def test_a_killed_monitor_is_said_and_survived(qtbot, configured, short_folder):
    window = configured
    window.watch.open_device(SensorDevice((str(short_folder / "s"),)))
    start(qtbot, window)
    os.kill(window.watch.session.child.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert box.text() == (
        "ims-monitor was killed (SIGKILL). Monitor > Start Monitor starts another one."
    )
    assert window.menus.actions["start"].isEnabled()
    start(qtbot, window)
    stop(qtbot, window)


def test_a_program_is_not_started_while_it_runs(qtbot, configured, short_folder, service_argv):
    """A daemon's second start would find its port taken; its sensor connects again instead."""
    window = configured
    device = SensorDevice((str(short_folder / "s"),), SensorProgram(argv=service_argv))
    window.watch.open_device(device)
    for _ in range(2):
        start(qtbot, window)
        qtbot.waitUntil(lambda: calls(window) > 100, timeout=LONG)
        stop(qtbot, window)
    said = window.messages.toPlainText()
    assert said.count("Started under a sensor: sh") == 1
    assert said.count("Still under its sensor: sh") == 1
    (short_folder / "end").touch()
    qtbot.waitUntil(lambda: not window.watch.program_running, timeout=LONG)
    (short_folder / "end").unlink()
    start(qtbot, window)  # it has ended: now it is started again
    qtbot.waitUntil(lambda: calls(window) > 100, timeout=LONG)
    assert window.messages.toPlainText().count("Started under a sensor: sh") == 2
    stop(qtbot, window)
    assert no_messages(window)


def test_errors_of_the_monitor_are_one_dialog(qtbot, window, tmp_path, short_folder):
    (tmp_path / "text.db").write_text("no database\n")
    window.configuration = Configuration([WatchedApplication("", str(tmp_path / "text.db"))])
    window.watch.open_device(SensorDevice((str(short_folder / "s"),)))
    window.menus.actions["start"].trigger()
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert "text.db" in box.text()
    assert "Traceback" not in box.text()


@pytest.mark.parametrize("wrong", ["missing trace", "empty folder", "folder of the log"])
def test_a_file_that_cannot_be_used_is_one_dialog(qtbot, configured, learned, tmp_path, wrong):
    window = configured
    path = tmp_path / "it"
    trace = learned[0] if wrong == "folder of the log" else path
    if wrong == "empty folder":
        path.mkdir()
    elif wrong == "folder of the log":
        path.write_text("no folder\n")
        window.configuration.log = str(path / "scores.log")
    window.watch.open_device(TraceDevice(str(trace)))
    window.menus.actions["start"].trigger()
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
    (box,) = window.findChildren(QMessageBox)
    assert str(path) in box.text()
    assert box.text().startswith("Cannot ")


def test_a_window_attaches_to_a_running_monitor_and_leaves_it(qtbot, window, short_folder, learned):
    view = short_folder / "view"
    monitor = subprocess.Popen(
        [sys.executable, "-m", "imsafe.cli.monitor", "-d", str(learned[1]), "--view", str(view),
         "--stay", "--sensor", str(short_folder / "s")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        qtbot.waitUntil(view.exists, timeout=LONG)
        window.watch.attach(str(view))
        qtbot.waitUntil(lambda: window.watch.status is not None, timeout=LONG)
        window.menus.actions["stop"].trigger()
        qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
        assert monitor.poll() is None
        window.watch.attach(str(short_folder / "nothing"))
        qtbot.waitUntil(lambda: bool(window.findChildren(QMessageBox)), timeout=LONG)
    finally:
        monitor.terminate()
        monitor.wait(timeout=20)


def test_the_window_does_not_import_the_number_cruncher():
    words = "import sys, imsafe.gui.app; print('numba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
