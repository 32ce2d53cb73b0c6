# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a `.db` that are its tree, checked; needs no number crunching."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import chain

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
    table = _table(connection, progress)
    _check(table)
    _, parent, symbol, count, processes = table
    tree = PrefixTree(
        depth,
        parent.astype(np.int32),
        symbol.astype(np.int32),
        count.copy(),
        processes.copy(),
    )
    if tree.node_depth.max() > depth:
        raise Damaged("its tree is deeper than it says")
    if (tree.continuations > count).any():
        raise Damaged("its tree has counts that do not add up")
    return tree


def _table(
    connection: sqlite3.Connection, progress: Callable[[int], None] | None
) -> NDArray[np.int64]:
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
    table = np.zeros((size, width), np.int64)
    done = 0
    while part := rows.fetchmany(_ROWS_A_TURN):
        values = np.fromiter(chain.from_iterable(part), np.int64, len(part) * width)
        table[done : done + len(part)] = values.reshape(-1, width)
        done += len(part)
        if progress is not None:
            progress(done)
    return table.T


def _check(table: NDArray[np.int64]) -> None:
    node, parent, symbol, count, processes = table
    if (node != np.arange(len(node))).any() or parent[0] != -1 or symbol[0] != 0:
        raise Damaged("its tree has gaps")
    if (parent[1:] < 0).any() or (parent[1:] >= node[1:]).any():
        raise Damaged("its tree has a node before its parent")
    if symbol.min() < 0 or symbol.max() > _LAST_SYMBOL:
        raise Damaged("its tree has calls that do not exist")
    if (np.diff(parent[1:] << 24 | symbol[1:]) <= 0).any():
        raise Damaged("its tree is not in order, or has a sequence twice")
    if count[0] < 0 or (count[1:] < 1).any() or count.max() > _MOST:
        raise Damaged("its tree has counts below 1")
    if (processes[1:] < 1).any() or processes[0] < 0 or (processes > count).any():
        raise Damaged("its tree has sequences with more processes than occurrences")
