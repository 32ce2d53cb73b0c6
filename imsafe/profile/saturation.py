# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of what is to be expected a profile has seen: whether to go on recording.

Needs no number crunching, so the window can use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.pace import SURE
from imsafe.profile.tree import PrefixTree
from imsafe.words import grouped, translate

ENOUGH = 0.99
"""From this share on a profile counts as having learned."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """What the next call is likely to bring, after Good (1953) and Turing.

    The chance that the next call ends a sequence that was never seen is
    estimated by the share of those that were seen once: n1 / N, with variance
    (n1 + 2 n2) / N^2 if they came one by one.  But one odd call is in as many
    sequences as these have calls, so the variance is taken times that length,
    and with one more, as n1 and n2 may both be 0.
    It holds for more of the same; of what was never done while recording, no
    count can tell.

    Attributes
    ----------
    length
        Of the sequences: the profile's depth.
    sequences
        How many of full length were counted: N.
    once, twice
        How many different ones of them were seen once and twice: n1, n2.
    """

    length: int
    sequences: int
    once: int
    twice: int

    @property
    def unseen(self) -> float:
        """The chance that the next call ends an unseen sequence; 1 before the first."""
        return self.once / self.sequences if self.sequences else 1.0

    @property
    def unseen_at_most(self) -> float:
        """The upper end of what it may be, at 95 %."""
        if not self.sequences:
            return 1.0
        variance = self.length * (self.once + 2 * self.twice + 1)
        return min(1.0, self.unseen + SURE * math.sqrt(variance) / self.sequences)

    @property
    def new_per_1000(self) -> float:
        """New sequences that 1,000 more calls are likely to bring."""
        return 1000 * self.unseen

    @property
    def is_enough(self) -> bool:
        """Whether recording may stop."""
        return self.unseen_at_most <= 1 - ENOUGH

    def as_fields(self) -> dict[str, Any]:
        """What the programs' JSON says of it: the same keys everywhere."""
        return {
            "learned": 1 - self.unseen,
            "learned_enough": self.is_enough,
            "new_per_1000": self.new_per_1000,
            "saturation": str(self),
        }

    def __str__(self) -> str:
        """One line for a person."""
        return in_words(1 - self.unseen, self.new_per_1000, enough=self.is_enough)


def in_words(learned: float, new_per_1000: float, *, enough: bool) -> str:
    """What `Saturation.as_fields` says, in one line for a person."""
    if enough:
        words = translate(
            "saturation",
            "learned: {0:.1f} % of what is to be expected ({1:.1f} new sequences in {2} calls)",
        )
    else:
        words = translate(
            "saturation",
            "keep recording: {0:.1f} % of what is to be expected is learned ({1:.1f} new sequences"
            " in {2} calls)",
        )
    # Never rounded up: 99.96 % is not all.
    return words.format(math.floor(1000 * learned) / 10, new_per_1000, grouped(1000))


def saturation(tree: PrefixTree) -> Saturation:
    """How far a tree is from having seen everything."""
    return of_counts(tree.depth, tree.count[tree.node_depth == tree.depth])


def new_pair_chance(tree: PrefixTree) -> float:
    """The chance that the next call is the second of a pair that was never seen.

    As `Saturation.unseen`, for sequences of two; as if one more had been seen once, since none may
    have been.
    """
    pairs = tree.count[tree.node_depth == 2]
    return (int((pairs == 1).sum()) + 1) / (int(pairs.sum()) + 1)


def of_counts(length: int, counts: NDArray[np.int64]) -> Saturation:
    """The same from the counts of the sequences of full length."""
    once, twice = (int((counts == times).sum()) for times in (1, 2))
    return Saturation(length, int(counts.sum()), once, twice)


def as_saturation(stored: Any) -> Saturation | None:
    """What `dataclasses.asdict` made of one, from a file; None where it is something else."""
    if not isinstance(stored, dict):
        return None
    numbers = [stored.get(name) for name in ("length", "sequences", "once", "twice")]
    if not all(type(number) is int and 0 <= number < 1 << 62 for number in numbers):
        return None
    length, sequences, once, twice = (int(number or 0) for number in numbers)
    return Saturation(length, sequences, once, twice) if once <= sequences else None
