# SPDX-License-Identifier: GPL-3.0-or-later
"""A score log as something a plot can show, at every zoom level.  No Qt here."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import cannot
from imsafe.gui.score_history import BIN, Band, coarser, folded
from imsafe.monitor.score_log import LogData

STEP_S = 0.1
ALERT_PAUSE_S = 10.0
"""An alert is over after this long below the threshold, as in the monitor."""


class LogHistory:
    """The whole of a score log.

    Applications are numbered from 1 in the order of their appearance.

    Attributes
    ----------
    data : LogData
    gaps : list of (float, float)
        Intervals (s) before lines that tell of lost calls.
    """

    def __init__(self, data: LogData) -> None:
        self.data = data
        self._bins: dict[int, NDArray[np.void]] = {}
        records = data.records
        for number in np.unique(records["application"]):
            own = records[records["application"] == number]
            bins = np.zeros(len(own), BIN)
            bins["minimum"] = bins["maximum"] = own["score"]
            bins["symbol"] = own["call"]
            for field in ("pid", "tid", "probability", "reading"):
                bins[field] = own[field]
            steps = np.floor(own["time"] / STEP_S + 0.5).astype(np.int64)
            self._bins[int(number) + 1] = folded(steps, bins)
        lossy = records[records["lost"] > 0]["time"]
        self.gaps = [(float(time) - STEP_S, float(time)) for time in np.unique(lossy)]

    def names(self) -> dict[int, str]:
        """The applications by number."""
        return dict(enumerate(self.data.applications, 1))

    def applications(self) -> list[int]:
        """The numbers of the applications that have scores."""
        return sorted(self._bins)

    def span(self) -> tuple[float, float] | None:
        """First and last time in seconds; None when the log holds no score."""
        times = self.data.records["time"]
        return (float(times.min()), float(times.max()) + STEP_S) if len(times) else None

    def band(self, application: int, start: float, end: float, most: int) -> Band:
        """At most about `most` bins of one application between two times (s)."""
        bins = self._bins.get(application, np.empty(0, BIN))
        low = max(0, int(np.searchsorted(bins["number"], int(start / STEP_S) - 1)) - 1)
        high = int(np.searchsorted(bins["number"], int(end / STEP_S) + 2)) + 1
        found, width = bins[low:high], STEP_S
        if len(found) > most:
            found, width = coarser(found, width, most)
        return Band(found["number"] * width, width, found)

    def call(self, symbol: int) -> str:
        """The name of the call that a bin's `symbol` stands for."""
        return self.data.calls[symbol]

    def thresholds(self) -> dict[int, float]:
        """The last threshold of each application that has one."""
        found = {}
        for number in range(len(self.data.applications)):
            records = self.data.records
            values = records["threshold"][records["application"] == number]
            values = values[np.isfinite(values)]
            if len(values):
                found[number + 1] = float(values[-1])
        return found

    def crossings(self) -> list[tuple[int, float, float]]:
        """Where alerts were: a running number, the time (s) and the highest score of each."""
        records = self.data.records
        above = records[records["score"] >= records["threshold"]]
        found = []
        for tid in np.unique(above["tid"]):
            own = np.sort(above[above["tid"] == tid], order="time")
            cuts = np.append(0, np.flatnonzero(np.diff(own["time"]) > ALERT_PAUSE_S) + 1)
            peaks = np.maximum.reduceat(own["score"], cuts)
            found += list(zip(own["time"][cuts].tolist(), peaks.tolist(), strict=True))
        return [(number, time, peak) for number, (time, peak) in enumerate(sorted(found))]


def save_csv(data: LogData, path: str) -> None:
    """Write a score log as comma-separated values.

    Raises
    ------
    ImsafeError
        The file cannot be written.
    """
    try:
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(data.records.dtype.names or ())
            for row in data.records:
                writer.writerow(
                    [
                        f"{row['time']:.1f}",
                        f"{row['score']:.6f}",
                        "" if np.isnan(row["threshold"]) else f"{row['threshold']:.6f}",
                        data.applications[row["application"]],
                        int(row["pid"]),
                        int(row["tid"]),
                        data.calls[row["call"]],
                        f"{row['probability']:.3e}",
                        data.readings[row["reading"]],
                        int(row["lost"]),
                    ]
                )
    except OSError as error:
        raise cannot("write", path, error) from error
