# SPDX-License-Identifier: GPL-3.0-or-later
"""How many alerts a threshold would have raised, from the scores of a log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.crossings import QUIET_NS
from imsafe.monitor.score_log_reader import LogData

_QUIET_S = QUIET_NS / 1e9
_DAY_S = 86_400.0
_BINS = 100


class WhatIf:
    """The scores of one application, to be cut at any threshold.

    A log has the highest score of each thread in each 100 ms, so its alerts
    begin in the same 100 ms as the monitor's; only two of one thread within 10 s,
    with the thread's number given to a new one between them, would count as one.

    Parameters
    ----------
    log
        What was read.
    application
        Only this one; None: all.

    Attributes
    ----------
    highest : float
        The highest score; 0 where there is none.
    seconds : float
        How long the log watched: stretches of more than an hour without a line are left out.
    """

    _LONGEST_SILENCE_S = 3600.0

    def __init__(self, log: LogData, application: str | None = None) -> None:
        records = log.records
        if application is not None:
            number = log.applications.index(application)
            records = records[records["application"] == number]
        order = np.lexsort((records["time"], records["tid"], records["pid"]))
        records = records[order]
        self._score = np.ascontiguousarray(records["score"])
        self._time = np.ascontiguousarray(records["time"])
        thread = records["pid"].astype(np.uint64) << np.uint64(32) | records["tid"]
        self._thread = thread
        self.highest = float(self._score.max(initial=0.0))
        steps = np.diff(np.sort(self._time))
        self.seconds = float(steps[steps <= self._LONGEST_SILENCE_S].sum())

    def __len__(self) -> int:
        return len(self._score)

    def alerts(self, threshold: float) -> int:
        """How many alerts there would have been."""
        above = np.flatnonzero(self._score >= threshold)
        if not len(above):
            return 0
        thread, time = self._thread[above], self._time[above]
        begins = (thread[1:] != thread[:-1]) | (np.diff(time) >= _QUIET_S)
        return 1 + int(np.count_nonzero(begins))

    def per_day(self, threshold: float) -> float | None:
        """The same in a day; None where the log watched less than a minute."""
        if self.seconds < 60:
            return None
        return self.alerts(threshold) * _DAY_S / self.seconds

    def histogram(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """How many lines have which score: counts, shape (100,), and edges, shape (101,)."""
        counts, edges = np.histogram(self._score, bins=_BINS, range=(0.0, 1.0))
        return counts.astype(np.int64), edges

    def curve(self, thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
        """The alerts of many thresholds."""
        return np.array([self.alerts(float(threshold)) for threshold in thresholds], np.int64)
