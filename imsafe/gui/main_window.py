# SPDX-License-Identifier: GPL-3.0-or-later
"""The main window: menus, live plot, alerts with their reason, processes, messages."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import (
    QDialog,
    QFileDialog,
    QMainWindow,
    QMessageBox,
    QWhatsThis,
    QWidget,
)

import imsafe
from imsafe.errors import ImsafeError
from imsafe.gui.alert_desk import AlertDesk
from imsafe.gui.attach_dialog import AttachDialog
from imsafe.gui.configuration import Configuration, WatchedApplication, check_applications
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import Device, SensorDevice, TraceDevice
from imsafe.gui.device_dialogs import SensorDialog, TraceOpenDialog
from imsafe.gui.driver_dialog import DriverDialog
from imsafe.gui.fields import show_message
from imsafe.gui.file_kinds import database_filter, file_kind, log_filter
from imsafe.gui.guide import Guide
from imsafe.gui.learn_dialog import LearnDialog
from imsafe.gui.log_window import LogWindow
from imsafe.gui.manual_window import ManualWindow, offer_help
from imsafe.gui.menus import Menus
from imsafe.gui.next_step import next_step
from imsafe.gui.panes import Panes
from imsafe.gui.plain_text import tip
from imsafe.gui.plot_desk import PlotDesk
from imsafe.gui.record_dialog import RecordDialog
from imsafe.gui.session import Session
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import resize_to_fit
from imsafe.gui.status_line import StatusLine
from imsafe.gui.tree_window import TreeWindow
from imsafe.gui.watch import Watch
from imsafe.stream.traces import open_trace

LONGEST_MESSAGE = 5_000
"""Qt takes seconds to lay out a line of a megabyte."""

LONGEST_RECENT = 80
"""Letters of a recent file's path; its middle is left out of a longer one."""

MOST_MESSAGES = 3


class MainWindow(QMainWindow):
    """One device, one monitor, and everything that can be done with them.

    Attributes
    ----------
    watch : Watch
        The device and the monitor.
    configuration : Configuration
        Monitor > Configure.
    keep_settings : bool
        False: what is changed in this window is over with it, as of one that replays a black box.
    """

    keep_settings = True

    def __init__(self, settings: Settings, configuration: Configuration | None = None) -> None:
        super().__init__()
        self.settings = settings
        self.configuration = settings.configuration if configuration is None else configuration
        self.watch = Watch(self)
        self.windows: list[QWidget] = []
        self.recorder: RecordDialog | None = None
        self.learner: LearnDialog | None = None
        self._advised = False
        self.setWindowTitle("ImSafe")
        self.setAcceptDrops(True)
        resize_to_fit(self, 1180, 780)
        self.menus = Menus(self)
        panes = Panes(self, self.watch.history, self.menus)
        self.plot, self.messages = panes.plot, panes.messages
        self.alerts, self.alert_list, self.detail = panes.alerts, panes.alert_list, panes.detail
        self.processes, self.process_list = panes.processes, panes.process_list
        self.desk = AlertDesk(self, panes, self.watch, settings)
        self.plot_desk = PlotDesk(self, panes, self.watch, settings)
        bar = self.statusBar()
        assert bar is not None
        self.status_line = StatusLine(bar, self.watch)
        self._connect_actions()
        self._connect_watch()
        self.settings.restore_geometry("main", self)
        if (layout := self.settings.layout()) is not None:
            self.restoreState(layout)
        self._refresh_recent()
        self._refresh_state()

    # Building

    def _connect_actions(self) -> None:
        for name, slot in (
            ("driver", self.ask_driver),
            ("sensor", self.ask_sensor),
            ("trace", self.ask_trace),
            ("open", self.ask_file),
            ("close", self.watch.close_device),
            ("quit", self.close),
            ("configure", self.ask_configuration),
            ("start", self.start_monitor),
            ("stop", self.watch.stop),
            ("attach", self.ask_attach),
            ("reload", self.watch.reload_profiles),
            ("plot", self.ask_log),
            ("learn", self.ask_learn),
            ("record", self.ask_record),
            ("tree", self.ask_tree),
            ("manual", self.show_manual),
            ("whatsthis", QWhatsThis.enterWhatsThisMode),
            ("guide", self.show_guide),
            ("about", self.show_about),
        ):
            self.menus.actions[name].triggered.connect(lambda _=False, slot=slot: slot())
        self.menus.restore.setChecked(self.settings.text("session/restore", "yes") == "yes")
        self.menus.restore.toggled.connect(
            lambda on: self.settings.set_text("session/restore", "yes" if on else "no")
        )
        # Dialogs add to them as well.
        self.menus.file.aboutToShow.connect(self._refresh_recent)
        self.plot.link_activated.connect(lambda name: self.menus.actions[name].trigger())

    def _connect_watch(self) -> None:
        watch = self.watch
        watch.changed.connect(self._refresh_state)
        watch.failed.connect(self.show_error)
        watch.said.connect(self.add_message)
        watch.scored.connect(self._refresh_plot)
        watch.status_changed.connect(self._refresh_status)
        watch.io_uring.connect(lambda _: self.status_line.update())
        watch.processes.connect(self.processes.set_rows)
        watch.identities.connect(self.processes.introduce)
        watch.restarted.connect(self._restart)
        self.plot.threshold_dragged.connect(self.set_threshold)
        self.desk.failed.connect(self.show_error)
        self.desk.said.connect(self.add_message)
        self.plot_desk.failed.connect(self.show_error)
        self.detail.box_asked.connect(self.replay_box)

    # File

    def ask_driver(self) -> None:
        """File > Connect to driver."""
        if self._has_device():
            return
        as_root = not self._advised and hasattr(os, "geteuid") and os.geteuid() == 0
        self._advised |= as_root
        dialog = DriverDialog(self.settings, self, as_root=as_root)
        dialog.accepted.connect(lambda: self.watch.open_device(dialog.device()))
        self._open(dialog, "manual#connect-to-driver")

    def ask_sensor(self) -> None:
        """File > Connect to sensor."""
        if self._has_device():
            return
        dialog = SensorDialog(self.settings, self)
        dialog.accepted.connect(lambda: self.watch.open_device(dialog.device()))
        self._open(dialog, "manual#connect-to-sensor")

    def _has_device(self) -> bool:
        if self.watch.device is not None:
            self.show_error(self.tr("Close the device first (File > Close device)."))
        elif self.configuration.ready and self.watch.session is None:
            self.watch.stand_by()  # it gets ready while the dialog is filled in
        return self.watch.device is not None

    def ask_trace(self) -> None:
        """File > Open trace."""
        dialog = TraceOpenDialog(self.settings, self)
        dialog.accepted.connect(lambda: self._open_trace(dialog.device()))
        self._open(dialog, "manual#open-trace")

    def _open_trace(self, device: TraceDevice) -> None:
        self.watch.open_device(device)
        self._refresh_recent()

    def ask_file(self) -> None:
        """File > Open file."""
        dialog = QFileDialog(
            self, self.tr("Open a behaviour database, a trace or a score log"),
            self.settings.folder("file"),
        )  # fmt: skip
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.settings.set_folder("file", path))
        dialog.fileSelected.connect(self.open_file)
        self._open(dialog)

    def open_file(self, path: str) -> None:
        """Open a behaviour database, a trace or a score log, by its content."""
        path = os.path.abspath(path)  # noqa: PTH100  # resolve() would follow links
        try:
            kind = file_kind(path)
        except ImsafeError as error:
            self.show_error(str(error))
            return
        if kind == "log":
            self.plot_log(path)
        elif kind == "profile":
            self.settings.add_recent(path)
            self._use_profile(path)
        elif not self._has_device():
            self._open_unknown(path)
        self._refresh_recent()

    def _open_unknown(self, path: str) -> None:
        """Open what is neither database nor log, if it is a trace."""
        try:
            open_trace(path).close()
        except ImsafeError as error:
            self.show_error(str(error))
            return
        self.settings.add_recent(path)
        self.watch.open_device(TraceDevice(path))

    def _use_profile(self, path: str) -> None:
        """Make a database the configured one; one that is configured already is read again."""
        old = self.configuration
        if any(watched.profile == path for watched in old.applications):
            if self.watch.may_steer:
                self.watch.reload_profiles()
        elif len(old.applications) > 1:
            self.show_error(
                self.tr("Several applications are configured: choose under Monitor > Configure"
                        " which of them {0} belongs to.").format(path)
            )  # fmt: skip
            return
        else:
            self._configured(replace(old, applications=[WatchedApplication("", path)]))
        self.add_message(self.tr("Behaviour database: {0}").format(path))

    def _refresh_recent(self) -> None:
        menu = self.menus.recent
        menu.clear()
        menu.setToolTipsVisible(True)
        metrics = menu.fontMetrics()
        room = LONGEST_RECENT * metrics.averageCharWidth()
        for path in self.settings.recent():
            shown = metrics.elidedText(path, Qt.TextElideMode.ElideMiddle, room)
            action = QAction(shown.replace("&", "&&"), menu)
            action.setToolTip(tip(path))
            action.triggered.connect(lambda _=False, path=path: self.open_file(path))
            menu.addAction(action)
        menu.setEnabled(not menu.isEmpty())

    # Monitor

    def ask_configuration(self) -> None:
        """Monitor > Configure."""
        rows = self.watch.application_rows() if self.watch.session is not None else []
        dialog = ConfigureDialog(
            self.settings, self.configuration, self, device=self.watch.device,
            warnings={row["profile"]: row["warnings"] for row in rows},
        )  # fmt: skip
        dialog.accepted.connect(lambda: self._configured(dialog.configuration()))
        self._open(dialog, "manual#configure")

    def _configured(self, new: Configuration) -> None:
        old, self.configuration = self.configuration, new
        self._keep_configuration()
        if self.watch.session is None or self.watch.attached:
            return
        if (old.log, old.record, old.action) != (new.log, new.record, new.action) or len(
            old.applications
        ) != len(new.applications):
            self.add_message(self.tr("The new configuration holds from the next Start Monitor on."))
        for before, after in zip(old.applications, new.applications, strict=False):
            self._steer(before, after)

    def _steer(self, before: WatchedApplication, after: WatchedApplication) -> None:
        """Have the running monitor follow a change of one application."""
        name = self._running_name(after.name)

        def go_on(ok: bool, error: str, values: dict[str, Any]) -> None:
            self._answer(ok, error, values)
            if ok and before.threshold != after.threshold:
                self.watch.request(
                    "set-threshold", self._answer, application=name, threshold=after.threshold
                )

        if before.profile == after.profile:
            go_on(True, "", {})
        else:
            self.watch.request("reload-profile", go_on, application=name, profile=after.profile)

    def _running_name(self, name: str) -> str:
        rows = self.watch.application_rows()
        return name or (rows[0]["name"] if rows else "")

    def _keep_configuration(self) -> None:
        if self.keep_settings:
            self.settings.configuration = self.configuration
        self._refresh_state()

    def start_monitor(self) -> None:
        """Monitor > Start Monitor."""
        if problem := check_applications(self.configuration.applications):
            self.show_error(problem.text)
            return
        self.watch.start(self.configuration.monitor_options())

    def ask_attach(self) -> None:
        """Monitor > Attach."""
        dialog = AttachDialog(self.settings, self)
        dialog.accepted.connect(lambda: self.watch.attach(dialog.path))
        self._open(dialog, "manual#attach-detach")

    def set_threshold(self, number: int, threshold: float) -> None:
        """The threshold line was dragged."""
        rows = {row["number"]: row["name"] for row in self.watch.application_rows()}
        if number not in rows:
            return
        threshold = round(threshold, 4)
        name = rows[number]

        def answered(ok: bool, error: str, _: dict[str, Any]) -> None:
            if not ok:
                self.show_error(error)
                return
            if self.watch.attached:
                return  # a service has a configuration of its own
            for watched in self.configuration.applications:
                if watched.name in ("", name):
                    watched.threshold = threshold
            self._keep_configuration()

        self.watch.request("set-threshold", answered, application=name, threshold=threshold)

    def ask_log(self) -> None:
        """Monitor > Plot graph."""
        start = self.configuration.log or self.settings.folder("log")
        dialog = QFileDialog(self, self.tr("Plot graph: choose a score log"), start, log_filter())
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        if self.configuration.log:
            dialog.selectFile(self.configuration.log)
        dialog.fileSelected.connect(self.plot_log)
        self._open(dialog)

    def plot_log(self, path: str) -> None:
        """Plot a score log in a window of its own."""
        self.settings.set_folder("log", path)
        self.settings.add_recent(path)
        window = LogWindow(path, self.settings)
        offer_help(window, self.settings, "manual#plot-graph")
        self._show_window(window)

    # Tools

    def ask_learn(self) -> None:
        """Tools > Learn profile."""
        if self.learner is None:
            self.learner = LearnDialog(self.settings, self)
            self.learner.use_asked.connect(self._use_profile)
            offer_help(self.learner, self.settings, "manual#learn-profile")
        self.learner.show()
        self.learner.raise_()

    def learn_from(self, path: str) -> None:
        """Tools > Learn profile, with a trace in its list."""
        self.ask_learn()
        assert self.learner is not None
        self.learner.add_paths([path])

    def ask_record(self) -> None:
        """Tools > Trace to file."""
        if self.recorder is None:
            self.recorder = RecordDialog(self.settings, self.watch, self)
            self.recorder.changed.connect(self._refresh_state)
            offer_help(self.recorder, self.settings, "manual#trace-to-file")
            self.recorder.learn_asked.connect(self.learn_from)
        self.recorder.show()
        self.recorder.raise_()

    def ask_tree(self) -> None:
        """Tools > Display tree."""
        dialog = QFileDialog(
            self, self.tr("Display tree: choose a behaviour database"),
            self.settings.folder("profile"), database_filter(),
        )  # fmt: skip
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        for watched in self.configuration.applications[:1]:
            dialog.selectFile(watched.profile)
        dialog.fileSelected.connect(self.show_tree)
        self._open(dialog)

    def show_tree(self, path: str) -> None:
        """Show the tree of a behaviour database in a window of its own."""
        self.settings.set_folder("profile", path)
        try:
            window = TreeWindow(path, self.settings)
            offer_help(window, self.settings, "manual#display-tree")
        except ImsafeError as error:
            self.show_error(str(error))
            return
        self._show_window(window)

    def replay_box(self, path: str) -> None:
        """Replay a black box in a window of its own, with the same profiles and no side effects."""
        quiet = Configuration([replace(watched) for watched in self.configuration.applications])
        window = MainWindow(self.settings, quiet)
        window.setWindowTitle(self.tr("ImSafe: black box {0}").format(os.path.basename(path)))  # noqa: PTH119
        window.keep_settings = False
        window.open_file(path)
        self._show_window(window)
        if quiet.ready:
            window.start_monitor()

    # The last session

    def last_session(self) -> Session:
        """What is open now."""
        shown = [window for window in self._living() if window.isVisible()]
        return Session(
            self.watch.device,
            tuple(window.path for window in shown if isinstance(window, TreeWindow)),
            tuple(window.path for window in shown if isinstance(window, LogWindow)),
        )

    def restore_session(self) -> None:
        """Open what was open at the end of the last session, if wanted; nothing is started."""
        if not self.menus.restore.isChecked():
            return
        session = Session.from_json(self.settings.text("session/last"))
        if session.device is not None and self.watch.device is None:
            self.watch.open_device(session.device)
            self.add_message(self.tr("As in the last session: {0}").format(session.device))
        for path in session.trees:
            self.show_tree(path)
        for path in session.logs:
            self.plot_log(path)

    # Help

    def show_manual(self) -> None:
        """Help > Manual."""
        for window in self._living():
            if isinstance(window, ManualWindow) and window.isVisible():
                window.showNormal() if window.isMinimized() else window.show()
                window.raise_()
                window.activateWindow()
                return
        self._show_window(ManualWindow(self.settings))

    def show_guide(self) -> None:
        """Help > First steps."""
        if self.watch.session is not None:
            self.show_error(self.tr("Stop the monitor first (Monitor > Stop Monitor)."))
            return
        guide = Guide(self.settings, self)
        guide.watch_asked.connect(self._watch_guided)
        self._open(guide, "manual#in-five-minutes")

    def _watch_guided(self, device: Device, watched: WatchedApplication) -> None:
        if self.watch.device is not None:
            self.watch.close_device()
        self.configuration.applications = [watched]
        self._keep_configuration()
        self.settings.add_recent(watched.profile)
        self._refresh_recent()
        self.watch.open_device(device)
        self.start_monitor()

    def show_about(self) -> None:
        """Help > About."""
        show_message(
            self,
            self.tr("About ImSafe"),
            self.tr("ImSafe {0}").format(imsafe.__version__),
            QMessageBox.Icon.Information,
            self.tr(
                "Learns how an application uses system calls, and tells when it stops doing so.\n\n"
                "After the Immune Security Architecture of Laurent Eschenauer (1999).\n"
                "Free software under the GNU General Public License, version 3 or later."
            ),
        )

    # What the monitor says

    def _restart(self) -> None:
        self.desk.clear()
        self.processes.clear()
        self.plot.set_gaps([])
        self.plot.set_thresholds({})
        self.plot.set_now(0)
        self.plot.show_newest()

    def _refresh_plot(self) -> None:
        self.plot.set_gaps(self.watch.gaps)
        self.plot.refresh()

    def _refresh_status(self) -> None:
        status = self.watch.status
        assert status is not None
        self._refresh_applications()
        # A live device goes on in time while nothing calls; a replay does not.
        live = any(row["kind"] != "replay" and not row["finished"] for row in status["sources"])
        self.plot.set_now(status["time"] if live else 0)
        self._refresh_empty_text()
        self.status_line.update()
        if self.recorder is not None:
            self.recorder.update_status()

    def _refresh_empty_text(self) -> None:
        self.plot.set_empty_text(next_step(self.watch, configured=self.configuration.ready))

    def _refresh_applications(self) -> None:
        rows = self.watch.application_rows()
        self.plot.set_applications({row["number"]: row["name"] for row in rows})
        thresholds = {
            row["number"]: row["threshold"] for row in rows if row["threshold"] is not None
        }
        self.plot.set_thresholds(thresholds)
        self.processes.names = {row["number"]: row["name"] for row in rows}
        self.processes.thresholds = thresholds

    def _answer(self, ok: bool, error: str, values: dict[str, Any]) -> None:
        if not ok:
            self.show_error(error)

    # State

    def _refresh_state(self) -> None:
        watch, allow = self.watch, self.menus.allow
        has_device = watch.device is not None
        busy = self.tr("Close the device first.") if has_device else ""
        for name in ("driver", "sensor", "trace"):
            allow(name, busy)
        allow("close", "" if has_device else self.tr("There is no device."))
        recording = self.recorder is not None and self.recorder.uses_device
        allow("attach", self.tr("Stop the monitor first.") if watch.session is not None else "")
        self.menus.actions["stop"].setText(
            self.tr("De&tach") if watch.attached else self.tr("S&top Monitor")
        )
        self.menus.actions["stop"].setIconText(
            self.tr("Detach") if watch.attached else self.tr("Stop")
        )
        if watch.attached:
            allow("start", self.tr("Detach from the other monitor first."))
        elif watch.session is not None:
            allow("start", self.tr("The monitor runs already."))
        elif not has_device:
            allow("start", self.tr("Choose a device under File first."))
        elif not self.configuration.ready:
            allow("start", self.tr("Choose a behaviour database under Monitor > Configure first."))
        elif recording and isinstance(watch.device, SensorDevice):
            allow("start", self.tr("The device is being recorded; stop that first."))
        else:
            allow("start")
            self.watch.stand_by()
        if watch.session is None:
            allow("stop", self.tr("The monitor does not run."))
        else:
            allow("stop", self.tr("The monitor is stopping.") if watch.stopping else "")
        # What a black box is replayed with is not changed by it.
        self.desk.set_may_steer(watch.may_steer and self.keep_settings)
        allow("reload", "" if watch.may_steer else self.tr("No monitor runs that can be asked."))
        self._refresh_empty_text()
        self.status_line.update()
        if self.recorder is not None:
            self.recorder.update_status()

    # Messages

    def show_error(self, text: str) -> None:
        """One clear dialog; what comes while three are open is a line in the messages only."""
        self.add_message(text)
        if len(self.findChildren(QMessageBox)) < MOST_MESSAGES:
            show_message(self, "ImSafe", text)

    def add_message(self, text: str) -> None:
        """Add a line to the messages."""
        text = text[:LONGEST_MESSAGE]
        self.messages.appendPlainText(f"{datetime.now():%H:%M:%S}  {text}")
        self.status_line.tell(text)  # the messages may be behind another pane

    # Windows

    def _open(self, dialog: Any, chapter: str = "") -> None:
        if chapter:
            offer_help(dialog, self.settings, chapter)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_window(self, window: QWidget) -> None:
        # Qt takes a closed one away while Python still has it: plots do not bear the other order.
        for other in self._living():
            if not other.isVisible():
                other.deleteLater()
        self.windows = [*self._living(), window]
        window.show()

    def _living(self) -> list[QWidget]:
        return [window for window in self.windows if not sip.isdeleted(window)]

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: D102
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self.menus.dress(self.palette())

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: D102
        data = event.mimeData() if event is not None else None
        if event is not None and data is not None and data.hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: D102
        data = event.mimeData() if event is not None else None
        if data is not None:
            for url in data.urls():
                if url.isLocalFile():
                    self.open_file(url.toLocalFile())

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: D102
        if self.keep_settings:
            self.settings.save_geometry("main", self)
            self.settings.save_layout(self.saveState())
            self.settings.configuration = self.configuration
            self.settings.set_text("session/last", self.last_session().to_json())
            self.settings.flush()
        # Some dialogs have a program or a thread of theirs at work.
        for window in (*self._living(), *self.findChildren(QDialog)):
            window.close()
        for dialog in (self.learner, self.recorder):
            if dialog is not None:
                dialog.close_now()
        self.desk.close()
        self.watch.close_now()
        super().closeEvent(event)
