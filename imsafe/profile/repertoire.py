# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls a unit uses, against what normal units had used by then.

Checkpoints lie at 16, 32, 64 ... calls into a unit.  Of each stage between two
of them the profile holds, for every normal unit, its sets of calls at the
stage's beginning and end: in between, the unit's set held the one and was
held by the other.  (A unit that ended earlier keeps its last set.)  A set A is
compared with such a pair, B held by C, by the cosine of A and C in which only
what was already in B counts as missing:

    |A and C| / sqrt(|A| (|A and C| + |B without A|))

which is 1 for anything between B and C.  The reading is 1 - the highest of these.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Abi
from imsafe.profile.compiled import inlined, integer, real
from imsafe.profile.units import BLOCK, SYMBOL, Rows

CHECKPOINTS = (16, 32, 64, 128, 256, 512, 1024, 2048)

KEPT_SETS = 2048
"""Distinct pairs of a stage, at most: those with the lowest hashes."""

UNKNOWN_BITS = 256
"""Calls that the profile has never seen share this many bits of a set, by hash."""

_MULTIPLIER = 0x9E3779B97F4A7C15

CallSet = tuple[int, ...]
"""Symbols in rising order."""

Stage = tuple[int, CallSet, CallSet]
"""The checkpoint at a stage's end, and a unit's sets at its beginning and end."""

Sets = Counter[Stage]
"""How many units had gone through a stage so."""


def sets_of(rows: Rows) -> list[Stage]:
    """The stages of a unit, from its own calls."""
    distinct, first = np.unique(rows & SYMBOL, return_index=True)
    sets = [tuple(distinct[first < limit].tolist()) for limit in CHECKPOINTS]
    return list(zip(CHECKPOINTS, [(), *sets], sets, strict=False))


def _hash(stage: Stage) -> bytes:
    _, before, after = stage
    text = ",".join(map(str, before)) + ";" + ",".join(map(str, after))
    return hashlib.sha256(text.encode()).digest()


def bounded(sets: Sets) -> Sets:
    """Drop the pairs with the highest hashes where a stage has too many.

    What is kept of a sum is what is kept of the sum of what was kept.
    """
    kept: Sets = Counter()
    for limit in CHECKPOINTS:
        here = [stage for stage in sets if stage[0] == limit]
        if len(here) > KEPT_SETS:
            here = sorted(here, key=_hash)[:KEPT_SETS]
        for stage in here:
            kept[stage] = sets[stage]
    return kept


class Repertoire(NamedTuple):
    """The sets, ready for comparison.

    Attributes
    ----------
    bit
        Bit of each symbol, -1 for one that no normal unit used.
    known
        How many symbols have a bit of their own.
    before, after
        The pairs as bits, shape (pairs, words).
    before_size, after_size
        How many calls those sets have.
    first
        Where the pairs of each stage begin; shape (stages + 1,).
    checkpoints
        The stages' ends.
    """

    bit: NDArray[np.int32]
    known: int
    before: NDArray[np.uint64]
    after: NDArray[np.uint64]
    before_size: NDArray[np.int64]
    after_size: NDArray[np.int64]
    first: NDArray[np.int64]
    checkpoints: NDArray[np.int64]


def repertoire(sets: Sets) -> tuple[Repertoire, dict[Stage, int]]:
    """Make the pairs ready; also says in which row each is."""
    symbols = sorted({symbol for _, _, after in sets for symbol in after})
    bit = np.full(len(Abi) << 16, -1, np.int32)
    bit[symbols] = np.arange(len(symbols), dtype=np.int32)
    ordered = sorted(sets)
    words = (len(symbols) + 63) // 64
    before, after = (np.zeros((len(sets), words), np.uint64) for _ in range(2))
    for row, (_, first_set, last_set) in enumerate(ordered):
        for of_set, calls in ((before, first_set), (after, last_set)):
            places = bit[list(calls)]
            flags = np.uint64(1) << (places & 63).astype(np.uint64)
            np.bitwise_or.at(of_set[row], places >> 6, flags)
    limits = np.array([limit for limit, _, _ in ordered], np.int64)
    checkpoints = np.array(CHECKPOINTS, np.int64)
    first = np.searchsorted(limits, [*CHECKPOINTS, CHECKPOINTS[-1] + 1]).astype(np.int64)
    before_size = np.array([len(first_set) for _, first_set, _ in ordered], np.int64)
    after_size = np.array([len(last_set) for _, _, last_set in ordered], np.int64)
    ready = Repertoire(
        bit, len(symbols), before, after, before_size, after_size, first, checkpoints
    )
    return ready, {stage: row for row, stage in enumerate(ordered)}


def word_count(known: int) -> int:
    """How many 64-bit words a set has."""
    return (known + UNKNOWN_BITS + 63) // 64


def unknown_bit(symbol: int) -> int:
    """Which of the shared bits an unknown symbol has: its hash's high byte."""
    return (symbol * _MULTIPLIER & (1 << 64) - 1) >> 56


@inlined
def bit_of(repertoire: Repertoire, symbol: int) -> int:
    """The bit of a symbol in a set."""
    bit = integer(repertoire.bit[symbol]) if symbol < len(repertoire.bit) else -1
    if bit < 0:
        scattered = (np.uint64(symbol) * np.uint64(_MULTIPLIER)) >> np.uint64(56)
        bit = repertoire.known + integer(scattered)
    return bit


@inlined
def _ones(word: np.uint64) -> int:
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return integer((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inlined
def distance(
    repertoire: Repertoire,
    words: NDArray[np.uint64],
    size: int,
    stage: int,
    own: int,
) -> float:
    """How far a set is from the nearest normal one of its stage: 0 to 1.

    Parameters
    ----------
    words, size
        The set as bits, and how many calls it has.
    own
        Row of a pair to leave out, or -1.
    """
    nearest = 0.0
    for row in range(repertoire.first[stage], repertoire.first[stage + 1]):
        if row == own:
            continue
        # No more than this can be in common; by how much it can be at best, most are passed over.
        common = min(size, repertoire.after_size[row])
        best = (common * common) / (size * max(common, repertoire.before_size[row]))
        if best <= nearest:
            continue
        common = 0
        missing = 0
        for word in range(repertoire.after.shape[1]):
            common += _ones(words[word] & repertoire.after[row, word])
            missing += _ones(repertoire.before[row, word] & ~words[word])
        if common > 0:
            # Squared, so that the root is taken once.
            nearest = max(nearest, (common * common) / (size * (common + missing)))
            if nearest == 1.0:
                break
    return real(1.0 - np.sqrt(nearest))


assert CHECKPOINTS[-1] >= BLOCK
