# SPDX-License-Identifier: GPL-3.0-or-later
"""What one main window is about: its device, its monitor, and what the monitor has said so far."""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal

from imsafe.gui.child import Child
from imsafe.gui.device import Device, SensorDevice
from imsafe.gui.gaps import joined, united
from imsafe.gui.monitor_session import Answer, MonitorSession
from imsafe.gui.score_history import LiveHistory
from imsafe.monitor.view_protocol import PROCESS, ApplicationRow, Hello, IoUringNotice, Status

MOST_GAPS = 2_000
"""Beyond this many, the oldest intervals of lost calls are joined in pairs."""

MOST_NAMED = 20
"""Of the processes that asked for an io_uring, as many are known by name."""


class Watch(QObject):
    """Holds the device and the monitor together; draws nothing.

    Attributes
    ----------
    device
        Chosen under File; None when closed.
    session
        The monitor; None when none runs.
    history, gaps
        What the plot shows: scores, and intervals (s) in which calls were lost.
    hello, status
        The latest of each; None before the first.
    io_uring_count, io_urings
        How many processes asked for an io_uring; what was said of the latest of them.

    Signals
    -------
    changed()
        What is possible may have changed: device, monitor, applications.
    failed(str)
        An error in words, for a dialog.
    said(str)
        A line for the messages.
    scored(), status_changed()
        New scores or gaps; a new status.
    alert(dict), processes(object), identities(list), io_uring(dict)
        From the monitor.
    restarted()
        A new monitor: what was shown of the former one is void.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str)
    said = pyqtSignal(str)
    scored = pyqtSignal()
    status_changed = pyqtSignal()
    alert = pyqtSignal(dict)
    processes = pyqtSignal(object)
    identities = pyqtSignal(list)
    io_uring = pyqtSignal(dict)
    restarted = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.device: Device | None = None
        self.session: MonitorSession | None = None
        self.history = LiveHistory()
        self.gaps: list[tuple[float, float]] = []
        self.hello: Hello | None = None
        self.status: Status | None = None
        self.stopping = False
        self.io_uring_count = 0
        self.io_urings: deque[IoUringNotice] = deque(maxlen=MOST_NAMED)
        self._given: Device | None = None  # to the monitor, on its command line
        self._standby: Child | None = None
        self._over = False
        self._heard = 0.0
        self._programs: list[Child] = []

    # The device

    def open_device(self, device: Device) -> None:
        """Use this device; a running monitor takes it in at once."""
        self.device = device
        if self.session is not None and self.session.connected and not self.attached:
            self._ask_for_sources()
            self.start_program()
        self.said.emit(self.tr("Device: {0}").format(device))
        self.changed.emit()

    def _ask_for_sources(self) -> None:
        if self.device is not None:
            for source in self.device.source_requests():
                self.request("add-source", self._device_answer, source=source)

    def close_device(self) -> None:
        """Let the device go; a running monitor lives on without it."""
        if self.device is None:
            return
        if self.session is not None and self.session.connected and not self.attached:
            self.session.request("close-source", self._device_answer)
        self.device = None
        self.said.emit(self.tr("Device closed"))
        self.changed.emit()

    def _device_answer(self, ok: bool, error: str, _: dict[str, Any]) -> None:
        if not ok:
            self.failed.emit(error)

    def start_program(self) -> None:
        """Start the sensor that the device asks for, once there is a listener for it."""
        device = self.device
        if not isinstance(device, SensorDevice) or device.program is None:
            return
        program = device.program
        arguments = [f"--end-with={os.getpid()}", *program.sensor_arguments(device.sockets[0])]
        if any(child.running and child.arguments == arguments for child in self._programs):
            # Its sensor connects again; a daemon's second start would find its port taken.
            self.said.emit(self.tr("Still under its sensor: {0}").format(program))
            return
        child = Child("sensor", arguments, self, hold_input=False, runs_program=True)
        child.printed.connect(self.said)
        child.ended.connect(
            lambda status, words: self._program_ended(child, str(program), status, words)
        )
        self._programs.append(child)
        child.start()
        self.said.emit(self.tr("Started under a sensor: {0}").format(program))

    def _program_ended(self, child: Child, name: str, status: int, words: str) -> None:
        if child in self._programs:
            self._programs.remove(child)
            child.deleteLater()
        # Status 2 may be the program's own; what the sensor says of its socket is no error.
        if words and not words.startswith("/"):
            self.failed.emit(words)
        else:
            self.said.emit(self.tr("{0} ended with status {1}").format(name, status))

    @property
    def program_running(self) -> bool:
        """Whether a program that the window started is still running."""
        return any(child.running for child in self._programs)

    # The monitor

    def stand_by(self) -> None:
        """Have a monitor ready, which takes a second to load, before it is asked for."""
        if not self._over and (self._standby is None or not self._standby.running):
            self._standby = Child("monitor", ["--standby"], self)
            self._standby.start()

    def start(self, options: list[str]) -> None:
        """Start a monitor on the device with these options of `ims-monitor`."""
        assert self.device is not None
        self._adopt(MonitorSession(self))
        assert self.session is not None
        self._given = self.device
        standby, self._standby = self._standby, None
        if standby is not None and not standby.running:
            standby = None
        self.session.start([*options, *self._given.source_options()], standby)
        self.said.emit(self.tr("Monitor started"))
        self.changed.emit()

    def attach(self, path: str) -> None:
        """Follow a monitor that runs already, by the path of its view."""
        self._adopt(MonitorSession(self))
        assert self.session is not None
        self.said.emit(self.tr("Attached to the monitor at {0}").format(path))
        self.changed.emit()
        self.session.attach(path)

    def _adopt(self, session: MonitorSession) -> None:
        self.history.clear()
        self.gaps = []
        self.io_uring_count = 0
        self.io_urings.clear()
        self.hello = None
        self.status = None
        self.stopping = False
        self.session = session
        session.greeted.connect(self._greeted)
        session.buckets.connect(self._take_buckets)
        session.gaps.connect(self._take_gaps)
        session.alert.connect(self.alert)
        session.processes.connect(self.processes)
        session.identities.connect(self.identities)
        session.status.connect(self._take_status)
        session.notice.connect(self.said)
        session.failed.connect(self.failed)
        session.io_uring.connect(self._take_io_uring)
        session.ended.connect(lambda words: self._ended(session, words))
        self.restarted.emit()

    def reload_profiles(self) -> None:
        """Have the profiles read again that the monitor watches with."""
        for row in self.application_rows():

            def answered(
                ok: bool, error: str, _: dict[str, Any], path: str = row["profile"]
            ) -> None:
                if ok:
                    self.said.emit(self.tr("The profile {0} was read again").format(path))
                else:
                    self.failed.emit(error)

            self.request("reload-profile", answered, application=row["name"])

    def stop(self) -> None:
        """Stop the monitor, or leave one that is not ours."""
        if self.session is not None:
            self.stopping = True
            self.session.stop()
            self.changed.emit()

    def request(self, name: str, answer: Answer | None = None, **keys: Any) -> None:
        """Ask the monitor."""
        if self.session is not None:
            self.session.request(name, answer, **keys)

    def close_now(self) -> None:
        """For the window's own end: monitor and programs end with it."""
        self._over = True
        if self._standby is not None:
            self._standby.kill_now()
        if self.session is not None:
            self.stopping = True
            self.session.close_now()
        for child in list(self._programs):
            child.signal_to_end()
            child.wait_until_ended(3000)

    def _greeted(self, hello: Any) -> None:
        self._heard = time.monotonic()
        self.hello = hello
        if not self.attached:  # a service has sources of its own
            self._bring_device_up_to_date()
            self.start_program()
        self.changed.emit()

    def _bring_device_up_to_date(self) -> None:
        """What the new monitor was started with may be another device than the present one."""
        if self.device is not self._given:
            if self._given is not None:
                self.request("close-source", self._device_answer)
            self._ask_for_sources()

    def _take_buckets(self, buckets: Any) -> None:
        self.history.add(buckets)
        self.scored.emit()

    def _take_gaps(self, gaps: Any) -> None:
        self.gaps += list(
            zip((gaps["from_ns"] / 1e9).tolist(), (gaps["to_ns"] / 1e9).tolist(), strict=True)
        )
        self.gaps = united(self.gaps)
        if len(self.gaps) > MOST_GAPS:
            self.gaps = joined(self.gaps, MOST_GAPS // 2)
        self.scored.emit()

    def _take_io_uring(self, notice: Any) -> None:
        self.io_uring_count += 1
        self.io_urings.append(notice)
        self.io_uring.emit(notice)

    @property
    def silent_for(self) -> float:
        """Seconds for which a connected monitor has said nothing; it speaks twice a second."""
        session = self.session
        if session is None or not session.connected or self.stopping or session.behind:
            return 0.0
        return time.monotonic() - self._heard

    def _take_status(self, status: Any) -> None:
        self._heard = time.monotonic()
        self.status = status
        self.status_changed.emit()

    def _ended(self, session: MonitorSession, words: str) -> None:
        if session is not self.session:
            return
        ended = self.tr("Detached; the monitor goes on") if self.attached else ""
        self.session = None
        session.deleteLater()
        self.processes.emit(np.empty(0, PROCESS))
        self.said.emit(words or ended or self.tr("Monitor ended"))
        self.changed.emit()
        if words and not self.stopping:
            self.failed.emit(words)

    # What it knows

    def application_rows(self) -> list[ApplicationRow]:
        """The watched applications as last heard."""
        if self.status is not None:
            return self.status["applications"]
        return self.hello["applications"] if self.hello is not None else []

    @property
    def attached(self) -> bool:
        """Whether the monitor is somebody else's: it goes on without this window."""
        return self.session is not None and self.session.child is None

    @property
    def may_steer(self) -> bool:
        """Whether the monitor takes requests from this window."""
        return self.session is not None and self.hello is not None and self.hello["may_steer"]
