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

from imsafe.profile.compiled import compiled, inlined, integer
from imsafe.profile.counting import node_key, place_of
from imsafe.profile.surprise import surprise
from imsafe.profile.tree import UNKNOWN_ALPHABET, Alphabets, PrefixTree


class Automaton(NamedTuple):
    """The tree, compiled.

    Attributes
    ----------
    keys
        Hash table from ``state << 24 | symbol``, -1 where empty.
    cost, target
        Surprise and next state of each edge in the table.
    nodes
        The tree's node of each edge.
    suffix
        The state that forgets the first call of a state.
    escape
        Surprise of a state being followed by what it was not followed by.
    base
        Surprise of a call of each ABI when nothing is known, shape (256,).
    chance
        The same as a probability.
    """

    keys: NDArray[np.int64]
    cost: NDArray[np.int64]
    target: NDArray[np.int32]
    nodes: NDArray[np.int32]
    suffix: NDArray[np.int32]
    escape: NDArray[np.int64]
    base: NDArray[np.int64]
    chance: NDArray[np.float64]


def compile_tree(tree: PrefixTree, alphabets: Alphabets) -> Automaton:
    """Compile a tree that `is_consistent`."""
    places = 64
    while places < 3 * len(tree):
        places *= 2
    chance = np.full(256, 1.0 / UNKNOWN_ALPHABET)
    for abi, calls in alphabets.items():
        chance[abi] = 1.0 / calls
    automaton = Automaton(
        np.full(places, -1, np.int64),
        np.zeros(places, np.int64),
        np.zeros(places, np.int32),
        np.zeros(places, np.int32),
        np.zeros(len(tree), np.int32),
        np.zeros(len(tree), np.int64),
        np.zeros(256, np.int64),
        chance,
    )
    _compile(
        automaton, tree.depth, tree.parent, tree.symbol, tree.count,
        tree.continuations, tree.distinct, tree.node_depth,
    )  # fmt: skip
    return automaton


def is_consistent(tree: PrefixTree) -> bool:
    """Whether each sequence's suffix is in the tree, and at least as often."""
    return bool(_is_consistent(tree.parent, tree.symbol, tree.count))


@inlined
def _index(
    keys: NDArray[np.int64], nodes: NDArray[np.int32], parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
) -> None:  # fmt: skip
    for node in range(1, len(parent)):
        key = node_key(parent[node], symbol[node])
        place = place_of(keys, key)
        keys[place] = key
        nodes[place] = node


@inlined
def child_of(
    keys: NDArray[np.int64], nodes: NDArray[np.int32], parent: int, symbol: int
) -> int:  # fmt: skip
    """The node that prolongs `parent` by `symbol`, or -1."""
    key = node_key(parent, symbol)
    place = place_of(keys, key)
    if keys[place] == key:
        return integer(nodes[place])
    return -1


@compiled
def _is_consistent(
    parent: NDArray[np.int32], symbol: NDArray[np.int32], count: NDArray[np.int64]
) -> bool:
    places = 64
    while places < 2 * len(parent):
        places *= 2
    keys = np.full(places, -1, np.int64)
    nodes = np.zeros(places, np.int32)
    _index(keys, nodes, parent, symbol)
    suffix = np.zeros(len(parent), np.int64)
    for node in range(1, len(parent)):
        if parent[node] == 0:
            continue
        suffix[node] = child_of(keys, nodes, suffix[parent[node]], symbol[node])
        if suffix[node] < 0 or count[suffix[node]] < count[node]:
            return False
    return True


@compiled
def _compile(
    automaton: Automaton,
    depth: int,
    parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
    count: NDArray[np.int64],
    continuations: NDArray[np.int64],
    distinct: NDArray[np.int64],
    node_depth: NDArray[np.int8],
) -> None:
    for abi in range(256):
        automaton.base[abi] = surprise(automaton.chance[abi])
    _index(automaton.keys, automaton.nodes, parent, symbol)
    suffix = automaton.suffix
    chance = np.ones(len(parent))
    for node in range(len(parent)):
        if continuations[node] > 0:
            automaton.escape[node] = surprise(
                distinct[node] / (continuations[node] + distinct[node])
            )
        if node == 0:
            continue
        above = parent[node]
        if above == 0:
            lower = automaton.chance[symbol[node] >> 16]
        else:
            suffix[node] = child_of(automaton.keys, automaton.nodes, suffix[above], symbol[node])
            lower = chance[suffix[node]]
        chance[node] = (count[node] + distinct[above] * lower) / (
            continuations[above] + distinct[above]
        )
    for node in range(1, len(parent)):
        place = place_of(automaton.keys, node_key(parent[node], symbol[node]))
        automaton.cost[place] = surprise(chance[node])
        state = integer(node)
        while state != 0 and (node_depth[state] >= depth or continuations[state] == 0):
            state = integer(suffix[state])
        automaton.target[place] = state


@inlined
def step(automaton: Automaton, state: int, symbol: int) -> tuple[int, int]:
    """Surprise of a call in a state, and the next state."""
    cost = 0
    while True:
        key = node_key(state, symbol)
        place = place_of(automaton.keys, key)
        if automaton.keys[place] == key:
            return cost + automaton.cost[place], integer(automaton.target[place])
        cost += automaton.escape[state]
        if state == 0:
            return cost + automaton.base[symbol >> 16], 0
        state = integer(automaton.suffix[state])
