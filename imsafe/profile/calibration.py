# SPDX-License-Identifier: GPL-3.0-or-later
"""From four readings to one score from 0 to 1, by how rare they are on normal behaviour.

`docs/detection-model.md` gives the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.compiled import compiled, index, inlined, integer, real
from imsafe.profile.leave_one_out import (
    BURST_COLUMN,
    DRIFT_COLUMN,
    NOVELTY_COLUMN,
    REPERTOIRE_COLUMN,
)
from imsafe.profile.pace import DECADES
from imsafe.profile.surprise import BIT, surprise
from imsafe.profile.units import BLOCK

READINGS = ("burst", "drift", "repertoire", "novelty")
"""Their order is that of `imsafe.monitor.view_protocol.READINGS`."""

TAIL_UNITS = 8
"""The score is extrapolated from so many of the highest units; below them it is counted.

So few, because units are a mixture: where 1,500 short processes are alike and
40 of a server are not, a tail fitted to a tenth of all knows nothing of servers.
"""

TAIL_SHARE = 5
"""And from no more than one in so many of all units."""

KNOTS = 512
"""Points of the curve below the tail, at most."""

WEIGHTS = (0.5, 1.0, 2.0)
"""Of burst, drift and repertoire in the combined reading; chosen on ADFA-LD (docs/detection.md)."""

BURST_RANGE = 0.98
"""A burst beyond this quantile of the normal units' highest counts in full."""

NOVELTY_RANGE = 0.999
"""A novelty counts beyond this quantile of the normal units' highest only."""

BEND, SLOPE = 1.5, 0.25
"""A standardised reading beyond this many scales counts a quarter: one reading far
out says less than two that are a little out."""

AGES = (16, 32, 64, 128, 256, 512, 1024)
"""Calls into a process's first unit at which its readings are judged by another mean and scale:
a process that has just begun is held against beginnings."""

AGE_UNITS = 10
"""An age that fewer units have reached borrows the rest from all units, whatever their age."""

SETTLED = 20
"""The combined reading of n calls is taken n / (n + 20): few calls say little."""

SETTLED_CALLS = 500
"""More calls than this settle no further."""

_DECADE_OF_BIT = math.log10(2) / DECADES
"""Of the score."""

LEAST_SCALE = (0.5, 0.4, 0.05)
"""The readings' scales are at least this (bits, bits, distance): very regular normal
behaviour must not make a trifle rare."""

NOVELTY_BITS = (15.0, 18.0)
NOVELTY_WEIGHTS = (0.5, 16.0)
"""So many scales two new pairs close together count, by how surprising a new pair is by what was
learned (`new_pair_chance`): where one in 30,000 calls makes one, two are little."""

LEAST_TAIL = 0.5
"""The tail's mean excess is at least this (in scales)."""


Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How readings become a score.

    Attributes
    ----------
    units
        How many normal units it rests on.
    mean, scale
        Of the units' highest burst, drift and repertoire at each age.
    burst_limit, novelty_limit
        Ends of their normal ranges.
    novelty_weight
        How many scales of the other readings a novelty of 1 beyond its limit is.
    knots, scores
        The score at each knot of the combined reading, on a line in between;
        below the first knot it is 0.
    tail_start, tail_score
        Where the tail begins, and the score there.
    tail_units, tail_excess
        How many units are beyond it, and by how much in the mean; see `score_of`.
    """

    units: int
    mean: tuple[Triple, ...]
    scale: tuple[Triple, ...]
    burst_limit: float
    novelty_limit: float
    novelty_weight: float
    knots: tuple[float, ...]
    scores: tuple[float, ...]
    tail_start: float
    tail_score: float
    tail_units: int
    tail_excess: float


class Curve(NamedTuple):
    """A calibration as arrays, for compiled code, with its divisions done.

    Attributes
    ----------
    mean, per_scale
        And 1 / scale, of each age's burst, drift and repertoire; shape (ages, 3).
    last_knot
        Where the last score was found: where to look first; shape (1,).
    knots, scores, slopes
        The line from each knot to the next, whose slope is the last one's 0.
    tail_end
        A combined reading from which on the score is 1, whatever is rounded.
    """

    mean: NDArray[np.float64]
    per_scale: NDArray[np.float64]
    last_knot: NDArray[np.int64]
    knots: NDArray[np.float64]
    scores: NDArray[np.float64]
    slopes: NDArray[np.float64]
    burst_limit: float
    novelty_limit: float
    novelty_weight: float
    tail_start: float
    tail_score: float
    tail_units: int
    tail_excess: float
    tail_end: float


def curve(calibration: Calibration) -> Curve:
    """The arrays of a calibration."""
    knots = np.array(calibration.knots or (0.0,), np.float64)
    scores = np.array(calibration.scores or (0.0,), np.float64)
    return Curve(
        np.array(calibration.mean, np.float64),
        1.0 / np.array(calibration.scale, np.float64),
        np.zeros(1, np.int64),
        knots,
        scores,
        np.append(np.diff(scores) / np.maximum(np.diff(knots), 1e-300), 0.0),
        float(calibration.burst_limit),
        float(calibration.novelty_limit),
        float(calibration.novelty_weight),
        float(calibration.tail_start),
        float(calibration.tail_score),
        int(calibration.tail_units),
        float(calibration.tail_excess),
        _tail_end(calibration),
    )


def _tail_end(calibration: Calibration) -> float:
    units = calibration.tail_units
    ratio = math.exp2((1.0 - calibration.tail_score) / (units * _DECADE_OF_BIT)) - 1.0
    rounded = ratio * (1.0 + 1e-6) + 1e-6
    return calibration.tail_start + rounded * units * calibration.tail_excess


_SETTLED_AT = np.arange(SETTLED_CALLS + 1) / (np.arange(SETTLED_CALLS + 1) + SETTLED)
_AGE_AT = np.searchsorted(AGES, np.arange(BLOCK + 1), side="left").astype(np.int64)


@inlined
def age_of(calls: int, unit_calls: int) -> int:
    """The age of a process: the last one in its later units, else by the calls of its first."""
    return integer(_AGE_AT[index(BLOCK if calls > unit_calls else unit_calls)])


@inlined
def _bent(value: float) -> float:
    return value if value <= BEND else BEND + SLOPE * (value - BEND)


@inlined
def combine(
    burst: float,
    drift: float,
    repertoire: float,
    novelty: float,
    calls: int,
    unit_calls: int,
    c: Curve,
) -> tuple[float, int]:
    """The combined reading, and the number of the reading with the greatest share in it.

    Parameters
    ----------
    calls, unit_calls
        How many calls the process has made, and how many in this unit.
    """
    age = index(age_of(calls, unit_calls))
    burst_share = WEIGHTS[BURST_COLUMN] * _bent((burst - c.mean[age, 0]) * c.per_scale[age, 0])
    burst_share += max(burst - c.burst_limit, 0.0) * c.per_scale[age, 0]
    drift_share = WEIGHTS[DRIFT_COLUMN] * _bent((drift - c.mean[age, 1]) * c.per_scale[age, 1])
    repertoire_share = WEIGHTS[REPERTOIRE_COLUMN] * _bent(
        (repertoire - c.mean[age, 2]) * c.per_scale[age, 2]
    )
    made = min(max(calls, unit_calls), SETTLED_CALLS)
    novelty_share = max(novelty - c.novelty_limit, 0.0) * c.novelty_weight
    combined = (burst_share + drift_share + repertoire_share + novelty_share) * _SETTLED_AT[
        index(made)
    ]
    if novelty_share > max(burst_share, drift_share, repertoire_share):
        return combined, NOVELTY_COLUMN
    if drift_share >= burst_share and drift_share >= repertoire_share:
        return combined, DRIFT_COLUMN
    if repertoire_share > burst_share:
        return combined, REPERTOIRE_COLUMN
    return combined, BURST_COLUMN


@inlined
def _find_knot(knots: NDArray[np.float64], combined: float) -> int:
    """The last knot that is not above `combined`, or the first."""
    low, high = 0, len(knots)
    while high - low > 1:
        middle = (low + high) >> 1
        if combined < knots[middle]:
            high = middle
        else:
            low = middle
    return low


@inlined
def _beyond(combined: float, start: float, score: float, units: int, excess: float) -> float:
    ratio = (combined - start) / (units * excess)
    return real(min(1.0, score + units * (surprise(1.0 / (1.0 + ratio)) / BIT) * _DECADE_OF_BIT))


@inlined
def score_of(combined: float, c: Curve) -> float:
    """The score of a combined reading: min(1, -log10(p) / 6).

    In the tail, p falls exponentially; as its rate is known from n units only,
    what may be predicted is (1 + excess / (n mean excess))^-n of what is there.
    """
    if combined > c.tail_start:
        if combined >= c.tail_end:  # a logarithm takes longer than all the rest
            return 1.0
        return _beyond(combined, c.tail_start, c.tail_score, c.tail_units, c.tail_excess)
    at = c.last_knot[0]
    if combined < c.knots[at] or (at + 1 < len(c.knots) and combined >= c.knots[at + 1]):
        if combined < c.knots[0]:
            return 0.0
        at = _find_knot(c.knots, combined)
        c.last_knot[0] = at
    # A line from knot to knot keeps the order of readings that no unit lies between;
    # rounding may not lift its end above what follows.
    highest = c.scores[at + 1] if at + 1 < len(c.scores) else c.scores[at]
    return real(min(c.scores[at] + (combined - c.knots[at]) * c.slopes[at], highest))


@compiled
def _ages(rows: int, preceding: int) -> NDArray[np.int64]:
    """The age at each call of a unit."""
    ages = np.empty(rows, np.int64)
    for row in range(rows):
        ages[row] = age_of(preceding + row + 1, row + 1)
    return ages


@compiled
def _highest_combined(readings: NDArray[np.float64], preceding: int, c: Curve) -> float:
    highest = -np.inf
    for row in range(len(readings)):
        combined, _ = combine(
            readings[row, 0], readings[row, 1], readings[row, 2], readings[row, 3],
            preceding + row + 1, row + 1, c,
        )  # fmt: skip
        highest = max(highest, combined)
    return highest


def calibrate(
    readings: Sequence[NDArray[np.float64]],
    preceding: Sequence[int] | None = None,
    new_pair_chance: float = 1.0,
) -> Calibration:
    """Fit a calibration to the readings of units that were left out.

    Parameters
    ----------
    readings
        For each unit, burst, drift, repertoire and novelty of its calls, shape (N, 4).
    preceding
        How many calls of the process are known from before each unit; None: none.
    new_pair_chance
        Of the next call, by what was learned (`imsafe.profile.saturation`).
    """
    if not readings:
        return _uninformed()
    if preceding is None:
        preceding = [0] * len(readings)
    mean, scale = _by_age(readings, preceding)
    burst = np.array([unit[:, BURST_COLUMN].max() for unit in readings])
    novelty = np.array([unit[:, NOVELTY_COLUMN].max() for unit in readings])
    start = Calibration(
        len(readings), mean, scale,
        float(np.quantile(burst, BURST_RANGE)), float(np.quantile(novelty, NOVELTY_RANGE)),
        _novelty_weight(new_pair_chance),
        (), (), 0.0, 0.0, 1, 1.0,
    )  # fmt: skip
    c = curve(start)
    highest = [
        _highest_combined(unit, before, c)
        for unit, before in zip(readings, preceding, strict=True)
    ]  # fmt: skip
    return _fit_curve(start, np.sort(highest))


def _novelty_weight(new_pair_chance: float) -> float:
    return float(np.interp(-math.log2(new_pair_chance), NOVELTY_BITS, NOVELTY_WEIGHTS))


def _by_age(
    readings: Sequence[NDArray[np.float64]], preceding: Sequence[int]
) -> tuple[tuple[Triple, ...], tuple[Triple, ...]]:
    """Mean and scale of the units' highest readings at each age."""
    highest: list[list[NDArray[np.float64]]] = [[] for _ in range(len(AGES) + 1)]
    readings = [unit[:, :NOVELTY_COLUMN] for unit in readings]
    for unit, before in zip(readings, preceding, strict=True):
        ages = _ages(len(unit), before)
        starts = np.flatnonzero(np.diff(ages, prepend=-1))
        for age, row in zip(ages[starts], np.maximum.reduceat(unit, starts), strict=True):
            highest[age].append(row)
    overall = np.array([unit.max(axis=0) for unit in readings])
    mean_of_all, scale_of_all = overall.mean(axis=0), overall.std(axis=0)
    means: list[Triple] = []
    scales: list[Triple] = []
    for rows in highest:
        values = np.array(rows).reshape(-1, 3)
        borrowed = max(AGE_UNITS - len(values), 0)
        whole = len(values) + borrowed
        mean = (values.sum(axis=0) + borrowed * mean_of_all) / whole
        spread = ((values - mean) ** 2).sum(axis=0)
        spread += borrowed * (scale_of_all**2 + (mean_of_all - mean) ** 2)
        scale = np.sqrt(spread / whole)
        means.append((float(mean[0]), float(mean[1]), float(mean[2])))
        least = np.maximum(scale, LEAST_SCALE)
        scales.append((float(least[0]), float(least[1]), float(least[2])))
    return tuple(means), tuple(scales)


def _fit_curve(start: Calibration, highest: NDArray[np.float64]) -> Calibration:
    """Count the normal units up to the tail, measure those beyond.

    Parameters
    ----------
    highest
        The units' highest combined readings in rising order.
    """
    units = len(highest)
    beyond = min(max(min(TAIL_UNITS, units // TAIL_SHARE), 1), units - 1)
    tail_start = float(highest[-1 - beyond])
    tail_score = -math.log10((beyond + 1) / units) / DECADES
    excess = float((highest[-1 - beyond :] - tail_start).sum()) / max(beyond, 1)
    body = highest[: units - beyond]
    knots = np.unique(body[np.unique(np.linspace(0, len(body) - 1, KNOTS).astype(np.int64))])
    reach = units - np.searchsorted(highest, knots, side="left")
    scores = [min(-math.log10(number / units) / DECADES, tail_score) for number in reach.tolist()]
    return Calibration(
        units, start.mean, start.scale,
        start.burst_limit, start.novelty_limit, start.novelty_weight,
        tuple(knots.tolist()), tuple(scores),
        tail_start, tail_score, max(beyond, 1), max(excess, LEAST_TAIL),
    )  # fmt: skip


def _uninformed() -> Calibration:
    """Of a profile without a single unit: anything is as surprising as it looks."""
    ages = len(AGES) + 1
    return Calibration(
        0, ((0.0, 0.0, 0.0),) * ages, (LEAST_SCALE,) * ages, 0.0, 0.0, 0.0,
        (0.0,), (0.0,), 0.0, 0.0, TAIL_UNITS, 1.0,
    )  # fmt: skip
