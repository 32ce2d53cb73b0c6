# SPDX-License-Identifier: GPL-3.0-or-later
"""Notifications, on a session bus of the tests' own with a service of the tests' own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from imsafe.gui import notification
from imsafe.gui.notification import Notifier
from imsafe.gui.settings import Settings

from .test_alerts import HOSTILE, alert


@pytest.fixture(autouse=True)
def no_bus(monkeypatch, tmp_path):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(notification, "BETWEEN_S", 0.05)


@pytest.fixture
def bus(monkeypatch):
    """The address of a session bus."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    daemon = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    address = daemon.stdout.readline().strip()
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    yield address
    daemon.kill()
    daemon.communicate()


class Service:
    """The service as a process, and what it was asked to show."""

    def __init__(self, capabilities):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.gui.notification_service", *capabilities],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n"
        os.set_blocking(self._process.stdout.fileno(), False)
        self._shown = []

    @property
    def shown(self):
        """Program, replaced, title, body, actions, urgency of each."""
        while line := self._process.stdout.readline():
            self._shown.append(json.loads(line))
        return self._shown

    def click(self, number):
        """As the user."""
        self._process.stdin.write(f"click {number}\n")
        self._process.stdin.flush()

    def close(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def service(qapp, bus, request):
    made = Service(getattr(request, "param", ["body", "actions", "body-markup"]))
    yield made
    made.close()


@pytest.fixture
def notifier(qapp):
    made = Notifier()
    yield made
    made.close()


def at_rest(notifier):
    """Whether all that was to be told has been, and was answered."""
    return not (notifier._later.isActive() or notifier._waiting or notifier._calls)


def test_an_incident_is_one_notification_kept_up_to_date(qtbot, service, notifier):
    notifier.tell(alert(1, "bash"))
    qtbot.waitUntil(lambda: len(service.shown) == 1)
    program, replaces, title, body, actions, urgency = service.shown[0]
    assert (program, replaces, actions[0]) == ("ImSafe", 0, "default")
    assert (title, body) == ("ImSafe: alert in web server", "bash did that.")
    assert urgency == 2
    notifier.tell(alert(2, "id", incident=1))
    notifier.tell(alert(3, "nc", incident=1, peak=0.99))
    qtbot.waitUntil(lambda: len(service.shown) == 2)
    assert service.shown[1][1] == 101, "in the place of the first"
    assert service.shown[1][2:4] == ["ImSafe: 3 alerts in web server", "nc did that."]
    activated = []
    notifier.activated.connect(activated.append)
    qtbot.waitUntil(lambda: at_rest(notifier))  # what the click means is known
    service.click(101)
    qtbot.waitUntil(lambda: activated == [3])


def test_hostile_names_are_neither_markup_nor_many_lines(qtbot, service, notifier):
    for count, text in enumerate(list(HOSTILE.values())[: notification.MOST_A_MINUTE], 1):
        notifier.tell(alert(count, reason=text, application=text))
        qtbot.waitUntil(lambda count=count: len(service.shown) == count)
        title, body = service.shown[-1][2:4]
        assert "<" not in body
        assert title.isprintable()
        assert body.isprintable()
        assert len(title) + len(body) < 6_000


@pytest.mark.parametrize("service", [["body"]], indirect=True)
def test_a_service_that_shows_no_markup_gets_none(qtbot, service, notifier):
    notifier.tell(alert(1))
    qtbot.waitUntil(lambda: len(service.shown) == 1)
    qtbot.waitUntil(lambda: not notifier._has_markup)
    notifier.tell(alert(2, reason="a < b & c"))
    qtbot.waitUntil(lambda: len(service.shown) == 2)
    assert service.shown[1][3] == "a < b & c"


def test_a_storm_is_a_few_notifications(qtbot, service):
    now = [0.0]
    notifier = Notifier(clock=lambda: now[0])
    number = 0

    def storm():
        nonlocal number
        for _ in range(20):
            number += 1
            notifier.tell(alert(number))
        return len(service.shown) == notification.MOST_A_MINUTE

    qtbot.waitUntil(storm)
    for _ in range(4):
        storm()
        with qtbot.waitSignal(notifier._later.timeout):  # when it could tell more
            pass
    qtbot.waitUntil(lambda: not notifier._calls)
    assert len(service.shown) == notification.MOST_A_MINUTE
    assert "incidents" in service.shown[-1][2]
    now[0] = 61.0
    qtbot.waitUntil(lambda: len(service.shown) == notification.MOST_A_MINUTE + 1)
    assert "alerts in" in service.shown[-1][2], "what was held back is told"
    notifier.close()


def test_without_a_bus_a_service_or_an_answer_nothing_breaks(qtbot, monkeypatch, notifier, bus):
    notifier.tell(alert(1))  # a bus, and nobody there to show it
    qtbot.waitUntil(lambda: at_rest(notifier), timeout=20_000)  # the bus is asked for 10 s
    notifier.close()
    for address in ("", "unix:path=/nowhere/at/all", "nonsense"):
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        other = Notifier()
        other.tell(alert(2))
        qtbot.waitUntil(lambda other=other: at_rest(other))
        other.tell(alert(3))
        other.close()


def test_the_window_tells_of_news_and_remembers_the_switch(qtbot, service, window, settings):
    window.hide()
    window.watch.alert.emit(alert(1, time=time.time() - 3600))
    window.watch.alert.emit(alert(2, time=time.time()))
    qtbot.waitUntil(lambda: len(service.shown) == 1)
    qtbot.waitUntil(lambda: at_rest(window.desk.notifier))
    assert len(service.shown) == 1, "an alert of the past is no news"
    (switch,) = [a for a in window.menus.view.actions() if "notifications" in a.text()]
    assert switch.isChecked()
    switch.trigger()
    window.watch.alert.emit(alert(3, time=time.time()))
    qtbot.waitUntil(lambda: at_rest(window.desk.notifier))
    assert len(service.shown) == 1
    assert settings.text("alerts/notify") == "no"
    window.desk.notifier.activated.emit(1)
    assert window.isVisible()
    assert window.alert_list.current() == 1
    from imsafe.gui.main_window import MainWindow

    second = MainWindow(Settings(settings._store.fileName()))
    qtbot.addWidget(second)
    assert not second.desk.notifier.enabled
    second.close()
