# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be known of a process without being an alert: it works through an io_uring."""

from __future__ import annotations

import sys

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QMessageBox

from imsafe.gui import alert_model
from imsafe.gui.alert_list import AlertList
from imsafe.gui.alert_model import NOTHING, PEAK, STATE, WHAT, AlertModel
from imsafe.gui.colours import colours
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.device import SensorDevice, SensorProgram
from tests.monitor.test_actions import an_alert

LONG = 90_000
RING = "import ctypes, time; ctypes.CDLL(None).syscall(425, 1, None); time.sleep(1)"


def notice(number):
    return {
        "about": "io_uring", "text": f"db (pid {number}) called io_uring_setup: unseen.",
        "time": 1000.0 + number, "error": False, "application": "db", "application_number": 1,
        "pid": number, "tid": number, "comm": "db", "exe": "/usr/bin/db",
    }  # fmt: skip


def alert(number, **more):
    return {**an_alert(number), "reason": "It did that.", "peak": 0.7, **more}


@pytest.fixture
def model(window):
    return AlertModel(colours(window.palette()), window)


def cell(model, row, column, role=Qt.ItemDataRole.DisplayRole):
    return model.index(row, column).data(role)


def test_alerts_and_notices_share_the_list(qtbot, model, qtmodeltester):
    model.put(alert(1))
    model.put_notice(notice(40))
    model.put(alert(2))
    model.put({**alert(1), "peak": 0.9})
    qtmodeltester.check(model)
    assert [cell(model, row, PEAK) for row in range(3)] == ["0.90", "", "0.70"]
    assert [cell(model, row, STATE) for row in range(3)] == ["open", "notice", "open"]
    assert "io_uring_setup" in cell(model, 1, WHAT)
    assert [mark[0] for mark in model.marks()] == [1, 2]
    view = AlertList(model)
    qtbot.addWidget(view)
    assert view._count.text() == "2 alerts, 1 notice"
    number = cell(model, 1, 0, alert_model.ID_ROLE)
    assert model.notice(number)["pid"] == 40
    assert model.alert(number) is None
    assert number < NOTHING
    view.choose(number)
    assert view.current() == number


def test_no_flood_of_notices_drives_alerts_away(qtbot, model, monkeypatch):
    monkeypatch.setattr(alert_model, "MOST_ALERTS", 20)
    monkeypatch.setattr(alert_model, "MOST_NOTICES", 5)
    view = AlertList(model)
    qtbot.addWidget(view)
    for number in range(20):
        model.put(alert(number))
    for number in range(100):
        model.put_notice(notice(number))
    assert model.rowCount() == 25
    assert view._count.text() == "20 alerts, 5 notices"
    for number in range(20, 50):
        model.put(alert(number))
    assert model.rowCount() == 20
    assert view._count.text() == "20 alerts"
    assert model.notices == 0
    model.put_notice(notice(7))
    assert model.notice(cell(model, 20, 0, alert_model.ID_ROLE))["pid"] == 7


def test_a_real_process_that_asks_for_a_ring(qtbot, window, learned, short_folder):
    window.configuration = Configuration([WatchedApplication("", str(learned[1]), 1.0)])
    window._keep_configuration()
    window.watch.open_device(
        SensorDevice(
            (str(short_folder / "s"),), SensorProgram(argv=(sys.executable, "-c", RING))
        )
    )  # fmt: skip
    assert not window.status_line.unseen.isVisible()
    window.menus.actions["start"].trigger()
    qtbot.waitUntil(lambda: window.alerts.notices == 1, timeout=LONG)
    assert window.status_line.unseen.isVisible()
    assert window.status_line.unseen.text() == "io_uring in 1 process"
    assert "are not seen" in window.status_line.unseen.toolTip()
    assert "are not seen" in window.messages.toPlainText()
    rows = range(window.alerts.rowCount())
    numbers = [cell(window.alerts, row, 0, alert_model.ID_ROLE) for row in rows]
    (number,) = [number for number in numbers if number < NOTHING]
    window.alert_list.choose(number)
    assert "io_uring_setup" in window.detail.notice.text()
    assert window.detail.notice.isVisible()
    window.alert_list.pointed_at.emit(number)
    assert not window.findChildren(QMessageBox)
    window.menus.actions["stop"].trigger()
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
    assert window.alerts.notices == 1  # what was shown stays
    window.watch.restarted.emit()
    assert window.alerts.rowCount() == 0
