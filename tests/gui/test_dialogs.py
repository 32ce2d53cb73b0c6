# SPDX-License-Identifier: GPL-3.0-or-later
"""Every menu item and dialog, with good and bad input; learning and the tree with real programs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent, QGuiApplication
from PyQt6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QMessageBox

from imsafe.gui import crash
from imsafe.gui.action_test import ActionTest
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import DEFAULT_SOCKET, KernelDevice, SensorDevice, SensorProgram, TraceDevice
from imsafe.gui.device_dialogs import SensorDialog, TraceOpenDialog
from imsafe.gui.manual_window import ManualWindow, manual_path
from imsafe.gui.menus import entries
from imsafe.monitor.view_protocol import Alert
from imsafe.profile.glance import glance
from imsafe.sources.kernel_request import KernelRequest
from tests.gui.conftest import run

LONG = 90_000


def only(window, kind):
    (found,) = window.findChildren(kind)
    return found


def test_the_menus_are_those_of_the_original_in_order(window):
    bar = window.menuBar()
    titles = [action.text().replace("&", "") for action in bar.actions()]
    assert titles == ["File", "Monitor", "Tools", "View", "Help"]
    texts = {
        action.text().replace("&", ""): [
            entry.text().replace("&", "") for entry in action.menu().actions() if entry.text()
        ]
        for action in bar.actions()
    }
    assert texts["File"] == [
        "Connect to driver...", "Connect to sensor...", "Open trace...", "Open file...",
        "Recent files", "Close device", "Quit",
    ]  # fmt: skip
    assert texts["Monitor"] == [
        "Configure...", "Start Monitor", "Stop Monitor", "Attach...", "Read profiles again",
        "Plot graph...",
    ]  # fmt: skip
    assert texts["Tools"] == ["Learn profile...", "Trace to file...", "Display tree..."]
    assert texts["Help"] == ["Manual", "What's this?", "First steps...", "About"]


def test_every_action_has_a_tip_and_shortcuts_differ(window):
    shortcuts = [
        entry.shortcut for menu in entries().values() for entry in menu if entry and entry.shortcut
    ]
    assert len(set(shortcuts)) == len(shortcuts)
    for action in window.menus.actions.values():
        assert action.toolTip()
        assert action.statusTip()


def test_what_is_not_possible_says_why(window, learned):
    actions = window.menus.actions
    assert not actions["start"].isEnabled()
    assert "Choose a device" in actions["start"].toolTip()
    assert not actions["close"].isEnabled()
    assert not actions["stop"].isEnabled()
    window.watch.open_device(TraceDevice(str(learned[0])))
    assert "behaviour database" in actions["start"].toolTip()
    assert not actions["sensor"].isEnabled()
    assert "Close the device first" in actions["sensor"].toolTip()
    window.open_file(str(learned[1]))
    assert actions["start"].isEnabled()
    actions["close"].trigger()
    assert actions["sensor"].isEnabled()
    assert not actions["start"].isEnabled()


def test_sensor_dialog(window, short_folder):
    window.menus.actions["sensor"].trigger()
    dialog = only(window, SensorDialog)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert dialog.socket.text() == DEFAULT_SOCKET
    for text, word in (
        ("relative", "start with /"),
        ("/no/such/folder/s", "no folder"),
        ("", "one"),
    ):
        dialog.socket.setText(text)
        assert word in dialog.problem.text()
        assert not ok.isEnabled()
    dialog.socket.setText(str(short_folder / "a"))
    dialog.add.click()
    dialog.socket.setText(str(short_folder / "b"))
    dialog.run.setChecked(True)
    assert "Type a command" in dialog.problem.text()
    dialog.command.setText("ls '")
    assert not ok.isEnabled()
    dialog.command.setText("ls -l")
    ok.click()
    assert window.watch.device == SensorDevice(
        (str(short_folder / "b"), str(short_folder / "a")), SensorProgram(argv=("ls", "-l"))
    )
    window.watch.close_device()
    window.menus.actions["sensor"].trigger()
    assert window.findChildren(SensorDialog)[-1].command.text() == "ls -l"


def test_trace_dialog(window, learned):
    window.menus.actions["trace"].trigger()
    dialog = only(window, TraceOpenDialog)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Open)
    assert not ok.isEnabled()
    dialog.trace.set_path("/no/such.imt")
    assert "no file" in dialog.problem.text()
    dialog.trace.set_path(str(learned[0]))
    dialog.speed.setEditText("fast")
    assert "speed" in dialog.problem.text()
    dialog.speed.setEditText("0.5")
    ok.click()
    assert window.watch.device == TraceDevice(str(learned[0]), "0.5")
    assert str(learned[0]) in window.settings.recent()


def test_configure(qtbot, window, learned, tmp_path):
    window.menus.actions["configure"].trigger()
    dialog = only(window, ConfigureDialog)
    ok = dialog.buttons.button(QDialogButtonBox.StandardButton.Ok)
    assert not ok.isEnabled()
    (tmp_path / "text.db").write_text("no profile\n")
    dialog.form.profile.set_path(str(tmp_path / "text.db"))
    assert "not a profile" in dialog.problem.text()
    dialog.form.profile.set_path(str(learned[1]))
    suggested = glance(learned[1]).suggested_threshold
    assert suggested is not None
    assert dialog.form.threshold.value() == pytest.approx(suggested, abs=5e-4)
    assert "false alarms" in dialog.form.price.text()
    assert "of what is to be expected" in dialog.form.about.text()
    dialog.form.suggested.setChecked(False)
    dialog.form.threshold.setValue(0.9)
    dialog.form.suggest.click()
    assert dialog.form.threshold.value() == pytest.approx(suggested, abs=5e-4)
    dialog.form.suggested.setChecked(False)
    dialog.form.threshold.setValue(0.8)
    dialog.log.set_path("/no/such/folder/log")
    assert "no folder" in dialog.problem.text()
    dialog.log.set_path(str(tmp_path / "scores.log"))
    script = tmp_path / "act"
    script.write_text(f'#!/bin/sh\ncat > {tmp_path}/got; echo "score $IMSAFE_SCORE"; exit 3\n')
    dialog.action.set_path(str(script))
    assert "not executable" in dialog.problem.text()
    script.chmod(0o755)
    dialog.action.changed.emit(str(script))
    dialog.test.click()
    test = only(window, ActionTest)
    qtbot.waitUntil(lambda: test.finished_running, timeout=LONG)
    assert test.output.toPlainText() == "score 0.900000"
    assert "ended with status 3" in test.state.text()
    alert = json.loads((tmp_path / "got").read_text())
    assert set(alert) == Alert.__annotations__.keys()
    assert alert["reason"].startswith("This is a test")
    test.close()
    ok.click()
    assert window.configuration == Configuration(
        [WatchedApplication("", str(learned[1]), 0.8)],
        log=str(tmp_path / "scores.log"),
        action=str(script),
    )
    assert window.settings.configuration == window.configuration


def test_action_that_cannot_be_executed_or_does_not_end(qtbot, window, tmp_path):
    script = tmp_path / "act"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    test = ActionTest(str(script), "test", window)
    test.open()
    qtbot.waitUntil(lambda: test.finished_running, timeout=LONG)
    assert "cannot be executed" in test.state.text()
    test.close()
    script.write_text("#!/bin/sh\necho begun\nexec sleep 100\n")
    test = ActionTest(str(script), "test", window)
    test.open()
    qtbot.waitUntil(lambda: "begun" in test.output.toPlainText(), timeout=LONG)
    test.stop.click()
    qtbot.waitUntil(lambda: test.finished_running, timeout=LONG)
    assert "ended by a signal" in test.state.text()
    test.close()


def test_configure_says_that_it_is_watched_another_way(window, learned):
    window.watch.open_device(KernelDevice(KernelRequest.from_words(["--name=sh"])))
    window.open_file(str(learned[1]))
    window.menus.actions["configure"].trigger()
    dialog = only(window, ConfigureDialog)
    assert "learned with a sensor, and the device is the driver" in dialog.form.difference.text()


def test_configure_says_not_learned_enough(window, tmp_path):
    trace, profile = tmp_path / "t.imt", tmp_path / "p.db"
    for program, *arguments in (
        ("trace", "-o", trace, "--", "true"),
        ("learn", "-o", profile, trace),
    ):
        subprocess.run(
            [sys.executable, "-m", f"imsafe.cli.{program}", *map(str, arguments)],
            check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
    window.menus.actions["configure"].trigger()
    dialog = only(window, ConfigureDialog)
    dialog.form.profile.set_path(str(profile))
    assert "Not learned enough for a threshold" in dialog.form.price.text()
    assert not dialog.form.suggest.isEnabled()
    assert not dialog.form.suggested.isChecked()
    assert dialog.form.threshold.isEnabled()
    dialog.close()

    # So it is for one that was chosen elsewhere.
    window.open_file(str(profile))
    window.menus.actions["configure"].trigger()
    dialog = window.findChildren(ConfigureDialog)[-1]
    assert not dialog.form.suggested.isChecked()
    assert dialog.form.threshold.isEnabled()


def test_learn_then_use(qtbot, window, learned, tmp_path):
    window.menus.actions["learn"].trigger()
    dialog = window.learner
    output = tmp_path / "new.db"
    assert not dialog.start.isEnabled()
    dialog.add_paths([str(learned[0])])
    assert "Name the output" in dialog.problem.text()
    dialog.output.set_path(str(tmp_path / "no" / "x.db"))
    assert "no folder" in dialog.problem.text()
    dialog.output.set_path(str(output))
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._child is None, timeout=LONG)
    assert output.exists()
    assert f"{glance(output).calls:,} calls" in dialog.said.text()
    assert "Suggested threshold" in dialog.said.text()
    dialog.use.click()
    assert window.configuration.applications == [WatchedApplication("", str(output))]

    # What was said is of that database, not of another one.
    window.menus.actions["learn"].trigger()
    assert dialog.use.isVisible()
    dialog.output.set_path(str(tmp_path / "never-learned.db"))
    assert not dialog.use.isVisible()
    assert not dialog.said.text()
    dialog.output.set_path(str(output))
    assert not dialog.start.isEnabled()
    assert "exists already" in dialog.problem.text()

    # A trace that was learned already is refused, in words.
    dialog.input.set_path(str(output))
    dialog.replace.setChecked(True)
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._child is None, timeout=LONG)
    (box,) = dialog.findChildren(QMessageBox)
    assert "Traceback" not in box.text()
    assert box.text()


def test_traces_are_known_by_content_and_can_be_dropped(window, learned, tmp_path):
    window.menus.actions["learn"].trigger()
    dialog = window.learner
    (tmp_path / "log.imt").write_text("# ImSafe score log 1\n")
    (tmp_path / "picture.imt").write_bytes(b"\x89PNG\r\n\x1a\n" * 5)
    (tmp_path / "log.txt").write_text('12 execve("/bin/ls", ["ls"], 0x1 /* 9 vars */) = 0\n')
    data = QMimeData()
    names = ("log.txt", "picture.imt", "log.imt")
    paths = [*(tmp_path / name for name in names), *learned, tmp_path]
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    dialog.dropEvent(
        QDropEvent(
            QPointF(1, 1), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )  # fmt: skip
    texts = [dialog.traces.item(row).text() for row in range(dialog.traces.count())]
    assert "(strace log," in texts[0]
    assert "(recording of ImSafe," in texts[3]
    assert "(folder, " in texts[4]
    assert dialog.input.path == str(learned[1])
    for row, word in ((1, "not a trace of a known format"), (1, "a score log")):
        assert word in dialog.problem.text()
        dialog.traces.item(row).setSelected(True)
        dialog.remove.click()
    assert "Name the output" in dialog.problem.text()
    assert len(dialog.paths()) == 3


def test_learning_adds_to_a_database(qtbot, window, learned, tmp_path):
    output = tmp_path / "grown.db"
    output.write_bytes(learned[1].read_bytes())
    run("trace", "-o", tmp_path / "more.imt", "--", "true")
    window.learn_from(str(tmp_path / "more.imt"))
    dialog = window.learner
    dialog.output.set_path(str(output))
    assert "add to it or to replace" in dialog.problem.text()
    dialog.append.setChecked(True)
    assert not dialog.input.isEnabled()
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._child is None, timeout=LONG)
    assert glance(output).traces == 2
    assert dialog.saturation.isVisible()
    assert "of what is to be expected" in dialog.saturation.text()
    # What was said once is asked again.
    assert not dialog.append.isChecked()
    other = tmp_path / "text.db"
    other.write_text("no database")
    dialog.output.set_path(str(other))
    dialog.append.setChecked(True)
    assert "no behaviour database" in dialog.problem.text()
    dialog.replace.setChecked(True)
    assert dialog.start.isEnabled()
    dialog.output.set_path(str(output))
    assert not dialog.start.isEnabled()


def test_learning_from_a_trace_that_was_cut_short(qtbot, window, learned, tmp_path):
    trace, output = tmp_path / "cut.imt", tmp_path / "new.db"
    trace.write_bytes(learned[0].read_bytes()[:-5])
    window.menus.actions["learn"].trigger()
    dialog = window.learner
    dialog.add_paths([str(trace)])
    dialog.output.set_path(str(output))
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._child is None, timeout=LONG)
    (box,) = dialog.findChildren(QMessageBox)
    assert f"{trace} is cut short" in box.text()
    assert f"{glance(output).calls:,} calls" in dialog.said.text()
    assert dialog.use.isVisible()


def test_an_empty_folder_of_traces_is_a_dialog(qtbot, window, tmp_path):
    (tmp_path / "empty").mkdir()
    window.menus.actions["learn"].trigger()
    dialog = window.learner
    dialog.add_paths([str(tmp_path / "empty")])
    dialog.output.set_path(str(tmp_path / "new.db"))
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._child is None, timeout=LONG)
    (box,) = dialog.findChildren(QMessageBox)
    assert "holds no traces" in box.text()
    assert not (tmp_path / "new.db").exists()


def test_learning_is_stopped(qtbot, window, tmp_path):
    traces = tmp_path / "many"
    traces.mkdir()
    for number in range(60):
        calls = " ".join(str((number * step) % 300) for step in range(1, 20_000))
        (traces / f"UAD-{number}.txt").write_text(calls)
    window.menus.actions["learn"].trigger()
    dialog = window.learner
    dialog.add_paths([str(traces)])
    dialog.output.set_path(str(tmp_path / "part.db"))
    dialog.start.click()
    assert dialog.cancel.isVisible()
    qtbot.waitUntil(lambda: dialog.progress.value() > 0, timeout=LONG)
    dialog.cancel.click()
    qtbot.waitUntil(lambda: dialog._child is None, timeout=LONG)
    assert "Stopped" in dialog.said.text() or dialog.findChildren(QMessageBox)


def test_files_are_opened_by_content(window, learned, tmp_path):
    window.open_file(str(learned[1]))
    assert window.configuration.applications[0].profile == str(learned[1])
    window.open_file(str(learned[0]))
    assert window.watch.device == TraceDevice(str(learned[0]))
    (tmp_path / "s").write_text("# ImSafe score log 1\n")
    window.open_file(str(tmp_path / "s"))
    assert window.windows[-1].path == str(tmp_path / "s")
    window.open_file(str(tmp_path / "none"))
    assert "no such file" in only(window, QMessageBox).text().lower()


def test_a_file_that_is_no_trace_is_not_a_recent_one(window, tmp_path):
    (tmp_path / "text").write_text("no trace\n")
    window.open_file(str(tmp_path / "text"))
    assert "not a trace" in only(window, QMessageBox).text()
    assert not window.settings.recent()


def test_a_database_takes_the_place_of_none_of_several(window, learned, tmp_path):
    several = [WatchedApplication("web", "/w.db", 0.7), WatchedApplication("ftp", "/f.db")]
    window.configuration = Configuration(several)
    window.open_file(str(learned[1]))
    assert "Configure" in only(window, QMessageBox).text()
    assert window.configuration.applications == several


def test_plot_and_tree_ask_for_a_file(window):
    for name in ("plot", "tree"):
        window.menus.actions[name].trigger()
        dialog = only(window, QFileDialog)
        dialog.reject()
        dialog.deleteLater()
        QApplication.processEvents()


def test_manual_and_about(qtbot, window):
    assert manual_path() is not None
    window.menus.actions["manual"].trigger()
    manual = window.windows[-1]
    assert isinstance(manual, ManualWindow)
    text = manual.text.toPlainText()
    for menu in entries().values():
        for entry in menu:
            if entry is not None and entry.name not in ("quit", "manual", "about", "whatsthis"):
                assert entry.text.replace("&", "") in text
                assert not entry.shortcut or entry.shortcut in text
    window.menus.actions["about"].trigger()
    assert "ImSafe" in only(window, QMessageBox).text()


def test_configuration_is_restored(qtbot, settings, learned):
    from imsafe.gui.main_window import MainWindow

    first = MainWindow(settings)
    qtbot.addWidget(first)
    first.open_file(str(learned[1]))
    first.close()
    second = MainWindow(settings)
    qtbot.addWidget(second)
    assert second.configuration.applications[0].profile == str(learned[1])
    second.close()


def test_a_bug_shows_a_report_that_can_be_copied(qtbot, monkeypatch, capsys):
    monkeypatch.setattr(sys, "__stderr__", None)
    monkeypatch.setattr(crash, "_shown", None)
    try:
        raise RuntimeError("a bug for the test")
    except RuntimeError as error:
        crash._hook(RuntimeError, error, error.__traceback__)
    dialog = crash._shown
    qtbot.addWidget(dialog)
    assert "a bug for the test" in dialog.text.toPlainText()
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert "RuntimeError" in QGuiApplication.clipboard().text()
    dialog.close()
