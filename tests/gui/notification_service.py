# SPDX-License-Identifier: GPL-3.0-or-later
"""A notification service: prints what it is to show; "click N" on its input is the user's."""

from __future__ import annotations

import json
import os
import sys

from PyQt6.QtCore import (
    QCoreApplication,
    QMetaType,
    QObject,
    QSocketNotifier,
    pyqtClassInfo,
    pyqtSlot,
)
from PyQt6.QtDBus import QDBusAbstractAdaptor, QDBusConnection, QDBusMessage

from imsafe.gui.notification import PATH, SERVICE, _of_type


@pyqtClassInfo("D-Bus Interface", SERVICE)
class Service(QDBusAbstractAdaptor):
    def __init__(self, parent, capabilities):
        super().__init__(parent)
        self.capabilities = capabilities
        self.count = 0

    @pyqtSlot(result="QStringList")
    def GetCapabilities(self):
        return self.capabilities

    @pyqtSlot(str, "uint", str, str, str, "QStringList", "QVariantMap", int, result="uint")
    def Notify(self, program, replaces, _icon, title, body, actions, hints, _timeout):
        self.count += 1
        urgency = ord(hints["urgency"])
        say(json.dumps([program, replaces, title, body, actions, urgency]))
        return replaces or 100 + self.count


def say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main():
    application = QCoreApplication(sys.argv)
    owner = QObject()
    service = Service(owner, sys.argv[1:])
    bus = QDBusConnection.sessionBus()
    assert bus.registerObject(PATH, owner)
    assert bus.registerService(SERVICE)

    def read():
        words = os.read(0, 4096).decode().split()
        if not words:
            os._exit(0)
        clicked = QDBusMessage.createSignal(PATH, SERVICE, "ActionInvoked")
        clicked.setArguments([_of_type(int(words[1]), QMetaType.Type.UInt), "default"])
        bus.send(clicked)

    notifier = QSocketNotifier(0, QSocketNotifier.Type.Read)
    notifier.activated.connect(read)
    say("ready")
    application.exec()
    assert service


if __name__ == "__main__":
    main()
