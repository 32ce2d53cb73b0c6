# SPDX-License-Identifier: GPL-3.0-or-later
"""One monitor as the window knows it: the process, if the window started it, and its view.

A monitor that the window started and one that runs as a service are the same
from here on: a socket that says what happens and takes a few requests.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtNetwork import QLocalSocket

from imsafe.errors import ImsafeError
from imsafe.gui.child import Child
from imsafe.gui.timers import timer
from imsafe.monitor.view_client import (
    AlertMessage,
    BucketsMessage,
    GapsMessage,
    HelloMessage,
    IdentitiesMessage,
    Message,
    NoticeMessage,
    ProcessesMessage,
    ReplyMessage,
    StatusMessage,
    ViewClient,
)
from imsafe.monitor.view_protocol import VIEW_FOLDER

Answer = Callable[[bool, str, dict[str, Any]], None]
"""Called with a reply: whether it worked, the error in words, what else it said."""

RETRY_MS = 50
_LARGEST_READ = 1 << 18
_TURN_S = 0.008
"""So long a storm of messages is dealt with before the window's own events get a turn."""
_LARGEST_BUFFER = 1 << 22
"""The monitor waits, or merges, when the window does not keep up."""


def private_folder() -> Path:
    """A new folder for a socket that nobody else can enter (mode 0700)."""
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = Path(base).is_absolute() and Path(base).is_dir()
    return Path(tempfile.mkdtemp(prefix=VIEW_FOLDER, dir=base if usable else None))


class MonitorSession(QObject):
    """Follows one monitor from its start to its end.

    Signals
    -------
    greeted(dict)
        `Hello`: the view is connected.
    buckets(object), gaps(object)
        Arrays of `BUCKET` and `GAP`.
    alert(dict), identities(list), status(dict)
        As in `view_protocol`.
    processes(object)
        Array of `PROCESS`.
    notice(str), failed(str)
        Something to know, and an error; the monitor goes on.
    io_uring(dict)
        `IoUringNotice`; its text comes as a notice as well.
    ended(str)
        The monitor is gone; the error in words, empty when it ended in order.
    """

    greeted = pyqtSignal(dict)
    buckets = pyqtSignal(object)
    gaps = pyqtSignal(object)
    alert = pyqtSignal(dict)
    processes = pyqtSignal(object)
    identities = pyqtSignal(list)
    status = pyqtSignal(dict)
    notice = pyqtSignal(str)
    failed = pyqtSignal(str)
    io_uring = pyqtSignal(dict)
    ended = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.child: Child | None = None
        self.connected = False
        self._folder: Path | None = None
        self._path = ""
        self._over = False
        self._client = ViewClient()
        self._answers: dict[int, Answer] = {}
        self._told: set[str] = set()
        # Nobody's child: findChildren of a window has PyQt touch the inside of an open socket
        # there, of which Qt complains when that ends.
        self._socket = QLocalSocket()
        self._socket.setReadBufferSize(_LARGEST_BUFFER)
        self._socket.readyRead.connect(self._read)
        self._socket.disconnected.connect(self._lost)
        self._socket.errorOccurred.connect(self._refused)
        self._retry = timer(self, RETRY_MS, self._connect, single=True)
        self._waiting: deque[Message] = deque()
        self._next_turn = timer(self, 0, self._read_on, single=True)

    def start(self, options: list[str], standby: Child | None = None) -> None:
        """Start `ims-monitor` with these options and connect to its view.

        Parameters
        ----------
        standby
            One that waits for its options already.
        """
        self._folder = private_folder()
        self._path = str(self._folder / "view")
        arguments = ["--view", self._path, "--json", "--stay", *options]
        self.child = standby or Child("monitor", arguments)
        self.child.setParent(self)
        self.child.ended.connect(self._child_ended)
        if standby is None:
            self.child.start()
        else:
            standby.instruct(arguments)
        self._retry.start()

    def attach(self, path: str) -> None:
        """Connect to the view of a monitor that runs already."""
        self._path = path
        self._connect()

    @property
    def running(self) -> bool:
        """Whether the monitor has not ended, as far as is known here."""
        return not self._over

    def request(self, name: str, answer: Answer | None = None, **keys: Any) -> None:
        """Ask the monitor for one of `view_protocol.REQUESTS`."""
        if not self.connected:
            if answer is not None:
                answer(False, self.tr("The monitor is not connected yet."), {})
            return
        number, data = self._client.request(name, **keys)
        if answer is not None:
            self._answers[number] = answer
        self._socket.write(data)

    def stop(self) -> None:
        """Ask the monitor to end (one of our own), or leave it (one we attached to)."""
        if self.child is not None:
            self.child.cancel()
        else:
            self._end("")

    def close_now(self, milliseconds: int = 5000) -> None:
        """For the window's own end."""
        if self.child is not None and self.child.running:
            self.child.cancel()
            self.child.wait_until_ended(milliseconds)
        self._end("")

    def _connect(self) -> None:
        if not self._over:
            self._socket.connectToServer(self._path)

    def _refused(self, error: QLocalSocket.LocalSocketError) -> None:
        if self._over or self.connected:
            return
        if self.child is not None:
            self._retry.start()  # it has not made its socket yet; if it fails it ends
        else:
            self._end(self._why(error).format(self._path))

    def _why(self, error: QLocalSocket.LocalSocketError) -> str:
        """Why a monitor that is not ours has not greeted; with a place for its path."""
        match error:
            case QLocalSocket.LocalSocketError.SocketAccessError:
                return self.tr("You may not look on at {0}; its group decides who may.")
            case QLocalSocket.LocalSocketError.PeerClosedError:
                return self.tr("The monitor at {0} does not let you look on.")
        return self.tr("No monitor can be reached at {0}.")

    def _read(self) -> None:
        if not self._waiting:
            try:
                self._waiting += self._client.feed(self._socket.read(_LARGEST_READ))
            except ImsafeError as error:
                self._end(str(error))
                return
        over = time.monotonic() + _TURN_S
        while self._waiting and not self._over:
            self._dispatch(self._waiting.popleft())
            if time.monotonic() > over:
                break
        if self.behind and not self._over:
            self._next_turn.start()

    @property
    def behind(self) -> bool:
        """Whether it is this window that has not taken in yet what the monitor has said."""
        return bool(self._waiting) or self._socket.bytesAvailable() > 0

    def _read_on(self) -> None:
        if not self._over and self.behind:
            self._read()

    def _dispatch(self, message: Message) -> None:
        match message:
            case BucketsMessage(buckets):
                self.buckets.emit(buckets)
            case GapsMessage(gaps):
                self.gaps.emit(gaps)
            case AlertMessage(alert):
                self.alert.emit(dict(alert))
            case ProcessesMessage(processes):
                self.processes.emit(processes)
            case IdentitiesMessage(identities):
                self.identities.emit(identities)
            case StatusMessage(status):
                self.status.emit(dict(status))
            case NoticeMessage(text, _, error, io_uring):
                if error:
                    self._told.add(text)
                (self.failed if error else self.notice).emit(text)
                if io_uring is not None:
                    self.io_uring.emit(dict(io_uring))
            case HelloMessage(hello):
                self.connected = True
                self.greeted.emit(dict(hello))
            case ReplyMessage(number, ok, error, values):
                answer = self._answers.pop(number, None)
                if answer is not None:
                    answer(ok, error, values)
                elif not ok:
                    self.notice.emit(error)

    def _lost(self) -> None:
        self._read_all()
        if self.child is None or not self.child.running:
            self._end("" if self.child is not None else self.tr("The monitor has ended."))
        # else: the child's end says why

    def _child_ended(self, status: int, words: str) -> None:
        self._read_all()
        if status in (0, 1) or words in self._told:
            self._end("")
        else:
            words = words or self.tr("The monitor ended unexpectedly.")
            if status < 0:  # it was not its configuration that ended it
                words += " " + self.tr("Monitor > Start Monitor starts another one.")
            self._end(words)

    def _read_all(self) -> None:
        while not self._over and self.behind:
            self._read()

    def _end(self, words: str) -> None:
        if self._over:
            return
        self._over = True
        self.connected = False
        self._retry.stop()
        self._next_turn.stop()
        self._waiting.clear()
        self._socket.disconnectFromServer()
        if self.child is not None and self.child.running:
            self.child.cancel()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._answers.clear()
        self.ended.emit(words)
