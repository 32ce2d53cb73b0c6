# SPDX-License-Identifier: GPL-3.0-or-later
"""Every item of every menu is chosen and does what it says; a new one needs its test here."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication, QDialog, QDockWidget, QFileDialog, QMessageBox, QToolBar

from imsafe.gui.attach_dialog import AttachDialog
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import TraceDevice
from imsafe.gui.device_dialogs import SensorDialog, TraceOpenDialog
from imsafe.gui.driver_dialog import DriverDialog
from imsafe.gui.guide import Guide
from imsafe.gui.learn_dialog import LearnDialog
from imsafe.gui.manual_window import ManualWindow
from imsafe.gui.record_dialog import RecordDialog
from imsafe.monitor.view_protocol import BUCKET
from tests.monitor.test_actions import an_alert

from .test_comfort import activate

LONG = 4_000

OPEN_A_DIALOG = {
    "File > Connect to driver...": DriverDialog,
    "File > Connect to sensor...": SensorDialog,
    "File > Open trace...": TraceOpenDialog,
    "File > Open file...": QFileDialog,
    "Monitor > Configure...": ConfigureDialog,
    "Monitor > Attach...": AttachDialog,
    "Monitor > Plot graph...": QFileDialog,
    "Tools > Learn profile...": LearnDialog,
    "Tools > Trace to file...": RecordDialog,
    "Tools > Display tree...": QFileDialog,
    "View > Plot > Save graph as...": QFileDialog,
    "Help > First steps...": Guide,
    "Help > About": QMessageBox,
}
PANES = {"View > Alerts": "alerts", "View > Processes": "processes", "View > Calls": "calls",
         "View > Messages": "messages"}  # fmt: skip
GO_TO = {"View > Go to > Plot": "plot", "View > Go to > Alerts": "alerts",
         "View > Go to > Calls": "calls", "View > Go to > Processes": "processes",
         "View > Go to > Messages": "messages"}  # fmt: skip
ELSEWHERE = {
    # Held by the test that is named; all others are held here.
    "Monitor > Start Monitor": "test_started_and_stopped_many_times",
    "Monitor > Stop Monitor": "test_started_and_stopped_many_times",
    "Monitor > Read profiles again": "test_a_profile_replaced_while_it_is_in_use",
    "View > Plot > Calls around this moment": "test_score_plot.py",
}
HERE = {
    "File > Close device", "File > Quit", "Help > Manual", "Help > What's this?",
    "View > Restore the last session at start", "View > Desktop notifications", "View > Toolbar",
    "View > Plot > Previous alert", "View > Plot > Next alert",
    "View > Plot > Follow the newest scores", "View > Plot > Go to the beginning",
    "View > Plot > Show everything", "View > Plot > Zoom in", "View > Plot > Zoom out",
    "View > Plot > Copy as an image",
}  # fmt: skip


def leaves(menu, path=""):
    """Every entry that does something, by its path."""
    found = {}
    for action in menu.actions():
        name = f"{path} > {action.text()}".removeprefix(" > ").replace("&", "")
        if action.menu() is not None:
            found |= leaves(action.menu(), name)
        elif not action.isSeparator():
            found[name] = action
    return found


@pytest.fixture
def items(window):
    return leaves(window.menuBar())


def shown(kind, among):
    return [found for found in among if isinstance(found, kind) and found.isVisible()]


def test_every_item_has_its_test(items):
    listed = OPEN_A_DIALOG.keys() | PANES.keys() | GO_TO.keys() | ELSEWHERE.keys() | HERE
    assert items.keys() == listed


@pytest.mark.parametrize(("name", "kind"), OPEN_A_DIALOG.items(), ids=OPEN_A_DIALOG)
def test_opens_its_dialog_which_escape_closes(qtbot, window, items, name, kind):
    items[name].trigger()
    (dialog,) = shown(kind, window.findChildren(QDialog))
    assert dialog.windowTitle() or kind is QMessageBox
    activate(qtbot, dialog)

    def closed_by_escape() -> bool:  # a list of proposals that is open takes the first one
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        return not shown(kind, window.findChildren(QDialog))

    qtbot.waitUntil(closed_by_escape, timeout=LONG)
    items[name].trigger()  # and again
    assert len(shown(kind, window.findChildren(QDialog))) == 1


@pytest.mark.parametrize(("name", "pane"), PANES.items(), ids=PANES)
def test_shows_and_hides_its_pane(window, items, name, pane):
    dock = window.findChild(QDockWidget, pane)
    items[name].trigger()
    assert dock.isHidden()
    items[name].trigger()
    assert not dock.isHidden()


@pytest.mark.parametrize(("name", "pane"), GO_TO.items(), ids=GO_TO)
def test_a_key_leads_to_each_pane(qtbot, window, items, name, pane):
    activate(qtbot, window)
    dock = window.findChild(QDockWidget, pane)
    if dock is not None:
        dock.hide()
    assert items[name].shortcut().toString() == f"Ctrl+{1 + list(GO_TO).index(name)}"
    items[name].trigger()
    if pane == "plot":
        assert window.plot.hasFocus()
        return
    assert dock.isVisible()
    assert dock.isAncestorOf(QApplication.focusWidget())


def test_toolbar_and_switches(window, items):
    items["View > Toolbar"].trigger()
    assert window.findChild(QToolBar, "toolbar").isHidden()
    for name, key in (
        ("View > Restore the last session at start", "session/restore"),
        ("View > Desktop notifications", "alerts/notify"),
    ):
        was = items[name].isChecked()
        items[name].trigger()
        assert items[name].isChecked() is not was
        assert window.settings.text(key) == ("no" if was else "yes")


def test_device_and_help(window, items, learned):
    window.watch.open_device(TraceDevice(str(learned[0])))
    items["File > Close device"].trigger()
    assert window.watch.device is None
    items["Help > Manual"].trigger()
    assert shown(ManualWindow, window.windows)
    items["Help > What's this?"].trigger()
    assert QApplication.overrideCursor() is not None
    items["Help > What's this?"].trigger()
    QApplication.restoreOverrideCursor()


def test_the_plot_is_moved(qtbot, window, items):
    rows = np.zeros(6000, BUCKET)
    start = time.time() - 600
    rows["time_ns"] = ((start + np.arange(6000) / 10) * 1e9).astype(np.int64)
    rows["application"], rows["calls"], rows["maximum"] = 1, 10, 0.2
    window.watch.history.add(rows)
    for number, later in ((1, 100.0), (2, 500.0)):
        window.watch.alert.emit({**an_alert(number), "reason": "x", "time": start + later})
    plot = window.plot
    qtbot.waitUntil(lambda: len(plot._alerts) == 2, timeout=LONG)

    def choose(name):
        items[f"View > Plot > {name}"].trigger()
        plot.draw_now()
        return plot.times()

    low, high = choose("Show everything")
    assert low <= start + 1 < start + 599 <= high
    assert plot.following
    near = choose("Zoom in")
    assert near[1] - near[0] < high - low
    again = choose("Zoom out")
    assert again[1] - again[0] > near[1] - near[0]
    choose("Zoom in")
    first = choose("Go to the beginning")
    assert first[0] == pytest.approx(start, abs=2)
    assert not plot.following
    choose("Follow the newest scores")
    assert plot.following
    choose("Previous alert")
    assert plot._pointed == pytest.approx(start + 500, abs=0.2)
    choose("Previous alert")
    assert plot._pointed == pytest.approx(start + 100, abs=0.2)
    choose("Next alert")
    assert plot._pointed == pytest.approx(start + 500, abs=0.2)
    choose("Copy as an image")
    assert not QGuiApplication.clipboard().image().isNull()


def test_quit(qtbot, window, items):
    items["File > Quit"].trigger()
    qtbot.waitUntil(window.isHidden, timeout=LONG)


def answer(monkeypatch, path):
    """The next chooser of files gives this path."""
    for name in ("getSaveFileName", "getOpenFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *_: (str(path), ""))


def test_the_menus_of_a_graph(window, tmp_path):
    log = tmp_path / "scores.log"
    log.write_text("# ImSafe score log 1\n")
    window.plot_log(str(log))
    graph = window.windows[-1]
    items = leaves(graph.menuBar())
    own = {name for name in items if not name.startswith("Plot > ")}
    assert own == {"File > Save as...", "File > Close"}

    def save(name, path):
        items[name].trigger()
        (dialog,) = [one for one in graph.findChildren(QFileDialog) if one.isVisible()]
        for form in dialog.nameFilters():
            dialog.filterSelected.emit(form)  # a name without an ending gets that of its form
            assert f"*.{dialog.defaultSuffix()}" in form
        dialog.fileSelected.emit(str(path))
        dialog.close()

    for name, path in (("File > Save as...", "a.png"), ("Plot > Save graph as...", "b.svg")):
        save(name, tmp_path / path)
        assert (tmp_path / path).stat().st_size > 500
    for path, words in (("no/c.png", "Cannot write"), ("d.pdf", "ends in none of")):
        save("File > Save as...", tmp_path / path)
        (box,) = graph.findChildren(QMessageBox)
        assert words in box.text()
        box.setParent(None)
        box.deleteLater()
    assert not (tmp_path / "d.pdf").exists()
    items["File > Close"].trigger()
    assert not graph.isVisible()


def test_the_menus_of_a_tree(qtbot, window, learned, tmp_path, monkeypatch):
    window.show_tree(str(learned[1]))
    tree = window.windows[-1]
    qtbot.waitUntil(lambda: tree.whole, timeout=LONG)
    items = leaves(tree.menuBar())
    exports = [name for name in items if name.startswith("File > Export > ")]
    assert items.keys() - set(exports) == {
        "File > Compare with...", "File > End comparison", "File > Close", "Edit > Copy path",
        "Edit > Find", "View > Rows", "View > Boxes",
    }  # fmt: skip
    assert len(exports) == 4
    for number, name in enumerate(exports):
        qtbot.waitUntil(items[name].isEnabled, timeout=LONG)
        answer(monkeypatch, tmp_path / str(number))
        items[name].trigger()
        qtbot.waitUntil(
            lambda: tree._export is None and "Written" in tree.statusBar().currentMessage(),
            timeout=LONG,
        )
        assert (tmp_path / str(number)).stat().st_size > 100, name
        tree.statusBar().clearMessage()
    answer(monkeypatch, learned[1])
    items["File > Compare with..."].trigger()
    qtbot.waitUntil(items["File > End comparison"].isEnabled, timeout=LONG)
    items["File > End comparison"].trigger()
    assert not items["File > End comparison"].isEnabled()
    answer(monkeypatch, learned[0])  # a trace
    items["File > Compare with..."].trigger()
    qtbot.waitUntil(lambda: bool(tree.findChildren(QMessageBox)), timeout=LONG)
    (box,) = tree.findChildren(QMessageBox)
    assert str(learned[0]) in box.text()
    box.close()
    tree.view.setCurrentIndex(tree.model.index(0, 0))
    items["Edit > Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == tree.model.index(0, 0).data()
    items["View > Boxes"].trigger()
    assert tree._pages.currentWidget() is tree.boxes
    items["View > Rows"].trigger()
    assert tree._pages.currentWidget() is tree.view
    items["File > Close"].trigger()
    assert not tree.isVisible()
