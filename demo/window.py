# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the demonstration that happens in the window, driven through its own menus."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QWidget

from demo.steps import DRIVER, ROOT, attacker, end, say, tool, visitors
from demo.web_server import DemoError, WebServer
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device_dialogs import SensorDialog
from imsafe.gui.driver_dialog import DriverDialog
from imsafe.gui.language import speak
from imsafe.gui.main_window import MainWindow
from imsafe.gui.settings import Settings
from imsafe.monitor.view_protocol import Alert
from imsafe.sources.kernel_request import KernelRequest

Dialog = TypeVar("Dialog", bound=QDialog)

ATTACK = "reverse-shell-bash"
NORMAL_SEEDS = (501, 502, 503)
LATER_SEED = 504

IDLE_RATE = 100.0
"""Calls a second; the web server makes fewer when nobody visits it."""

MOST_POINTS = 100_000


@dataclass(frozen=True)
class Until:
    """What the script waits for.

    Attributes
    ----------
    true : callable
        Asked 20 times a second.
    what
        For the error when it does not come true in time.
    """

    true: Callable[[], bool]
    what: str
    seconds: float = 30.0


def pause(seconds: float) -> Until:
    """Wait so long, so that a person can follow."""
    over = time.monotonic() + seconds
    return Until(lambda: time.monotonic() > over, "time", seconds + 10)


class Play:
    """Runs a script, a generator of `Until`, beside Qt's own events.

    Attributes
    ----------
    error
        What ended the script before its time.
    """

    def __init__(self, script: Generator[Until, None, None]) -> None:
        self.error: BaseException | None = None
        self.over = False
        self._script = script
        self._waiting = pause(0)
        self._since = time.monotonic()
        self._timer = QTimer()
        self._timer.setInterval(50)
        self._timer.timeout.connect(self._step)
        self._timer.start()

    def stop(self) -> None:
        """End the script where it is; its `finally` blocks run."""
        self._timer.stop()
        self.over = True
        self._script.close()

    def _step(self) -> None:
        try:
            if not self._waiting.true():
                if time.monotonic() - self._since > self._waiting.seconds:
                    raise DemoError(f"This did not happen in time: {self._waiting.what}.")
                return
            self._waiting = next(self._script)
            self._since = time.monotonic()
        except StopIteration:
            self.stop()
        except Exception as error:  # noqa: BLE001 - raised again outside Qt's event loop
            self.error = error
            self.stop()
            QApplication.exit(1)


class Show:
    """The window, the traced web server, its visitors, and the attack.

    Parameters
    ----------
    site
        Not running yet.
    profile, log, recording
        What was learned; where the scores and the calls go.
    pictures
        The folder for screenshots.
    driver
        Whether the kernel tracer watches the server; else it runs under a sensor.
    stay
        Whether the window stays open for a person at the end.
    """

    def __init__(
        self,
        site: WebServer,
        profile: Path,
        log: Path,
        recording: Path,
        pictures: Path,
        *,
        driver: bool,
        stay: bool,
    ) -> None:
        self._site = site
        self._profile = profile
        self._log = log
        self._recording = recording
        self._pictures = pictures
        self._driver = driver
        self._stay = stay
        self._alerts: list[Alert] = []
        self._children: list[subprocess.Popen[bytes]] = []
        self._socket = site.folder / "sensor"

    def run(self) -> None:
        """Show everything.

        Raises
        ------
        DemoError
            Something did not happen.
        """
        application = QApplication.instance() or QApplication(sys.argv[:1])
        assert isinstance(application, QApplication)
        application.setApplicationName("imsafe")
        speak(application)
        window = MainWindow(Settings(self._site.folder / "settings.ini"))
        window.watch.alert.connect(self._take_alert)
        window.show()
        play = Play(self._script(window))
        try:
            application.exec()
        finally:
            play.stop()
            window.close()
            for child in reversed(self._children):
                end(child)
            window.deleteLater()
            application.processEvents()
        if play.error is not None:
            raise play.error

    def _take_alert(self, alert: Alert) -> None:
        self._alerts = [other for other in self._alerts if other["id"] != alert["id"]]
        self._alerts.append(alert)

    # The script

    def _script(self, window: MainWindow) -> Generator[Until, None, None]:
        yield Until(window.isVisible, "the window is shown")
        yield from (self._connect_driver if self._driver else self._connect_sensor)(window)
        yield from self._configure(window)
        window.menus.actions["start"].trigger()
        yield Until(lambda: window.watch.status is not None, "the monitor answers", 90)
        if self._driver:
            yield Until(lambda: _is_tracing(window), "the kernel tracer begins", 60)
            say("   the kernel tracer is there; the web server starts")
            server = self._start(self._site.argv)
        else:
            say("   the monitor waits for a sensor; the web server starts under one")
            sensor = [tool("ims-sensor"), "-s", str(self._socket), "--"]
            server = self._start([*sensor, *self._site.argv])
        yield Until(self._answers, "the web server answers")
        for seed in NORMAL_SEEDS:
            yield from self._visit(seed)
        yield Until(lambda: _has_caught_up(window), "the monitor scores", 60)
        yield pause(1)
        normal = self._highest_score(window)
        false_alerts = len(self._alerts)
        self._take_picture(window, "1-normal")
        say(f"   {len(NORMAL_SEEDS)} fresh normal runs: highest score {normal:.3f},"
            f" {false_alerts} alerts")  # fmt: skip
        say(f"4. Attack: {ATTACK}, through the hole in the phone book, while visitors go on")
        crowd = self._start(visitors(self._site, LATER_SEED))
        yield pause(1.5)
        attack = self._start(attacker(self._site, ATTACK))
        yield Until(lambda: len(self._alerts) > false_alerts, "an alert")
        yield Until(lambda: attack.poll() is not None, "the attacker is done")
        yield pause(1.5)
        self._take_picture(window, "2-attack")
        yield Until(lambda: crowd.poll() is not None, "the visitors leave", 60)
        yield pause(1)
        worst = max(self._alerts[false_alerts:], key=lambda alert: alert["peak"])
        window.alert_list.choose(worst["id"])
        yield pause(1)
        self._take_picture(window, "3-alert")
        self._report(window, worst)
        window.show_tree(str(self._profile))
        tree = window.windows[-1]
        yield pause(2)
        self._take_picture(tree, "4-tree")
        if self._stay:
            yield from self._wait_for_a_person(window)
        tree.close()
        self._site.stop(server)
        window.menus.actions["stop"].trigger()
        yield Until(lambda: window.watch.session is None, "the monitor ends")
        window.close()
        QApplication.quit()

    def _connect_driver(self, window: MainWindow) -> Iterator[Until]:
        window.menus.actions["driver"].trigger()
        dialog = _dialog(window, DriverDialog)
        dialog.choose(KernelRequest.from_words([f"--name={DRIVER[1]}", "--not-yet-started"]))
        yield pause(1.5)
        self._take_picture(dialog, "0-driver")
        _press_ok(dialog.buttons)
        yield Until(lambda: window.watch.device is not None, "the device is chosen")

    def _connect_sensor(self, window: MainWindow) -> Iterator[Until]:
        window.menus.actions["sensor"].trigger()
        dialog = _dialog(window, SensorDialog)
        dialog.socket.setText(str(self._socket))
        yield pause(0.5)
        _press_ok(dialog.buttons)
        yield Until(lambda: window.watch.device is not None, "the device is chosen")

    def _configure(self, window: MainWindow) -> Iterator[Until]:
        window.menus.actions["configure"].trigger()
        dialog = _dialog(window, ConfigureDialog)
        dialog.form.profile.set_path(str(self._profile))
        dialog.log.set_path(str(self._log))
        dialog.record.set_path(str(self._recording))
        yield pause(0.5)
        self._take_picture(dialog, "0-configure")
        _press_ok(dialog.buttons)
        yield Until(lambda: window.configuration.ready, "the profile is configured")

    def _visit(self, seed: int) -> Iterator[Until]:
        crowd = self._start(visitors(self._site, seed))
        yield Until(lambda: crowd.poll() is not None, "the visitors leave", 60)
        if crowd.returncode:
            raise DemoError(f"The visitors failed with status {crowd.returncode}.")

    def _wait_for_a_person(self, window: MainWindow) -> Iterator[Until]:
        url = f"http://127.0.0.1:{self._site.port}"
        say(f"\nThe window stays open, and the web server runs: {url}")
        say(f"Attack it yourself:  curl '{url}/phonebook.pl?name=x;id'")
        say("Close the window, or press Ctrl-C, to end the demonstration.")
        closed = float("inf")
        yield Until(lambda: not window.isVisible(), "the window is closed", closed)

    # What it needs

    def _start(self, argv: list[str]) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
        )
        self._children.append(child)
        return child

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._site.port), timeout=1).close()
        except OSError:
            return False
        return True

    def _highest_score(self, window: MainWindow) -> float:
        """What the plot has shown so far."""
        history = window.watch.history
        span = history.span()
        if span is None:
            return 0.0
        bands = [history.band(number, *span, MOST_POINTS) for number in history.applications()]
        return max(float(np.max(band.maximum, initial=0.0)) for band in bands)

    def _take_picture(self, widget: QWidget, name: str) -> None:
        path = self._pictures / f"{name}.png"
        if not widget.grab().save(str(path)):
            raise DemoError(f"Cannot write {path}.")

    def _report(self, window: MainWindow, alert: Alert) -> None:
        say(f"   attack: highest score {self._highest_score(window):.3f},"
            f" threshold {alert['threshold']:.3f}")  # fmt: skip
        say(f"   ALERT {alert['comm']} (process {alert['pid']}), peak {alert['peak']:.3f}:"
            f" {alert['reason']}")  # fmt: skip
        surprising = sorted(alert["calls"], key=lambda call: -call["surprise"])[:3]
        for entry in surprising:
            expected = ", ".join(f"{call} {p:.0%}" for call, p in entry["expected"][:3])
            say(f"   {entry['call']} surprised by {entry['surprise']:.1f} bits;"
                f" expected there: {expected or 'nothing in particular'}")  # fmt: skip


def _dialog(window: MainWindow, kind: type[Dialog]) -> Dialog:
    for dialog in window.findChildren(kind):
        if dialog.isVisible():
            return dialog
    raise DemoError(f"The window did not open its {kind.__name__}.")


def _is_tracing(window: MainWindow) -> bool:
    status = window.watch.status
    return status is not None and any(row["state"] == "tracing" for row in status["sources"])


def _has_caught_up(window: MainWindow) -> bool:
    status = window.watch.status
    return status is not None and status["calls"] > 0 and status["rate"] < IDLE_RATE


def _press_ok(buttons: QDialogButtonBox) -> None:
    button = buttons.button(QDialogButtonBox.StandardButton.Ok)
    if button is None or not button.isEnabled():
        raise DemoError("A dialog of the window does not accept what the demonstration chose.")
    button.click()
