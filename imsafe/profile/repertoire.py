# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls a unit uses, against what normal units had used by then.

At each checkpoint (16, 32, 64 ... calls into the unit) the profile holds the
sets of calls that normal units had used by then; a unit that ends earlier
enters its last set at the later checkpoints too.  The reading of a unit after
n calls is 1 - the highest cosine of its set with those at the next checkpoint.
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
"""Distinct sets of a checkpoint, at most: those with the lowest hashes."""

UNKNOWN_BITS = 256
"""Calls that the profile has never seen share this many bits of a set, by hash."""

_MULTIPLIER = 0x9E3779B97F4A7C15

CallSet = tuple[int, ...]
"""Symbols in rising order."""

Sets = Counter[tuple[int, CallSet]]
"""How many units had used a set of calls by a checkpoint."""


def sets_of(rows: Rows) -> list[tuple[int, CallSet]]:
    """The sets of a unit's own calls, one for each checkpoint."""
    distinct, first = np.unique(rows & SYMBOL, return_index=True)
    return [(limit, tuple(distinct[first < limit].tolist())) for limit in CHECKPOINTS]


def _hash(calls: CallSet) -> bytes:
    return hashlib.sha256(",".join(map(str, calls)).encode()).digest()


def bounded(sets: Sets) -> Sets:
    """Drop the sets with the highest hashes where a checkpoint has too many.

    What is kept of a sum is what is kept of the sum of what was kept.
    """
    kept: Sets = Counter()
    for limit in CHECKPOINTS:
        here = [calls for checkpoint, calls in sets if checkpoint == limit]
        if len(here) > KEPT_SETS:
            here = sorted(here, key=_hash)[:KEPT_SETS]
        for calls in here:
            kept[limit, calls] = sets[limit, calls]
    return kept


class Repertoire(NamedTuple):
    """The sets, ready for comparison.

    Attributes
    ----------
    bit
        Bit of each symbol, -1 for one that no normal unit used.
    known
        How many symbols have a bit of their own.
    words
        The sets as bits, shape (sets, words).
    sizes
        How many calls each set has.
    first
        Where the sets of each checkpoint begin; shape (checkpoints + 1,).
    checkpoints
        The checkpoints.
    """

    bit: NDArray[np.int32]
    known: int
    words: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    first: NDArray[np.int64]
    checkpoints: NDArray[np.int64]


def repertoire(sets: Sets) -> tuple[Repertoire, dict[tuple[int, CallSet], int]]:
    """Make the sets ready; also says in which row each is."""
    symbols = sorted({symbol for _, calls in sets for symbol in calls})
    index = np.full(len(Abi) << 16, -1, np.int32)
    index[symbols] = np.arange(len(symbols), dtype=np.int32)
    ordered = sorted(sets)
    words = np.zeros((len(ordered), word_count(len(symbols))), np.uint64)
    for row, (_, calls) in enumerate(ordered):
        places = index[list(calls)]
        np.bitwise_or.at(words[row], places >> 6, np.uint64(1) << (places & 63).astype(np.uint64))
    limits = np.array([limit for limit, _ in ordered], np.int64)
    checkpoints = np.array(CHECKPOINTS, np.int64)
    first = np.searchsorted(limits, [*CHECKPOINTS, CHECKPOINTS[-1] + 1]).astype(np.int64)
    sizes = np.array([len(calls) for _, calls in ordered], np.int64)
    ready = Repertoire(index, len(symbols), words, sizes, first, checkpoints)
    return ready, {key: row for row, key in enumerate(ordered)}


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
    checkpoint: int,
    own: int,
) -> float:
    """1 - the highest cosine of a set with those of a checkpoint, but row `own` (-1: none)."""
    nearest = 0.0
    for row in range(repertoire.first[checkpoint], repertoire.first[checkpoint + 1]):
        if row == own:
            continue
        common = 0
        for word in range(len(words)):
            common += _ones(words[word] & repertoire.words[row, word])
        # Squared, so that the root is taken once.
        cosine = (common * common) / (size * repertoire.sizes[row])
        nearest = max(nearest, cosine)
    return real(1.0 - np.sqrt(nearest))


assert CHECKPOINTS[-1] >= BLOCK
