# SPDX-License-Identifier: GPL-3.0-or-later
"""STIDE, the classic to compare with: which share of a trace's sequences was never seen.

S. Hofmeyr, S. Forrest, A. Somayaji: Intrusion Detection Using Sequences of
System Calls, J. Computer Security 6, 1998.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.automaton import Automaton, child_of
from imsafe.profile.compiled import compiled
from imsafe.profile.trace_counts import TraceCounts

LENGTH = 6
"""Of the sequences that are looked up, as published."""


@compiled
def _mismatches(
    parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
    counts: NDArray[np.int64],
    length: int,
    automaton: Automaton,
) -> tuple[int, int]:
    """How many sequences of `length` the counts hold, and how many of them are not known."""
    known = np.zeros(len(parent), np.int64)
    depth = np.zeros(len(parent), np.int64)
    sequences = 0
    unknown = 0
    for node in range(1, len(parent)):
        above = parent[node]
        depth[node] = depth[above] + 1
        known[node] = -1
        if known[above] >= 0:
            known[node] = child_of(automaton, known[above], symbol[node])
        if depth[node] == length:
            sequences += counts[node]
            if known[node] < 0:
                unknown += counts[node]
    return sequences, unknown


def mismatch_share(counts: TraceCounts, automaton: Automaton) -> float:
    """The share of a trace's sequences that the profile does not know.

    Parameters
    ----------
    counts
        Of the trace, with depth `LENGTH`.
    automaton
        The profile's, of at least that depth.
    """
    used = int(counts.tree.used[0])
    parent, symbol, occurrences = counts.tree[2:5]
    sequences, unknown = _mismatches(
        parent[:used], symbol[:used], occurrences[:used], LENGTH, automaton
    )
    return unknown / sequences if sequences else 0.0
