# SPDX-License-Identifier: GPL-3.0-or-later
"""A prefix tree written out: as text, JSON, for Graphviz, or as what it has beyond another one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np

from imsafe import syscalls
from imsafe.profile.tree import Alphabets, PrefixTree


class WrittenTree:
    """The nodes of a tree in the order of their calls' names, with names and probabilities.

    Parameters
    ----------
    tree
        The counts.
    alphabets
        How many calls each ABI has.
    prefix
        Only sequences that begin so.
    least
        Only sequences that were seen so often.
    """

    def __init__(
        self, tree: PrefixTree, alphabets: Alphabets, prefix: Sequence[int] = (), least: int = 1
    ) -> None:
        self.tree = tree
        self._least = least
        self._prefix = list(prefix)
        self._top = tree.find(prefix)
        distinct = np.unique(tree.symbol[1:]).tolist()
        self._names = {symbol: syscalls.name(symbol) for symbol in distinct}
        by_name = sorted(distinct, key=self._names.__getitem__)
        self._rank = {symbol: rank for rank, symbol in enumerate(by_name)}
        self.probability = tree.probabilities(alphabets)

    def name(self, node: int) -> str:
        """The last call of a node."""
        return self._names[int(self.tree.symbol[node])]

    def nodes(self) -> Iterator[tuple[int, list[str]]]:
        """Every node with its sequence, a node before its children."""
        if self._top < 0:
            return
        tree, first = self.tree, self.tree.first_child
        path = [self._names[symbol] for symbol in self._prefix]
        at = len(path)
        stack = [(self._top, at)]
        while stack:
            node, depth = stack.pop()
            if node:
                del path[max(depth - 1, 0) :]
                path.append(self.name(node))
                yield node, path
            children = [
                child
                for child in range(int(first[node]), int(first[node + 1]))
                if tree.count[child] >= self._least
            ]
            children.sort(key=lambda child: self._rank[int(tree.symbol[child])], reverse=True)
            stack += [(child, depth + 1) for child in children]

    def text(self) -> Iterator[str]:
        """A node a line: its last call, how often, in how many processes, how probable."""
        tree = self.tree
        for node, path in self.nodes():
            yield (
                f"{'  ' * (len(path) - 1)}{path[-1]} {tree.count[node]} {tree.processes[node]}"
                f" {self.probability[node]:.6f}"
            )

    def json(self) -> Iterator[str]:
        """A node a line, as a JSON object."""
        for node, path in self.nodes():
            yield json.dumps(
                {
                    "sequence": path,
                    "count": int(self.tree.count[node]),
                    "processes": int(self.tree.processes[node]),
                    "probability": float(self.probability[node]),
                }
            )

    def dot(self) -> Iterator[str]:
        """A graph for Graphviz."""
        yield "digraph profile {"
        yield '  rankdir=LR; node [shape=box, fontname="sans-serif"];'
        yield '  0 [label="(start)"];'
        for node, path in self.nodes():
            count = int(self.tree.count[node])
            yield f'  {node} [label="{path[-1]}\\n{count}"];'
            above = int(self.tree.parent[node])
            if node != self._top or above == 0:
                yield f'  {above} -> {node} [label="{self.probability[node]:.3f}"];'
        yield "}"


def difference(one: WrittenTree, other: WrittenTree) -> list[tuple[str, list[str], int, float]]:
    """The sequences that only one of two trees has, but not those that hold a shorter such one.

    At any call at most one of them ends, so their shares add up to how much of
    what the one has learned is nothing that the other knows.

    Returns
    -------
    list of tuple of str, list of str, int, float
        ``-`` for the one, ``+`` for the other; the sequence; how often it was
        seen; its share of that tree's calls, 0 to 1.  By their shares, the greatest first.
    """
    found = []
    for mark, here, there in (("-", one, other), ("+", other, one)):
        known = here.tree.nodes_in(there.tree) >= 0
        shortest = ~known & known[here.tree.parent] & known[here.tree.suffix]
        calls = max(int(here.tree.count[0]), 1)
        for node, path in here.nodes():
            if shortest[node]:
                count = int(here.tree.count[node])
                found.append((mark, list(path), count, count / calls))
    return sorted(found, key=lambda row: (-row[3], row[0], row[1]))
