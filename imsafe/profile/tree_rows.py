# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a `.db` that are its tree, checked; needs no number crunching."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import chain, takewhile

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Abi
from imsafe.profile.opening import Damaged
from imsafe.profile.tree import MAX_NODES, PrefixTree

_LAST_SYMBOL = (len(Abi) << 16) - 1
_MOST = 1 << 53
_ROWS_A_TURN = 20_000
_COLUMNS = ("node", "parent", "symbol", "count", "processes")


def read_tree(
    connection: sqlite3.Connection, depth: int, progress: Callable[[int], None] | None = None
) -> PrefixTree:
    """Read the counts that were learned.

    Parameters
    ----------
    depth
        What the profile says of its longest sequences.
    progress
        Called now and then with the number of nodes read.

    Raises
    ------
    Damaged
        The rows are not a tree of sequences.
    """
    tree = PrefixTree(depth, *_columns(connection, progress))
    _check(tree)
    if tree.node_depth.max() > depth:
        raise Damaged("its tree is deeper than it says")
    if (tree.continuations > tree.count).any():
        raise Damaged("its tree has counts that do not add up")
    return tree


def read_first_level(connection: sqlite3.Connection) -> PrefixTree:
    """Read the calls themselves, without what comes after them: the first rows of the tree.

    Raises
    ------
    Damaged
        The rows are not the calls of a tree.
    """
    rows = connection.execute(
        "SELECT node, parent, symbol, count, processes FROM nodes ORDER BY node"
    )
    # Nodes are numbered by depth; a parent that is no number is damage, found below.
    found = list(takewhile(lambda row: not isinstance(row[1], int) or row[1] < 1, rows))
    if not all(type(value) is int and abs(value) <= _MOST for row in found for value in row):
        raise Damaged("its tree holds something else than numbers")
    values = np.array(found, np.int64).reshape(-1, len(_COLUMNS))
    if not len(values) or (values[:, 0] != np.arange(len(values))).any():
        raise Damaged("its tree has gaps")
    if values[:, 2].min() < 0 or values[:, 2].max() > _LAST_SYMBOL:
        raise Damaged("its tree has calls that do not exist")
    parent, symbol = values[:, 1].astype(np.int32), values[:, 2].astype(np.int32)
    tree = PrefixTree(1, parent, symbol, values[:, 3].copy(), values[:, 4].copy())
    _check(tree)
    return tree


def _columns(
    connection: sqlite3.Connection, progress: Callable[[int], None] | None
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    (size,) = connection.execute("SELECT count(*) FROM nodes").fetchone()
    if not 0 < size <= MAX_NODES:
        raise Damaged(f"its tree has {size:,} nodes; it may have 1 to {MAX_NODES:,}")
    odd = " OR ".join(f"typeof({column}) != 'integer'" for column in _COLUMNS)
    (wrong,) = connection.execute(f"SELECT count(*) FROM nodes WHERE {odd}").fetchone()  # noqa: S608
    if wrong:
        raise Damaged("its tree holds something else than numbers")
    rows = connection.execute(
        "SELECT node, parent, symbol, count, processes FROM nodes ORDER BY node"
    )
    width = len(_COLUMNS)
    parent, symbol = (np.zeros(size, np.int32) for _ in range(2))
    count, processes = (np.zeros(size, np.int64) for _ in range(2))
    done = 0
    while part := rows.fetchmany(_ROWS_A_TURN):
        end = done + len(part)
        values = np.fromiter(chain.from_iterable(part), np.int64, len(part) * width)
        node, above, last, *counts = values.reshape(-1, width).T
        if end > size or (node != np.arange(done, end)).any():
            raise Damaged("its tree has gaps")
        if above.min() < -1 or above.max() >= size:
            raise Damaged("its tree has a node before its parent")
        if last.min() < 0 or last.max() > _LAST_SYMBOL:
            raise Damaged("its tree has calls that do not exist")
        parent[done:end], symbol[done:end] = above, last
        count[done:end], processes[done:end] = counts
        done = end
        if progress is not None:
            progress(done)
    return parent, symbol, count, processes


def _check(tree: PrefixTree) -> None:
    parent, symbol, count, processes = tree.parent, tree.symbol, tree.count, tree.processes
    if parent[0] != -1 or symbol[0] != 0:
        raise Damaged("its tree has gaps")
    if (parent[1:] < 0).any() or (parent[1:] >= np.arange(1, len(parent))).any():
        raise Damaged("its tree has a node before its parent")
    is_in_order = (np.diff(parent) > 0) | ((np.diff(parent) == 0) & (np.diff(symbol) > 0))
    if not is_in_order.all():
        raise Damaged("its tree is not in order, or has a sequence twice")
    if count[0] < 0 or (count[1:] < 1).any() or count.max() > _MOST:
        raise Damaged("its tree has counts below 1")
    if (processes[1:] < 1).any() or processes[0] < 0 or (processes > count).any():
        raise Damaged("its tree has sequences with more processes than occurrences")
