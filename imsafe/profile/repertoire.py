# SPDX-License-Identifier: GPL-3.0-or-later
"""Which calls a unit uses, against what normal units had used by then.

Checkpoints lie at 16, 23, 32, 46 ... calls into a unit.  Of each stage between
two of them the profile holds, for every normal unit, its sets of calls at the
stage's beginning and end: in between, the unit's set held the one and was
held by the other.  (A unit that ended earlier keeps its last set.)

The reading is made of two, each from 0 to 1: how far the set is from the
nearest normal one (`distance`), and how many bits it takes to say which calls
are in it and which are not (`unusualness`).  `docs/detection-model.md` gives
the formulas.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Abi
from imsafe.profile.compiled import compiled, compiled_lean, inlined, integer, real
from imsafe.profile.surprise import BIT, surprise
from imsafe.profile.units import BLOCK, SYMBOL, Rows

CHECKPOINTS = (16, 23, 32, 46, 64, 91, 128, 182, 256, 363, 512, 725, 1024, 1449, 2048)
"""Calls into a unit: 16 times the powers of the root of 2, rounded up."""

KEPT_SETS = 2048
"""Distinct pairs of a stage, at most: those with the lowest hashes."""

UNKNOWN_BITS = 256
"""Calls that the profile has never seen share this many bits of a set, by hash."""

USUAL_BITS = 16
"""A set that takes so many bits a call is half as unusual as can be."""

DISTANCE_SHARE, UNUSUALNESS_SHARE = 0.4, 0.6
"""Of the two in the reading; chosen on ADFA-LD's files (docs/detection.md)."""

LOGARITHMS = 65_536
"""Counts up to here have their logarithms ready."""

CLOSER = 1.0 - 1e-9
"""A pair is passed over where it is not nearer by more than rounding can do."""

REMEMBERED = 4096
"""Sets whose reading a scorer remembers."""

_SYMBOLS = len(Abi) << 16
_MULTIPLIER = 0x9E3779B97F4A7C15

CallSet = tuple[int, ...]
"""Symbols in rising order."""

Stage = tuple[int, CallSet, CallSet]
"""The checkpoint at a stage's end, and a unit's sets at its beginning and end."""

Sets = Counter[Stage]
"""How many units had gone through a stage so."""


_NUMBERS: dict[int, int] = {}


@compiled
def _first_uses(rows: Rows, first: NDArray[np.int64]) -> int:
    """Bring the rows that use a call for the first time to the front of `first`; how many."""
    seen = np.zeros(_SYMBOLS, np.bool_)
    found = 0
    for row in range(len(rows)):
        symbol = rows[row] & SYMBOL
        if not seen[symbol]:
            seen[symbol] = True
            first[found] = row
            found += 1
    return found


def sets_of(rows: Rows) -> list[Stage]:
    """The stages of a unit, from its own calls."""
    first = np.empty(len(rows), np.int64)
    first = first[: _first_uses(rows, first)]
    # One object for each number: sets by the hundred thousand are compared by these.
    symbols = [_NUMBERS.setdefault(symbol, symbol) for symbol in (rows[first] & SYMBOL).tolist()]
    sets: list[CallSet] = []
    known: list[int] = []
    for number in np.searchsorted(first, CHECKPOINTS).tolist():
        if number > len(known) or not sets:
            known = sorted(known + symbols[len(known) : number])
            sets.append(tuple(known))
        else:
            sets.append(sets[-1])
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
        Bit of each symbol, -1 for one that no normal unit used; the more units
        use a symbol, the lower its bit.
    known
        How many symbols have a bit of their own.
    before, after
        The pairs as bits, shape (pairs, words).
    units
        How many units had each pair.
    first
        Where the pairs of each stage begin; shape (stages + 1,).
    total, users
        How many units there are, and how many of them had used each bit's call
        by their end.
    entered
        How many units there are by stage, of those kept; shape (stages,).
    begun, ended
        How many of these had used each bit's call by the stage's beginning and
        end; shape (stages, known).
    logarithm
        log2 of the first whole numbers, in units of 2^-32 bit.
    """

    bit: NDArray[np.int32]
    known: int
    before: NDArray[np.uint64]
    after: NDArray[np.uint64]
    units: NDArray[np.int64]
    first: NDArray[np.int64]
    total: int
    users: NDArray[np.int64]
    entered: NDArray[np.int64]
    begun: NDArray[np.int64]
    ended: NDArray[np.int64]
    logarithm: NDArray[np.int64]


class LeftOut(NamedTuple):
    """The repertoire without one unit.

    Attributes
    ----------
    row
        The unit's pair of each stage; -1: nothing is left out of that stage.
    weight
        Of each bit, in units of 2^-32 bit: 1 bit and the surprise of a unit's using that call.
    """

    row: NDArray[np.int64]
    weight: NDArray[np.int64]


class Remembered(NamedTuple):
    """Readings of sets that were compared before: a table, each place with the last of its sets."""

    words: NDArray[np.uint64]
    stage: NDArray[np.int64]
    reading: NDArray[np.float64]


def repertoire(sets: Sets) -> tuple[Repertoire, dict[Stage, int]]:
    """Make the pairs ready; also says in which row each is."""
    users: Counter[int] = Counter()
    total = 0
    for (limit, _, after_set), units in sets.items():
        if limit == CHECKPOINTS[-1]:
            total += units
            for symbol in after_set:
                users[symbol] += units
    symbols = {symbol for _, _, after_set in sets for symbol in after_set}
    in_order = sorted(symbols, key=lambda symbol: (-users[symbol], symbol))
    bit = np.full(len(Abi) << 16, -1, np.int32)
    bit[in_order] = np.arange(len(in_order), dtype=np.int32)
    # The most frequent first: near the set that is looked for, all else is passed over.
    ordered = sorted(sets, key=lambda stage: (stage[0], -sets[stage], stage))
    words = (len(in_order) + 63) // 64
    before, after = (np.zeros((len(sets), words), np.uint64) for _ in range(2))
    for row, (_, first_set, last_set) in enumerate(ordered):
        for of_set, calls in ((before, first_set), (after, last_set)):
            places = bit[list(calls)]
            flags = np.uint64(1) << (places & 63).astype(np.uint64)
            np.bitwise_or.at(of_set[row], places >> 6, flags)
    limits = np.array([limit for limit, _, _ in ordered], np.int64)
    known = len(in_order)
    ready = Repertoire(
        bit,
        known,
        before,
        after,
        np.array([sets[stage] for stage in ordered], np.int64),
        np.searchsorted(limits, [*CHECKPOINTS, CHECKPOINTS[-1] + 1]).astype(np.int64),
        total,
        np.array([users[symbol] for symbol in in_order], np.int64),
        np.zeros(len(CHECKPOINTS), np.int64),
        np.zeros((len(CHECKPOINTS), known), np.int64),
        np.zeros((len(CHECKPOINTS), known), np.int64),
        np.zeros(min(total, LOGARITHMS) + 2, np.int64),
    )
    _count_users(ready)
    return ready, {stage: row for row, stage in enumerate(ordered)}


@compiled_lean
def _count_users(ready: Repertoire) -> None:
    for number in range(1, len(ready.logarithm)):
        ready.logarithm[number] = surprise(1.0 / number)
    for stage in range(len(ready.entered)):
        for row in range(ready.first[stage], ready.first[stage + 1]):
            units = ready.units[row]
            ready.entered[stage] += units
            for call in range(ready.known):
                ready.begun[stage, call] += units * integer(_has(ready.before, row, call))
                ready.ended[stage, call] += units * integer(_has(ready.after, row, call))


@compiled
def _weights(users: NDArray[np.int64], total: int, weight: NDArray[np.int64]) -> None:
    rarest = BIT + surprise(1.0 / (total + 1.0))
    weight[:] = rarest
    for bit in range(len(users)):
        if users[bit] > 0:
            weight[bit] = BIT + surprise((users[bit] + 1.0) / (total + 1.0))


def left_out(ready: Repertoire, row: NDArray[np.int64] | None = None) -> LeftOut:
    """The repertoire without the unit that has these pairs; whole without any."""
    if row is None:
        row = np.full(len(CHECKPOINTS), -1, np.int64)
    users, total = ready.users, ready.total
    if row[-1] >= 0:
        own = np.unpackbits(ready.after[row[-1]].view(np.uint8), bitorder="little")
        users, total = users - own[: len(users)], total - 1
    weight = np.zeros(ready.known + UNKNOWN_BITS, np.int64)
    _weights(users, total, weight)
    return LeftOut(row, weight)


def nothing_remembered(ready: Repertoire, places: int = REMEMBERED) -> Remembered:
    """Make an empty table; `places` is a power of two."""
    return Remembered(
        np.zeros((places, word_count(ready.known)), np.uint64),
        np.full(places, -1, np.int64),
        np.zeros(places),
    )


def word_count(known: int) -> int:
    """How many 64-bit words a set has."""
    return (known + UNKNOWN_BITS + 63) // 64


def unknown_bit(symbol: int) -> int:
    """Which of the shared bits an unknown symbol has: its hash's high byte."""
    return (symbol * _MULTIPLIER & (1 << 64) - 1) >> 56


@inlined
def bit_of(bits: NDArray[np.int32], known: int, symbol: int) -> int:
    """The bit of a symbol in a set."""
    bit = integer(bits[symbol]) if symbol < len(bits) else -1
    if bit < 0:
        scattered = (np.uint64(symbol) * np.uint64(_MULTIPLIER)) >> np.uint64(56)
        bit = known + integer(scattered)
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
def _has(sets: NDArray[np.uint64], row: int, bit: int) -> bool:
    return bool((sets[row, bit >> 6] >> np.uint64(bit & 63)) & np.uint64(1))


@inlined
def _holds(words: NDArray[np.uint64], bit: int) -> bool:
    return bool((words[bit >> 6] >> np.uint64(bit & 63)) & np.uint64(1))


@inlined
def _weight_of(word: np.uint64, place: int, weight: NDArray[np.int64]) -> int:
    """Weight of the calls whose bits a word has."""
    total = 0
    while word != np.uint64(0):
        rest = word & (word - np.uint64(1))
        total += weight[64 * place + _ones((word ^ rest) - np.uint64(1))]
        word = rest
    return total


@inlined
def distance(
    sets: Repertoire, without: LeftOut, words: NDArray[np.uint64], stage: int
) -> float:  # fmt: skip
    """How far a set is from the nearest normal one of its stage: 0 to 1.

    Parameters
    ----------
    words
        The set as bits.
    """
    known_words = sets.after.shape[1]
    size = 0
    for word in range(len(words)):
        size += _weight_of(words[word], word, without.weight)
    unknown = 0  # calls that no normal set can have
    for word in range(known_words, len(words)):
        unknown += _ones(words[word])
    nearest = 0.0
    own = without.row[stage]
    for row in range(sets.first[stage], sets.first[stage + 1]):
        if row == own and sets.units[row] == 1:
            continue
        lost, lacking = unknown, 0
        for word in range(known_words):
            lost += _ones(words[word] & ~sets.after[row, word])
            lacking += _ones(sets.before[row, word] & ~words[word])
        # No call weighs less than a bit: most pairs are passed over by this.
        most = real(size - lost * BIT)
        if most * most <= CLOSER * nearest * real(size) * (most + real(lacking * BIT)):
            continue
        common = size
        missing = 0
        for word in range(len(words)):
            absent = words[word]
            if word < known_words:
                absent &= ~sets.after[row, word]
                missing += _weight_of(
                    sets.before[row, word] & ~words[word], word, without.weight
                )  # fmt: skip
            common -= _weight_of(absent, word, without.weight)
        if common > 0:
            shared = real(common)
            # Squared, so that the root is taken once.
            nearest = max(nearest, (shared * shared) / (real(size) * real(common + missing)))
            if nearest == 1.0:
                break
    return real(1.0 - np.sqrt(nearest))


@inlined
def _log2(known: NDArray[np.int64], number: int) -> int:
    return known[number] if number < len(known) else surprise(1.0 / number)


@inlined
def unusualness(
    sets: Repertoire, without: LeftOut, words: NDArray[np.uint64], size: int, stage: int
) -> float:  # fmt: skip
    """How many bits a set takes, were each call used or not for itself: 0 to 1.

    A call of the set costs the surprise that a unit has used it by this stage's
    end, one that is not in it the surprise that a unit has not by its beginning.

    Parameters
    ----------
    words, size
        The set as bits, and how many calls it has.
    """
    own = without.row[stage]
    all_units = sets.entered[stage] - integer(own >= 0) + 1
    whole = _log2(sets.logarithm, all_units)
    cost = 0
    for call in range(sets.known):
        if _holds(words, call):
            others = sets.ended[stage, call] - integer(own >= 0 and _has(sets.after, own, call))
            cost += whole - _log2(sets.logarithm, others + 1)
        elif sets.begun[stage, call] > 0:
            others = sets.begun[stage, call] - integer(own >= 0 and _has(sets.before, own, call))
            cost += whole - _log2(sets.logarithm, all_units - others)
    for call in range(sets.known, 64 * len(words)):
        cost += whole * integer(_holds(words, call))
    bits = real(cost)
    return real(bits / (bits + real(USUAL_BITS * BIT * size)))


@inlined
def reading_of(
    sets: Repertoire,
    without: LeftOut,
    remembered: Remembered,
    words: NDArray[np.uint64],
    size: int,
    stage: int,
) -> float:
    """The repertoire reading of a set: 0 to 1."""
    place = np.uint64(stage)
    for word in range(len(words)):
        place = (place ^ words[word]) * np.uint64(_MULTIPLIER)
        place ^= place >> np.uint64(29)
    at = integer(place & np.uint64(len(remembered.stage) - 1))
    if remembered.stage[at] == stage:
        is_same = True
        for word in range(len(words)):
            is_same = is_same and remembered.words[at, word] == words[word]
        if is_same:
            return real(remembered.reading[at])
    reading = DISTANCE_SHARE * distance(sets, without, words, stage)
    reading += UNUSUALNESS_SHARE * unusualness(sets, without, words, size, stage)
    remembered.stage[at] = stage
    for word in range(len(words)):
        remembered.words[at, word] = words[word]
    remembered.reading[at] = reading
    return reading


assert CHECKPOINTS[-1] >= BLOCK
