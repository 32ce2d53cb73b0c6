# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores over time at every zoom level, in bounded memory; no spike is ever lost.

What the plot draws is a line: the highest score of each 100 ms.  A pyramid
keeps it in bins of 0.1 s, 1 s, 10 s and so on, each with the lowest and the
highest point of the line in it, so that a spike of one call is still the
maximum of its bin years later.  Each width is a ring of its own: the finest
reaches back a day, the coarsest sixteen years.  No Qt here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.view_protocol import BUCKET_NS
from imsafe.syscalls import name as call_name

_FACTOR = 10
LENGTHS = (1_000_000, 200_000, 100_000, 50_000, 50_000, 50_000)
"""Bins kept at each width, from 0.1 s on by tens, of all applications together:
28 hours, 2 days, 11 days, 58 days, 1.6 years, 16 years."""

_MOST_CHANGED = 1_000
"""Bins that may wait until the wider ones are brought up to date: nobody may ask for those."""

_NEVER = 1 << 62

_SHORTEST = 20_000
"""Bins of each width that an application has, however many there are."""

BIN = np.dtype(
    [
        ("number", "<i8"),
        ("calls", "<u8"),
        ("time", "<f8"),
        ("minimum", "<f4"),
        ("maximum", "<f4"),
        ("pid", "<u4"),
        ("tid", "<u4"),
        ("symbol", "<u4"),
        ("probability", "<f4"),
        ("reading", "<u8"),
    ]
)
"""What is kept of an interval; `time` (s) and pid to reading belong to its maximum."""


@dataclass(frozen=True, slots=True)
class Band:
    """What a plot draws of one application.

    Attributes
    ----------
    start : array of float64, shape (N,)
        Seconds since 1970 (or since the start of a trace without clock).
    width : float
        Seconds that each bin covers.
    bins : array of BIN, shape (N,)
        Ascending, none twice; where nothing called there is none.
    """

    start: NDArray[np.float64]
    width: float
    bins: NDArray[np.void]

    @property
    def minimum(self) -> NDArray[np.float32]:
        """The lowest point of the line in each bin."""
        return self.bins["minimum"]

    @property
    def maximum(self) -> NDArray[np.float32]:
        """The highest point of the line in each bin."""
        return self.bins["maximum"]

    @property
    def rate(self) -> NDArray[np.float64]:
        """Calls per second of each bin."""
        return self.bins["calls"] / self.width

    def __len__(self) -> int:
        return len(self.bins)


NOTHING = Band(np.empty(0), BUCKET_NS / 1e9, np.empty(0, BIN))


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


def folded(number: NDArray[np.int64], bins: NDArray[np.void]) -> NDArray[np.void]:
    """Fold bins into wider ones.

    Parameters
    ----------
    number : array of int64, shape (N,)
        The wider bin of each, in any order.
    bins : array of BIN, shape (N,)

    Returns
    -------
    array of BIN, shape (M,)
        One for each distinct number, ascending.
    """
    if not len(bins):
        return bins
    if (number[1:] < number[:-1]).any():
        order = np.argsort(number, kind="stable")
        number, bins = number[order], bins[order]
    first = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
    values = bins["maximum"]
    maximum = np.maximum.reduceat(values, first)
    sizes = np.diff(first, append=len(bins))
    at_maximum = np.flatnonzero(values == np.repeat(maximum, sizes))
    result = bins[at_maximum[np.searchsorted(at_maximum, first)]]
    result["number"] = number[first]
    result["minimum"] = np.minimum.reduceat(bins["minimum"], first)
    result["calls"] = np.add.reduceat(bins["calls"], first)
    return result


class _Ring:
    """Bins of one width; a bin's place is its number modulo the length."""

    def __init__(self, width_ns: int, length: int) -> None:
        self.width = width_ns / 1e9
        # Zeros cost no memory until they are written; a bin without calls is none.
        self.bins = np.zeros(length, BIN)
        self.newest = -(1 << 62)

    @property
    def oldest(self) -> int:
        """The number from which on everything is known."""
        return self.newest - len(self.bins) + 1

    def find(self, numbers: NDArray[np.int64]) -> NDArray[np.void]:
        """Those of the bins of these numbers that there are."""
        found = self.bins[numbers % len(self.bins)]
        return found[(found["number"] == numbers) & (found["calls"] > 0)]

    def between(self, low: int, high: int) -> NDArray[np.void]:
        """The bins from `low` to `high`, both included, fewer than fit into the ring."""
        start, stop = low % len(self.bins), high % len(self.bins) + 1
        found = (
            self.bins[start:stop] if start < stop
            else np.concatenate((self.bins[start:], self.bins[:stop]))
        )  # fmt: skip
        numbers = found["number"]
        return found[(numbers >= low) & (numbers <= high) & (found["calls"] > 0)]

    def put(self, bins: NDArray[np.void]) -> None:
        """Store bins, ascending by number, in the place of what was there."""
        if len(bins):
            self.newest = max(self.newest, int(bins["number"][-1]))
            bins = bins[bins["number"] >= self.oldest]
            self.bins[bins["number"] % len(self.bins)] = bins

    def resized(self, length: int) -> _Ring:
        """The same bins, as far as they fit into another length."""
        other = _Ring(round(self.width * 1e9), length)
        kept = self.bins[self.bins["calls"] > 0]
        other.put(kept[np.argsort(kept["number"])])
        return other


class Pyramid:
    """The line of one application at every width.

    Parameters
    ----------
    lengths
        Bins to keep at each width, from 0.1 s on by tens.
    """

    def __init__(self, lengths: tuple[int, ...]) -> None:
        # Of the finest width, and not yet in the wider ones: numbers, how many, the least.
        self._changed: list[NDArray[np.int64]] = []
        self._count = 0
        self._least = _NEVER
        self._rings = [
            _Ring(BUCKET_NS * _FACTOR**level, length) for level, length in enumerate(lengths)
        ]

    def resize(self, lengths: tuple[int, ...]) -> None:
        """Keep another number of bins at each width; what does not fit is left to the wider."""
        self._settle(NOTHING.bins)
        self._rings = [
            ring.resized(length) for ring, length in zip(self._rings, lengths, strict=True)
        ]

    def add(self, bins: NDArray[np.void]) -> None:
        """Add scores of 100 ms each, in any order; some may be of a 100 ms that is known."""
        if not len(bins):
            return
        finest = self._rings[0]
        new = folded(bins["number"], bins)
        oldest = max(int(new["number"][-1]), finest.newest) - len(finest.bins) + 1
        if self._least // _FACTOR * _FACTOR < oldest:
            self._settle(NOTHING.bins)  # before something that was not yet passed on is dropped
        both = np.concatenate((finest.find(new["number"]), new))
        line = folded(both["number"], both)
        line["minimum"] = line["maximum"]  # a point of the line, not a stretch
        finest.put(line)
        is_late = new["number"] // _FACTOR * _FACTOR < oldest
        self._changed.append(new["number"][~is_late])
        self._count += len(new)
        self._least = min(self._least, int(new["number"][0]))
        if is_late.any() or self._count > _MOST_CHANGED:
            self._settle(new[is_late])

    def _settle(self, late: NDArray[np.void]) -> None:
        """Bring the wider rings up to date; `late`: what the finest one has not wholly any more."""
        changed = np.concatenate((np.empty(0, np.int64), *self._changed))
        self._changed, self._count, self._least = [], 0, _NEVER
        for finer, ring in zip(self._rings, self._rings[1:], strict=False):
            # Where the finer width still has all of a bin it is made anew, else added to.
            late = folded(late["number"] // _FACTOR, late)
            is_whole = late["number"] * _FACTOR >= finer.oldest
            changed = np.unique(np.concatenate((changed // _FACTOR, late["number"][is_whole])))
            parts = finer.find((changed[:, None] * _FACTOR + np.arange(_FACTOR)).ravel())
            ring.put(folded(parts["number"] // _FACTOR, parts))
            late = late[~is_whole]
            both = np.concatenate((ring.find(late["number"]), late))
            ring.put(folded(both["number"], both))

    def between(self, start: float, end: float, first: float, most: int) -> Band:
        """At most about `most` bins between two times (s); nothing is older than `first`."""
        needed = max(start, first)
        if self._count and (end - needed) * 1e9 / BUCKET_NS > _FACTOR * most:
            self._settle(NOTHING.bins)
        ring = self._rings[-1]
        for ring in self._rings:
            # Ten times too many are folded below: one step of the plot is then one of its pixels.
            fits = (end - needed) / ring.width <= _FACTOR * most
            if fits and ring.oldest * ring.width <= needed:
                break
        low = max(int(start // ring.width), ring.oldest)
        high = min(int(end // ring.width) + 1, ring.newest)
        if high < low:
            return NOTHING
        return thinned(ring.between(low, high), ring.width, (end - start) / ring.width, most)


def thinned(bins: NDArray[np.void], width: float, count: float, most: int) -> Band:
    """Fold `count` bins' time to at most about `most`: two, five, ten ... bins into one."""
    factor, step = 1, 0
    while count / factor > most:
        factor = (1, 2, 5)[(step := step + 1) % 3] * 10 ** (step // 3)
    if factor > 1:
        bins = folded(bins["number"] // factor, bins)
    return Band(bins["number"] * (width * factor), width * factor, bins)


class LiveHistory:
    """The scores that a monitor has sent, by application.

    Its memory is bounded by `LENGTHS`, 81 MB, however long it goes on; it takes
    a day to get there.  Applications beyond the second take at most 7 MB each.
    """

    def __init__(self, lengths: tuple[int, ...] = LENGTHS) -> None:
        self._lengths = lengths
        self._pyramids: dict[int, Pyramid] = {}
        self._first: float | None = None
        self._last: float | None = None

    def add(self, buckets: NDArray[Any]) -> None:
        """Take an array of `view_protocol.BUCKET`."""
        buckets = buckets[buckets["calls"] > 0]
        bins = np.zeros(len(buckets), BIN)
        bins["number"] = buckets["time_ns"] // BUCKET_NS
        for field in ("calls", "pid", "tid", "symbol", "probability", "reading"):
            bins[field] = buckets[field]
        bins["minimum"] = bins["maximum"] = buckets["maximum"]
        self.add_bins(buckets["application"], bins)

    def add_bins(self, applications: NDArray[Any], bins: NDArray[np.void]) -> None:
        """Take bins of 100 ms, each with the number of its application; `time` is filled in."""
        if not len(bins):
            return
        bins["time"] = bins["number"] * (BUCKET_NS / 1e9)
        first, last = float(bins["time"].min()), float(bins["time"].max()) + BUCKET_NS / 1e9
        self._first = first if self._first is None else min(first, self._first)
        self._last = last if self._last is None else max(last, self._last)
        for number in np.unique(applications).tolist():
            if number not in self._pyramids:
                self._make_room(number)
            self._pyramids[number].add(bins[applications == number])

    def _make_room(self, number: int) -> None:
        count = len(self._pyramids) + 1
        lengths = tuple(max(length // count, min(length, _SHORTEST)) for length in self._lengths)
        for pyramid in self._pyramids.values():
            pyramid.resize(lengths)
        self._pyramids[number] = Pyramid(lengths)

    def clear(self) -> None:
        """Forget everything."""
        self._pyramids.clear()
        self._first = self._last = None

    def applications(self) -> list[int]:
        """The numbers of the applications that have scores."""
        return sorted(self._pyramids)

    def span(self) -> tuple[float, float] | None:
        """First and last time in seconds; None when there is nothing yet."""
        if self._first is None or self._last is None:
            return None
        return self._first, self._last

    def band(self, application: int, start: float, end: float, most: int) -> Band:
        """At most about `most` bins of one application between two times (s)."""
        pyramid = self._pyramids.get(application)
        if pyramid is None or self._first is None:
            return NOTHING
        return pyramid.between(start, end, self._first, most)

    def call(self, symbol: int) -> str:
        """The name of the call that a bin's `symbol` stands for."""
        return call_name(symbol)
