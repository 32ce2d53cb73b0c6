# SPDX-License-Identifier: GPL-3.0-or-later
"""How the monitor fares, for Prometheus: a file for node_exporter's textfile collector.

Names follow https://prometheus.io/docs/practices/naming/.  Every value carries the monitor's
name: the collector reads the files of all monitors of a machine as one.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import imsafe
from imsafe.errors import ImsafeError, cannot
from imsafe.monitor.view_protocol import ApplicationRow, Status
from imsafe.words import printable

INTERVAL_S = 15.0
"""Seconds between two writings, as often as Prometheus usually looks."""

HIGHEST_OF = 4
"""Writings over which the highest score is told: nobody who looks every minute misses it."""

EDGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Upper bounds of the histogram of scores."""

_Labels = dict[str, str]
_Samples = list[tuple[_Labels, float]]


class Metrics:
    """Collects what is scored, and writes the file.

    Parameters
    ----------
    path
        Where; the collector reads files that end in ``.prom``.
    monitor
        The value of the label ``monitor``.

    Raises
    ------
    ImsafeError
        The name does not end in ``.prom``.
    """

    def __init__(self, path: str | os.PathLike[str], monitor: str) -> None:
        self.path = Path(path)
        if self.path.suffix != ".prom":
            raise ImsafeError(
                f"The file of metrics has to end in .prom, or it is not read: {self.path}."
            )
        self._monitor = monitor
        self._scores: dict[int, NDArray[np.int64]] = {}
        self._sums: dict[int, float] = {}
        self._highest: dict[int, float] = {}
        self._before: deque[dict[int, float]] = deque(maxlen=HIGHEST_OF - 1)
        self._calls: dict[int, int] = {}
        self._alerts: dict[int, int] = {}

    def scored(self, buckets: NDArray[np.void]) -> None:
        """Count complete buckets (`BUCKET`), shape (N,)."""
        for number in np.unique(buckets["application"]).tolist():
            own = buckets[buckets["application"] == number]
            highest = own["maximum"]
            counts = np.bincount(np.searchsorted(EDGES, highest), minlength=len(EDGES) + 1)
            self._scores[number] = self._scores.get(number, 0) + counts
            self._sums[number] = self._sums.get(number, 0.0) + float(highest.sum())
            self._highest[number] = max(self._highest.get(number, 0.0), float(highest.max()))
            self._calls[number] = self._calls.get(number, 0) + int(own["calls"].sum())

    def alert(self, number: int) -> None:
        """An alert of the application of that number has opened."""
        self._alerts[number] = self._alerts.get(number, 0) + 1

    def write(self, status: Status, started: float) -> None:
        """Replace the file, whole.

        Raises
        ------
        ImsafeError
            It cannot be written.
        """
        text = self._text(status, started)
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            beside = Path(name)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                beside.chmod(0o644)  # the collector is another user; nothing in it is secret
                beside.replace(self.path)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise cannot("write", self.path, error) from error
        self._before.append(self._highest)
        self._highest = {}

    def _text(self, status: Status, started: float) -> str:
        rows = status["applications"]

        def of_each(values: Mapping[int, float]) -> _Samples:
            return [({"application": r["name"]}, values.get(r["number"], 0)) for r in rows]

        highest = self._highest_of_the_last_minute()
        thresholds: _Samples = [
            ({"application": r["name"]}, r["threshold"]) for r in rows if r["threshold"] is not None
        ]
        sources: _Samples = [
            (
                {"source": r["name"], "kind": r["kind"], "number": str(r["number"])},
                int(not r["finished"] and not r["problem"] and not r["stopped"]),
            )
            for r in status["sources"]
        ]
        held_back = status["actions_held_back"]
        families: list[tuple[str, str, str, _Samples]] = [
            ("info", "gauge", "The version.", [({"version": imsafe.__version__}, 1)]),
            ("start_time_seconds", "gauge", "When the monitor was started.", [({}, started)]),
            ("calls_total", "counter", "System calls scored.", of_each(self._calls)),
            ("lost_calls_total", "counter", "System calls lost unscored.", [({}, status["lost"])]),
            ("alerts_total", "counter", "Alerts raised.", of_each(self._alerts)),
            ("open_alerts", "gauge", "Alerts not closed yet.", [({}, status["open_alerts"])]),
            ("held_back_actions_total", "counter", "Not executed, by limits.", [({}, held_back)]),
            ("threshold_ratio", "gauge", "Score that raises an alert.", thresholds),
            ("highest_score_ratio", "gauge", "Highest score of a minute.", of_each(highest)),
            ("source_up", "gauge", "Whether a source is open and well.", sources),
        ]
        out = []
        for name, kind, words, samples in families:
            out.append(f"# HELP imsafe_{name} {words}\n# TYPE imsafe_{name} {kind}\n")
            out += [self._line(f"imsafe_{name}", labels, value) for labels, value in samples]
        self._histogram(out, rows)
        return "".join(out)

    def _highest_of_the_last_minute(self) -> dict[int, float]:
        found: dict[int, float] = {}
        for part in (*self._before, self._highest):
            for number, score in part.items():
                found[number] = max(found.get(number, 0.0), score)
        return found

    def _histogram(self, out: list[str], rows: list[ApplicationRow]) -> None:
        name = "imsafe_score_ratio"
        out.append(
            f"# HELP {name} Highest score of each thread in 100 ms.\n# TYPE {name} histogram\n"
        )
        for row in rows:
            labels = {"application": row["name"]}
            counts = self._scores.get(row["number"], np.zeros(len(EDGES) + 1, np.int64))
            totals = np.cumsum(counts).tolist()
            bounds = [*(f"{edge:g}" for edge in EDGES), "+Inf"]
            for bound, total in zip(bounds, totals, strict=True):
                out.append(self._line(f"{name}_bucket", labels | {"le": bound}, total))
            out.append(self._line(f"{name}_sum", labels, self._sums.get(row["number"], 0.0)))
            out.append(self._line(f"{name}_count", labels, totals[-1]))

    def _line(self, name: str, labels: _Labels, value: float) -> str:
        words = ",".join(
            f'{label}="{_escaped(text)}"'
            for label, text in ({"monitor": self._monitor} | labels).items()
        )
        return f"{name}{{{words}}} {value!r}\n"


def _escaped(text: str) -> str:
    return printable(text, 1000).replace("\\", "\\\\").replace('"', '\\"')
