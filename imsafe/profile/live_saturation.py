# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts sequences while they are recorded, to say how much of what is to be expected was seen.

An estimate beside the recorder's own work: numpy alone (a recorder does without
number crunching), about 0.2 us a call, and of bounded memory.  Where there are
too many different sequences, only those are kept whose hash begins with so many
zeros, and stand for all (adaptive sampling, Flajolet 1990).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Events, Kind, chosen, joined
from imsafe.profile.saturation import Saturation

LENGTH = 8
"""Of the sequences: what `ims-learn` learns unless told otherwise."""

MOST = 1 << 17
"""Sequences that are kept, at most."""

_TOGETHER = 1 << 13
"""Events that are looked at together: a small batch costs as much as this."""

_PENDING = 1 << 16
_OFTEN = 3
"""Whether a sequence was seen so often or more makes no difference."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_XOR_SHIFT = np.uint64(32)
_MOST_LENGTH = 32
_FACTORS = np.random.default_rng(1).integers(0, 1 << 63, _MOST_LENGTH, np.uint64) * 2 + 1

_VOID = -1


class _Rows(NamedTuple):
    """Calls, and what ends a thread's sequence: `_VOID` for a symbol."""

    tid: NDArray[np.int64]
    pid: NDArray[np.int64]
    epoch: NDArray[np.int64]
    symbol: NDArray[np.int64]

    def at(self, places: NDArray[np.intp] | NDArray[np.bool_]) -> _Rows:
        """Those rows."""
        return _Rows(*(column[places] for column in self))


class _Channel:
    """One stream: its threads' last calls, how often all contexts were void, events to come."""

    def __init__(self) -> None:
        self.waiting: list[Events] = []
        self.events = 0
        self.last = _Rows(*(np.zeros(0, np.int64) for _ in _Rows._fields))
        self.epoch = 0
        self.lost = -1


class LiveSaturation:
    """Says of what is being recorded how much of what is to be expected was seen.

    Parameters
    ----------
    length
        Of the sequences.
    most
        How many different ones are kept, at most.
    """

    def __init__(self, length: int = LENGTH, most: int = MOST) -> None:
        self._length = length
        self._most = most
        self._channels: dict[int, _Channel] = {}
        self._pending: list[NDArray[np.uint64]] = []
        self._waiting = 0
        self._zeros = 0
        self._hashes = np.zeros(0, np.uint64)
        self._counts = np.zeros(0, np.int64)
        self._sequences = 0

    @property
    def saturation(self) -> Saturation:
        """The state of learning, were it learned now."""
        for channel in self._channels.values():
            self._look(channel)
        self._merge()
        once, twice = (int((self._counts == n).sum()) << self._zeros for n in (1, 2))
        once = min(once, self._sequences)
        return Saturation(self._length, self._sequences, once, twice)

    def void(self, channel: int) -> None:
        """Calls of a channel were lost: no sequence goes across."""
        state = self._channels.setdefault(channel, _Channel())
        self._look(state)
        state.epoch += 1

    def end(self, channel: int) -> None:
        """A channel is over, or begins anew."""
        state = self._channels.pop(channel, None)
        if state is not None:
            self._look(state)

    def feed(self, channel: int, events: Events) -> None:
        """Take a batch of a channel; it is looked at when enough have come."""
        state = self._channels.setdefault(channel, _Channel())
        state.waiting.append(chosen(events, slice(None)))
        state.events += len(events)
        if state.events >= _TOGETHER:
            self._look(state)

    def _look(self, state: _Channel) -> None:
        if state.events == 0:
            return
        events = joined(state.waiting)
        state.waiting, state.events = [], 0
        rows = _Rows(*map(np.concatenate, zip(state.last, _rows_of(events, state), strict=True)))
        is_new = np.arange(len(rows.tid)) >= len(state.last.tid)
        if (rows.tid != rows.tid[0]).any():
            order = np.argsort(rows.tid, kind="stable")
            rows, is_new = rows.at(order), is_new[order]
        number = np.arange(len(rows.tid))
        is_first = np.ones(len(number), bool)
        is_first[1:] = (rows.symbol[1:] < 0) | (rows.symbol[:-1] < 0)
        for column in rows[:3]:
            is_first[1:] |= column[1:] != column[:-1]
        begin = np.maximum.accumulate(np.where(is_first, number, 0))
        is_whole = is_new & (rows.symbol >= 0) & (number - begin >= self._length - 1)
        self._count(rows.symbol, np.flatnonzero(is_whole))
        last_of_thread = np.append(np.flatnonzero(rows.tid[1:] != rows.tid[:-1]), len(number) - 1)
        end = last_of_thread[np.searchsorted(last_of_thread, number)]
        is_kept = (end - number < self._length - 1) & (begin == begin[end]) & (rows.symbol >= 0)
        state.last = rows.at(is_kept)

    def _count(self, symbols: NDArray[np.int64], ends: NDArray[np.intp]) -> None:
        if len(ends) == 0:
            return
        self._sequences += len(ends)
        words = symbols.astype(np.uint64) + np.uint64(1)
        hashes = np.zeros(len(ends), np.uint64)
        for back in range(self._length):
            hashes += words[ends - back] * _FACTORS[back]
        hashes = (hashes ^ (hashes >> _XOR_SHIFT)) * _MULTIPLIER
        self._pending.append(self._sampled(hashes))
        self._waiting += len(self._pending[-1])
        if self._waiting > _PENDING:
            self._merge()

    def _sampled(self, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        if self._zeros == 0:
            return hashes
        kept: NDArray[np.uint64] = hashes[hashes >> np.uint64(64 - self._zeros) == 0]
        return kept

    def _merge(self) -> None:
        if not self._pending:
            return
        found, times = np.unique(np.concatenate(self._pending), return_counts=True)
        self._pending, self._waiting = [], 0
        place = np.searchsorted(self._hashes, found)
        is_known = np.zeros(len(found), bool)
        inside = place < len(self._hashes)
        is_known[inside] = self._hashes[place[inside]] == found[inside]
        self._counts[place[is_known]] += times[is_known]
        new, of_new = place[~is_known], times[~is_known]
        self._hashes = np.insert(self._hashes, new, found[~is_known])
        self._counts = np.minimum(np.insert(self._counts, new, of_new), _OFTEN)
        while len(self._hashes) > self._most:
            self._zeros += 1
            kept = self._sampled(self._hashes)
            # In rising order: those that begin with zeros come first.
            self._counts = self._counts[: len(kept)]
            self._hashes = kept


def _rows_of(events: Events, state: _Channel) -> _Rows:
    kind = events["kind"]
    is_call = kind == Kind.CALL
    symbol = np.where(is_call, events["abi"].astype(np.int64) << 16 | events["syscall"], _VOID)
    # A birth ends what was known of the child's number; an exec or an end, the thread's own.
    tid = np.where(kind == Kind.FORK, events["aux"], events["tid"]).astype(np.int64)
    pid = np.where(is_call, events["pid"], 0).astype(np.int64)
    lost = np.where(is_call, events["aux"], 0).astype(np.int64)
    if not is_call.all():
        # Between calls the count is that of the call before.
        behind = np.maximum.accumulate(np.where(is_call, np.arange(len(events)), -1))
        lost = np.where(behind >= 0, lost[behind], state.lost)
    before = np.concatenate([[state.lost if state.lost >= 0 else lost[0]], lost[:-1]])
    epoch = state.epoch + np.cumsum((lost != before) & (before >= 0))
    state.epoch, state.lost = int(epoch[-1]), int(lost[-1])
    return _Rows(tid, pid, epoch.astype(np.int64), symbol)
