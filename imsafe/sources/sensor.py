# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener for sensors: any number of them on one socket, coming and going at any time."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import select
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from imsafe.events import joined
from imsafe.sources.base import Counters
from imsafe.sources.peer import Allowed, PrivateListener, peer_of
from imsafe.sources.procfs import user_name
from imsafe.sources.reception import Reception
from imsafe.sources.standstill import SendingProcess
from imsafe.stream.items import Tagged
from imsafe.words import number_of

DEFAULT_SOCKET = "/tmp/imsensor"  # noqa: S108
"""The original's name; whoever is at the other end is checked."""

_SENSORS_AT_MOST = 256
_OTHERS_AT_MOST = 240
"""Other users' sensors; the other places are for those of the listener's own user and root."""
_OF_ANOTHER_AT_MOST = 128
_BYTES_A_TURN = 1 << 18
_LEAST_A_TURN = 1 << 12
"""And what a new one gets first."""
_COST_A_TURN = 1 << 14
"""In events: what a peer of whole batches sends in a turn costs less than that."""
_COST_A_READ = 1 << 16
_COST_OF_AN_ITEM = 64
"""In events, beside those in it: a frame of one event, or of none, is work, too."""
_READ_S = 0.05
_REST_S = 1.0
_SAID_S = 10.0
"""Whoever is turned away again and again fills no log: it is said so often at most."""

log = logging.getLogger(__name__)


class SensorSource:
    """A source that sensors connect to.

    Parameters
    ----------
    socket_path
        Where to listen.
    allow_users, allow_groups
        Names or numbers of those who may send, beside the same user and root.

    Attributes
    ----------
    name, counters
        See `imsafe.sources.base.Source`.
    refusals
        How many peers were turned away.
    """

    def __init__(
        self,
        socket_path: str = DEFAULT_SOCKET,
        allow_users: Iterable[str] = (),
        allow_groups: Iterable[str] = (),
    ) -> None:
        self.name = socket_path
        self.counters = Counters()
        self.refusals = 0
        self._allow_users = tuple(allow_users)
        self._allow_groups = tuple(allow_groups)
        self._allowed = Allowed()
        self._listener: PrivateListener | None = None
        self._epoll: select.epoll | None = None
        self._sensors: dict[int, _Sensor] = {}
        self._new_stream = itertools.count().__next__
        self._rest_until = 0.0
        self._said_at = float("-inf")
        self._unsaid = 0
        self._turn = 0

    @property
    def finished(self) -> bool:
        """Never: another sensor may always come."""
        return False

    @property
    def state(self) -> str:
        """How many sensors are connected, in words."""
        count = len(self._sensors)
        if self._listener is None:
            return "closed"
        if not count:
            return "waiting for a sensor"
        return number_of(count, "sensor")

    def open(self) -> None:
        """Listen.

        Raises
        ------
        SourceError
            The path is taken, or cannot be made a socket.
        """
        self._allowed = Allowed.named(self._allow_users, self._allow_groups)
        self._listener = PrivateListener(self.name, self._allowed)
        self._epoll = select.epoll()
        self._epoll.register(self._listener.socket, select.EPOLLIN)

    def fileno(self) -> int:
        """An epoll descriptor, readable when a sensor connects, sends or leaves."""
        if self._epoll is None:
            raise ValueError("the source is not open")
        return self._epoll.fileno()

    def read(self, timeout: float = 0.0) -> list[Tagged]:
        """What has arrived; each sensor in turn gets to hand on a bounded amount."""
        if self._epoll is None or self._listener is None:
            return []
        listening = self._listener.socket.fileno()
        self._rest_is_over(listening)
        items: list[Tagged] = []
        ready = [number for number, _ in self._epoll.poll(timeout)]
        if listening in ready:
            ready.remove(listening)
            self._accept(listening)
        # Whoever was served last comes last this time.
        ready.sort()
        ready = [n for n in ready if n > self._turn] + [n for n in ready if n <= self._turn]
        cost, deadline = 0, time.monotonic() + _READ_S
        for number in ready:
            if cost >= _COST_A_READ or time.monotonic() > deadline:
                break
            self._turn = number
            arrived = self._receive(self._sensors[number])
            cost += _cost(arrived)
            items += _together(arrived)
        return items

    def _accept(self, listening: int) -> None:
        assert self._listener is not None
        assert self._epoll is not None
        try:
            connection, _ = self._listener.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            self._take_a_rest(listening, f"cannot take another sensor: {error.strerror}")
            return
        connection.setblocking(False)
        peer = peer_of(connection)
        if not self._allowed.admits(peer):
            self.refusals += 1
            self._say(f"{peer} is not allowed to send and was turned away")
            connection.close()
            return
        if len(self._sensors) >= _SENSORS_AT_MOST:
            self.refusals += 1
            connection.close()
            self._take_a_rest(listening, f"there are {_SENSORS_AT_MOST} sensors already")
            return
        if words := self._why_no_share(peer.uid):
            self.refusals += 1
            self._say(f"{peer} was turned away: {words}")
            connection.close()
            return
        name = f"Process {peer.pid} (user {user_name(peer.uid)})"
        self._sensors[connection.fileno()] = _Sensor(
            connection,
            Reception(name, self.counters, self._new_stream),
            SendingProcess(name, peer.pid),
            peer.uid,
        )
        self._epoll.register(connection, select.EPOLLIN)

    def _why_no_share(self, uid: int) -> str:
        """Why another user has no share of the places left; empty: there is one."""
        own = (os.geteuid(), 0)
        others = [sensor.uid for sensor in self._sensors.values() if sensor.uid not in own]
        if uid in own:
            return ""
        if others.count(uid) >= _OF_ANOTHER_AT_MOST:
            return f"that user has {_OF_ANOTHER_AT_MOST} sensors here already"
        if len(others) >= _OTHERS_AT_MOST:
            return f"other users have {_OTHERS_AT_MOST} sensors here already"
        return ""

    def _take_a_rest(self, listening: int, why: str) -> None:
        """Accept nobody for a moment: the queue would make the epoll ring without end."""
        assert self._epoll is not None
        self._say(why)
        self._rest_until = time.monotonic() + _REST_S
        self._epoll.modify(listening, 0)

    def _say(self, what: str) -> None:
        now = time.monotonic()
        if now - self._said_at < _SAID_S:
            self._unsaid += 1
            return
        more = (
            f" (and {number_of(self._unsaid, 'time')} something like it before)"
            if self._unsaid
            else ""
        )
        log.warning("%s: %s%s", self.name, what, more)
        self._said_at, self._unsaid = now, 0

    def _rest_is_over(self, listening: int) -> None:
        assert self._epoll is not None
        if self._rest_until and time.monotonic() > self._rest_until:
            self._rest_until = 0.0
            self._epoll.modify(listening, select.EPOLLIN)

    def _receive(self, sensor: _Sensor) -> list[Tagged]:
        try:
            octets = sensor.connection.recv(sensor.turn)
        except BlockingIOError:
            return []
        except OSError:  # reset: the sensor was killed with data of ours unread
            octets = b""
        items = sensor.reception.feed(octets) if octets else sensor.reception.end()
        # Whose bytes cost much, tiny frames or tightly packed ones, gets fewer in its next turn.
        turn = len(octets) * _COST_A_TURN // max(_cost(items), 1)
        sensor.turn = min(max(turn, _LEAST_A_TURN), _BYTES_A_TURN)
        if sensor.reception.over:
            self._drop(sensor)
        return items

    def _drop(self, sensor: _Sensor) -> None:
        assert self._epoll is not None
        number = sensor.connection.fileno()
        self._epoll.unregister(number)
        del self._sensors[number]
        sensor.connection.close()

    def processes(self) -> list[SendingProcess]:
        """The connected sensors."""
        return [sensor.process for sensor in self._sensors.values()]

    def stop(self) -> bool:
        """Nothing is on its way that `close` would lose."""
        return False

    def close(self) -> None:
        """Close every connection and remove the socket; the sensors run on."""
        for sensor in self._sensors.values():
            sensor.connection.close()
        self._sensors.clear()
        self.counters.streams_open = 0
        if self._epoll is not None:
            self._epoll.close()
            self._epoll = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None


@dataclass(slots=True)
class _Sensor:
    """One connected sensor; `turn` is how many bytes are read of it at a time."""

    connection: socket.socket
    reception: Reception
    process: SendingProcess
    uid: int
    turn: int = _LEAST_A_TURN


def _together(items: list[Tagged]) -> Iterator[Tagged]:
    """The same with neighbouring batches of a stream as one: whoever is next pays for each item."""
    kinds = itertools.groupby(items, lambda tagged: (tagged[0], isinstance(tagged[1], np.ndarray)))
    for (stream, are_events), group in kinds:
        if are_events:
            yield stream, joined([item for _, item in group if isinstance(item, np.ndarray)])
        else:
            yield from group


def _cost(items: list[Tagged]) -> int:
    events = sum(len(item) for _, item in items if isinstance(item, np.ndarray))
    return events + _COST_OF_AN_ITEM * len(items)
