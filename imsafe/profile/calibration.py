# SPDX-License-Identifier: GPL-3.0-or-later
"""From three readings to one score from 0 to 1, by how rare they are on normal behaviour.

`docs/detection-model.md` gives the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.compiled import inlined, real
from imsafe.profile.leave_one_out import BURST_COLUMN, DRIFT_COLUMN, REPERTOIRE_COLUMN
from imsafe.profile.pace import DECADES
from imsafe.profile.surprise import BIT, surprise

READINGS = ("burst", "drift", "repertoire")
"""Their order is that of `imsafe.monitor.view_protocol.READINGS`."""

TAIL_UNITS = 4
"""The score is extrapolated from so many of the highest units; below them it is counted.

So few, because units are a mixture: where 1,500 short processes are alike and
40 of a server are not, a tail fitted to a tenth of all knows nothing of servers.
"""

KNOTS = 512
"""Points of the curve below the tail, at most."""

BURST_WEIGHT = 0.5
BURST_RANGE = 0.98
"""A burst beyond this quantile of the normal units' highest counts in full."""

_DECADE_OF_BIT = math.log10(2) / DECADES
"""Of the score."""

LEAST_SCALE = (0.25, 0.1, 0.02)
"""The readings' scales are at least this (bits, bits, distance): very regular normal
behaviour must not make a trifle rare."""

LEAST_TAIL = 0.5
"""The tail's mean excess is at least this (in scales)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How readings become a score.

    Attributes
    ----------
    units
        How many normal units it rests on.
    mean, scale
        Of the units' highest burst, drift and repertoire.
    burst_limit
        End of the burst's normal range, bits.
    knots, scores
        The score at each knot of the combined reading, on a line in between;
        below the first knot it is 0.
    tail_start, tail_score
        Where the tail begins, and the score there.
    tail_units, tail_excess
        How many units are beyond it, and by how much in the mean; see `score_of`.
    """

    units: int
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    burst_limit: float
    knots: tuple[float, ...]
    scores: tuple[float, ...]
    tail_start: float
    tail_score: float
    tail_units: int
    tail_excess: float


class Curve(NamedTuple):
    """A calibration as arrays, for compiled code."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    knots: NDArray[np.float64]
    scores: NDArray[np.float64]
    burst_limit: float
    tail_start: float
    tail_score: float
    tail_units: int
    tail_excess: float


def curve(calibration: Calibration) -> Curve:
    """The arrays of a calibration."""
    return Curve(
        np.array(calibration.mean, np.float64),
        np.array(calibration.scale, np.float64),
        np.array(calibration.knots, np.float64),
        np.array(calibration.scores, np.float64),
        float(calibration.burst_limit),
        float(calibration.tail_start),
        float(calibration.tail_score),
        int(calibration.tail_units),
        float(calibration.tail_excess),
    )


@inlined
def combine(burst: float, drift: float, repertoire: float, c: Curve) -> tuple[float, int]:
    """The combined reading, and the number of the reading with the greatest share in it."""
    burst_share = BURST_WEIGHT * ((burst - c.mean[0]) / c.scale[0])
    burst_share += max(burst - c.burst_limit, 0.0) / c.scale[0]
    drift_share = (drift - c.mean[1]) / c.scale[1]
    repertoire_share = (repertoire - c.mean[2]) / c.scale[2]
    combined = burst_share + drift_share + repertoire_share
    if drift_share >= burst_share and drift_share >= repertoire_share:
        return combined, DRIFT_COLUMN
    if repertoire_share > burst_share:
        return combined, REPERTOIRE_COLUMN
    return combined, BURST_COLUMN


@inlined
def score_of(combined: float, c: Curve) -> float:
    """The score of a combined reading: min(1, -log10(p) / 6).

    In the tail, p falls exponentially; as its rate is known from n units only,
    what may be predicted is (1 + excess / (n mean excess))^-n of what is there.
    """
    if combined > c.tail_start:
        ratio = (combined - c.tail_start) / (c.tail_units * c.tail_excess)
        bits = surprise(1.0 / (1.0 + ratio)) / BIT
        return real(min(1.0, c.tail_score + c.tail_units * bits * _DECADE_OF_BIT))
    at = np.searchsorted(c.knots, combined, side="right")
    if at == 0:
        return 0.0
    if at == len(c.knots):
        return real(c.scores[at - 1])
    # A line from knot to knot keeps the order of readings that no unit lies between.
    share = (combined - c.knots[at - 1]) / (c.knots[at] - c.knots[at - 1])
    return real(c.scores[at - 1] + share * (c.scores[at] - c.scores[at - 1]))


def _combined(readings: NDArray[np.float64], c: Calibration) -> NDArray[np.float64]:
    # The same operations in the same order as `combine`: the same bits.
    burst, drift, repertoire = readings[:, 0], readings[:, 1], readings[:, 2]
    burst_share = BURST_WEIGHT * ((burst - c.mean[0]) / c.scale[0])
    burst_share += np.maximum(burst - c.burst_limit, 0.0) / c.scale[0]
    result: NDArray[np.float64] = (
        burst_share + (drift - c.mean[1]) / c.scale[1] + (repertoire - c.mean[2]) / c.scale[2]
    )
    return result


def calibrate(readings: Sequence[NDArray[np.float64]]) -> Calibration:
    """Fit a calibration to the readings of units that were left out.

    Parameters
    ----------
    readings
        For each unit, burst, drift and repertoire of its calls, shape (N, 3).
    """
    if not readings:
        return _uninformed()
    highest = np.array([unit.max(axis=0) for unit in readings])
    mean = highest.mean(axis=0)
    scale = np.maximum(highest.std(axis=0), LEAST_SCALE)
    start = Calibration(
        len(readings),
        (float(mean[0]), float(mean[1]), float(mean[2])),
        (float(scale[0]), float(scale[1]), float(scale[2])),
        float(np.quantile(highest[:, BURST_COLUMN], BURST_RANGE)),
        (), (), 0.0, 0.0, 1, 1.0,
    )  # fmt: skip
    return _fit_curve(start, np.sort([_combined(unit, start).max() for unit in readings]))


def _fit_curve(start: Calibration, highest: NDArray[np.float64]) -> Calibration:
    """Count the normal units up to the tail, measure those beyond.

    Parameters
    ----------
    highest
        The units' highest combined readings in rising order.
    """
    units = len(highest)
    beyond = min(TAIL_UNITS, units - 1)
    tail_start = float(highest[-1 - beyond])
    tail_score = -math.log10((beyond + 1) / units) / DECADES
    excess = float((highest[-1 - beyond :] - tail_start).sum()) / max(beyond, 1)
    body = highest[: units - beyond]
    knots = np.unique(body[np.unique(np.linspace(0, len(body) - 1, KNOTS).astype(np.int64))])
    reach = units - np.searchsorted(highest, knots, side="left")
    scores = [min(-math.log10(number / units) / DECADES, tail_score) for number in reach.tolist()]
    return Calibration(
        units, start.mean, start.scale, start.burst_limit,
        tuple(knots.tolist()), tuple(scores),
        tail_start, tail_score, max(beyond, 1), max(excess, LEAST_TAIL),
    )  # fmt: skip


def _uninformed() -> Calibration:
    """Of a profile without a single unit: anything is as surprising as it looks."""
    return Calibration(
        0, (0.0, 0.0, 0.0), LEAST_SCALE, 0.0, (0.0,), (0.0,), 0.0, 0.0, TAIL_UNITS, 1.0
    )
