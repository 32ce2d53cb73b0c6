# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of what is watched a profile knows: the share of sequences that were never learned.

In learning that share is estimated (`imsafe.profile.saturation`), in use it is
counted.  Where it is far higher in use, the program does work that was not
recorded, and the price of a threshold means nothing for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Events
from imsafe.profile.automaton import Automaton, advance
from imsafe.profile.compiled import compiled_lean, integer
from imsafe.profile.pace import SURE
from imsafe.profile.saturation import ENOUGH, Saturation
from imsafe.profile.slots import (
    EPOCH,
    FIRST_CAPACITY,
    FULL,
    Records,
    Roster,
    admit,
    end_threads,
    grow_roster,
    known_thread,
    new_roster,
    new_stream,
    records,
    symbol_of,
    twice,
)
from imsafe.profile.tree import PrefixTree

FAR = 2
"""So many times what learning left to be expected at most is far more; `ENOUGH` is enough, too."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was counted.

    Attributes
    ----------
    sequences
        Calls that ended a sequence of the profile's full length.
    unseen
        How many of these sequences were never learned.
    learned
        Of the profile.
    """

    sequences: int
    unseen: int
    learned: Saturation

    @property
    def share(self) -> float:
        """Of the sequences that were never learned; 0 before the first."""
        return self.unseen / self.sequences if self.sequences else 0.0

    @property
    def is_far_below(self) -> bool:
        """Whether far more is new than learning left to be expected, beyond doubt of counting."""
        # One odd call is in as many sequences as these have calls.
        doubt = SURE * math.sqrt(self.learned.length * self.unseen)
        expected = max(FAR * self.learned.unseen_at_most, 1 - ENOUGH)
        return self.unseen - doubt > expected * self.sequences

    def __str__(self) -> str:
        share, expected = (f"{100 * x:.2g} %" for x in (self.share, self.learned.unseen))
        text = (
            f"{share} of the calls came in sequences of {self.learned.length} that were never"
            f" learned; after learning {expected} were to be expected"
        )
        return f"{text}: if that was normal work, record it, too" if self.is_far_below else text

    def as_json(self) -> dict[str, Any]:
        """The same for programs; shares from 0 to 1."""
        return {
            "sequences": self.sequences,
            "unseen": self.unseen,
            "unseen_share": self.share,
            "unseen_share_expected": self.learned.unseen,
            "far_below_learning": self.is_far_below,
        }


@compiled_lean
def _look_up(
    batch: Records,
    start: int,
    stream: int,
    stream_state: NDArray[np.int64],
    roster: Roster,
    state: NDArray[np.int32],
    length: NDArray[np.int64],
    automaton: Automaton,
    node_depth: NDArray[np.int8],
    depth: int,
    totals: NDArray[np.int64],
) -> int:
    """Count the sequences that end in a batch from record `start` on: all, and the unseen."""
    for i in range(start, len(batch)):
        thread = known_thread(roster, stream_state, stream, batch, i)
        if thread < 0:
            thread, is_new_thread, _, _ = admit(roster, stream_state, stream, batch, i)
            if thread == FULL:
                return i
            if thread < 0:
                continue
            if is_new_thread:
                state[thread] = 0
                length[thread] = 0
        if roster.epoch[thread] != stream_state[EPOCH]:
            state[thread] = 0
            length[thread] = 0
            roster.epoch[thread] = stream_state[EPOCH]
        node, state[thread] = advance(automaton, integer(state[thread]), symbol_of(batch, i))
        length[thread] += 1
        if length[thread] >= depth:
            totals[0] += 1
            totals[1] += node_depth[node] < depth
    return len(batch)


class Covering:
    """Counts, batch by batch, how much of any number of streams a profile knows."""

    def __init__(self, tree: PrefixTree, automaton: Automaton, learned: Saturation) -> None:
        self._automaton, self._depth, self._node_depth = automaton, tree.depth, tree.node_depth
        self._learned = learned
        self._roster = new_roster()
        self._state = np.zeros(FIRST_CAPACITY, np.int32)
        self._length = np.zeros(FIRST_CAPACITY, np.int64)
        self._streams: dict[int, NDArray[np.int64]] = {}
        self.restart()

    def restart(self) -> None:
        """Count from 0 again; what threads have done stays known."""
        self._totals = np.zeros(2, np.int64)

    @property
    def counted(self) -> Coverage:
        """What was counted so far."""
        return Coverage(int(self._totals[0]), int(self._totals[1]), self._learned)

    def feed(self, stream: int, events: Events) -> None:
        """Count a batch of a stream (its number: below 2^31)."""
        if len(events) == 0:
            return
        batch = records(events)
        state = self._streams.setdefault(stream, new_stream())
        start = 0
        while True:
            start = _look_up(
                batch, start, stream, state, self._roster, self._state, self._length,
                self._automaton, self._node_depth, self._depth, self._totals,
            )  # fmt: skip
            if start == len(batch):
                return
            self._roster, more_threads, _ = grow_roster(self._roster)
            if more_threads:
                self._state, self._length = twice(self._state), twice(self._length)

    def lost(self, stream: int) -> None:
        """Calls of the stream were lost: no sequence goes across."""
        self._streams.setdefault(stream, new_stream())[EPOCH] += 1

    def end_stream(self, stream: int) -> None:
        """Forget a stream with its threads."""
        if self._streams.pop(stream, None) is not None:
            end_threads(self._roster, stream)
