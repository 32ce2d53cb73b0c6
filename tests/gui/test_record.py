# SPDX-License-Identifier: GPL-3.0-or-later
"""Trace to file, driven as a user would, with real sensors and a real ims-trace."""

from __future__ import annotations

import numpy as np
from PyQt6.QtWidgets import QMessageBox

from imsafe.events import Kind
from imsafe.gui.device import SensorDevice, SensorProgram, TraceDevice
from imsafe.stream.traces import open_trace


def calls_in(path):
    return sum(
        int((item["kind"] == Kind.CALL).sum())
        for _, item in open_trace(path)
        if isinstance(item, np.ndarray)
    )


def test_records_a_program_under_a_sensor_then_appends_then_replaces(
    qtbot, window, short_folder, tmp_path
):
    window.watch.open_device(
        SensorDevice((str(short_folder / "s"),), SensorProgram(argv=("ls", "-l", "/usr")))
    )
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    path = tmp_path / "t.imt"
    assert not dialog.start.isEnabled()
    assert not dialog.learn.isVisible()  # there is nothing yet to learn from
    dialog.output.set_path(str(path))
    assert dialog.start.isEnabled()
    dialog.start.click()
    assert not window.menus.actions["start"].isEnabled()
    qtbot.waitUntil(lambda: dialog._totals.get("calls", 0) > 30, timeout=20_000)
    dialog.stop.click()
    qtbot.waitUntil(lambda: not dialog.recording, timeout=20_000)
    assert "Recorded to" in dialog.said.text()
    for field in (dialog.output.edit, dialog.append, dialog.said, dialog.stop):
        assert field.height() >= field.minimumSizeHint().height()  # nothing is squeezed
    first = calls_in(path)
    assert first > 30

    # It exists now: nothing is replaced or appended to unasked.
    dialog.output.changed.emit(str(path))
    assert dialog.append.isVisible()
    assert not dialog.start.isEnabled()
    assert "append" in dialog.problem.text()
    window.watch.device = TraceDevice(str(tmp_path / "copy.imt"))
    (tmp_path / "copy.imt").write_bytes(path.read_bytes())
    dialog.append.click()
    dialog.start.click()
    qtbot.waitUntil(lambda: not dialog.recording, timeout=20_000)
    both = calls_in(path)
    assert both == 2 * first
    assert not dialog.start.isEnabled()  # what was said once is asked again
    dialog.replace.click()
    dialog.start.click()
    qtbot.waitUntil(lambda: not dialog.recording, timeout=20_000)
    assert calls_in(path) == first
    dialog.learn.click()
    assert window.learner.paths() == [str(path)]


def test_closing_the_device_ends_its_recording(qtbot, window, short_folder, service_argv, tmp_path):
    window.watch.open_device(
        SensorDevice((str(short_folder / "s"),), SensorProgram(argv=service_argv))
    )
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    dialog.output.set_path(str(tmp_path / "t.imt"))
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog._totals.get("calls", 0) > 30, timeout=20_000)
    device = dialog.device.text()
    window.watch.close_device()
    assert dialog.device.text() == device
    qtbot.waitUntil(lambda: not dialog.recording, timeout=20_000)
    assert "Recorded to" in dialog.said.text()
    assert "none" in dialog.device.text()
    assert calls_in(tmp_path / "t.imt") > 30


def test_a_program_that_is_not_there_is_said(qtbot, window, short_folder, tmp_path):
    window.watch.open_device(
        SensorDevice((str(short_folder / "s"),), SensorProgram(argv=("/no/such/program",)))
    )
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    dialog.output.set_path(str(tmp_path / "t.imt"))
    dialog.start.click()
    qtbot.waitUntil(lambda: "/no/such/program" in window.messages.toPlainText()
                    and bool(window.findChildren(QMessageBox)), timeout=20_000)  # fmt: skip
    dialog.stop.click()
    qtbot.waitUntil(lambda: not dialog.recording, timeout=20_000)


def test_errors_of_the_child_are_a_dialog(qtbot, window, tmp_path):
    (tmp_path / "garbage").write_bytes(b"\x89IMSAFE\n" + b"\xff" * 200)
    window.watch.open_device(TraceDevice(str(tmp_path / "garbage")))
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    dialog.output.set_path(str(tmp_path / "t.imt"))
    dialog.start.click()
    qtbot.waitUntil(lambda: bool(dialog.findChildren(QMessageBox)), timeout=20_000)
    (box,) = dialog.findChildren(QMessageBox)
    assert "garbage" in box.text()
    assert "Traceback" not in box.text()


def test_a_trace_that_was_cut_short_is_recorded_and_said(qtbot, window, learned, tmp_path):
    trace = tmp_path / "cut.imt"
    trace.write_bytes(learned[0].read_bytes()[:-5])
    window.watch.open_device(TraceDevice(str(trace)))
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    dialog.output.set_path(str(tmp_path / "t.imt"))
    dialog.start.click()
    qtbot.waitUntil(lambda: not dialog.recording, timeout=20_000)
    (box,) = dialog.findChildren(QMessageBox)
    assert f"{trace} is cut short" in box.text()
    assert "Recorded to" in dialog.said.text()
    assert calls_in(tmp_path / "t.imt") == calls_in(trace) > 0


def test_bad_outputs_are_refused_as_typed(window, tmp_path):
    window.watch.open_device(TraceDevice("/tmp/x"))
    window.menus.actions["record"].trigger()
    dialog = window.recorder
    for path, word in (
        (str(tmp_path), "folder"),
        (str(tmp_path / "no" / "t"), "no folder"),
        ("", "Name"),
    ):
        dialog.output.set_path(path)
        assert word in dialog.problem.text()
        assert not dialog.start.isEnabled()
