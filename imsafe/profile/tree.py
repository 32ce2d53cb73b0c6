# SPDX-License-Identifier: GPL-3.0-or-later
"""The prefix tree in its final, canonical form, and what it predicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MAX_DEPTH = 32
MAX_NODES = 1 << 24
UNKNOWN_ALPHABET = 512
"""Number of calls of an ABI that the profile says nothing about."""

Alphabets = Mapping[int, int]
"""How many calls each ABI has."""


@dataclass(frozen=True)
class PrefixTree:
    """Counts of sequences of calls.

    Nodes are numbered by depth, then by parent, then by symbol, so equal
    counts are equal arrays and a node's children are consecutive.  Node 0 is
    the empty sequence; its count is the number of calls.

    Attributes
    ----------
    depth
        Length of the longest sequences.
    parent, symbol, count, processes
        Of each node, shape (N,): parent's number (-1 for node 0), the last
        call, how often the sequence was seen and in how many processes.
    """

    depth: int
    parent: NDArray[np.int32]
    symbol: NDArray[np.int32]
    count: NDArray[np.int64]
    processes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.parent)

    @cached_property
    def first_child(self) -> NDArray[np.int32]:
        """Number of each node's first child; its last is before the next node's first."""
        children = np.bincount(self.parent[1:], minlength=len(self))
        first = np.ones(len(self) + 1, np.int32)
        np.cumsum(children, out=first[1:])
        first[1:] += 1
        return first

    @cached_property
    def distinct(self) -> NDArray[np.int32]:
        """How many children each node has: d(c)."""
        return np.diff(self.first_child)

    @cached_property
    def continuations(self) -> NDArray[np.int64]:
        """Sum of the counts of each node's children: N(c)."""
        total = np.concatenate([[0], np.cumsum(self.count)])
        result: NDArray[np.int64] = total[self.first_child[1:]] - total[self.first_child[:-1]]
        return result

    @cached_property
    def node_depth(self) -> NDArray[np.int8]:
        """Length of each node's sequence."""
        depth = np.zeros(len(self), np.int8)
        first, last = 0, 1
        level = 0
        while first < last:
            depth[first:last] = level
            first, last = last, int(self.first_child[last])
            level += 1
        return depth

    def find(self, sequence: Sequence[int]) -> int:
        """The node of a sequence of symbols, or -1."""
        node = 0
        for symbol in sequence:
            first, last = int(self.first_child[node]), int(self.first_child[node + 1])
            at = first + int(np.searchsorted(self.symbol[first:last], symbol))
            if at == last or self.symbol[at] != symbol:
                return -1
            node = at
        return node

    def sequence(self, node: int) -> list[int]:
        """The symbols of a node, first call first."""
        symbols: list[int] = []
        while node > 0:
            symbols.append(int(self.symbol[node]))
            node = int(self.parent[node])
        return symbols[::-1]

    def predict(
        self, context: Sequence[int], alphabets: Alphabets, top: int | None = None
    ) -> list[tuple[int, float]]:
        """The calls that may come after `context`, with their probabilities, best first.

        Parameters
        ----------
        context
            The thread's last calls, the latest last; those that go beyond the
            tree's depth do not matter.
        alphabets
            How many calls each ABI has.
        top
            How many to give; None: every call the tree knows.
        """
        symbols = self.symbol[self.first_child[0] : self.first_child[1]]
        chance = np.array(
            [1.0 / alphabets.get(int(s) >> 16, UNKNOWN_ALPHABET) for s in symbols], np.float64
        )
        for node in self._contexts(context):
            first, last = int(self.first_child[node]), int(self.first_child[node + 1])
            distinct = last - first
            chance *= distinct
            chance[np.searchsorted(symbols, self.symbol[first:last])] += self.count[first:last]
            chance /= float(self.continuations[node] + distinct)
        order = np.lexsort((symbols, -chance))[:top]
        return list(zip(symbols[order].tolist(), chance[order].tolist(), strict=True))

    def probability(self, context: Sequence[int], symbol: int, alphabets: Alphabets) -> float:
        """Chance of a call after `context` (Witten and Bell 1991, method C)."""
        chance = 1.0 / alphabets.get(symbol >> 16, UNKNOWN_ALPHABET)
        for node in self._contexts(context):
            first, last = int(self.first_child[node]), int(self.first_child[node + 1])
            at = first + int(np.searchsorted(self.symbol[first:last], symbol))
            count = int(self.count[at]) if at < last and self.symbol[at] == symbol else 0
            distinct = last - first
            chance = (count + distinct * chance) / (int(self.continuations[node]) + distinct)
        return chance

    def probabilities(self, alphabets: Alphabets) -> NDArray[np.float64]:
        """Chance of each node's last call after those before it; 1 for node 0."""
        chance = np.ones(len(self))
        base = np.full(256, 1.0 / UNKNOWN_ALPHABET)
        for abi, calls in alphabets.items():
            base[abi] = 1.0 / calls
        for level, nodes in enumerate(self.levels()):
            parent = self.parent[nodes]
            lower = chance[self.suffix[nodes]] if level else base[self.symbol[nodes] >> 16]
            distinct = self.distinct[parent]
            chance[nodes] = (self.count[nodes] + distinct * lower) / (
                self.continuations[parent] + distinct
            )
        return chance

    @cached_property
    def suffix(self) -> NDArray[np.int64]:
        """The node of each node's sequence without its first call."""
        suffix = np.zeros(len(self), np.int64)
        for level, nodes in enumerate(self.levels()):
            if level:
                suffix[nodes] = self._children(suffix[self.parent[nodes]], self.symbol[nodes])
        return suffix

    def nodes_in(self, other: PrefixTree) -> NDArray[np.int64]:
        """The node of each node's sequence in another tree, or -1."""
        found = np.zeros(len(self), np.int64)
        for nodes in self.levels():
            parent = found[self.parent[nodes]]
            here = other._children(np.maximum(parent, 0), self.symbol[nodes])
            found[nodes] = np.where(parent >= 0, here, -1)
        return found

    def levels(self) -> Iterator[NDArray[np.int64]]:
        """The nodes of each depth from 1 on."""
        first, last = 1, int(self.first_child[1])
        while first < last:
            yield np.arange(first, last)
            first, last = last, int(self.first_child[last])

    def _children(
        self, parents: NDArray[np.int64], symbols: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """The nodes that prolong `parents` by `symbols`, or -1."""
        wanted = parents << 24 | symbols
        place = np.minimum(np.searchsorted(self._key, wanted), len(self) - 1)
        return np.where(self._key[place] == wanted, place, -1)

    @cached_property
    def _key(self) -> NDArray[np.int64]:
        """Parent and symbol in one number, which rises with the node's number."""
        return self.parent.astype(np.int64) << 24 | self.symbol

    def _contexts(self, context: Sequence[int]) -> list[int]:
        """Nodes of the suffixes of `context` that were followed by anything, shortest first."""
        nodes: list[int] = []
        for length in range(min(len(context), self.depth - 1) + 1):
            node = self.find(context[len(context) - length :])
            if node < 0 or self.continuations[node] == 0:
                break
            nodes.append(node)
        return nodes


def empty_prefix_tree(depth: int) -> PrefixTree:
    """A tree in which nothing was counted."""
    zero = np.zeros(1, np.int64)
    return PrefixTree(depth, np.array([-1], np.int32), np.zeros(1, np.int32), zero, zero.copy())


def canonical(
    depth: int,
    parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
    count: NDArray[np.int64],
    processes: NDArray[np.int64],
) -> PrefixTree:
    """Number nodes canonically; node 0 is the root, and none but it may have count 0."""
    used = len(parent)
    order = np.zeros(used, np.int64)  # old numbers in the new order
    new_number = np.zeros(used, np.int32)
    new_parent = np.full(used, -1, np.int32)
    is_placed = np.zeros(used, bool)
    is_placed[0] = True
    done = 1
    rest = np.arange(1, used)
    while len(rest):
        is_next = is_placed[parent[rest]]
        nodes = rest[is_next]
        rest = rest[~is_next]
        nodes = nodes[np.lexsort((symbol[nodes], new_number[parent[nodes]]))]
        end = done + len(nodes)
        order[done:end] = nodes
        new_parent[done:end] = new_number[parent[nodes]]
        new_number[nodes] = np.arange(done, end)
        is_placed[nodes] = True
        done = end
    return PrefixTree(depth, new_parent, symbol[order], count[order], processes[order])
