# SPDX-License-Identifier: GPL-3.0-or-later
"""A score log as something a plot can show, at every zoom level.  No Qt here."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import cannot
from imsafe.gui.gaps import joined
from imsafe.gui.score_history import BIN, LiveHistory
from imsafe.monitor.score_log_reader import LOG_RECORD, ScoreLogReader

STEP_S = 0.1
ALERT_PAUSE_S = 10.0
"""An alert is over after this long below the threshold, as in the monitor."""

MOST_ALERTS = 10_000
MOST_GAPS = 2_000
"""Beyond these, neighbours in time are joined: of alerts the higher one stays."""


class LogHistory(LiveHistory):
    """The whole of a score log, taken in part by part; its memory is bounded.

    Applications are numbered from 1 in the order of their appearance.

    Attributes
    ----------
    gaps : list of (float, float)
        Intervals (s) before lines that tell of lost calls.
    """

    def __init__(self, reader: ScoreLogReader) -> None:
        super().__init__()
        self._reader = reader
        self._names: dict[int, str] = {}
        self._thresholds: dict[int, float] = {}
        self._latest: dict[tuple[int, int, int], tuple[float, int]] = {}
        self._alerts: dict[int, tuple[float, float]] = {}
        self._alert_count = 0
        self.gaps: list[tuple[float, float]] = []

    def take(self, records: NDArray[np.void]) -> None:
        """Add an array of `LOG_RECORD`, the next part of the log."""
        bins = np.zeros(len(records), BIN)
        bins["number"] = np.floor(records["time"] / STEP_S + 0.5)
        bins["calls"] = 1  # lines: a log does not hold how many calls there were
        bins["minimum"] = bins["maximum"] = records["score"]
        bins["symbol"] = records["call"]
        for field in ("pid", "tid", "probability", "reading"):
            bins[field] = records[field]
        numbers = records["application"].astype(np.int64) + 1
        self.add_bins(numbers, bins)
        for number in np.unique(numbers).tolist():
            self._names[number] = self._reader.applications[number - 1]
            values = records["threshold"][numbers == number]
            values = values[np.isfinite(values)]
            if len(values):
                self._thresholds[number] = float(values[-1])
        for time in np.unique(records["time"][records["lost"] > 0]).tolist():
            self.gaps.append((time - STEP_S, time))
        if len(self.gaps) > MOST_GAPS:
            self.gaps = joined(self.gaps, MOST_GAPS // 2)
        self._take_alerts(records[records["score"] >= records["threshold"]])

    def _take_alerts(self, above: NDArray[np.void]) -> None:
        fields = ("application", "pid", "tid")
        for *key, time, score in zip(
            *(above[field].tolist() for field in (*fields, "time", "score")), strict=True
        ):
            thread = (key[0], key[1], key[2])
            since, number = self._latest.get(thread, (float("-inf"), 0))
            if time - since > ALERT_PAUSE_S or number not in self._alerts:
                number = self._alert_count
                self._alert_count += 1
                self._alerts[number] = time, score
            opened, peak = self._alerts[number]
            self._alerts[number] = opened, max(peak, score)
            self._latest[thread] = max(time, since), number
        if len(self._latest) > MOST_ALERTS:  # threads whose alert is over anyhow come first
            self._latest = dict(list(self._latest.items())[MOST_ALERTS // 2 :])
        if len(self._alerts) > MOST_ALERTS:
            pairs = sorted(self._alerts.items(), key=lambda item: item[1])
            kept = [max(pairs[at : at + 2], key=lambda item: item[1][1])
                    for at in range(0, len(pairs), 2)]  # fmt: skip
            self._alerts = dict(kept)

    def names(self) -> dict[int, str]:
        """The applications by number."""
        return dict(self._names)

    def call(self, symbol: int) -> str:
        """The name of the call that a bin's `symbol` stands for."""
        return self._reader.calls[symbol]

    def thresholds(self) -> dict[int, float]:
        """The last threshold of each application that has one."""
        return dict(self._thresholds)

    def crossings(self) -> list[tuple[int, float, float]]:
        """Where alerts were: a running number, the time (s) and the highest score of each."""
        return sorted(
            ((number, *alert) for number, alert in self._alerts.items()), key=lambda row: row[1]
        )


def read_history(path: str | os.PathLike[str]) -> LogHistory:
    """Read a score log to its present end.

    Raises
    ------
    ImsafeError
        It cannot be read, or is not a score log.
    """
    reader = ScoreLogReader(path)
    try:
        history = LogHistory(reader)
        while (records := reader.read()) is not None:
            history.take(records)
        return history
    finally:
        reader.close()


def save_csv(
    log: str | os.PathLike[str],
    path: str | os.PathLike[str],
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Write a score log as comma-separated values.

    Parameters
    ----------
    log, path
        Whence and where to.
    goes_on
        Asked now and then; after False the rest is left out.

    Raises
    ------
    ImsafeError
        The log cannot be read, or the file cannot be written.
    """
    reader = ScoreLogReader(log)
    try:
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(LOG_RECORD.names or ())
            while goes_on() and (records := reader.read()) is not None:
                for row in records:
                    writer.writerow(_values(row, reader))
    except OSError as error:
        raise cannot("write", path, error) from error
    finally:
        reader.close()


def _values(row: np.void, reader: ScoreLogReader) -> list[object]:
    return [
        f"{row['time']:.1f}",
        f"{row['score']:.6f}",
        "" if np.isnan(row["threshold"]) else f"{row['threshold']:.6f}",
        reader.applications[row["application"]],
        int(row["pid"]),
        int(row["tid"]),
        reader.calls[row["call"]],
        f"{row['probability']:.3e}",
        reader.readings[row["reading"]],
        int(row["lost"]),
    ]
