# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded history of buckets for the view: what is older is coarser."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.view_protocol import BUCKET, BUCKET_NS

LIMIT = 200_000
"""Buckets that a monitor keeps for windows that attach later."""

_FACTOR = 10
_LEVELS = 8
_NONE = np.empty(0, BUCKET)


def coarser(buckets: NDArray[np.void], width_ns: int) -> NDArray[np.void]:
    """Join buckets to ones of `width_ns`: those of a thread, or of an application if that is more.

    Threads that live shortly leave one bucket each however wide it is; then a
    bucket of the whole application bears the name of its highest thread.

    Parameters
    ----------
    buckets : array of BUCKET, shape (N,)
    width_ns
        A multiple of the width so far.

    Returns
    -------
    array of BUCKET, shape (M,)
        Ordered by time; M <= N.
    """
    times = buckets["time_ns"] - buckets["time_ns"] % width_ns
    zero = np.zeros(len(buckets), np.uint32)
    by_thread = _joined(buckets, times, buckets["pid"], buckets["tid"])
    if len(by_thread) * 2 <= len(buckets):
        return by_thread
    return _joined(buckets, times, zero, zero)


def _joined(
    buckets: NDArray[np.void],
    times: NDArray[np.int64],
    pids: NDArray[np.uint32],
    tids: NDArray[np.uint32],
) -> NDArray[np.void]:
    if not len(buckets):
        return buckets
    keys = (-buckets["maximum"], buckets["application"], tids, pids, times)
    order = np.lexsort(keys)
    first = np.zeros(len(buckets), bool)
    first[0] = True
    for key in keys[1:]:
        ordered = key[order]
        first[1:] |= ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(first)
    ordered_buckets = buckets[order]
    result = ordered_buckets[starts]  # the highest of each group comes first
    result["time_ns"] = times[order][starts]
    result["minimum"] = np.minimum.reduceat(ordered_buckets["minimum"], starts)
    calls = ordered_buckets["calls"].astype(np.float64)
    total = np.add.reduceat(calls, starts)
    result["mean"] = np.add.reduceat(ordered_buckets["mean"] * calls, starts) / np.maximum(total, 1)
    result["calls"] = np.minimum(total, 0xFFFFFFFF)
    return result


class BucketHistory:
    """Keeps at most about `limit` buckets, however long the monitor runs."""

    def __init__(self, limit: int = LIMIT) -> None:
        # Half for the latest in full detail, the rest shared by the coarser levels.
        self._limits = [limit // 2] + [limit // (2 * (_LEVELS - 1))] * (_LEVELS - 1)
        self._levels: list[list[NDArray[np.void]]] = [[] for _ in range(_LEVELS)]
        self._sizes = [0] * _LEVELS

    def __len__(self) -> int:
        return sum(self._sizes)

    def add(self, buckets: NDArray[np.void], level: int = 0) -> None:
        """Add the latest buckets; the oldest move to a coarser level where room is short."""
        if not len(buckets):
            return
        self._levels[level].append(buckets)
        self._sizes[level] += len(buckets)
        if self._sizes[level] <= self._limits[level]:
            return
        every = np.concatenate(self._levels[level])
        every = every[np.argsort(every["time_ns"], kind="stable")]
        half = len(every) // 2
        old, kept = every[:half], every[half:].copy()
        self._levels[level], self._sizes[level] = [kept], len(kept)
        if level + 1 < _LEVELS:
            self.add(coarser(old, BUCKET_NS * _FACTOR ** (level + 1)), level + 1)

    def all(self) -> NDArray[np.void]:
        """Everything that is kept, ordered by time, shape (N,)."""
        parts = [part for level in reversed(self._levels) for part in level]
        if not parts:
            return _NONE
        every = np.concatenate(parts)
        return every[np.argsort(every["time_ns"], kind="stable")]
