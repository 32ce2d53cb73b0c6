# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefix tree of a behaviour database, ordered for a person to browse.  No Qt here."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ImsafeError
from imsafe.profile.tree import Alphabets, PrefixTree
from imsafe.syscalls import name, symbol_of

ROOT = 0
"""The empty sequence."""

_REMEMBERED = 4096
"""Nodes whose children's order is kept: more than anybody has open at once."""


class SequenceTree:
    """A prefix tree whose children come in order of their count, the most frequent first.

    Parameters
    ----------
    tree
        The counts.
    alphabets
        How many calls each ABI has.
    """

    def __init__(self, tree: PrefixTree, alphabets: Alphabets) -> None:
        self._tree = tree
        self._alphabets = alphabets
        self.order = lru_cache(_REMEMBERED)(self._order)
        self.probability = lru_cache(_REMEMBERED)(self._probability)

    def __len__(self) -> int:
        return len(self._tree) - 1

    @property
    def depth(self) -> int:
        """Length of the longest sequences."""
        return self._tree.depth

    @property
    def calls(self) -> int:
        """How many calls were learned."""
        return int(self._tree.count[ROOT])

    def count(self, node: int) -> int:
        """How often a sequence was seen."""
        return int(self._tree.count[node])

    def processes(self, node: int) -> int:
        """In how many processes it was seen."""
        return int(self._tree.processes[node])

    def call(self, node: int) -> str:
        """The last call of a sequence."""
        return name(int(self._tree.symbol[node])) if node != ROOT else ""

    def path(self, node: int) -> list[str]:
        """The calls of a sequence."""
        return [name(symbol) for symbol in self._tree.sequence(node)]

    def parent(self, node: int) -> int:
        """The sequence without its last call."""
        return int(self._tree.parent[node]) if node != ROOT else ROOT

    def _order(self, node: int) -> NDArray[np.int64]:
        """The children of a node, most frequent first."""
        first, last = self._tree.first_child[node], self._tree.first_child[node + 1]
        counts = self._tree.count[first:last]
        found: NDArray[np.int64] = first + np.argsort(-counts, kind="stable")
        return found

    def child(self, node: int, row: int) -> int:
        """The child in a row."""
        return int(self.order(node)[row])

    def rank(self, node: int) -> int:
        """The row of a node among its siblings."""
        return int(np.flatnonzero(self.order(self.parent(node)) == node)[0])

    def children_seen(self, node: int, least: int) -> int:
        """How many children were seen at least so often; they are the first ones."""
        first, last = self._tree.first_child[node], self._tree.first_child[node + 1]
        return int(np.count_nonzero(self._tree.count[first:last] >= least))

    def _probability(self, node: int) -> float:
        """How probable the last call is after those before it."""
        sequence = self._tree.sequence(node)
        return self._tree.probability(sequence[:-1], sequence[-1], self._alphabets)

    def find(self, calls: list[str]) -> tuple[int, int]:
        """The node of a sequence of call names.

        Returns
        -------
        tuple of int and int
            The node of the longest beginning that is known, and its length.
        """
        node, known = ROOT, 0
        symbols: list[int] = []
        for call in calls:
            try:
                symbols.append(symbol_of(call))
            except ImsafeError:
                break
            found = self._tree.find(symbols)
            if found < 0:
                break
            node, known = found, known + 1
        return node, known
