# SPDX-License-Identifier: GPL-3.0-or-later
"""What one attached window has still to be sent, bounded however slowly it reads.

Nothing is encoded before it can be sent.  What waits is joined: of each alert
and of the status only the latest, of the buckets coarser and coarser ones.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.bucket_history import coarser
from imsafe.monitor.view_protocol import BUCKET_NS, ProcessIdentity, ViewKind
from imsafe.stream.frames import frame

RECORDS_A_FRAME = 4096
MOST_BUCKETS = 20_000
MOST_GAPS = 10_000
MOST_NOTICES = 1_500
MOST_REPLIES = 100
MOST_IDENTITIES = 70_000
IDENTITIES_A_FRAME = 200
ALERTS_IN_A_ROW = 16


def json_frame(kind: ViewKind, value: Mapping[str, Any]) -> bytes:
    """A frame with a JSON object."""
    return frame(kind, json.dumps(value).encode())


def _with_highest_of(waiting: NDArray[np.void], rows: NDArray[np.void]) -> NDArray[np.void]:
    """The latest rows (`PROCESS`) with the highest scores of those that were not sent."""
    found = {row[:3]: row[3] for row in waiting[["stream", "pid", "tid", "highest"]].tolist()}
    rows = rows.copy()
    keys = rows[["stream", "pid", "tid"]].tolist()
    before = np.array([found.get(key, -1.0) for key in keys], np.float32)
    np.maximum(rows["highest"], before, out=rows["highest"])
    return rows


class Outbox:
    """Frames and records that wait for one window."""

    def __init__(
        self, hello: bytes, buckets: NDArray[np.void], gaps: list[NDArray[np.void]]
    ) -> None:
        """Begin with the greeting and the history, which is not counted against the bounds."""
        self._hello: bytes | None = hello
        self._history = buckets
        self._replies: deque[bytes] = deque()
        self._notices: deque[bytes] = deque(maxlen=MOST_NOTICES)
        self._alerts: dict[int, Mapping[str, Any]] = {}
        self._in_a_row = 0
        self._identities: dict[tuple[int, int], ProcessIdentity] = {}
        self._latest: dict[ViewKind, Mapping[str, Any] | NDArray[np.void]] = {}
        self._gaps: deque[NDArray[np.void]] = deque(gaps, maxlen=MOST_GAPS)
        self._buckets: list[NDArray[np.void]] = []
        self._waiting = 0
        self._width_ns = BUCKET_NS

    def reply(self, value: Mapping[str, Any]) -> None:
        """Add the answer to a request."""
        self._replies.append(json_frame(ViewKind.REPLY, value))

    @property
    def full(self) -> bool:
        """Whether so many replies wait that no further request should be read."""
        return len(self._replies) >= MOST_REPLIES

    def notice(self, value: Mapping[str, Any]) -> None:
        """Add a notice; the oldest gives way."""
        self._notices.append(json_frame(ViewKind.NOTICE, value))

    def alert(self, alert: Mapping[str, Any]) -> None:
        """Add an alert, in the place of what waited about the same one."""
        self._alerts.pop(alert["id"], None)
        self._alerts[alert["id"]] = alert

    def forget_alert(self, number: int) -> None:
        """The monitor has dropped the alert; it need not be sent any more."""
        self._alerts.pop(number, None)

    def identities(self, identities: list[ProcessIdentity]) -> None:
        """Add who processes are; of each only the latest waits."""
        for identity in identities:
            self._identities[identity["stream"], identity["pid"]] = identity
        while len(self._identities) > MOST_IDENTITIES:
            del self._identities[next(iter(self._identities))]

    def latest(self, kind: ViewKind, value: Mapping[str, Any] | NDArray[np.void]) -> None:
        """Put the status or the list of processes in the place of the one before."""
        waiting = self._latest.get(kind)
        if isinstance(waiting, np.ndarray) and isinstance(value, np.ndarray):
            value = _with_highest_of(waiting, value)
        self._latest[kind] = value

    def gap(self, gaps: NDArray[np.void]) -> None:
        """Add intervals in which calls were lost."""
        self._gaps.append(gaps)

    def buckets(self, buckets: NDArray[np.void]) -> None:
        """Add buckets; where too many wait they are joined."""
        self._buckets.append(buckets)
        self._waiting += len(buckets)
        if self._waiting > MOST_BUCKETS:
            joined = np.concatenate(self._buckets)
            # As wide as need be: in buckets of years there is one for each application.
            while len(joined := coarser(joined, self._width_ns)) > MOST_BUCKETS // 2:
                if self._width_ns >= 10**17:
                    break
                self._width_ns *= 10
            self._buckets, self._waiting = [joined], len(joined)

    def next_frame(self) -> bytes | None:
        """The next frame to send; None when the window has got everything."""
        if self._hello is not None:
            hello, self._hello = self._hello, None
            return hello
        if self._replies:
            return self._replies.popleft()
        if self._notices:
            return self._notices.popleft()
        # Of a storm of alerts the status and the scores get their share, too.
        if self._alerts and self._in_a_row < ALERTS_IN_A_ROW:
            return self._alert_frame()
        other = self._other_frame()
        if other is None and self._alerts:
            return self._alert_frame()
        return other

    def _alert_frame(self) -> bytes:
        self._in_a_row += 1
        return json_frame(ViewKind.ALERT, self._alerts.pop(next(iter(self._alerts))))

    def _other_frame(self) -> bytes | None:
        if self._identities:
            keys = list(islice(self._identities, IDENTITIES_A_FRAME))
            part = [self._identities.pop(key) for key in keys]
            return json_frame(ViewKind.IDENTITIES, {"identities": part})
        if self._latest:
            kind = next(iter(self._latest))
            value = self._latest.pop(kind)
            if isinstance(value, np.ndarray):
                return frame(kind, value.tobytes())
            return json_frame(kind, value)
        if self._gaps:
            return frame(ViewKind.GAPS, self._gaps.popleft().tobytes())
        self._in_a_row = 0
        return self._bucket_frame()

    def _bucket_frame(self) -> bytes | None:
        if not len(self._history):
            if not self._buckets:
                return None
            self._history = np.concatenate(self._buckets)
            self._buckets, self._waiting, self._width_ns = [], 0, BUCKET_NS
        part, self._history = (
            self._history[:RECORDS_A_FRAME],
            self._history[RECORDS_A_FRAME:],
        )
        return frame(ViewKind.BUCKETS, part.tobytes())
