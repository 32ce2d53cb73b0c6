# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree compiled for scoring: about one look-up a call instead of one for each order.

What is to be known of a thread's last calls is the longest suffix of them
that the tree has seen followed by anything: the state.  An edge carries the
smoothed surprise of a call and the next state; a call without an edge costs
the state's escape and is looked up in the state's suffix (Aho and Corasick 1975).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.compiled import compiled_lean, index, inlined, integer
from imsafe.profile.surprise import surprise
from imsafe.profile.tree import UNKNOWN_ALPHABET, Alphabets, PrefixTree


class Automaton(NamedTuple):
    """The tree, compiled.

    What a look-up waits for is memory, so all that belongs to a state lies
    together, the states that come most often first, and a state's number says
    what is needed to look into it: ``first row << 5 | bits``.

    Attributes
    ----------
    rows
        Two words each, shape (N, 2).  A state is a header, ``~escape`` and
        ``suffix << 24``, and a hash table of ``1 << bits`` edges by their
        symbols, longer where some found their place taken.  An edge is
        ``symbol << 40 | surprise`` and ``next state << 24 | node`` of the tree;
        -1 is an empty place.  So a search ends at its symbol or at the first
        negative word.  State 0, in which a thread begins, has no edge; to
        leave it for that of the empty sequence costs nothing.
    state
        The state of each node of the tree, -1 where nothing follows it.
    base
        Surprise of a call of each ABI when nothing is known, shape (256,).
    chance
        The same as a probability.
    length
        Of each node's sequence.
    """

    rows: NDArray[np.int64]
    state: NDArray[np.int32]
    base: NDArray[np.int64]
    chance: NDArray[np.float64]
    length: NDArray[np.int8]


COST_BITS = 40
_COST = (1 << COST_BITS) - 1
NODE_BITS = 24
_NODE = (1 << NODE_BITS) - 1
ROW_BITS = 5
_BITS = (1 << ROW_BITS) - 1
_MULTIPLIER = 0x9E3779B1
_SHIFT = 16

_ROOT = 2
"""First row of the empty sequence's state."""

_CROWDED = 4
"""A state with more edges than this has a third of its places empty."""


def compile_tree(tree: PrefixTree, alphabets: Alphabets) -> Automaton:
    """Compile a tree that `is_consistent`."""
    chance = np.full(256, 1.0 / UNKNOWN_ALPHABET)
    for abi, calls in alphabets.items():
        chance[abi] = 1.0 / calls
    base = np.zeros(256, np.int64)
    suffix = np.zeros(len(tree), np.int32)
    _suffixes(tree.parent, tree.symbol, tree.first_child, suffix)
    followed = np.flatnonzero(tree.distinct).astype(np.int32)
    if len(followed) == 0:
        followed = np.zeros(1, np.int32)
    order = followed[np.argsort(-tree.count[followed], kind="stable")]
    state = np.full(len(tree), -1, np.int32)
    # Pages that are never written take no memory.
    rows = np.empty((_most_rows(tree.distinct, order), 2), np.int64)
    node_chance = np.ones(len(tree))
    _chances(
        chance, base, suffix, tree.parent, tree.symbol, tree.count,
        tree.continuations, tree.distinct, node_chance,
    )  # fmt: skip
    used = _lay_out(
        rows, state, order, suffix, tree.first_child, tree.symbol, tree.continuations, node_chance
    )
    _link(rows, used, state, suffix)
    return Automaton(rows[: used + 1], state, base, chance, tree.node_depth)


def is_consistent(tree: PrefixTree) -> bool:
    """Whether each sequence's suffix is in the tree, and at least as often."""
    suffix = np.zeros(len(tree), np.int32)
    if not _suffixes(tree.parent, tree.symbol, tree.first_child, suffix):
        return False
    return bool((tree.count[suffix[1:]] >= tree.count[1:]).all())


@inlined
def _scattered(symbol: int) -> int:
    return (symbol * _MULTIPLIER) >> _SHIFT


@inlined
def _row_of(rows: NDArray[np.int64], state: int, symbol: int, scattered: int) -> int:
    """Where the edge of a call is, or a row whose first word is negative."""
    row = (state >> ROW_BITS) + 1 + (scattered & ((1 << (state & _BITS)) - 1))
    word = rows[index(row), 0]
    while word >= 0 and word >> COST_BITS != symbol:
        row += 1
        word = rows[index(row), 0]
    return integer(row)


@inlined
def child_of(automaton: Automaton, parent: int, symbol: int) -> int:
    """The node that prolongs `parent` by `symbol`, or -1."""
    state = integer(automaton.state[parent])
    if state < 0:
        return -1
    row = _row_of(automaton.rows, state, symbol, _scattered(symbol))
    if automaton.rows[row, 0] < 0:
        return -1
    return integer(automaton.rows[row, 1]) & _NODE


@inlined
def advance(automaton: Automaton, state: int, symbol: int) -> tuple[int, int]:
    """The node of the longest known sequence that a call ends (0: none), and the next state."""
    rows = automaton.rows
    scattered = _scattered(symbol)
    while True:
        row = _row_of(rows, state, symbol, scattered)
        if rows[row, 0] >= 0:
            return rows[row, 1] & _NODE, rows[row, 1] >> NODE_BITS
        header = state >> ROW_BITS
        if header == _ROOT:
            return 0, 0
        state = rows[header, 1] >> NODE_BITS


@inlined
def step(automaton: Automaton, state: int, symbol: int) -> tuple[int, int, int]:
    """Surprise of a call in a state, the next state, and what was never seen.

    Returns
    -------
    surprise, state
    foreign
        Length of the shortest never-seen sequence that ends with this call and whose own
        parts were all seen (Tan and Maxion 2002: the minimal foreign sequence): 1, the
        call itself; 2, the pair; ... 0: none ends here.
    """
    rows = automaton.rows
    scattered = _scattered(symbol)
    cost = 0
    entered = state
    while True:
        row = _row_of(rows, state, symbol, scattered)
        word = rows[index(row), 0]
        if word >= 0:
            target = rows[index(row), 1]
            foreign = 0
            if entered and state != entered:
                foreign = integer(automaton.length[index(target & _NODE)]) + 1
            return cost + (word & _COST), target >> NODE_BITS, foreign
        header = state >> ROW_BITS
        cost += ~rows[index(header), 0]
        if header == _ROOT:
            return cost + automaton.base[symbol >> 16], 0, 1
        state = rows[index(header), 1] >> NODE_BITS


@inlined
def _below(
    first_child: NDArray[np.int32], symbol: NDArray[np.int32], parent: int, last: int
) -> int:
    """The child of `parent` by the call `last`, or -1; children are in order of their symbols."""
    low, high = first_child[parent], first_child[parent + 1]
    while low < high:
        middle = (low + high) >> 1
        if symbol[middle] < last:
            low = middle + 1
        else:
            high = middle
    if low < first_child[parent + 1] and symbol[low] == last:
        return integer(low)
    return -1


@compiled_lean
def _suffixes(
    parent: NDArray[np.int32], symbol: NDArray[np.int32], first_child: NDArray[np.int32],
    suffix: NDArray[np.int32],
) -> bool:  # fmt: skip
    """Fill in the node of each sequence without its first call; says whether all are there."""
    for node in range(1, len(parent)):
        if parent[node] == 0:
            continue
        found = _below(first_child, symbol, suffix[parent[node]], symbol[node])
        if found < 0:
            return False
        suffix[node] = found
    return True


@compiled_lean
def _chances(
    base_chance: NDArray[np.float64],
    base: NDArray[np.int64],
    suffix: NDArray[np.int32],
    parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
    count: NDArray[np.int64],
    continuations: NDArray[np.int64],
    distinct: NDArray[np.int32],
    chance: NDArray[np.float64],
) -> None:
    """Fill in the smoothed chance of each node's call, and `Automaton.base`."""
    for abi in range(256):
        base[abi] = surprise(base_chance[abi])
    for node in range(1, len(parent)):
        above = parent[node]
        lower = base_chance[symbol[node] >> 16] if above == 0 else chance[suffix[node]]
        chance[node] = (count[node] + distinct[above] * lower) / (
            continuations[above] + distinct[above]
        )


@inlined
def _bits(edges: int) -> int:
    wanted = edges if edges <= _CROWDED else edges + (edges >> 1)
    bits = 0
    while 1 << bits < wanted:
        bits += 1
    return bits


@compiled_lean
def _most_rows(distinct: NDArray[np.int32], order: NDArray[np.int32]) -> int:
    """How many rows the states take at most, every edge but the first displaced."""
    most = _ROOT + 1
    for node in order:
        edges = integer(distinct[node])
        most += 1 + (1 << _bits(edges)) + max(edges - 1, 0)
    return most


@compiled_lean
def _lay_out(
    rows: NDArray[np.int64],
    state: NDArray[np.int32],
    order: NDArray[np.int32],
    suffix: NDArray[np.int32],
    first_child: NDArray[np.int32],
    symbol: NDArray[np.int32],
    continuations: NDArray[np.int64],
    chance: NDArray[np.float64],
) -> int:
    """Write the states one behind the other, as yet with nodes instead of states; how many rows."""
    rows[:_ROOT, :] = -1
    end = _ROOT
    for node in order:
        first, last = integer(first_child[node]), integer(first_child[node + 1])
        edges = last - first
        bits = _bits(edges)
        escape = 0
        if edges > 0:
            escape = surprise(edges / (continuations[node] + edges))
        start = end
        state[node] = start << ROW_BITS | bits
        rows[start, 0] = ~escape
        rows[start, 1] = suffix[node]
        end = start + 1 + (1 << bits)
        for row in range(start + 1, end):
            rows[row, 0] = -1
            rows[row, 1] = -1
        for child in range(first, last):
            row = start + 1 + (_scattered(integer(symbol[child])) & ((1 << bits) - 1))
            while row < end and rows[row, 0] != -1:
                row += 1
            if row == end:
                end += 1
            rows[row, 0] = integer(symbol[child]) << COST_BITS | surprise(chance[child])
            rows[row, 1] = child
    rows[end, 0] = -1
    rows[end, 1] = -1
    return end


@compiled_lean
def _link(
    rows: NDArray[np.int64], used: int, state: NDArray[np.int32], suffix: NDArray[np.int32]
) -> None:
    """Put states where `_lay_out` has put nodes."""
    rows[0, 1] = integer(state[0]) << NODE_BITS
    for row in range(_ROOT, used):
        node = integer(rows[row, 1])
        if rows[row, 0] >= 0:
            follower = node
            while state[follower] < 0:
                follower = integer(suffix[follower])
            rows[row, 1] = integer(state[follower]) << NODE_BITS | node
    for node in range(len(state)):
        if state[node] >= 0:
            rows[state[node] >> ROW_BITS, 1] = integer(state[suffix[node]]) << NODE_BITS
