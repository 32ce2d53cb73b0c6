# SPDX-License-Identifier: GPL-3.0-or-later
"""The window's side of the view protocol, without Qt: bytes to messages, requests to bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ImsafeError
from imsafe.monitor.view_protocol import (
    BUCKET,
    GAP,
    PROCESS,
    REQUESTS,
    VIEW_VERSION,
    Alert,
    Hello,
    IoUringNotice,
    ProcessIdentity,
    Status,
    ViewKind,
)
from imsafe.stream.frames import Frame, FrameParser, frame
from imsafe.words import translate

FROM_MONITOR = frozenset(range(ViewKind.HELLO, ViewKind.REQUEST))
"""Kinds of frames that a monitor may send; later versions may add some."""


class ViewError(ImsafeError):
    """What a monitor sent is not the view protocol, or not a version that is understood."""


@dataclass(frozen=True, slots=True)
class HelloMessage:
    """The monitor introduces itself; always the first message."""

    hello: Hello


@dataclass(frozen=True, slots=True)
class BucketsMessage:
    """Scores.  `buckets`: array of `BUCKET`, shape (N,), read-only."""

    buckets: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class GapsMessage:
    """Intervals in which calls were lost.  `gaps`: array of `GAP`, shape (N,), read-only."""

    gaps: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """An alert is new, or has changed; its `id` says which."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class ProcessesMessage:
    """All processes and threads.  `processes`: array of `PROCESS`, shape (N,), read-only."""

    processes: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class IdentitiesMessage:
    """Who some of the processes are."""

    identities: list[ProcessIdentity]


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """How the monitor fares."""

    status: Status


@dataclass(frozen=True, slots=True)
class NoticeMessage:
    """A warning in words, or an error; `time` is wall clock in seconds.

    Attributes
    ----------
    io_uring
        Who has asked for an io_uring, where the notice is about that.
    """

    text: str
    time: float
    error: bool
    io_uring: IoUringNotice | None = None


@dataclass(frozen=True, slots=True)
class ReplyMessage:
    """The answer to the request of that `id`; `values` holds what else the reply said."""

    id: int
    ok: bool
    error: str
    values: dict[str, Any]


Message = (
    HelloMessage
    | BucketsMessage
    | GapsMessage
    | AlertMessage
    | ProcessesMessage
    | IdentitiesMessage
    | StatusMessage
    | NoticeMessage
    | ReplyMessage
)


class ViewClient:
    """Parses what one monitor sends, and numbers the requests to it.

    It does no input or output: the window feeds it what its socket gave and
    writes what `request` returns.
    """

    def __init__(self) -> None:
        self._parser = FrameParser(FROM_MONITOR, headers=False)
        self._ids = count(1)
        self._greeted = False

    def feed(self, data: bytes) -> list[Message]:
        """Parse the next bytes of the socket, cut anywhere.

        Returns
        -------
        list of Message
            Those that are complete now, in order.

        Raises
        ------
        StreamError
            The bytes are not frames.
        ViewError
            The frames are not those of a monitor of a known version.
        """
        messages: list[Message] = []
        for item in self._parser.feed(data):
            assert isinstance(item, Frame)  # the parser was told that there are no headers
            message = _message(item)
            if not self._greeted:
                self._check_greeting(message)
            if message is not None:
                messages.append(message)
        return messages

    def _check_greeting(self, message: Message | None) -> None:
        if isinstance(message, ReplyMessage) and not message.ok:
            raise ViewError(message.error)  # the monitor has no room for us
        if not isinstance(message, HelloMessage):
            words = translate(
                "view", "The monitor did not introduce itself; it may be of another version."
            )
            raise ViewError(words)
        version = message.hello["version"]
        if version != VIEW_VERSION:
            words = translate(
                "view",
                "The monitor speaks version {0} of the view protocol and this window version {1};"
                " update the older of the two.",
            )
            raise ViewError(words.format(version, VIEW_VERSION))
        self._greeted = True

    def request(self, name: str, **keys: Any) -> tuple[int, bytes]:
        """Build a request; `name` and `keys` as in `REQUESTS`.

        Returns
        -------
        tuple of int and bytes
            The id that the reply will carry, and what to write to the socket.
        """
        if name not in REQUESTS:
            raise ValueError(f"no such request: {name}")
        number = next(self._ids)
        payload = json.dumps({**keys, "id": number, "request": name}).encode()
        return number, frame(ViewKind.REQUEST, payload)


def _message(received: Frame) -> Message | None:
    """The message in a frame; None for a kind that a later version may have added."""
    match received.kind:
        case ViewKind.BUCKETS:
            return BucketsMessage(_records(received.payload, BUCKET))
        case ViewKind.GAPS:
            return GapsMessage(_records(received.payload, GAP))
        case ViewKind.HELLO:
            return HelloMessage(cast(Hello, _json(received.payload, Hello.__required_keys__)))
        case ViewKind.ALERT:
            return AlertMessage(cast(Alert, _json(received.payload, Alert.__required_keys__)))
        case ViewKind.PROCESSES:
            return ProcessesMessage(_records(received.payload, PROCESS))
        case ViewKind.IDENTITIES:
            rows = _json(received.payload, frozenset({"identities"}))["identities"]
            if not isinstance(rows, list):
                raise ViewError(_broken("a list of processes that is none"))
            for row in rows:
                _check_keys(row, ProcessIdentity.__required_keys__)
            return IdentitiesMessage(cast(list[ProcessIdentity], rows))
        case ViewKind.STATUS:
            return StatusMessage(cast(Status, _json(received.payload, Status.__required_keys__)))
        case ViewKind.NOTICE:
            notice = _json(received.payload, frozenset({"text", "time"}))
            error = notice.get("error") is True
            of_process = None
            if notice.get("about") == "io_uring":
                _check_keys(notice, IoUringNotice.__required_keys__)
                of_process = cast(IoUringNotice, notice)
            time = _number(notice["time"])
            return NoticeMessage(str(notice["text"]), time, error, of_process)
        case ViewKind.REPLY:
            reply = _json(received.payload, frozenset({"id", "ok"}))
            values = {k: v for k, v in reply.items() if k not in {"id", "ok", "error"}}
            return ReplyMessage(
                int(_number(reply["id"])), bool(reply["ok"]), str(reply.get("error", "")), values
            )
        case _:
            return None


def _number(value: object) -> float:
    if not isinstance(value, int | float) or not abs(value) < 1 << 62:  # no NaN is
        raise ViewError(_broken("something else where a number should be"))
    return value


def _records(payload: bytes, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    if len(payload) % dtype.itemsize:
        raise ViewError(_broken("a frame of records with a part of a record"))
    return np.frombuffer(payload, dtype)


def _json(payload: bytes, required: frozenset[str]) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise ViewError(_broken("a frame that is not JSON")) from None
    _check_keys(value, required)
    return cast(dict[str, Any], value)


def _broken(what: str) -> str:
    # What it was stays English: it is for whoever looks for the bug.
    return translate("view", "The monitor sent what the view protocol does not know: {0}.").format(
        what
    )


def _check_keys(value: object, required: frozenset[str]) -> None:
    if not isinstance(value, dict) or not required <= value.keys():
        words = translate(
            "view",
            "The monitor sent an object without the keys it should have; it may be of another"
            " version.",
        )
        raise ViewError(words)
