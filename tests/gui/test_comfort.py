# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes the window pleasant: the last session, help where one is, names of everything."""

from __future__ import annotations

import contextlib
import re

import pytest
from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QRadioButton,
    QTabBar,
    QWidget,
)

from imsafe.gui.device import KernelDevice, SensorDevice, SensorProgram, TraceDevice
from imsafe.gui.fields import ProblemLine
from imsafe.gui.guide import Guide
from imsafe.gui.main_window import MainWindow
from imsafe.gui.manual_window import CHAPTERS, ManualWindow, anchor_of, manual_path
from imsafe.gui.session import Session
from imsafe.gui.sizes import resize_to_fit
from imsafe.sources.kernel_request import KernelRequest
from imsafe.stream.items import End
from imsafe.stream.traces import open_trace

LONG = 90_000


@pytest.mark.parametrize(
    "device",
    [
        None,
        SensorDevice(("/tmp/a",), SensorProgram(argv=("ls", "-l"), full=True)),
        SensorDevice(("/tmp/a", "/tmp/b")),
        KernelDevice(KernelRequest.from_words(["--name=sh", "--no-follow-exec"])),
    ],
)
def test_a_device_survives_the_settings(device):
    assert Session.from_json(Session(device).to_json()).device == device


@pytest.mark.parametrize(
    "text", ["", "[]", '{"device": 3, "trees": [], "logs": []}', "null",
             '{"device": {"driver": ["--name="], "name": "auto"}, "trees": [], "logs": []}']
)  # fmt: skip
def test_damaged_settings_are_no_session(text):
    assert Session.from_json(text) == Session()


def test_what_is_gone_or_means_something_else_is_not_restored(tmp_path):
    gone = Session(TraceDevice(str(tmp_path / "no.imt")), trees=(str(tmp_path / "no.db"),))
    assert Session.from_json(gone.to_json()) == Session()
    process = Session(SensorDevice(("/tmp/a",), SensorProgram(pids=(1,))))
    assert Session.from_json(process.to_json()) == Session()


def test_the_last_session_is_restored(qtbot, settings, learned):
    first = MainWindow(settings)
    qtbot.addWidget(first)
    first.show()
    first.open_file(str(learned[0]))
    first.show_tree(str(learned[1]))
    first.close()
    second = MainWindow(settings)
    qtbot.addWidget(second)
    second.restore_session()
    assert second.watch.device == TraceDevice(str(learned[0]))
    assert [window.path for window in second.windows] == [str(learned[1])]
    second.menus.restore.setChecked(False)
    second.close()
    third = MainWindow(settings)
    qtbot.addWidget(third)
    third.restore_session()
    assert third.watch.device is None
    third.close()


def test_recent_files(window, learned, tmp_path):
    assert not window.menus.recent.isEnabled()
    window.open_file(str(learned[1]))
    (tmp_path / "a&b.log").write_text("# ImSafe score log 1\n")
    window.plot_log(str(tmp_path / "a&b.log"))
    window.menus.file.aboutToShow.emit()
    texts = [action.text() for action in window.menus.recent.actions()]
    assert texts == [str(tmp_path / "a&&b.log"), str(learned[1])]
    (tmp_path / "a&b.log").unlink()
    window.menus.file.aboutToShow.emit()
    assert len(window.menus.recent.actions()) == 1


def test_open_file_says_what_is_no_trace(window, tmp_path):
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n" * 10)
    window.open_file(str(tmp_path / "picture"))
    (box,) = window.findChildren(QMessageBox)
    assert "not a trace of a known format" in box.text()
    assert window.watch.device is None


def activate(qtbot, widget):
    """Shortcuts are for the active window."""
    with qtbot.waitActive(widget):
        widget.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWindow() is widget.windowHandle(), timeout=LONG)


def dialogs_of(window):
    """Every dialog that a menu opens without more ado."""
    names = ("driver", "sensor", "trace", "configure", "attach", "learn", "record", "guide")
    for name in names:
        window.menus.actions[name].trigger()
        (dialog,) = [
            found for found in window.findChildren(QDialog) if found.isVisible()
            and not isinstance(found, QMessageBox)
        ]  # fmt: skip
        yield name, dialog
        dialog.close()
        QApplication.processEvents()


def test_everything_in_a_dialog_has_a_name_and_keys_differ(window):
    fields = (QLineEdit, QComboBox, QAbstractSpinBox, QAbstractItemView)
    for name, dialog in dialogs_of(window):
        buddies = {label.buddy() for label in dialog.findChildren(QLabel)}
        for label in dialog.findChildren(QLabel):
            if label.buddy() and "&" in label.text():
                policy = label.buddy().focusPolicy()
                assert policy & Qt.FocusPolicy.TabFocus, f"{name}: {label.text()} leads nowhere"
        for field in dialog.findChildren(fields):
            above = field.parentWidget()
            if isinstance(above, (QComboBox, QAbstractSpinBox)) or not field.isVisible():
                continue
            named = field.accessibleName() or field in buddies or above in buddies
            assert named, f"{name}: {type(field).__name__} has no name"
        texts = [
            widget.text() for kind in (QPushButton, QCheckBox, QRadioButton, QLabel)
            for widget in dialog.findChildren(kind)
            if widget.isVisible() and (not isinstance(widget, QLabel) or widget.buddy())
        ]  # fmt: skip
        keys = [found.lower() for text in texts for found in re.findall(r"&(\w)", text)]
        assert len(keys) == len(set(keys)), f"{name}: {sorted(texts)}"


def test_f1_opens_the_chapter_of_a_dialog(qtbot, window):
    for name, dialog in dialogs_of(window):
        activate(qtbot, dialog)
        qtbot.keyClick(dialog, Qt.Key.Key_F1)
        (manual,) = dialog.findChildren(ManualWindow)
        assert manual._visited[-1].startswith("manual#"), name
        heading = manual.text.textCursor().block()
        assert heading.blockFormat().headingLevel() > 0, f"{name}: no such chapter"
        assert manual._visited[-1] == f"manual#{anchor_of(heading.text())}"
        manual.close()


def test_the_manual_has_the_chapters_of_the_html_in_their_order():
    lines = (manual_path().parent / "index.md").read_text("utf-8").splitlines()
    assert list(CHAPTERS) == [line for line in lines if re.fullmatch(r"[a-z-]+", line)]


def test_a_message_in_the_manual_stands_above_its_explanation(qtbot, settings):
    manual = ManualWindow(settings)
    qtbot.addWidget(manual)
    manual.open("troubleshooting")
    lines = manual.text.toPlainText().splitlines()
    place = lines.index("The kernel tracer needs bcc, which is not installed")
    assert "apt install python3-bpfcc" in lines[place + 1]
    assert not [line for line in lines if line.startswith(": ") or " : " in line]


@pytest.mark.parametrize("link", ["../ARCHITECTURE.md", "limits.md#no-such-heading"])
def test_a_link_out_of_the_manual_is_told(qtbot, settings, link):
    manual = ManualWindow(settings)
    qtbot.addWidget(manual)
    manual.text.anchorClicked.emit(QUrl(link))
    assert link.removeprefix("../").replace(".md", "") in manual.statusBar().currentMessage()
    manual.text.anchorClicked.emit(QUrl("concepts.md"))
    assert manual.text.toPlainText().startswith("Concepts")
    assert manual.statusBar().currentMessage() == ""


def test_manual_contents_links_and_search(qtbot, window):
    window.menus.actions["manual"].trigger()
    manual = window.windows[-1]
    qtbot.addWidget(manual)
    assert "In five minutes" in manual.text.toPlainText()
    top = [manual.contents.topLevelItem(row) for row in range(manual.contents.topLevelItemCount())]
    assert len(top) > 1
    manual._open_item(top[1])
    assert manual._chapter != "manual"
    activate(qtbot, manual)
    qtbot.keyClick(manual, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert manual._chapter == "manual"
    manual.open("manual#keyboard")
    assert manual.text.textCursor().block().text() == "Keyboard"
    manual.open("../../etc/passwd")
    assert manual._chapter == "manual"
    manual.search.setText("Witten")
    manual.find_words()
    assert manual.text.textCursor().selectedText().lower() == "witten"
    manual.search.setText("no such words anywhere")
    manual.find_words()
    assert "Not found" in manual.statusBar().currentMessage()
    # Whatever is written for the HTML manual only does not show.
    for path in sorted(manual_path().parent.glob("*.md")):
        manual.open(path.stem)
        assert "```{" not in manual.text.toPlainText()
    manual.close()


def test_first_steps_from_nothing_to_a_live_plot(qtbot, window, tmp_path, service_argv):
    window.menus.actions["guide"].trigger()
    (guide,) = window.findChildren(Guide)
    guide.choose.folder.set_path(str(tmp_path / "new" / "imsafe"))
    next_button = guide.button(guide.WizardButton.NextButton)
    guide.choose.command.setText("no-such-program-here")
    assert "no program" in guide.choose.problem.text()
    assert not next_button.isEnabled()
    guide.choose.command.setText(
        " ".join(f"'{word}'" if " " in word or "\n" in word else word for word in service_argv)
    )
    assert next_button.isEnabled()
    next_button.click()
    assert not next_button.isEnabled()
    guide.record.begin.click()
    qtbot.waitUntil(lambda: guide.record._totals.get("calls", 0) > 600, timeout=LONG)
    guide.record.end.click()
    assert guide.record.state.text() == "Stopping..."
    qtbot.waitUntil(guide.record.isComplete, timeout=LONG)
    # The service would run for ever: it was asked to end, and nobody had to be killed.
    assert guide.record.problem.text() == ""
    next_button.click()
    qtbot.waitUntil(guide.learn.isComplete, timeout=LONG)
    assert "of what is to be expected" in guide.learn.saturation.text()
    next_button.click()
    socket = tmp_path / "s"
    guide.plan.device = SensorDevice((str(socket),), guide.plan.device.program)
    guide.button(guide.WizardButton.FinishButton).click()
    qtbot.waitUntil(
        lambda: window.watch.status is not None and window.watch.status["calls"] > 200,
        timeout=LONG,
    )
    assert window.configuration.applications[0].profile == guide.plan.profile
    assert window.watch.history.applications() == [1]
    window.menus.actions["stop"].trigger()
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)


def test_a_program_that_does_not_want_to_end_is_recorded_whole(qtbot, window, tmp_path):
    script = tmp_path / "stubborn"
    script.write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n")
    script.chmod(0o755)
    guide = Guide(window.settings, window)
    guide.show()
    guide.choose.folder.set_path(str(tmp_path))
    guide.choose.command.setText(str(script))
    guide.next()
    guide.record.begin.click()
    qtbot.waitUntil(lambda: guide.record._totals.get("calls", 0) > 100, timeout=LONG)
    guide.record.end.click()
    assert not guide.record.end.isEnabled()
    with qtbot.waitSignal(guide.record._clock.timeout, timeout=LONG):
        pass
    assert guide.record.state.text() == "Stopping..."
    qtbot.waitUntil(guide.record.isComplete, timeout=LONG)
    assert guide.record.problem.text() == ""
    with contextlib.closing(open_trace(tmp_path / "stubborn.imt")) as trace:
        assert any(isinstance(item, End) for _, item in trace)
    guide.close()


def test_first_steps_begin_at_the_command(qtbot, window):
    window.menus.actions["guide"].trigger()
    (guide,) = window.findChildren(Guide)
    activate(qtbot, guide)
    qtbot.waitUntil(lambda: guide.focusWidget() is guide.choose.command, timeout=LONG)
    assert "Type a command" in guide.choose.problem.text()
    guide.choose.name_it.click()
    assert guide.focusWidget() is guide.choose.name
    assert "Type the name" in guide.choose.problem.text()


def test_a_dialog_just_opened_asks_and_does_not_complain(window):
    for name, dialog in dialogs_of(window):
        for line in dialog.findChildren(ProblemLine):
            ordinary = line.palette().color(QPalette.ColorRole.Text)
            shown = line.palette().color(QPalette.ColorRole.WindowText)
            assert not line.text() or shown == ordinary, f"{name}: {line.text()}"


def test_first_steps_say_what_goes_wrong_and_lose_nothing(qtbot, window, tmp_path):
    guide = Guide(window.settings, window)
    guide.show()
    guide.choose.folder.set_path("relative")
    guide.choose.command.setText("true")
    assert "full path" in guide.choose.problem.text()
    guide.choose.folder.set_path(str(tmp_path))
    (tmp_path / "true.imt").write_text("of somebody else")
    guide.next()
    assert guide.plan.trace == str(tmp_path / "true-2.imt")
    guide.record.begin.click()
    qtbot.waitUntil(guide.record.isComplete, timeout=LONG)
    guide.next()
    qtbot.waitUntil(guide.learn.isComplete, timeout=LONG)
    assert "Not learned enough for a threshold" in guide.learn.advice.text()
    guide.back()
    guide.record.begin.click()  # some more
    qtbot.waitUntil(guide.record.isComplete, timeout=LONG)
    guide.record.record()
    guide.close()
    assert (tmp_path / "true-2.imt").exists()
    assert (tmp_path / "true.imt").read_text() == "of somebody else"
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, QWidget) and w is guide
                and w.isVisible()]  # fmt: skip


def test_a_window_is_never_larger_than_its_screen(qtbot):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    room = dialog.screen().availableGeometry().size()
    resize_to_fit(dialog, 300, 200)
    assert (dialog.width(), dialog.height()) == (300, 200)
    resize_to_fit(dialog, 30_000, 20_000)
    assert dialog.width() < room.width()
    assert dialog.height() < room.height()


def test_messages_come_to_the_front_with_the_newest(qtbot, window):
    activate(qtbot, window)
    for number in range(300):
        window.add_message(f"line {number}")
    bar = window.messages.verticalScrollBar()
    bars = [tabs for tabs in window.findChildren(QTabBar) if tabs.count() == 4]
    place = next(i for i in range(4) if bars[0].tabText(i) == "Messages")
    qtbot.mouseClick(bars[0], Qt.MouseButton.LeftButton, pos=bars[0].tabRect(place).center())
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum(), timeout=2_000)
    window.add_message("one more")
    assert bar.value() == bar.maximum()
    bar.setValue(0)  # who reads old ones is left alone
    window.add_message("and one more")
    assert bar.value() == 0


def test_what_is_done_offers_no_link_that_does_nothing(window, learned):
    window.watch.open_device(TraceDevice(str(learned[0])))
    enabled = re.findall("href='([a-z]+)'", window.plot.empty_text())
    assert "close" in enabled
    assert all(window.menus.actions[name].isEnabled() for name in enabled)


def test_the_menu_of_recent_files_is_no_wider_than_a_screen(window, tmp_path):
    path = tmp_path / ("x" * 200 + ".db")
    path.touch()
    window.settings.add_recent(str(path))
    window._refresh_recent()
    (action,) = window.menus.recent.actions()
    assert action.text().endswith("x.db")
    assert "\u2026" in action.text()
    assert window.menus.recent.sizeHint().width() < 1000
    assert str(path) in action.toolTip()
