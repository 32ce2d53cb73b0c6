# SPDX-License-Identifier: GPL-3.0-or-later
"""Two prefix trees as one: what only one of them has, and what has become more or less frequent.

Needs no number crunching, so the window can use it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.tree import PrefixTree, canonical

TIMES = 2.0
"""A sequence has changed when it became so many times as frequent, or as rare."""

ENOUGH_SEEN = 10
"""Below this count, twice as often is chance."""


@dataclass(frozen=True)
class Comparison:
    """The sequences of two trees.

    Attributes
    ----------
    tree
        All sequences that either has, up to the length that both have; its
        counts are the sums.
    here, there
        How often each sequence was seen in the one and in the other, shape (N,).
    """

    tree: PrefixTree
    here: NDArray[np.int64]
    there: NDArray[np.int64]

    @property
    def only_here(self) -> NDArray[np.bool_]:
        """Which sequences the other one lacks, shape (N,)."""
        return np.equal(self.there, 0)

    @property
    def only_there(self) -> NDArray[np.bool_]:
        """Which sequences the one lacks, shape (N,)."""
        return np.equal(self.here, 0)

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Which sequences both have, one of them `TIMES` as frequently, shape (N,)."""
        here = self.here / max(1, int(self.here[0]))
        there = self.there / max(1, int(self.there[0]))
        both = (self.here > 0) & (self.there > 0)
        seen = np.maximum(self.here, self.there) >= ENOUGH_SEEN
        result: NDArray[np.bool_] = (
            both & seen & ((here >= TIMES * there) | (there >= TIMES * here))
        )
        return result

    def with_ancestors(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The chosen sequences, and those that one of them begins with."""
        shown = chosen.copy()
        for nodes in reversed(list(self.tree.levels())):
            shown[self.tree.parent[nodes[shown[nodes]]]] = True
        return shown


def compare(one: PrefixTree, other: PrefixTree) -> Comparison:
    """Put two trees side by side."""
    depth = min(one.depth, other.depth)
    one, other = _cut(one, depth), _cut(other, depth)
    place = other.nodes_in(one)
    new = np.flatnonzero(place < 0)
    place[new] = len(one) + np.arange(len(new))
    there = np.zeros(len(one) + len(new), np.int64)
    there[place] = other.count
    here = np.concatenate([one.count, np.zeros(len(new), np.int64)])
    # canonical() puts any two columns of numbers into its order.
    both = canonical(
        depth,
        np.concatenate([one.parent, place[other.parent[new]].astype(np.int32)]),
        np.concatenate([one.symbol, other.symbol[new]]),
        here,
        there,
    )
    here, there = both.count, both.processes
    tree = PrefixTree(depth, both.parent, both.symbol, here + there, here + there)
    return Comparison(tree, here, there)


def _cut(tree: PrefixTree, depth: int) -> PrefixTree:
    """A tree without sequences longer than `depth`: nodes are numbered by depth."""
    end = int(np.searchsorted(tree.node_depth, depth, side="right"))
    return PrefixTree(
        depth, tree.parent[:end], tree.symbol[:end], tree.count[:end], tree.processes[:end]
    )
