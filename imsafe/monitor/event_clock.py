# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of one stream: event times that never run backwards.

Records of different processors reach a tracer slightly out of order.  What is
decided by time (which bucket, when an alert closes) must not depend on how the
stream was cut into batches, so each record's time is the latest one seen so
far.  Only a jump back of more than `RESET_NS` is believed: another clock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESET_NS = 10_000_000_000

_LATEST = np.uint64(1 << 62)
_EARLIEST_OFFSET, _LATEST_OFFSET = -(1 << 62), (1 << 62) - 1


class EventClock:
    """Turns the records' own times into times of the wall clock.

    Attributes
    ----------
    now_ns : int
        Time of the latest record; wall clock.  Meaningless while `started` is false.
    started : bool
        Whether a record was seen.
    """

    def __init__(self, wall_offset_ns: int) -> None:
        self._offset = min(max(wall_offset_ns, _EARLIEST_OFFSET), _LATEST_OFFSET)
        self.now_ns = 0
        self.started = False

    def wall(self, time_ns: int) -> int:
        """A time of the events' clock as wall clock, without advancing."""
        return min(max(time_ns, 0), int(_LATEST)) + self._offset

    def advance(self, times: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Wall-clock times of the next records, shape (N,), in order unless the clock was set."""
        wall = np.minimum(times, _LATEST).astype(np.int64) + self._offset
        if not len(wall):
            return wall
        result = np.empty_like(wall)
        start = 0
        if not self.started:
            self.now_ns, self.started = int(wall[0]), True
        while start < len(wall):
            rest = wall[start:]
            latest = np.maximum(np.maximum.accumulate(rest), self.now_ns)
            behind = rest < latest - RESET_NS
            stop = int(behind.argmax()) if behind.any() else len(rest)
            result[start : start + stop] = latest[:stop]
            if stop:
                self.now_ns = int(latest[stop - 1])
            start += stop
            if start < len(wall):
                self.now_ns = int(wall[start])
        return result
