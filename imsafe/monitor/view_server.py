# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the view to any number of windows, none of which can hold the monitor up."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ImsafeError, StreamError
from imsafe.monitor.bucket_history import BucketHistory
from imsafe.monitor.later import Later
from imsafe.monitor.outbox import Outbox, json_frame
from imsafe.monitor.view_protocol import (
    Alert,
    Hello,
    IoUringNotice,
    Notice,
    ProcessIdentity,
    Status,
    ViewKind,
)
from imsafe.monitor.view_requests import LONGEST_REQUEST, Request, RequestError, parse_request
from imsafe.sources.peer import Allowed, Peer, PrivateListener, peer_of
from imsafe.stream.frames import Frame, FrameParser

INTERVAL = 1 / 30
"""Seconds between two sendings to the windows."""

MOST_CLIENTS = 32
MOST_ONLOOKERS = 24
"""The other places are for those who may steer."""

MOST_OF_AN_ONLOOKER = 8
MOST_GAPS = 10_000
MOST_NOTICES = 100
MOST_IO_URINGS = 1_000
REQUESTS_A_TURN = 8
_READ_SIZE = 64 << 10
_FROM_WINDOW = frozenset({int(ViewKind.REQUEST)})
_SEND_A_TURN = 1 << 20
_HARMLESS_REQUESTS = frozenset({"explain", "calls"})
"""What those may ask, too, who only look on."""

_LONG_REQUESTS = frozenset({"calls"})
"""One of these a turn and client: a file may have to be read."""


@dataclass(eq=False, slots=True)
class _Client:
    socket: socket.socket
    uid: int
    may_steer: bool
    outbox: Outbox
    parser: FrameParser = field(default_factory=lambda: FrameParser(_FROM_WINDOW, headers=False))
    requests: deque[bytes] = field(default_factory=deque)
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    listened_to: bool = False
    leaving: bool = False
    awaited: list[tuple[int, Later]] = field(default_factory=list)


class ViewServer:
    """Listens on a private socket; call `tick` often, and everything else never blocks.

    Attributes
    ----------
    path : Path
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        selector: selectors.BaseSelector,
        hello: Callable[[bool], Hello],
        request: Callable[[Request], Mapping[str, Any] | Later],
        *,
        allowed: Allowed | None = None,
        identities: Callable[[], list[ProcessIdentity]] = list,
    ) -> None:
        """Listen.

        Parameters
        ----------
        path
            Where; a socket that nobody listens on any more is replaced.
        selector
            Gets this server's sockets, with functions to call as their data.
        hello
            Gives the greeting; its argument is whether the window may steer.
        request
            Does what a window asks and gives the reply's values, or the work
            that will; an `ImsafeError` becomes a reply with its words.
        allowed
            Further users and groups that may look on; only the monitor's own
            user and root may steer.
        identities
            Gives, for a window that comes, who all processes are.

        Raises
        ------
        SourceError
            Something else is in the way, or the folder cannot be written.
        """
        self.path = Path(path)
        self._selector = selector
        self._hello = hello
        self._request = request
        self._allowed = allowed or Allowed()
        self._all_identities = identities
        self._clients: list[_Client] = []
        self._history = BucketHistory()
        self._gaps: deque[NDArray[np.void]] = deque(maxlen=MOST_GAPS)
        self._alerts: dict[int, Alert] = {}
        self._notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self._io_urings: deque[IoUringNotice] = deque(maxlen=MOST_IO_URINGS)
        self._latest: dict[ViewKind, Mapping[str, Any] | NDArray[np.void]] = {}
        self._sent_at = float("-inf")
        self._listener = PrivateListener(os.fspath(path), self._allowed)
        selector.register(self._listener.socket, selectors.EVENT_READ, self._accept)

    @property
    def clients(self) -> int:
        """How many windows are attached."""
        return len(self._clients)

    @property
    def waiting(self) -> bool:
        """Whether there is something for the next `tick` to do."""
        return any(client.requests or client.unsent for client in self._clients)

    # What the monitor has to say.

    def buckets(self, buckets: NDArray[np.void]) -> None:
        """New buckets (`BUCKET`), shape (N,)."""
        if len(buckets):
            self._history.add(buckets)
            for client in self._clients:
                client.outbox.buckets(buckets)

    def gaps(self, gaps: NDArray[np.void]) -> None:
        """New intervals of loss (`GAP`), shape (N,)."""
        if len(gaps):
            self._gaps.append(gaps)
            for client in self._clients:
                client.outbox.gap(gaps)

    def alert(self, alert: Alert) -> None:
        """An alert that is new or has changed."""
        self._alerts[alert["id"]] = alert
        for client in self._clients:
            client.outbox.alert(alert)

    def forget_alert(self, number: int) -> None:
        """The monitor keeps the alert no longer."""
        self._alerts.pop(number, None)
        for client in self._clients:
            client.outbox.forget_alert(number)

    def notice(self, text: str, time: float, *, error: bool = False) -> None:
        """A warning in words, or an error."""
        notice: Notice = {"text": text, "time": time, "error": error}
        self._notices.append(notice)
        for client in self._clients:
            client.outbox.notice(notice)

    def io_uring(self, notice: IoUringNotice) -> None:
        """A process has asked for an io_uring."""
        self._io_urings.append(notice)
        for client in self._clients:
            client.outbox.notice(notice)

    def status(self, status: Status) -> None:
        """The state of things."""
        self._set_latest(ViewKind.STATUS, status)

    def processes(self, rows: NDArray[np.void]) -> None:
        """All processes and threads (`PROCESS`), shape (N,)."""
        self._set_latest(ViewKind.PROCESSES, rows)

    def identities(self, identities: list[ProcessIdentity]) -> None:
        """Who some of the processes are that are told of next."""
        for client in self._clients:
            client.outbox.identities(identities)

    def _set_latest(self, kind: ViewKind, value: Mapping[str, Any] | NDArray[np.void]) -> None:
        self._latest[kind] = value
        for client in self._clients:
            client.outbox.latest(kind, value)

    # Windows that come, ask and go.

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.socket.accept()
        except OSError:
            return  # it has left again, or descriptors are short: the next turn tries again
        connection.setblocking(False)
        peer = self._check_peer(connection)
        if peer is None:
            connection.close()
            return
        may_steer = Allowed().admits(peer)
        if words := self._why_no_place(peer.uid, may_steer):
            refusal = {"id": 0, "ok": False, "error": words}
            with contextlib.suppress(OSError):  # it has left
                connection.send(json_frame(ViewKind.REPLY, refusal))
            connection.close()
            return
        outbox = Outbox(
            json_frame(ViewKind.HELLO, self._hello(may_steer)),
            self._history.all(),
            list(self._gaps),
        )
        for value in (*self._notices, *self._io_urings):
            outbox.notice(value)
        for alert in self._alerts.values():
            outbox.alert(alert)
        outbox.identities(self._all_identities())
        for kind, latest in self._latest.items():
            outbox.latest(kind, latest)
        client = _Client(connection, peer.uid, may_steer, outbox)
        self._clients.append(client)
        self._listen_to(client, True)

    def _check_peer(self, connection: socket.socket) -> Peer | None:
        """Who is at the other side; None when it may not even look on."""
        try:
            peer = peer_of(connection)
        except OSError:
            return None  # nobody vouches for it
        return peer if self._allowed.admits(peer) else None

    def _why_no_place(self, uid: int, may_steer: bool) -> str:
        """Why there is no place for another window of that user; empty: there is one."""
        if len(self._clients) >= MOST_CLIENTS:
            return f"{MOST_CLIENTS} windows are attached to this monitor already; close some."
        if may_steer:
            return ""
        onlookers = [client.uid for client in self._clients if not client.may_steer]
        if onlookers.count(uid) >= MOST_OF_AN_ONLOOKER:
            return (
                f"You look on at this monitor in {MOST_OF_AN_ONLOOKER} windows already; close one."
            )
        if len(onlookers) >= MOST_ONLOOKERS:
            return (
                f"{MOST_ONLOOKERS} windows look on at this monitor already; the other places are"
                " for its own user and root."
            )
        return ""

    def _listen_to(self, client: _Client, wanted: bool) -> None:
        """Read from a client or not; its requests then wait in its own socket."""
        if wanted and not client.listened_to:
            self._selector.register(client.socket, selectors.EVENT_READ, lambda: self._read(client))
        elif client.listened_to and not wanted:
            self._selector.unregister(client.socket)
        client.listened_to = wanted

    def _read(self, client: _Client) -> None:
        try:
            received = client.socket.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._drop(client)
            return
        try:
            frames = client.parser.feed(received)
        except StreamError as error:
            self._refuse(client, f"A window sends requests and nothing else: {error}.")
            return
        for item in frames:
            assert isinstance(item, Frame)  # the parser was told that there are no headers
            client.requests.append(item.payload)
        longest = max(client.parser.pending, *(len(r) for r in client.requests), 0)
        if longest > LONGEST_REQUEST + 64:
            self._refuse(client, "The request is too long.")
            return
        self._listen_to(client, len(client.requests) < REQUESTS_A_TURN)

    def _refuse(self, client: _Client, error: str) -> None:
        """Say why, and part."""
        client.requests.clear()
        client.outbox.reply({"id": 0, "ok": False, "error": error})
        client.leaving = True
        self._listen_to(client, False)
        self._send(client)

    def _drop(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._listen_to(client, False)
            client.socket.close()

    def tick(self, now: float) -> None:
        """Answer requests, and send what is new when `INTERVAL` has passed.

        Parameters
        ----------
        now
            Seconds of any clock that does not run backwards.
        """
        for client in list(self._clients):
            self._reply_to_awaited(client)
            for _ in range(min(REQUESTS_A_TURN, len(client.requests))):
                if self._answer(client, client.requests.popleft()) in _LONG_REQUESTS:
                    break  # the rest has to wait for the next turn
            # One that asks faster than it reads the replies has to wait.
            if not client.leaving:
                self._listen_to(client, not client.requests and not client.outbox.full)
        if now - self._sent_at >= INTERVAL:
            # A sending that comes late does not delay those after it: 30 a second are kept.
            self._sent_at = max(self._sent_at + INTERVAL, now - INTERVAL / 2)
            for client in list(self._clients):
                self._send(client)

    def _answer(self, client: _Client, payload: bytes) -> str:
        """Answer a request; its name, empty where it was none."""
        number, name = 0, ""
        try:
            request = parse_request(payload)
            number, name = request.id, request.name
            if not client.may_steer and name not in _HARMLESS_REQUESTS:
                raise RequestError("Only the monitor's own user and root may steer it.")
            values = self._request(request)
            if isinstance(values, Later):
                client.awaited.append((number, values))
            else:
                client.outbox.reply({**values, "id": number, "ok": True})
        except ImsafeError as error:
            number = error.id if isinstance(error, RequestError) and error.id else number
            client.outbox.reply({"id": number, "ok": False, "error": str(error)})
        return name

    def _reply_to_awaited(self, client: _Client) -> None:
        for number, later in client.awaited:
            if isinstance(later.reply, ImsafeError):
                client.outbox.reply({"id": number, "ok": False, "error": str(later.reply)})
            elif later.reply is not None:
                client.outbox.reply({**later.reply, "id": number, "ok": True})
        client.awaited = [(n, later) for n, later in client.awaited if later.reply is None]

    def _send(self, client: _Client) -> None:
        sent = 0
        while sent < _SEND_A_TURN:
            if not client.unsent:
                following = client.outbox.next_frame()
                if following is None:
                    if client.leaving:
                        self._drop(client)
                    return
                client.unsent = memoryview(following)
            try:
                count = client.socket.send(client.unsent)
            except BlockingIOError:
                if client.leaving:
                    self._drop(client)
                return
            except OSError:
                self._drop(client)
                return
            client.unsent = client.unsent[count:]
            sent += count

    def close(self) -> None:
        """Send what can be sent at once, part from all windows and remove the socket."""
        for client in list(self._clients):
            self._reply_to_awaited(client)
            client.leaving = True
            self._send(client)
            self._drop(client)
        self._selector.unregister(self._listener.socket)
        self._listener.close()
