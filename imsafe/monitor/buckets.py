# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores gathered by thread and 100 ms of event time, whatever the batches they came in.

A bucket is complete when its stream's clock has left its 100 ms; complete
buckets come out ordered by time, then pid, then tid.  Sums are integers, so
the mean does not depend on the batches either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.view_protocol import BUCKET, BUCKET_NS

BUCKETED = np.dtype(
    [
        ("time_ns", "<i8"),
        ("pid", "<u4"),
        ("tid", "<u4"),
        ("application", "<u2"),
        ("reading", "u1"),
        ("symbol", "<u4"),
        ("calls", "<i8"),
        ("minimum", "<f8"),
        ("maximum", "<f8"),
        ("sum", "<i8"),  # of the scores, in units of 2^-30
        ("surprise", "<i8"),  # in units of 2^-32 bit
    ]
)
"""A bucket while it grows; `symbol`, `reading`, `surprise` belong to the first maximum."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Scored calls by columns, each of shape (N,).

    Attributes
    ----------
    times : array of int64
        Wall clock, never decreasing.
    keys : array of uint64
        The thread, ``pid << 32 | tid``.
    application, symbol, reading, surprise
        See `BUCKETED`.
    score : array of float64
    """

    times: NDArray[np.int64]
    keys: NDArray[np.uint64]
    application: NDArray[np.intp]
    symbol: NDArray[np.uint32]
    reading: NDArray[np.uint8]
    surprise: NDArray[np.int64]
    score: NDArray[np.float64]


_UNIT = float(1 << 30)
_NONE = np.empty(0, BUCKETED)


def probabilities(buckets: NDArray[np.void]) -> NDArray[np.float64]:
    """The probability of each bucket's call with the highest score."""
    return np.exp2(buckets["surprise"] / -float(1 << 32))


def to_view(buckets: NDArray[np.void]) -> NDArray[np.void]:
    """Buckets as the view protocol has them (`BUCKET`), shape (N,)."""
    view = np.zeros(len(buckets), BUCKET)
    for name in ("time_ns", "application", "reading", "pid", "tid", "symbol"):
        view[name] = buckets[name]
    for name in ("calls", "minimum", "maximum"):
        view[name] = buckets[name]
    view["probability"] = probabilities(buckets)
    view["mean"] = buckets["sum"] / (buckets["calls"] * _UNIT)
    return view


class Buckets:
    """The buckets of one stream that are not complete yet.

    Attributes
    ----------
    open : array of BUCKETED, shape (N,)
        Ordered by time, pid, tid, application.
    """

    def __init__(self) -> None:
        self.open: NDArray[np.void] = _NONE

    def add(self, calls: Calls, now_ns: int) -> NDArray[np.void]:
        """Add the next calls; `now_ns`: the stream's clock after them.

        Returns
        -------
        array of BUCKETED, shape (M,)
            Those that are complete now.
        """
        merged = self.open
        if len(calls.times):
            merged = _joined(np.concatenate([merged, _gathered(calls)]))
        complete = int(np.searchsorted(merged["time_ns"], now_ns - now_ns % BUCKET_NS))
        self.open = merged[complete:].copy()
        return merged[:complete]

    def finish(self) -> NDArray[np.void]:
        """All that are left; the stream's clock is about to be void."""
        rest, self.open = self.open, _NONE
        return rest


def _gathered(calls: Calls) -> NDArray[np.void]:
    """The calls' buckets, in no order; a thread may have several for one time."""
    order = np.argsort(calls.keys, kind="stable")
    times = calls.times[order]
    times -= times % BUCKET_NS
    keys, application, score = calls.keys[order], calls.application[order], calls.score[order]
    units = np.rint(score * _UNIT).astype(np.int64)
    starts = _starts(times, keys, application)
    maximum = np.maximum.reduceat(score, starts)
    first = order[_peaks(score, maximum, starts)]
    result = np.empty(len(starts), BUCKETED)
    result["time_ns"] = times[starts]
    result["pid"] = keys[starts] >> np.uint64(32)
    result["tid"] = keys[starts] & np.uint64(0xFFFFFFFF)
    result["application"] = application[starts]
    result["reading"], result["symbol"] = calls.reading[first], calls.symbol[first]
    result["surprise"] = calls.surprise[first]
    result["calls"] = np.diff(starts, append=len(times))
    result["minimum"], result["maximum"] = np.minimum.reduceat(score, starts), maximum
    result["sum"] = np.add.reduceat(units, starts)
    return result


def _joined(parts: NDArray[np.void]) -> NDArray[np.void]:
    """Join parts of the same thread and time; in order of time, pid, tid, application."""
    parts = parts[np.lexsort([parts[n] for n in ("application", "tid", "pid", "time_ns")])]
    starts = _starts(*(parts[n] for n in ("time_ns", "pid", "tid", "application")))
    if len(starts) == len(parts):
        return parts
    maximum = np.maximum.reduceat(parts["maximum"], starts)
    result = parts[_peaks(parts["maximum"], maximum, starts)]
    result["minimum"] = np.minimum.reduceat(parts["minimum"], starts)
    result["calls"] = np.add.reduceat(parts["calls"], starts)
    result["sum"] = np.add.reduceat(parts["sum"], starts)
    return result


def _starts(*columns: NDArray[Any]) -> NDArray[np.intp]:
    """Where runs of equal rows begin."""
    first = np.ones(len(columns[0]), bool)
    first[1:] = False
    for column in columns:
        first[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(first)


def _peaks(
    values: NDArray[np.float64], maximum: NDArray[np.float64], starts: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The first row of each run that has the run's maximum."""
    sizes = np.diff(starts, append=len(values))
    at_maximum = np.flatnonzero(values == np.repeat(maximum, sizes))
    return at_maximum[np.searchsorted(at_maximum, starts)]
