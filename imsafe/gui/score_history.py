# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores over time in bounded memory: the minimum and maximum at several widths, none lost.

A live plot may look at the last minute or at the last three weeks.  Every
bucket is folded into bins of 0.1 s, 1 s, 10 s and 100 s at once, each width a
ring of its own, so a spike of one call is still the maximum of its 100 s bin
weeks later, and the memory never grows.  No Qt here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imsafe.syscalls import name as call_name

WIDTHS_NS = (100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000)
BINS = 20_000
"""Bins kept at each width: 33 minutes, 5.5 hours, 2.3 days, 23 days."""

BIN = np.dtype(
    [
        ("number", "<i8"),
        ("minimum", "<f4"),
        ("maximum", "<f4"),
        ("calls", "<u8"),
        ("pid", "<u4"),
        ("tid", "<u4"),
        ("symbol", "<u4"),
        ("probability", "<f4"),
        ("reading", "<u2"),
    ]
)
"""What is kept of an interval; pid to reading belong to its maximum."""


@dataclass(frozen=True, slots=True)
class Band:
    """What a plot draws of one application.

    Attributes
    ----------
    start, width : array of float64, shape (N,)
        Seconds since 1970 (or since the start of a trace without clock).
    minimum, maximum : array of float32, shape (N,)
    calls : array of uint64, shape (N,)
    bins : array of BIN, shape (N,)
    """

    start: NDArray[np.float64]
    width: float
    bins: NDArray[np.void]

    @property
    def minimum(self) -> NDArray[np.float32]:
        """The lowest score of each bin."""
        return self.bins["minimum"]

    @property
    def maximum(self) -> NDArray[np.float32]:
        """The highest score of each bin."""
        return self.bins["maximum"]

    @property
    def rate(self) -> NDArray[np.float64]:
        """Calls per second of each bin."""
        return self.bins["calls"] / self.width

    def __len__(self) -> int:
        return len(self.bins)


NOTHING = Band(np.empty(0), WIDTHS_NS[0] / 1e9, np.empty(0, BIN))


class History(Protocol):
    """What a plot can show: live buckets or a score log."""

    def applications(self) -> list[int]:
        """The numbers of the applications that have scores."""

    def span(self) -> tuple[float, float] | None:
        """First and last time in seconds; None when there is nothing yet."""

    def band(self, application: int, start: float, end: float, most: int) -> Band:
        """At most about `most` bins of one application between two times (s)."""

    def call(self, symbol: int) -> str:
        """The name of the call that a bin's `symbol` stands for."""


def folded(number: NDArray[np.int64], buckets: NDArray[np.void]) -> NDArray[np.void]:
    """Fold buckets into bins.

    Parameters
    ----------
    number : array of int64, shape (N,)
        The bin of each bucket, in any order.
    buckets : array of BUCKET or BIN, shape (N,)

    Returns
    -------
    array of BIN, shape (M,)
        One for each distinct number, ascending.
    """
    order = np.lexsort((buckets["maximum"], number))
    number, buckets = number[order], buckets[order]
    last = np.flatnonzero(np.append(np.diff(number) != 0, True))
    first = np.append(0, last[:-1] + 1)
    bins = np.empty(len(last), BIN)
    bins["number"] = number[last]
    bins["minimum"] = np.minimum.reduceat(buckets["minimum"], first)
    bins["calls"] = np.add.reduceat(buckets["calls"].astype(np.uint64), first)
    for field in ("maximum", "pid", "tid", "symbol", "probability", "reading"):
        bins[field] = buckets[field][last]  # sorted by maximum within a bin
    return bins


class _Ring:
    """Bins of one width; a bin's place is its number modulo the length."""

    def __init__(self, width_ns: int, length: int) -> None:
        self.width_ns = width_ns
        self.bins = np.zeros(length, BIN)
        self.bins["number"] = np.iinfo(np.int64).min
        self.newest = np.iinfo(np.int64).min

    def add(self, time_ns: NDArray[np.int64], buckets: NDArray[np.void]) -> None:
        new = folded(time_ns // self.width_ns, buckets)
        # What is older than the ring reaches is left to the coarser widths.
        new = new[new["number"] > max(int(new["number"][-1]), self.newest) - len(self.bins)]
        self.newest = max(int(new["number"][-1]), self.newest)
        place = new["number"] % len(self.bins)
        old = self.bins[place]
        same = old["number"] == new["number"]
        both = np.flatnonzero(same)
        if len(both):
            merged = folded(
                np.concatenate((old["number"][both], new["number"][both])),
                np.concatenate((old[both], new[both])),
            )
            new[both] = merged
        self.bins[place] = new

    def between(self, start: float, end: float) -> NDArray[np.void]:
        width = self.width_ns / 1e9
        low = max(int(start // width), self.newest - len(self.bins) + 1)
        high = min(int(end // width) + 1, self.newest)
        if high < low:
            return self.bins[:0]
        found = self.bins[np.arange(low, high + 1) % len(self.bins)]
        return found[(found["number"] >= low) & (found["number"] <= high)]

    def oldest(self) -> float:
        """Seconds from which on this width knows everything, if anything was dropped."""
        return (self.newest - len(self.bins) + 1) * self.width_ns / 1e9


class LiveHistory:
    """The scores that a monitor has sent, by application.

    Attributes
    ----------
    version
        Changes whenever something was added: a plot redraws only then.
    """

    def __init__(self, length: int = BINS) -> None:
        self._length = length
        self._rings: dict[int, list[_Ring]] = {}
        self._first: float | None = None
        self._last: float | None = None
        self.version = 0

    def add(self, buckets: NDArray[Any]) -> None:
        """Take an array of `view_protocol.BUCKET`."""
        if not len(buckets):
            return
        self.version += 1
        times = buckets["time_ns"]
        first, last = float(times.min()) / 1e9, float(times.max()) / 1e9 + 0.1
        self._first = first if self._first is None else min(first, self._first)
        self._last = last if self._last is None else max(last, self._last)
        for application in np.unique(buckets["application"]):
            own = buckets[buckets["application"] == application]
            rings = self._rings.setdefault(
                int(application), [_Ring(width, self._length) for width in WIDTHS_NS]
            )
            for ring in rings:
                ring.add(own["time_ns"], own)

    def clear(self) -> None:
        """Forget everything."""
        self._rings.clear()
        self._first = self._last = None
        self.version += 1

    def applications(self) -> list[int]:
        """The numbers of the applications that have scores."""
        return sorted(self._rings)

    def span(self) -> tuple[float, float] | None:
        """First and last time in seconds; None when there is nothing yet."""
        if self._first is None or self._last is None:
            return None
        return self._first, self._last

    def band(self, application: int, start: float, end: float, most: int) -> Band:
        """At most about `most` bins of one application between two times (s)."""
        rings = self._rings.get(application)
        if rings is None:
            return NOTHING
        assert self._first is not None
        needed = max(start, self._first)
        for ring in rings:
            width = ring.width_ns / 1e9
            if (end - needed) / width <= most and ring.oldest() <= needed:
                break
        found = ring.between(start, end)
        width = ring.width_ns / 1e9
        if len(found) > most:
            found, width = coarser(found, width, most)
        return Band(found["number"] * width, width, found)

    def call(self, symbol: int) -> str:
        """The name of the call that a bin's `symbol` stands for."""
        return call_name(symbol)


def coarser(bins: NDArray[np.void], width: float, most: int) -> tuple[NDArray[np.void], float]:
    """Fold bins until at most about `most` remain."""
    numbers = bins["number"]
    factor = -(-int(numbers[-1] - numbers[0] + 1) // most)
    return folded(numbers // factor, bins), width * factor
