# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefix tree of a behaviour database, or of two, ordered to be browsed.  No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ImsafeError
from imsafe.profile.comparison import Comparison
from imsafe.profile.tree import Alphabets, PrefixTree
from imsafe.syscalls import name, symbol_of

ROOT = 0
"""The empty sequence."""

_REMEMBERED = 1 << 14
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
        self._shown: NDArray[np.bool_] | None = None
        self.weight: NDArray[np.int64] | NDArray[np.float64] = tree.count
        self.children = lru_cache(_REMEMBERED)(self._children)
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

    def mass(self, node: int) -> float:
        """The share of all calls at which a sequence began: the size of its box."""
        return float(self.weight[node]) / max(float(self.weight[ROOT]), 1e-300)

    def call(self, node: int) -> str:
        """The last call of a sequence."""
        return name(int(self._tree.symbol[node])) if node != ROOT else ""

    def path(self, node: int) -> list[str]:
        """The calls of a sequence."""
        return [name(symbol) for symbol in self._tree.sequence(node)]

    def line(self, node: int) -> list[int]:
        """The nodes from the first call to this one."""
        nodes: list[int] = []
        while node != ROOT:
            nodes.append(node)
            node = self.parent(node)
        return nodes[::-1]

    def parent(self, node: int) -> int:
        """The sequence without its last call."""
        return int(self._tree.parent[node]) if node != ROOT else ROOT

    # What is shown

    def show_seen(self, least: int) -> None:
        """Show sequences that were seen at least so often."""
        self.show(None if least <= 1 else self._tree.count >= least)

    def show(self, shown: NDArray[np.bool_] | None) -> None:
        """Show these nodes, shape (N,), each with its parent; None: all."""
        self._shown = shown
        if shown is not None:
            shown[ROOT] = True  # there is always a start
        self.children.cache_clear()

    def is_shown(self, node: int) -> bool:
        """Whether a node is among those that are shown."""
        return self._shown is None or bool(self._shown[node])

    def _children(self, node: int) -> NDArray[np.int64]:
        """The children of a node that are shown, the heaviest first."""
        first, last = int(self._tree.first_child[node]), int(self._tree.first_child[node + 1])
        nodes = np.arange(first, last)
        if self._shown is not None:
            nodes = nodes[self._shown[first:last]]
        found: NDArray[np.int64] = nodes[np.argsort(-self.weight[nodes], kind="stable")]
        return found

    def rank(self, node: int) -> int:
        """The row of a node among its siblings."""
        return int(np.flatnonzero(self.children(self.parent(node)) == node)[0])

    def _probability(self, node: int) -> float:
        """How probable the last call is after those before it."""
        sequence = self._tree.sequence(node)
        return self._tree.probability(sequence[:-1], sequence[-1], self._alphabets)

    # Search

    def find(self, calls: Sequence[str]) -> tuple[int, int]:
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

    def find_long(self, calls: Sequence[str]) -> tuple[int, int]:
        """The same for a sequence that may be longer than the tree is deep.

        Each stretch as long as the tree is deep is looked for; the node is that of the last
        one that is known.
        """
        calls = list(calls)
        if len(calls) <= self.depth:
            return self.find(calls)
        node = ROOT
        for end in range(self.depth, len(calls) + 1):
            found, known = self.find(calls[end - self.depth : end])
            if known < self.depth:
                return (node or found), end - self.depth + known
            node = found
        return node, len(calls)

    def begun(self, node: int, start: str) -> int:
        """The most frequent child whose name begins so, or `ROOT`."""
        calls = [int(child) for child in self.children(node) if self.call(int(child))]
        return next((child for child in calls if self.call(child).startswith(start)), ROOT)


class ComparedTree(SequenceTree):
    """The sequences of two databases, those first whose share has changed most.

    Parameters
    ----------
    comparison
        Both.
    here, there
        Their own trees and alphabets, which know the probabilities.
    """

    def __init__(
        self,
        comparison: Comparison,
        here: tuple[PrefixTree, Alphabets],
        there: tuple[PrefixTree, Alphabets],
    ) -> None:
        super().__init__(comparison.tree, here[1])
        self.comparison = comparison
        self._here, self._there = here, there
        self._share_here = comparison.here / max(1, int(comparison.here[ROOT]))
        self._share_there = comparison.there / max(1, int(comparison.there[ROOT]))
        self.weight = self._share_here + self._share_there
        self.change = np.abs(self._share_there - self._share_here)
        self.probability_there = lru_cache(_REMEMBERED)(self._probability_there)

    @property
    def calls(self) -> int:
        """How many calls were learned, here."""
        return int(self.comparison.here[ROOT])

    def count(self, node: int) -> int:
        """How often a sequence was seen, here."""
        return int(self.comparison.here[node])

    def count_there(self, node: int) -> int:
        """How often a sequence was seen in the other database."""
        return int(self.comparison.there[node])

    def show_seen(self, least: int) -> None:
        """Show sequences that either has seen at least so often."""
        both = self.comparison
        self.show(None if least <= 1 else np.maximum(both.here, both.there) >= least)

    def _children(self, node: int) -> NDArray[np.int64]:
        nodes = super()._children(node)
        found: NDArray[np.int64] = nodes[np.argsort(-self.change[nodes], kind="stable")]
        return found

    def shift(self, node: int) -> float:
        """From -1, only here, over 0, equally frequent, to 1, only there."""
        here, there = float(self._share_here[node]), float(self._share_there[node])
        return (there - here) / (there + here) if there + here else 0.0

    def ratio(self, node: int) -> float:
        """How many times as frequent a sequence is there; infinite where it is only there."""
        here, there = float(self._share_here[node]), float(self._share_there[node])
        return there / here if here else float("inf")

    def _probability(self, node: int) -> float:
        return self._of(self._here, node)

    def _probability_there(self, node: int) -> float:
        """How probable the last call is in the other database."""
        return self._of(self._there, node)

    def _of(self, known: tuple[PrefixTree, Alphabets], node: int) -> float:
        tree, alphabets = known
        sequence = self._tree.sequence(node)
        return tree.probability(sequence[:-1], sequence[-1], alphabets)
