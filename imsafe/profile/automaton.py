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

from imsafe.profile.compiled import compiled_lean, inlined, integer
from imsafe.profile.counting import home_of, node_key
from imsafe.profile.surprise import surprise
from imsafe.profile.tree import UNKNOWN_ALPHABET, Alphabets, PrefixTree


class Automaton(NamedTuple):
    """The tree, compiled.

    Attributes
    ----------
    edges
        Hash table, shape (places, 3): ``state << 24 | symbol`` (-1 where
        empty), surprise, ``next state << 32 | node`` of the tree.
    suffix
        The state that forgets the first call of a state.
    escape
        Surprise of a state being followed by what it was not followed by.
    base
        Surprise of a call of each ABI when nothing is known, shape (256,).
    chance
        The same as a probability.
    """

    edges: NDArray[np.int64]
    suffix: NDArray[np.int32]
    escape: NDArray[np.int64]
    base: NDArray[np.int64]
    chance: NDArray[np.float64]


KEY, COST, NEXT = range(3)
"""Columns of `Automaton.edges`: side by side, so that a look-up waits for memory once."""


def compile_tree(tree: PrefixTree, alphabets: Alphabets) -> Automaton:
    """Compile a tree that `is_consistent`."""
    places = 64
    while 2 * places < 3 * len(tree):
        places *= 2
    chance = np.full(256, 1.0 / UNKNOWN_ALPHABET)
    for abi, calls in alphabets.items():
        chance[abi] = 1.0 / calls
    automaton = Automaton(
        np.full((places, 3), -1, np.int64),
        np.zeros(len(tree), np.int32),
        np.zeros(len(tree), np.int64),
        np.zeros(256, np.int64),
        chance,
    )
    _suffixes(tree.parent, tree.symbol, tree.first_child, automaton.suffix)
    _compile(
        automaton, tree.depth, tree.parent, tree.symbol, tree.count,
        tree.continuations, tree.distinct, tree.node_depth, np.ones(len(tree)),
    )  # fmt: skip
    return automaton


def is_consistent(tree: PrefixTree) -> bool:
    """Whether each sequence's suffix is in the tree, and at least as often."""
    suffix = np.zeros(len(tree), np.int32)
    if not _suffixes(tree.parent, tree.symbol, tree.first_child, suffix):
        return False
    return bool((tree.count[suffix[1:]] >= tree.count[1:]).all())


@inlined
def _place_of(edges: NDArray[np.int64], key: int) -> int:
    """Where a key is, or the empty place where it belongs."""
    place = home_of(key, len(edges))
    while edges[place, KEY] != key and edges[place, KEY] != -1:
        place = (place + 1) & (len(edges) - 1)
    return place


@inlined
def child_of(edges: NDArray[np.int64], parent: int, symbol: int) -> int:
    """The node that prolongs `parent` by `symbol`, or -1."""
    key = node_key(parent, symbol)
    place = _place_of(edges, key)
    if edges[place, KEY] == key:
        return integer(edges[place, NEXT]) & 0xFFFFFFFF
    return -1


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
def _compile(
    automaton: Automaton,
    depth: int,
    parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
    count: NDArray[np.int64],
    continuations: NDArray[np.int64],
    distinct: NDArray[np.int32],
    node_depth: NDArray[np.int8],
    chance: NDArray[np.float64],
) -> None:
    for abi in range(256):
        automaton.base[abi] = surprise(automaton.chance[abi])
    suffix = automaton.suffix
    edges = automaton.edges
    for node in range(len(parent)):
        if continuations[node] > 0:
            automaton.escape[node] = surprise(
                distinct[node] / (continuations[node] + distinct[node])
            )
        if node == 0:
            continue
        above = parent[node]
        lower = automaton.chance[symbol[node] >> 16] if above == 0 else chance[suffix[node]]
        chance[node] = (count[node] + distinct[above] * lower) / (
            continuations[above] + distinct[above]
        )
        key = node_key(above, symbol[node])
        place = _place_of(edges, key)
        edges[place, KEY] = key
        edges[place, COST] = surprise(chance[node])
        state = integer(node)
        while state != 0 and (node_depth[state] >= depth or continuations[state] == 0):
            state = integer(suffix[state])
        edges[place, NEXT] = state << 32 | node


@inlined
def step(automaton: Automaton, state: int, symbol: int) -> tuple[int, int]:
    """Surprise of a call in a state, and the next state."""
    cost = 0
    while True:
        key = node_key(state, symbol)
        place = _place_of(automaton.edges, key)
        if automaton.edges[place, KEY] == key:
            return (
                cost + automaton.edges[place, COST],
                automaton.edges[place, NEXT] >> 32,
            )
        cost += automaton.escape[state]
        if state == 0:
            return cost + automaton.base[symbol >> 16], 0
        state = integer(automaton.suffix[state])
