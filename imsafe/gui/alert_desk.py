# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings together what is about alerts: the monitor's, the list, the reason, the plot's marks."""

from __future__ import annotations

import time
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QWidget

from imsafe.errors import ImsafeError
from imsafe.gui.alert_model import MANY, NOTHING
from imsafe.gui.notification import Notifier
from imsafe.gui.panes import Panes
from imsafe.gui.saving import ask_to_save
from imsafe.gui.settings import Settings
from imsafe.gui.timers import timer
from imsafe.gui.watch import Watch
from imsafe.monitor.alert_export import as_text, save_alerts
from imsafe.monitor.view_protocol import Alert, IoUringNotice
from imsafe.words import grouped, plural

NOTIFY_KEY = "alerts/notify"
LATE_S = 5.0
"""An alert may be told so long after it was raised."""

MARK_MS = 33
"""Of a storm of alerts not each one makes the marks of all anew."""


class AlertDesk(QObject):
    """What happens to alerts in one main window.

    Signals
    -------
    failed(str), said(str)
        An error in words for a dialog; a line for the messages.
    """

    failed = pyqtSignal(str)
    said = pyqtSignal(str)

    def __init__(self, window: QWidget, panes: Panes, watch: Watch, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._watch = watch
        self._settings = settings
        self._panes = panes
        self.alerts, self.list, self.detail = panes.alerts, panes.alert_list, panes.detail
        self.plot = panes.plot
        self.notifier = Notifier(self)
        self.notifier.enabled = settings.text(NOTIFY_KEY, "yes") != "no"
        self.notifier.activated.connect(self._come_forward)
        panes.notify.setChecked(self.notifier.enabled)
        panes.notify.toggled.connect(self._notify_or_not)
        self._since = time.time()
        self._stale = False
        self._mark = timer(self, MARK_MS, self._mark_alerts, single=True)
        watch.alert.connect(self._take)
        watch.io_uring.connect(self._take_notice)
        self.plot.alert_clicked.connect(self.list.choose)
        panes.process_list.alerts_asked.connect(self._search_for)
        self.list.chosen.connect(self._show)
        self.list.pointed_at.connect(self._point_at)
        self.list.acknowledged.connect(self.acknowledge)
        self.list.marked_normal.connect(self._mark_normal)
        self.list.copied.connect(self.copy)
        self.list.exported.connect(self.ask_export)
        self.detail.acknowledge_asked.connect(self.acknowledge)
        self.detail.normal_asked.connect(self._mark_normal)
        self.detail.undo_asked.connect(self._undo_normal)
        self.detail.copy_asked.connect(self.copy)

    def clear(self) -> None:
        """A new monitor: what the former one said is void."""
        self._since = time.time()
        self.notifier.clear()
        self.alerts.clear()
        self.detail.show_alert(None)
        self._mark.stop()
        self.plot.set_alerts([])

    def close(self) -> None:
        """The window closes."""
        self.notifier.close()

    def _notify_or_not(self, wanted: bool) -> None:
        self.notifier.enabled = wanted
        self._settings.set_text(NOTIFY_KEY, "yes" if wanted else "no")

    def _come_forward(self, number: int) -> None:
        """The user has clicked a notification."""
        self._window.showNormal() if self._window.isMinimized() else self._window.show()
        self._window.raise_()
        self._window.activateWindow()
        self._panes.show_alerts()
        self.list.choose(number)

    def set_may_steer(self, allowed: bool) -> None:
        """Whether the monitor takes requests from this window."""
        self.list.set_may_steer(allowed)
        self.detail.set_may_steer(allowed)

    # What the monitor says

    def _take(self, alert: Any) -> None:
        new = self.alerts.alert(alert["id"]) is None
        self.alerts.put(alert)
        if not self._mark.isActive():
            self._mark.start()
        current = self.list.current()
        if new and current == NOTHING:
            self.list.choose_incident(alert["id"])
        elif self._is_shown(alert, current):
            self._show(current)
        if new:
            self.said.emit(self.tr("Alert: {0}").format(alert["reason"]))
            # Not of what a monitor has told before we came, nor of a recording: that is no news.
            if alert["time"] >= self._since - LATE_S and not self._window.isActiveWindow():
                self.notifier.tell(alert)

    def _is_shown(self, alert: Alert, current: int) -> bool:
        """Whether an alert is what the current row is about, or part of it."""
        shown = self.alerts.alert(current)
        return shown is not None and (
            shown["id"] == alert["id"]
            or (self.list.current_count() > 1 and shown["incident"] == alert["incident"])
        )

    def _mark_alerts(self) -> None:
        self.plot.set_alerts(self.alerts.marks())
        if self._stale:
            self._show_now(self.list.current())

    def _take_notice(self, notice: IoUringNotice) -> None:
        self.alerts.put_notice(notice)

    # What is shown

    def _show(self, number: int) -> None:
        if self.list.current_count() > MANY:
            self._stale = True
            if not self._mark.isActive():
                self._mark.start()
        else:
            self._show_now(number)

    def _show_now(self, number: int) -> None:
        self._stale = False
        notice = self.alerts.notice(number)
        if notice is not None:
            self.detail.show_notice(notice)
            return
        alert = self.alerts.alert(number)
        ids = self.list.current_ids()
        several = [one for one in map(self.alerts.alert, ids) if one is not None]
        self.detail.show_alert(alert, several if len(several) > 1 else None)
        if alert is not None and not alert["calls"]:
            self._watch.request("explain", self._explained, alert=number)

    def _search_for(self, pid: int) -> None:
        self.list.show_process(pid)
        self._panes.show_alerts()

    def _explained(self, ok: bool, error: str, values: dict[str, Any]) -> None:
        if ok:
            self._take(values["alert"])
        else:
            self.said.emit(error)

    def _point_at(self, number: int) -> None:
        row = self.alerts.alert(number) or self.alerts.notice(number)
        if row is not None:
            self.plot.look_at(row["time"])

    # What the user does

    def acknowledge(self, numbers: list[int], value: bool) -> None:
        """The user has seen to these alerts; or (False) has not after all."""
        if self._watch.may_steer:
            self._watch.request("acknowledge", self._answer, alert=numbers, value=value)
            return
        # The monitor has ended, or belongs to somebody else: this window notes it for itself.
        for number in numbers:
            alert = self.alerts.alert(number)
            if alert is not None:
                self._take({**alert, "acknowledged": time.time() if value else None})

    def _mark_normal(self, numbers: list[int]) -> None:
        self._watch.request("mark-normal", self._answer, alert=numbers)

    def _undo_normal(self, number: int, mark: int) -> None:
        alert = self.alerts.alert(number)
        if alert is not None:
            self._watch.request(
                "undo-normal", self._answer, mark=mark, application=alert["application"]
            )

    def _answer(self, ok: bool, error: str, _: dict[str, Any]) -> None:
        if not ok:
            self.failed.emit(error)
            self._show(self.list.current())

    def _known(self, numbers: list[int]) -> list[Alert]:
        return [alert for alert in map(self.alerts.alert, numbers) if alert is not None]

    def copy(self, numbers: list[int]) -> None:
        """Put alerts on the clipboard, as text."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and (alerts := self._known(numbers)):
            clipboard.setText(as_text(alerts))

    def ask_export(self, numbers: list[int]) -> None:
        """Ask for a file, and save alerts in it."""
        forms = ";;".join(("JSON (*.json)", "CSV (*.csv)", self.tr("Text (*.txt)")))
        folder = self._settings.folder("export")
        ask_to_save(self._window, self.tr("Export alerts"), folder, forms,
                    lambda path: self.export(path, numbers))  # fmt: skip

    def export(self, path: str, numbers: list[int]) -> None:
        """Save alerts in the form that the file's ending says."""
        self._settings.set_folder("export", path)
        alerts = self._known(numbers)
        try:
            save_alerts(path, alerts)
        except ImsafeError as error:
            self.failed.emit(str(error))
            return
        words = self.tr("{0} alerts saved in {1}", "", plural(len(alerts)))
        self.said.emit(words.format(grouped(len(alerts)), path))
