# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of alerts and the reason beside it: incidents, search, what is done, hostile names."""

from __future__ import annotations

import csv
import json

import pytest
from PyQt6.QtCore import QModelIndex, QPoint, Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QFileDialog, QLabel, QMenu, QMessageBox

from imsafe.gui import alert_model
from imsafe.gui.alert_list import OPEN, UNSETTLED
from imsafe.gui.alert_model import ID_ROLE, NOTHING, PROCESS, STATE, TIMES, WHAT, AlertModel
from imsafe.gui.colours import colours
from imsafe.gui.plain_text import command_line, name
from tests.monitor.test_actions import an_alert

HOSTILE = {
    "newline": "evil\nALERT 2 nothing",
    "escape": "\x1b[31mred\x07",
    "html": "<b onload=x>bold</b><img src='file:///etc/passwd'>",
    "direction": "gpj.\u202eexe\u2066",
    "long": "x" * 4096,
    "surrogate": "\udce9",
    "formula": '=cmd|"/c calc"!A1',
}


def call(number, bits):
    return {
        "call": number, "surprise": bits, "probability": 2.0**-bits,
        "expected": [("read", 0.98), ("write", 0.0002)],
    }  # fmt: skip


def alert(number, comm="ls", **more):
    calls = [call("openat", 0.1), call("socket", 20.0), call("dup2", 9.0), call("read", 1.0)]
    return {
        **an_alert(number, comm), "reason": f"{comm} did that.", "exe": f"/usr/bin/{comm}",
        "calls": calls, "time": 1_700_000_000.0 + number, **more,
    }  # fmt: skip


@pytest.fixture
def model(window):
    return AlertModel(colours(window.palette()), window)


def cell(model, row, column, parent=QModelIndex(), role=Qt.ItemDataRole.DisplayRole):  # noqa: B008
    return model.index(row, column, parent).data(role)


def test_repeats_collapse_and_an_intrusion_is_one_row(model, qtmodeltester):
    qtmodeltester.check(model)  # and from now on at every change
    for number in range(1, 18):
        model.put(alert(number, incident=1, time=1000.0 + 180 * number / 17, closed=None))
    model.put(alert(20, "bash", pid=7, peak=0.9))
    model.put(alert(21, "id", pid=8, incident=20, closed=1_700_000_022.5))
    assert model.rowCount() == 2
    assert cell(model, 0, TIMES) == "17 times in 3 min"
    assert cell(model, 0, PROCESS) == "ls (100)"
    assert cell(model, 0, WHAT) == "socket, dup2"
    assert (cell(model, 1, TIMES), cell(model, 1, PROCESS)) == ("2 alerts in 2.5 s", "bash, id")
    assert cell(model, 1, 0, role=ID_ROLE) == 20, "the worst"
    second = model.index(1, 0)
    assert [cell(model, row, PROCESS, second) for row in range(2)] == ["bash (7)", "id (8)"]
    model.put(alert(21, "id", pid=8, incident=20, peak=0.95))
    assert cell(model, 1, 0, role=ID_ROLE) == 21
    assert model.place(20).parent() == second


def test_memory_is_bounded_and_the_worst_stays(model, monkeypatch, qtmodeltester):
    monkeypatch.setattr(alert_model, "MOST_ALERTS", 8)
    qtmodeltester.check(model)
    for number in range(1, 12):
        model.put(alert(number, incident=1 + number // 4))
    assert model.alerts <= 8
    for number in range(100, 120):
        model.put(alert(number, incident=100, peak=0.99 if number == 100 else 0.6))
    assert model.alerts == 8
    assert model.rowCount() == 1
    assert model.alert(100) is not None
    assert model.alert(119) is not None
    assert model.alert(105) is None
    assert not model.place(105).isValid()


def test_search_and_what_is_not_seen(window):
    listed = window.alert_list
    for number, comm in ((1, "bash"), (2, "ls"), (3, "nc")):
        window.watch.alert.emit(
            alert(number, comm, incident=min(number, 2), state="closed" if number < 3 else "open")
        )
    window.watch.alert.emit(
        alert(4, "cron", argv=["cron", "--Secret"], user="daemon", parents=[(9, "init")])
    )
    assert listed.listed() == [1, 2, 3, 4]
    assert listed._count.text() == "4 alerts in 3 incidents"
    for words, found in (
        ("SECRET", [4]), ("daemon", [4]), ("init 9", [4]), ("nc", [3]), ("socket bash", [1]),
        ("nothing", []), (f"pid:{alert(1)['pid']}", [1, 2, 3, 4]), ("pid:9", []),
        (f"pid:{alert(1)['pid']} nc", [3]), ("", [1, 2, 3, 4]),
    ):  # fmt: skip
        listed.search.setText(words)
        assert listed.listed() == found, words
        assert listed.view.isVisible() is bool(found)
        assert listed._nothing.isHidden() is bool(found)
    listed.which.setCurrentIndex(OPEN)
    assert listed.listed() == [3, 4]
    listed.which.setCurrentIndex(UNSETTLED)
    window.desk.acknowledge([1, 4], True)
    assert listed.listed() == [2, 3]
    listed.search.setText("bash")
    listed.choose(4)  # a click on the plot finds what was filtered away
    assert listed.current() == 4
    assert listed.search.text() == ""


def test_an_incident_is_chosen_as_a_whole(window, qtbot):
    window.watch.alert.emit(alert(1, "bash", peak=0.9))
    assert window.alert_list.current() == 1, "the first one explains itself"
    window.watch.alert.emit(alert(2, "id", incident=1))
    window.watch.alert.emit(alert(3, "ls", incident=1, peak=0.95))
    assert window.alert_list.current() == 3, "the row shows its worst"
    assert window.detail.reason.text() == "ls did that."
    assert "3 alerts in 2 s: bash, id, ls" in window.detail.incident.text()
    assert "All 3" in window.detail.normal.text()
    window.detail.acknowledge.click()
    assert all(one["acknowledged"] for one in window.alerts)
    assert cell(window.alerts, 0, STATE) == "seen"
    window.detail.acknowledge.click()
    assert not any(one["acknowledged"] for one in window.alerts)
    window.alert_list.choose(2)
    assert window.alert_list.selected() == [2]
    assert window.detail.reason.text() == "id did that."
    assert not window.detail.incident.isVisible()
    window.alert_list.choose_incident(3)
    assert window.detail.incident.isVisible()
    window.alert_list.choose(3)  # the worst alert alone has the same id as its incident
    assert not window.detail.incident.isVisible()
    assert window.detail.normal.text() == "This was &normal"


def test_the_surprising_call_is_in_sight(window, qtbot):
    calls = [call(f"call{row}", 20.0 if row == 13 else 0.1) for row in range(20)]
    window.resize(1000, 500)
    window.watch.alert.emit(alert(1, calls=calls))
    table = window.detail.calls
    rect = lambda: table.visualRect(table.calls.index(13, 0))  # noqa: E731
    qtbot.waitUntil(lambda: table.viewport().rect().contains(rect().center()), timeout=5000)


def test_who_it_was(window):
    parents = [(50, "sh"), (9, "perl"), (1, "systemd")]
    argv = ["ls", "-l", "a b", ""]
    window.watch.alert.emit(alert(1, argv=argv, parents=parents, started=1_700_000_000.5, tid=100))
    detail = window.detail
    assert detail.command.text() == "ls -l 'a b' ''"
    assert detail.parents.text() == "sh (50) ← perl (9) ← systemd (1)"
    assert detail.process.text() == "/usr/bin/ls, pid 100"
    assert detail.user.text().startswith("www-data, started ")
    assert detail.user.text().endswith("0.5 s before")
    assert detail.command.toolTip() == ""
    window.watch.alert.emit(alert(3, argv=["wc", *(f"/usr/share/doc/{n}" for n in range(900))]))
    window.alert_list.choose(3)
    assert len(detail.command.text()) < 210
    assert detail.command.text().endswith("...")
    assert "/usr/share/doc/40" in detail.command.toolTip()
    window.watch.alert.emit(alert(2, argv=[], user="", started=None, parents=[], exe=""))
    window.alert_list.choose(2)
    assert "unknown" in detail.command.text()
    assert "executable unknown" in detail.process.text()
    assert not detail.parents.isVisible()
    assert not detail.user.isVisible()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_are_plain_text_on_one_line(window, qtbot, text):
    window.watch.alert.emit(
        alert(
            1, text, exe=text, argv=[text, text], user=text, parents=[(1, text)], reason=text,
            application=text, calls=[call(text, 9.0)], reading=text,
        )
    )  # fmt: skip
    model, detail = window.alerts, window.detail
    for column in range(model.columnCount()):
        assert_plain(cell(model, 0, column))
        shown = cell(model, 0, column, role=Qt.ItemDataRole.ToolTipRole)
        assert "<b onload" not in shown
        assert "<img" not in shown
        assert shown.replace("<br>", "").isprintable()
    for label in detail.findChildren(QLabel):
        if label.buddy() is None and label.text() and label is not detail.notice:
            assert label.textFormat() == Qt.TextFormat.PlainText or "\n" in label.text()
    for label in (detail.reason, detail.command, detail.process, detail.parents, detail.user):
        assert_plain(label.text(), longest=5000)
    assert_plain(cell(detail.calls.calls, 0, 0))
    assert "<img" not in cell(detail.calls.calls, 0, 0, role=Qt.ItemDataRole.ToolTipRole)
    detail.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "\x1b" not in copied
    assert "\u202e" not in copied
    assert "ALERT 2 nothing" not in copied.splitlines()
    window.show_error(f"It was {text}.")
    (box,) = window.findChildren(QMessageBox)
    assert box.textFormat() == Qt.TextFormat.PlainText
    box.close()


def assert_plain(text, longest=400):
    assert text.isprintable(), text
    assert len(text) <= longest


def test_different_names_stay_different():
    assert name("a\\n") != name("a\n")
    assert command_line(["a b"]) != command_line(["a", "b"])
    assert command_line([]) == ""


@pytest.mark.parametrize("ending", ["json", "csv", "txt"])
def test_export(window, qtbot, tmp_path, ending):
    for number, text in enumerate(HOSTILE.values(), 1):
        window.watch.alert.emit(alert(number, text, argv=[text], incident=1))
    path = tmp_path / f"alerts.{ending}"
    window.alert_list.save.click()
    (dialog,) = window.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()
    saved = path.read_text("utf-8")
    if ending == "json":
        assert [one["comm"] for one in json.loads(saved)] == list(HOSTILE.values())
    elif ending == "csv":
        header, *rows = csv.reader(saved.splitlines())
        assert len(rows) == len(HOSTILE)
        for row in rows:
            assert len(row) == len(header)
            assert not row[header.index("comm")].startswith("=")
            assert all(one.isprintable() for one in row)
    else:
        assert saved.count("\nAlert ") + 1 == len(HOSTILE)
        assert "  20.0 bits  socket" in saved
        assert "\x1b" not in saved
    assert f"{len(HOSTILE)} alerts saved in {path}" in window.messages.toPlainText()


def test_an_export_that_cannot_be_written_is_said(window, tmp_path):
    window.watch.alert.emit(alert(1))
    for path in (tmp_path / "missing" / "a.json", tmp_path / "a.doc"):
        window.desk.export(str(path), [1])
        (box,) = window.findChildren(QMessageBox)
        assert str(path) in box.text()
        box.setParent(None)
        box.deleteLater()


def test_keys(window, qtbot):
    window.watch.alert.emit(alert(1))
    window.alert_list.view.setFocus()
    qtbot.keyClick(window.alert_list.view, Qt.Key.Key_A)
    assert window.alerts.alert(1)["acknowledged"] is not None
    qtbot.keyClick(window.alert_list.view, Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
    assert window.alerts.alert(1)["acknowledged"] is None
    qtbot.keyClick(window.alert_list.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "ls did that." in QGuiApplication.clipboard().text()
    # The context menu offers what fits its row; the keys take what is selected later.
    window.desk.acknowledge([1], True)
    window.alert_list._show_menu(QPoint())
    assert not window.alert_list.acknowledge.isEnabled()
    (menu,) = window.alert_list.view.findChildren(QMenu)
    menu.close()
    window.watch.alert.emit(alert(2))
    window.alert_list.choose(2)
    qtbot.keyClick(window.alert_list.view, Qt.Key.Key_A)
    assert window.alerts.alert(2)["acknowledged"] is not None
    window.alerts.clear()
    assert window.alert_list.current() == NOTHING


def test_the_alerts_of_one_process(window):
    for number in (1, 2):
        window.watch.alert.emit(alert(number, "sh", pid=18, incident=number))
    window.watch.alert.emit(alert(3, "ls", pid=189, incident=3, parents=[(18, "sh")]))
    window.alert_list.which.setCurrentIndex(OPEN)
    window.process_list.alerts_asked.emit(18)
    assert window.alert_list.listed() == [1, 2]


def test_an_incident_that_is_normal_in_part(window):
    window.watch.alert.emit(alert(1, incident=1, normal=7))
    window.watch.alert.emit(alert(2, incident=1))
    window.alert_list.choose_incident(1)
    assert window.alert_list.current_count() == 2
    assert window.detail.normal.isVisible()
    window.watch.alert.emit(alert(2, incident=1, normal=8))
    assert not window.detail.normal.isVisible()
    assert window.detail.undo.isVisible()


def test_an_incident_of_thousands_is_not_looked_at_anew_for_each_alert(window, qtbot, monkeypatch):
    looks = 0
    text = AlertModel._times

    def count(model, row):
        nonlocal looks
        looks += 1
        return text(model, row)

    monkeypatch.setattr(AlertModel, "_times", count)
    shown = []
    monkeypatch.setattr(window.detail, "show_alert", lambda *about: shown.append(about))
    for number in range(1, 1001):
        window.watch.alert.emit(alert(number, incident=1, peak=0.7 + number % 7 / 100, pid=number))
    assert looks < 400  # nothing is painted meanwhile
    assert len(shown) < 100
    qtbot.waitUntil(lambda: bool(shown) and len(shown[-1][1] or ()) == 1000, timeout=5_000)
    assert shown[-1][0]["peak"] == max(one["peak"] for one in window.alerts)
    assert window.alerts.row(window.alerts.index(0, 0)).worst["id"] == 6  # the first of those
    window.watch.alert.emit({**window.alerts.alert(6), "peak": 0.5})
    assert window.alerts.row(window.alerts.index(0, 0)).worst["id"] == 13
    assert window.alerts.place(500).row() == 499
