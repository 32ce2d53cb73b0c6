# SPDX-License-Identifier: GPL-3.0-or-later
"""What a score means, and which threshold to suggest: how rare normal units reach it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from imsafe.words import grouped, translate

ENOUGH_UNITS = 20
"""Units that a threshold takes to be learned."""

DECADES = 6
"""Score 1 is one in 10^6 normal units."""

RAREST, COMMONEST = 1e-4, 0.02
"""Bounds of the share of normal units above a suggested threshold."""

OF_PROCESSES = 0.01
"""Where no trace has a clock: the share of normal processes above a suggested threshold."""

MOST_UNITS_EACH = 5
"""As many units a process counts as having at most, when that share is of processes."""

REACH = 10
"""A threshold is suggested at most this many times beyond what was seen: from 50 units nobody can
say what one in 10,000 does."""

SURE = 1.96
"""Standard deviations that a bound lies above its estimate: 95 %, both sides taken together."""

DAY_NS = 86_400 * 10**9


def rarity_of(score: float) -> float:
    """The share of normal units that reach a score."""
    return math.pow(10.0, -DECADES * score)


def score_of_rarity(share: float) -> float:
    """The score that a share of normal units reaches."""
    return min(1.0, -math.log10(share) / DECADES)


def share_at_most(share: float, units: int) -> float:
    """The upper end, at 95 %, of a share that was measured on so many units.

    Wilson's bound for a Poisson count k, k + z^2 / 2 + z sqrt(k + z^2 / 4) with z = 1.96:
    where a threshold lies beyond all units the share is extrapolated, and what
    counting alone allows is about 4 in as many units.
    """
    count = share * units
    bound = count + SURE**2 / 2 + SURE * math.sqrt(count + SURE**2 / 4)
    return min(1.0, bound / units) if units else 1.0


NOT_ENOUGH = "not learned enough for a threshold"
"""How the programs begin to say that; the window says it in the user's language."""


def why_no_threshold(units: int) -> str:
    """Why no threshold is suggested after so many units, in words; empty when one is."""
    if units >= ENOUGH_UNITS:
        return ""
    words = translate(
        "pace",
        "not learned enough for a threshold: {0} of {1} units (a unit is a process, or {2} calls of"
        " a long one)",
    )
    return words.format(units, ENOUGH_UNITS, grouped(2000))


@dataclass(frozen=True, slots=True)
class Price:
    """False alarms that a threshold costs: a million calls, and a day where times are known.

    Attributes
    ----------
    per_million_calls, per_day
        What is to be expected.
    at_most_per_million_calls, at_most_per_day
        What the units that were counted do not rule out, at 95 %.
    """

    per_million_calls: float
    per_day: float | None
    at_most_per_million_calls: float
    at_most_per_day: float | None


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast units came in learning.

    Attributes
    ----------
    units, calls, processes
        All that were learned.
    timed_units, timed_ns
        Those of traces with a clock, and how long these traces lasted.
    """

    units: int
    calls: int
    timed_units: int
    timed_ns: int
    processes: int = 0

    @property
    def units_per_day(self) -> float | None:
        """None where no trace had a clock."""
        if self.timed_units == 0 or self.timed_ns <= 0:
            return None
        return self.timed_units * DAY_NS / self.timed_ns

    def price(self, threshold: float) -> Price:
        """What a threshold costs on behaviour like that which was learned."""
        share = rarity_of(threshold)
        at_most = share_at_most(share, self.units)
        per_day = self.units_per_day
        per_million = self.units * 1e6 / self.calls if self.calls else 0.0
        return Price(
            share * per_million,
            None if per_day is None else share * per_day,
            at_most * per_million,
            None if per_day is None else at_most * per_day,
        )

    def processes_above(self, threshold: float) -> float:
        """The share of normal processes that a threshold costs, with the units that each has."""
        each = self.units / self.processes if self.processes else 1.0
        return min(1.0, rarity_of(threshold) * each)

    def suggested_threshold(self) -> float:
        """The threshold that costs about one false alarm a day.

        Where no trace has a clock, one in 100 processes; both within bounds.
        """
        per_day = self.units_per_day
        rarest = max(RAREST, 1 / (REACH * self.units))
        if per_day is not None:
            share = 1 / per_day
        elif self.processes:
            share = OF_PROCESSES / min(self.units / self.processes, MOST_UNITS_EACH)
        else:
            share = OF_PROCESSES
        return score_of_rarity(min(max(share, rarest), COMMONEST))
