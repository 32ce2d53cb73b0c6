# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens every window and dialog as a user does, fills it with real data, and takes its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from PyQt6.QtWidgets import QApplication, QDialog, QMessageBox, QWidget

from demo.web_server import DemoError
from demo.window import Until, pause
from imsafe.gui import crash
from imsafe.gui.action_test import ActionTest
from imsafe.gui.attach_dialog import AttachDialog
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import SensorDevice, TraceDevice
from imsafe.gui.device_dialogs import SensorDialog, TraceOpenDialog
from imsafe.gui.driver_dialog import DriverDialog
from imsafe.gui.guide import Guide
from imsafe.gui.log_window import LogWindow
from imsafe.gui.main_window import MainWindow
from imsafe.gui.manual_window import ManualWindow
from imsafe.gui.settings import Settings
from imsafe.gui.tree_window import TreeWindow
from imsafe.gui.what_if_dialog import WhatIfDialog
from imsafe.sources.kernel_request import KernelRequest

Dialog = TypeVar("Dialog", bound=QDialog)
Window = TypeVar("Window", bound=QWidget)

LONG = 300.0


class Pictures:
    """One window, in the colours and at the scale that the application has.

    Parameters
    ----------
    data
        Where the demonstration's files are; what is made on the way goes there too.
    output
        Where the pictures go.
    """

    def __init__(self, data: Path, output: Path) -> None:
        self._data = data
        self._output = output
        self._window = MainWindow(Settings(output / "settings.ini"))
        self._window.keep_settings = False
        self._window.show()

    def close(self) -> None:
        """Close everything."""
        self._window.close()
        self._window.deleteLater()
        (self._output / "settings.ini").unlink(missing_ok=True)

    def take(self) -> Iterator[Until]:
        """All of them, in the order in which a newcomer meets them."""
        yield pause(1)
        self._grab(self._window, "empty")
        yield from self._guide()
        yield from self._devices()
        yield from self._configure()
        yield from self._watch()
        yield from self._tools()
        yield from self._tree()
        yield from self._help()

    # Steps

    def _guide(self) -> Iterator[Until]:
        guide = self._open("guide", Guide)
        guide.choose.folder.set_path(str(self._data / "guide"))
        guide.choose.command.setText("ls -lR /usr/share/doc")
        yield pause(0.5)
        self._grab(guide, "guide-1")
        guide.next()
        guide.record.record()
        yield Until(guide.record.isComplete, "the guide records", LONG)
        yield pause(0.3)
        self._grab(guide, "guide-2")
        guide.next()
        yield Until(guide.learn.isComplete, "the guide learns", LONG)
        yield pause(0.3)
        self._grab(guide, "guide-3")
        guide.next()
        yield pause(0.3)
        self._grab(guide, "guide-4")
        guide.reject()

    def _devices(self) -> Iterator[Until]:
        driver = self._open("driver", DriverDialog)
        driver.choose(KernelRequest.from_words(["--name=lighttpd", "--name=redis-server"]))
        yield pause(2.5)
        self._grab(driver, "driver")
        driver.reject()
        sensor = self._open("sensor", SensorDialog)
        sensor.run.setChecked(True)
        sensor.command.setText("vsftpd /etc/vsftpd.conf")
        yield pause(0.3)
        self._grab(sensor, "sensor")
        sensor.reject()
        trace = self._open("trace", TraceOpenDialog)
        trace.trace.set_path(str(self._data / "watched.imt"))
        yield pause(0.3)
        self._grab(trace, "trace")
        trace.trace.set_path(str(self._data / "missing.imt"))
        yield pause(0.3)
        self._grab(trace, "trace-bad")
        trace.reject()

    def _configure(self) -> Iterator[Until]:
        dialog = self._open("configure", ConfigureDialog)
        yield pause(0.3)
        self._grab(dialog, "configure-empty")
        dialog.form.profile.set_path(str(self._data / "web.db"))
        dialog.log.set_path(str(self._data / "scores.log"))
        dialog.action.set_path(str(self._data / "tell-me"))
        yield pause(0.5)
        self._grab(dialog, "configure")
        dialog.form.what_if.click()
        (what_if,) = dialog.findChildren(WhatIfDialog)
        yield Until(lambda: what_if.scores is not None, "the scores are read", LONG)
        yield pause(0.5)
        self._grab(what_if, "what-if")
        what_if.close()
        dialog.test.click()
        (test,) = dialog.findChildren(ActionTest)
        yield Until(lambda: test.finished_running, "the action ends", LONG)
        yield pause(0.3)
        self._grab(test, "action-test")
        test.close()
        dialog.log.set_path("/no/such/folder/scores.log")
        yield pause(0.3)
        self._grab(dialog, "configure-bad")
        dialog.reject()

    def _watch(self) -> Iterator[Until]:
        window = self._window
        window.configuration = Configuration([WatchedApplication("", str(self._data / "web.db"))])
        window.watch.open_device(SensorDevice((str(self._data / "sensor"),)))
        window.start_monitor()
        yield Until(lambda: window.watch.status is not None, "the monitor answers", LONG)
        yield pause(1)
        self._grab(window, "waiting")
        window.menus.actions["stop"].trigger()
        yield Until(lambda: window.watch.session is None, "the monitor ends", LONG)
        window.watch.close_device()
        window.watch.open_device(TraceDevice(str(self._data / "watched.imt"), "full"))
        window.start_monitor()
        yield Until(self._is_replayed, "the recording is replayed", LONG)
        yield pause(1.5)
        self._grab(window, "alert")
        for name in ("processes", "messages"):
            dock = window.findChild(QWidget, name)
            if dock is not None:
                dock.raise_()
                yield pause(1.2)
                self._grab(window, name)
        window.plot.actions_by_name["previous"].trigger()
        window.plot.actions_by_name["calls"].trigger()
        nearby = window.plot_desk.calls.model
        yield Until(lambda: nearby.rowCount() > 0, "the calls around the alert are there", LONG)
        yield pause(0.5)
        self._grab(window, "calls")
        window.detail.box.click()
        box = self._last(MainWindow)
        yield Until(lambda: box.alerts.rowCount() > 0, "the black box is replayed", LONG)
        yield pause(1)
        self._grab(box, "black-box")
        box.close()
        window.menus.actions["stop"].trigger()
        yield Until(lambda: window.watch.session is None, "the monitor ends", LONG)
        attach = self._open("attach", AttachDialog)
        attach.socket.setText("/run/imsafe/monitor/web/view")
        yield pause(0.3)
        self._grab(attach, "attach")
        attach.reject()

    def _is_replayed(self) -> bool:
        status = self._window.watch.status
        return status is not None and all(row["finished"] for row in status["sources"])

    def _tools(self) -> Iterator[Until]:
        window = self._window
        window.menus.actions["record"].trigger()
        record = window.recorder
        assert record is not None
        record.output.set_path(str(self._data / "copy.imt"))
        yield pause(0.3)
        self._grab(record, "record")
        record.record()
        yield Until(lambda: not record.recording, "the recording ends", LONG)
        yield pause(0.3)
        self._grab(record, "record-done")
        record.close()
        window.menus.actions["learn"].trigger()
        learn = window.learner
        assert learn is not None
        yield pause(0.3)
        self._grab(learn, "learn-empty")
        learn.add_paths([str(self._data / "normal.imt"), str(self._data / "web.db")])
        learn.output.set_path(str(self._data / "new.db"))
        learn.learn()
        yield Until(learn.use.isVisible, "the profile is learned", LONG)
        yield pause(0.3)
        self._grab(learn, "learn")
        learn.close()
        for name in ("copy.imt", "new.db"):
            (self._data / name).unlink(missing_ok=True)
        window.plot_log(str(self._data / "scores.log"))
        log = self._last(LogWindow)
        yield Until(lambda: log.history is not None, "the log is read", LONG)
        yield pause(1)
        self._grab(log, "graph")
        log.close()

    def _tree(self) -> Iterator[Until]:
        self._window.show_tree(str(self._data / "web.db"))
        tree = self._last(TreeWindow)
        yield Until(lambda: tree.whole, "the tree is read", LONG)
        tree.search.setText("openat, read")
        yield pause(0.5)
        self._grab(tree, "tree")
        tree.search.clear()
        tree.boxes_action.trigger()
        assert tree.boxes is not None
        tree.boxes.boxes.zoom(0)
        yield pause(0.5)
        self._grab(tree, "tree-boxes")
        tree.compare_with(str(self._data / "watched.db"))
        yield Until(tree.end_action.isEnabled, "the trees are compared", LONG)
        yield pause(0.5)
        self._grab(tree, "tree-compare-boxes")
        tree.rows_action.trigger()
        yield pause(0.5)
        self._grab(tree, "tree-compare")
        tree.close()

    def _help(self) -> Iterator[Until]:
        self._window.show_manual()
        manual = self._last(ManualWindow)
        yield pause(0.5)
        self._grab(manual, "manual")
        manual.close()
        self._window.show_about()
        yield pause(0.5)
        box = self._window.findChildren(QMessageBox)[-1]
        self._grab(box, "about")
        box.close()
        self._window.open_file(str(self._data / "missing.imt"))
        yield pause(0.5)
        box = self._window.findChildren(QMessageBox)[-1]
        self._grab(box, "error")
        box.close()
        try:
            raise RuntimeError("made up for the picture")
        except RuntimeError as error:
            report = crash.report(type(error), error, error.__traceback__)
        dialog = crash.CrashDialog(report)
        dialog.show()
        yield pause(0.5)
        self._grab(dialog, "crash")
        dialog.close()

    # What it needs

    def _open(self, action: str, kind: type[Dialog]) -> Dialog:
        self._window.menus.actions[action].trigger()
        for dialog in self._window.findChildren(kind):
            if dialog.isVisible():
                return dialog
        raise DemoError(f"The window did not open its {kind.__name__}.")

    def _last(self, kind: type[Window]) -> Window:
        window = self._window.windows[-1]
        assert isinstance(window, kind)
        return window

    def _grab(self, widget: QWidget, name: str) -> None:
        QApplication.processEvents()
        path = self._output / f"{name}.png"
        if not widget.grab().save(str(path)):
            raise DemoError(f"Cannot write {path}.")
