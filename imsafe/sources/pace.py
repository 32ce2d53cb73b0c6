# SPDX-License-Identifier: GPL-3.0-or-later
"""The pace of a replay: when each item is due, from the times recorded in it."""

from __future__ import annotations

import math
import time

import numpy as np

from imsafe.stream.items import Closed, Item, Lost, ProcessInfo, Segment

_SLICE_NS = 20_000_000
"""Events that are due within so short a time are handed over together."""


class Pace:
    """Keeps the recorded gaps, divided by a factor.

    Streams of one recording keep their distance from each other, by the wall
    clock; the time between two recordings in one file is not replayed.

    Parameters
    ----------
    factor
        How many times faster than recorded; infinity for no waiting at all.
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._offsets: dict[int, int] = {}  # of the open streams, to the wall clock
        self._origin_ns: int | None = None
        self._began = 0.0

    def parts(self, stream: int, item: Item) -> list[Item]:
        """An item, or slices of a batch that are each due at about one time."""
        if isinstance(item, Segment):
            if not self._offsets:
                self._origin_ns = None
            self._offsets[stream] = item.wall_offset_ns
        elif isinstance(item, Closed):
            self._offsets.pop(stream, None)
        if not isinstance(item, np.ndarray) or math.isinf(self._factor) or len(item) < 2:
            return [item]
        # Times of several processors may be a little out of order.
        times = np.maximum.accumulate(item["time_ns"])
        step = np.uint64(max(1, int(min(_SLICE_NS * self._factor, 1 << 62))))
        cuts = np.flatnonzero(np.diff((times - times[0]) // step)) + 1
        return list(np.split(item, cuts))

    def wait(self, stream: int, item: Item) -> float:
        """Seconds until an item is due; 0 or less when it is."""
        if math.isinf(self._factor):
            return 0.0
        at = _time_of(item)
        if at is None:
            return 0.0
        at += self._offsets.get(stream, 0)
        now = time.monotonic()
        if self._origin_ns is None:
            self._origin_ns, self._began = at, now
        return self._began + (at - self._origin_ns) / 1e9 / self._factor - now


def _time_of(item: Item) -> int | None:
    if isinstance(item, np.ndarray):
        return int(item["time_ns"][0]) if len(item) else None
    if isinstance(item, ProcessInfo):
        return item.time_ns
    if isinstance(item, Lost):
        return item.to_ns
    return None
