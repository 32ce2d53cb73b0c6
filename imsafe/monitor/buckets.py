# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores gathered by thread and 100 ms of event time, whatever the batches they came in.

A bucket is complete when its stream's clock has left its 100 ms; complete
buckets come out ordered by time, then pid, then tid.  Sums are integers, so
the mean does not depend on the batches either.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.view_protocol import BUCKET, BUCKET_NS

SCORED = np.dtype(
    [
        ("time_ns", "<i8"),
        ("score", "<f8"),
        ("probability", "<f8"),
        ("pid", "<u4"),
        ("tid", "<u4"),
        ("symbol", "<u4"),
        ("application", "<u2"),
        ("reading", "u1"),
    ]
)
"""One scored call."""

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
        ("probability", "<f8"),
    ]
)
"""A bucket while it grows; `symbol`, `reading`, `probability` belong to the first maximum."""

_UNIT = float(1 << 30)
_NONE = np.empty(0, BUCKETED)


def to_view(buckets: NDArray[np.void]) -> NDArray[np.void]:
    """Buckets as the view protocol has them (`BUCKET`), shape (N,)."""
    view = np.zeros(len(buckets), BUCKET)
    for name in ("time_ns", "application", "reading", "pid", "tid", "symbol"):
        view[name] = buckets[name]
    for name in ("calls", "minimum", "maximum", "probability"):
        view[name] = buckets[name]
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

    def add(self, scored: NDArray[np.void], now_ns: int) -> NDArray[np.void]:
        """Add the next calls, whose times never decrease; `now_ns`: the stream's clock after them.

        Returns
        -------
        array of BUCKETED, shape (M,)
            Those that are complete now.
        """
        if len(scored):
            merged = _reduce(np.concatenate([self.open, _singles(scored)]))
        else:
            merged = self.open
        complete = int(np.searchsorted(merged["time_ns"], now_ns - now_ns % BUCKET_NS))
        self.open = merged[complete:].copy()
        return merged[:complete]

    def finish(self) -> NDArray[np.void]:
        """All that are left; the stream's clock is about to be void."""
        rest, self.open = self.open, _NONE
        return rest


def _singles(scored: NDArray[np.void]) -> NDArray[np.void]:
    """A bucket for each call."""
    singles = np.empty(len(scored), BUCKETED)
    singles["time_ns"] = scored["time_ns"] - scored["time_ns"] % BUCKET_NS
    for name in ("pid", "tid", "application", "reading", "symbol", "probability"):
        singles[name] = scored[name]
    singles["calls"] = 1
    singles["minimum"] = singles["maximum"] = scored["score"]
    singles["sum"] = np.rint(scored["score"] * _UNIT)
    return singles


def _reduce(parts: NDArray[np.void]) -> NDArray[np.void]:
    """Join parts of the same thread and time; in order of time, pid, tid, application."""
    order = np.lexsort((parts["application"], parts["tid"], parts["pid"], parts["time_ns"]))
    parts = parts[order]
    time_ns, pid, tid, application = (parts[n] for n in ("time_ns", "pid", "tid", "application"))
    first = np.ones(len(parts), bool)
    first[1:] = (
        (time_ns[1:] != time_ns[:-1])
        | (pid[1:] != pid[:-1])
        | (tid[1:] != tid[:-1])
        | (application[1:] != application[:-1])
    )
    starts = np.flatnonzero(first)
    if len(starts) == len(parts):
        return parts
    maximum = np.maximum.reduceat(parts["maximum"], starts)
    # The first part that reaches its bucket's maximum names the call.
    group = np.cumsum(first) - 1
    peaks = np.flatnonzero(parts["maximum"] == maximum[group])
    peaks = peaks[np.searchsorted(group[peaks], np.arange(len(starts)))]
    result = parts[peaks]
    result["maximum"] = maximum
    result["minimum"] = np.minimum.reduceat(parts["minimum"], starts)
    result["calls"] = np.add.reduceat(parts["calls"], starts)
    result["sum"] = np.add.reduceat(parts["sum"], starts)
    return result
