# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells of alerts on the desktop, by the freedesktop notification service, where there is one.

Without a session bus, without a service on it, or when it does not answer,
nothing is told and nothing else changes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QMetaType, QObject, QVariant, pyqtSignal, pyqtSlot
from PyQt6.QtDBus import (
    QDBusConnection,
    QDBusMessage,
    QDBusPendingCallWatcher,
    QDBusPendingReply,
)

from imsafe.gui.plain_text import line, name
from imsafe.gui.timers import timer
from imsafe.monitor.view_protocol import Alert
from imsafe.words import grouped

SERVICE = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
CONNECTION = "imsafe-notifications"

BETWEEN_S = 2.0
"""At least so long between two notifications; what comes meanwhile is told with the next."""

MOST_A_MINUTE = 6

_CRITICAL = 2
_DEFAULT = "default"


def session_bus() -> str | None:
    """The address of the session bus; None where there is none.

    Qt must not be left to look for one: without an address libdbus may start a
    daemon of its own.
    """
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    if address:
        return address
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    path = Path(folder) / "bus"
    return f"unix:path={path}" if folder and path.is_socket() else None


class Notifier(QObject):
    """Shows one notification for each incident, and keeps it up to date.

    Signals
    -------
    activated(int)
        The user clicked the notification of this alert.

    Attributes
    ----------
    enabled : bool
        The user's wish.
    """

    activated = pyqtSignal(int)

    def __init__(
        self,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self.enabled = True
        self._clock = clock
        self._bus: QDBusConnection | None = None
        self._has_markup = True  # until the service says otherwise: too much escaping is no harm
        self._waiting: dict[int, list[Alert]] = {}  # by incident: what is still to be told
        self._counts: dict[int, int] = {}  # by incident: alerts told of
        self._shown: dict[int, tuple[int, int]] = {}  # by incident: the service's id, the alert
        self._sent: list[float] = []
        self._calls: set[QDBusPendingCallWatcher] = set()
        self._later = timer(self, int(BETWEEN_S * 1000), self._send, single=True)

    # What is told

    def tell(self, alert: Alert) -> None:
        """There is a new alert."""
        if self.enabled:
            self._waiting.setdefault(alert["incident"], []).append(alert)
            if not self._later.isActive():
                self._send()

    def clear(self) -> None:
        """Nothing of what was told is true any more."""
        self._waiting.clear()
        self._counts.clear()
        self._shown.clear()

    def close(self) -> None:
        """Let go of the bus."""
        self._later.stop()
        self.clear()
        if self._bus is not None:
            for signal, slot in self._slots():
                self._bus.disconnect(SERVICE, PATH, SERVICE, signal, slot)
            # The connection stays for the next window: Qt's bus thread may wait for Python's
            # lock, which disconnectFromBus() holds while it waits for that thread.
            self._bus = None

    def _send(self) -> None:
        if not self._waiting or not self.enabled:
            self._waiting.clear()
            return
        now = self._clock()
        self._sent = [moment for moment in self._sent if now - moment < 60]
        self._later.start()
        if len(self._sent) >= MOST_A_MINUTE or not self._connect():
            if self._bus is None:
                self._waiting.clear()
                self._later.stop()
            return
        self._sent.append(now)
        if len(self._waiting) > 1:
            self._send_summary()
        else:
            ((incident, alerts),) = self._waiting.items()
            self._counts[incident] = self._counts.get(incident, 0) + len(alerts)
            self._notify(incident, max(alerts, key=lambda alert: alert["peak"]))
        self._waiting.clear()

    def _notify(self, incident: int, alert: Alert) -> None:
        count = self._counts[incident]
        title = self.tr("ImSafe: alert in {0}").format(name(alert["application"]))
        if count > 1:
            title = self.tr("ImSafe: {0} alerts in {1}", "", count)
            title = title.format(grouped(count), name(alert["application"]))
        self._call(title, alert["reason"], incident, alert["id"])

    def _send_summary(self) -> None:
        """Several incidents at once are one notification."""
        alerts = [alert for waiting in self._waiting.values() for alert in waiting]
        worst = max(alerts, key=lambda alert: alert["peak"])
        title = self.tr("ImSafe: {0} alerts in {1} incidents", "", len(alerts)).format(
            grouped(len(alerts)), grouped(len(self._waiting))
        )
        self._call(title, self.tr("The worst: {0}").format(worst["reason"]), 0, worst["id"])

    # The bus

    def _connect(self) -> bool:
        if self._bus is None:
            address = session_bus()
            if address is None:
                return False
            bus = QDBusConnection.connectToBus(address, f"{CONNECTION}-{address}")
            if not bus.isConnected():
                return False
            self._bus = bus
            for signal, slot in self._slots():
                bus.connect(SERVICE, PATH, SERVICE, signal, slot)
            self._ask("GetCapabilities", [], self._take_capabilities)
        return self._bus.isConnected()

    def _slots(self) -> tuple[tuple[str, Any], ...]:
        return ("ActionInvoked", self._acted), ("NotificationClosed", self._closed)

    def _ask(self, method: str, arguments: list[Any], answer: Callable[..., None]) -> None:
        assert self._bus is not None
        message = QDBusMessage.createMethodCall(SERVICE, PATH, SERVICE, method)
        message.setArguments(arguments)
        watcher = QDBusPendingCallWatcher(self._bus.asyncCall(message, 10_000))
        self._calls.add(watcher)

        def finished(_: QDBusPendingCallWatcher) -> None:
            self._calls.discard(watcher)
            reply = QDBusPendingReply(watcher)
            if reply.isValid():
                answer(reply.value())
            watcher.deleteLater()

        watcher.finished.connect(finished)

    def _take_capabilities(self, known: list[str]) -> None:
        self._has_markup = "body-markup" in known

    def _call(self, title: str, text: str, incident: int, alert: int) -> None:
        former, _ = self._shown.get(incident, (0, 0))
        hints = {
            "urgency": _of_type(_CRITICAL, QMetaType.Type.UChar),
            "category": "x-imsafe.alert",
            "desktop-entry": "imsafe",
        }
        # The text holds names of foreign processes, and most services read markup in it.
        body = escape(line(text), quote=False) if self._has_markup else line(text)
        arguments = [
            "ImSafe", _of_type(former, QMetaType.Type.UInt), "security-high", title, body,
            _of_type([_DEFAULT, self.tr("Show")], QMetaType.Type.QStringList),
            hints, -1,
        ]  # fmt: skip

        def shown(number: int) -> None:
            self._shown[incident] = number, alert

        self._ask("Notify", arguments, shown)

    @pyqtSlot(QDBusMessage)
    def _acted(self, message: QDBusMessage) -> None:
        number = message.arguments()[0]
        for shown, alert in self._shown.values():
            if shown == number:
                self.activated.emit(alert)

    @pyqtSlot(QDBusMessage)
    def _closed(self, message: QDBusMessage) -> None:
        number = message.arguments()[0]
        for incident, (shown, _) in list(self._shown.items()):
            if shown == number:
                del self._shown[incident]


def _of_type(value: int | list[str], kind: QMetaType.Type) -> QVariant:
    """A value as the type that the bus wants; Python has fewer of them."""
    variant = QVariant(value)
    variant.convert(QMetaType(kind.value))  # type: ignore[call-overload]
    return variant
