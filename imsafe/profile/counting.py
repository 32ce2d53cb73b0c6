# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts sequences of calls, by thread, in a tree that grows.

A node is found by its parent's number and its last symbol through one
open-addressing hash table; node 0 is the empty sequence.

Every sequence that ends at a call is a suffix of the longest one, so a call
is counted at that one only, which is found from the one before with one
look-up; `settled` gives the shorter ones their share in the end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.compiled import compiled, compiled_lean, inlined, integer
from imsafe.profile.slots import EPOCH, FULL, Records, Roster, admit, known_thread, symbol_of

SYMBOL_BITS = 24
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)

FIRST_NODES = 1024


class GrowingTree(NamedTuple):
    """A tree to which sequences are added.

    Attributes
    ----------
    keys, nodes
        Hash table from ``parent << 24 | symbol``, -1 where empty; its size is
        a power of two, at least twice the capacity.
    parent, symbol, counts, processes
        Of each node, the parent always before its children; shape (capacity,).
    suffix, depth
        The node without the first call, and how many calls a sequence has:
        in the tree of a trace.
    last
        The process that was last counted at the node.
    used
        How many nodes there are; shape (1,).
    """

    keys: NDArray[np.int64]
    nodes: NDArray[np.int32]
    parent: NDArray[np.int32]
    symbol: NDArray[np.int32]
    counts: NDArray[np.int64]
    processes: NDArray[np.int64]
    suffix: NDArray[np.int32]
    depth: NDArray[np.int8]
    last: NDArray[np.int64]
    used: NDArray[np.int64]


class Visits(NamedTuple):
    """Which process has been at which node: ``process << 32 | node``, -1 where empty."""

    keys: NDArray[np.int64]
    used: NDArray[np.int64]


class Work(NamedTuple):
    """What learning keeps of threads and processes, by slot.

    Attributes
    ----------
    active
        Node of the longest sequence that ends at a thread's last call.
    thread_number
        The how-manieth thread of its process a thread is.
    process_number
        The how-manieth process of the trace a process is.
    threads_seen
        How many threads a process has had.
    """

    active: NDArray[np.int32]
    thread_number: NDArray[np.int64]
    process_number: NDArray[np.int64]
    threads_seen: NDArray[np.int64]


def new_tree(capacity: int = FIRST_NODES) -> GrowingTree:
    """Make a tree of the empty sequence alone; `capacity` is a power of two."""
    tree = GrowingTree(
        np.full(2 * capacity, -1, np.int64),
        np.zeros(2 * capacity, np.int32),
        np.zeros(capacity, np.int32),
        np.zeros(capacity, np.int32),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int32),
        np.zeros(capacity, np.int8),
        np.full(capacity, -1, np.int64),
        np.array([1], np.int64),
    )
    tree.parent[0] = -1
    return tree


def grown_tree(old: GrowingTree, capacity: int) -> GrowingTree:
    """The same tree with room for `capacity` nodes (a power of two)."""
    new = new_tree(capacity)
    used = int(old.used[0])
    new.parent[:used] = old.parent[:used]
    new.symbol[:used] = old.symbol[:used]
    new.counts[:used] = old.counts[:used]
    new.processes[:used] = old.processes[:used]
    new.suffix[:used] = old.suffix[:used]
    new.depth[:used] = old.depth[:used]
    new.last[:used] = old.last[:used]
    new.used[0] = used
    _index(new)
    return new


def new_visits(capacity: int = 16 * FIRST_NODES) -> Visits:
    """Nobody has been anywhere."""
    return Visits(np.full(capacity, -1, np.int64), np.zeros(1, np.int64))


def grown_visits(old: Visits, tree: GrowingTree, alive: NDArray[np.int64]) -> Visits:
    """Settle the visits of processes that have ended; make room for as many again as remain."""
    keys = old.keys[old.keys >= 0]
    is_alive = np.isin(keys >> 32, alive)
    _settle_visits(np.sort(keys[~is_alive]), tree.suffix, tree.processes, int(tree.used[0]))
    keys = keys[is_alive]
    capacity = len(old.keys)
    while capacity < 4 * max(len(keys), FIRST_NODES):
        capacity *= 2
    new = new_visits(capacity)
    _refill(new, keys)
    return new


def settled(
    tree: GrowingTree, visits: Visits
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Counts and processes of every node, the shorter sequences' too."""
    used = int(tree.used[0])
    counts, processes = tree.counts[:used].copy(), tree.processes[:used].copy()
    _settle_visits(np.sort(visits.keys[visits.keys >= 0]), tree.suffix, processes, used)
    deepest_first = np.argsort(-tree.depth[:used], kind="stable")
    _settle_counts(deepest_first, tree.suffix, counts)
    return counts, processes


@compiled
def _settle_counts(
    deepest_first: NDArray[np.int64], suffix: NDArray[np.int32], counts: NDArray[np.int64]
) -> None:
    for node in deepest_first:
        if node != 0:
            counts[suffix[node]] += counts[node]


@compiled
def _settle_visits(
    keys: NDArray[np.int64], suffix: NDArray[np.int32], processes: NDArray[np.int64], used: int
) -> None:
    """Count processes at the nodes they have been at, and at those nodes' suffixes.

    Parameters
    ----------
    keys
        In rising order, so that each process's come together.
    """
    mark = np.full(used, -1, np.int64)
    for key in keys:
        process = key >> 32
        node = key & 0xFFFFFFFF
        while mark[node] != process:
            mark[node] = process
            processes[node] += 1
            node = integer(suffix[node])


@inlined
def home_of(key: int, places: int) -> int:
    """Where in a hash table of `places` to look for a key first."""
    return integer((np.uint64(key) * _MULTIPLIER) >> _SHIFT) & (places - 1)


@inlined
def place_of(keys: NDArray[np.int64], key: int) -> int:
    """Where `key` is in a hash table, or the empty place where it belongs."""
    place = home_of(key, len(keys))
    while keys[place] != key and keys[place] != -1:
        place = (place + 1) & (len(keys) - 1)
    return place


@inlined
def node_key(parent: int, symbol: int) -> int:
    """The hash table's key of a node."""
    return integer(parent) << SYMBOL_BITS | integer(symbol)


@inlined
def child_or_new(tree: GrowingTree, parent: int, symbol: int) -> int:
    """The node that prolongs `parent` by `symbol`, made if there is none."""
    key = node_key(parent, symbol)
    place = place_of(tree.keys, key)
    if tree.keys[place] == key:
        return integer(tree.nodes[place])
    node = tree.used[0]
    tree.used[0] += 1
    tree.keys[place] = key
    tree.nodes[place] = node
    tree.parent[node] = parent
    tree.symbol[node] = symbol
    return integer(node)


@compiled
def _index(tree: GrowingTree) -> None:
    for node in range(1, tree.used[0]):
        key = node_key(tree.parent[node], tree.symbol[node])
        place = place_of(tree.keys, key)
        tree.keys[place] = key
        tree.nodes[place] = node


@compiled
def _refill(visits: Visits, keys: NDArray[np.int64]) -> None:
    for key in keys:
        visits.keys[place_of(visits.keys, key)] = key
    visits.used[0] = len(keys)


@compiled
def empty_tree(tree: GrowingTree) -> None:
    """Forget everything, at the cost of what there is."""
    for node in range(1, tree.used[0]):
        # Places only become empty here, so the table needs no order of removal: all go.
        tree.counts[node] = 0
        tree.processes[node] = 0
        tree.last[node] = -1
    if 8 * tree.used[0] < len(tree.keys):
        for node in range(tree.used[0] - 1, 0, -1):
            # Last in, first out: what was found behind it has already gone.
            key = node_key(tree.parent[node], tree.symbol[node])
            tree.keys[place_of(tree.keys, key)] = -1
    else:
        tree.keys[:] = -1
    tree.counts[0] = 0
    tree.processes[0] = 0
    tree.last[0] = -1
    tree.used[0] = 1


@compiled_lean
def fill_depths(parent: NDArray[np.int32], depth: NDArray[np.int8]) -> None:
    """Fill in how many calls each sequence has; a parent comes before its children."""
    for node in range(1, len(parent)):
        depth[node] = depth[parent[node]] + 1


@compiled
def add_tree(
    tree: GrowingTree,
    parent: NDArray[np.int32],
    symbol: NDArray[np.int32],
    count: NDArray[np.int64],
    processes: NDArray[np.int64],
) -> None:
    """Add another tree's counts node by node; there must be room for all its nodes."""
    here = np.zeros(len(parent), np.int32)
    for node in range(len(parent)):
        if node > 0:
            here[node] = child_or_new(tree, here[parent[node]], symbol[node])
        tree.counts[here[node]] += count[node]
        tree.processes[here[node]] += processes[node]


@inlined
def _grown(tree: GrowingTree, context: int, symbol: int) -> int:
    """The node that prolongs `context` by `symbol`, made with all its suffixes."""
    longest = integer(tree.used[0])
    longer = -1
    while True:
        is_new = True
        place = place_of(tree.keys, node_key(context, symbol))
        if tree.keys[place] != -1:
            node = integer(tree.nodes[place])
            is_new = False
        else:
            node = child_or_new(tree, context, symbol)
            tree.depth[node] = tree.depth[context] + 1
            tree.suffix[node] = 0
        if longer >= 0:
            tree.suffix[longer] = node
        if not is_new or context == 0:
            return longest
        longer = node
        context = integer(tree.suffix[context])


@compiled_lean
def count_calls(
    batch: Records,
    start: int,
    stream: int,
    state: NDArray[np.int64],
    weight: int,
    depth: int,
    roster: Roster,
    work: Work,
    tree: GrowingTree,
    visits: Visits,
    totals: NDArray[np.int64],
    owner: NDArray[np.int64],
    rows: NDArray[np.int64],
    ended: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> int:
    """Count every sequence that ends at a call of the batch, from event `start` on.

    Parameters
    ----------
    weight, depth
        How often each counts, and how many calls the longest have.
    totals
        Processes and calls so far, shape (2,).
    owner, rows
        Filled in for each event: the number of its process (-1: no call) and
        the call as a row of a unit (`imsafe.profile.units`).
    ended, ends
        Filled in: numbers of processes that ended, and how many did, shape (1,).

    Returns
    -------
    int
        The event before which there was no more room; `len(batch)` at the end.
    """
    for i in range(start, len(batch)):
        owner[i] = -1
        if tree.used[0] + depth > len(tree.parent):
            return i
        if 2 * (visits.used[0] + 1) > len(visits.keys):
            return i
        if ends[0] == len(ended):
            return i
        thread = known_thread(roster, state, stream, batch, i)
        is_new_thread = False
        if thread < 0:
            thread, is_new_thread, is_new_process, gone = admit(roster, state, stream, batch, i)
            if thread == FULL:
                return i
            if gone >= 0:
                ended[ends[0]] = work.process_number[gone]
                ends[0] += 1
            if thread < 0:
                continue
            process = integer(roster.process_of[thread])
            if is_new_process:
                work.process_number[process] = totals[0]
                work.threads_seen[process] = 0
                totals[0] += 1
            if is_new_thread:
                work.thread_number[thread] = work.threads_seen[process]
                work.threads_seen[process] += 1
        is_void = roster.epoch[thread] != state[EPOCH]
        if is_new_thread or is_void:
            work.active[thread] = 0
            roster.epoch[thread] = state[EPOCH]
        number = work.process_number[roster.process_of[thread]]
        symbol = symbol_of(batch, i)
        context = integer(work.active[thread])
        if tree.depth[context] == depth:
            context = integer(tree.suffix[context])
        place = place_of(tree.keys, node_key(context, symbol))
        if tree.keys[place] == -1:
            node = _grown(tree, context, symbol)
        else:
            node = integer(tree.nodes[place])
        work.active[thread] = node
        tree.counts[node] += weight
        if tree.last[node] != number:
            tree.last[node] = number
            visit = number << 32 | node
            where = place_of(visits.keys, visit)
            if visits.keys[where] == -1:
                visits.keys[where] = visit
                visits.used[0] += 1
        totals[1] += 1
        owner[i] = number
        rows[i] = work.thread_number[thread] << 32 | integer(is_void) << 31 | symbol
    return len(batch)
