# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a behaviour database, or of two, as a Qt model: nothing is made before it is seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from imsafe.gui.call_table import percent
from imsafe.gui.sequence_tree import ROOT, ComparedTree, SequenceTree
from imsafe.gui.share_bars import SHARE_ROLE, SHIFT_ROLE
from imsafe.words import grouped, plural

Index = QModelIndex | QPersistentModelIndex

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Column(NamedTuple):
    """One column: its title, what it says of a node, how wide it is in letters."""

    title: str
    text: Callable[[int], str]
    letters: int
    role: int = 0
    value: Callable[[int], float] | None = None


class TreeModel(QAbstractItemModel):
    """Rows are sequences; a child is its parent's sequence and one call more.

    An index carries its node's number, so a million nodes cost nothing but
    their arrays.

    Attributes
    ----------
    columns : list of Column
    """

    def __init__(self, tree: SequenceTree, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.set_tree(tree)

    def set_tree(self, tree: SequenceTree) -> None:
        """Show another tree."""
        self.beginResetModel()
        self.tree = tree
        self.columns = self._of_two(tree) if isinstance(tree, ComparedTree) else self._of_one(tree)
        self.endResetModel()

    def refilter(self, change: Callable[[], None]) -> None:
        """Call `change`, which alters what the tree shows."""
        self.beginResetModel()
        change()
        self.endResetModel()

    def _of_one(self, tree: SequenceTree) -> list[Column]:
        return [
            Column(self.tr("Call"), tree.call, 32),
            Column(self.tr("Count"), lambda node: grouped(tree.count(node)), 13),
            Column(self.tr("Processes"), lambda node: grouped(tree.processes(node)), 11),
            Column(self.tr("Probability here"), lambda node: percent(tree.probability(node)), 30,
                   SHARE_ROLE, tree.probability),
        ]  # fmt: skip

    def _of_two(self, tree: ComparedTree) -> list[Column]:
        return [
            Column(self.tr("Call"), tree.call, 28),
            Column(self.tr("Count here"), lambda node: grouped(tree.count(node)), 13),
            Column(self.tr("Count there"), lambda node: grouped(tree.count_there(node)), 14),
            Column(self.tr("Share of calls"), lambda node: self._change(tree, node), 40,
                   SHIFT_ROLE, tree.shift),
            Column(self.tr("Probability here"), lambda node: percent(tree.probability(node)), 24,
                   SHARE_ROLE, tree.probability),
            Column(self.tr("Probability there"),
                   lambda node: percent(tree.probability_there(node)), 24,
                   SHARE_ROLE, tree.probability_there),
        ]  # fmt: skip

    def _change(self, tree: ComparedTree, node: int) -> str:
        ratio = tree.ratio(node)
        if ratio == 0:
            return self.tr("only here")
        if math.isinf(ratio):
            return self.tr("only there")
        if 1 / 1.05 < ratio < 1.05:
            return self.tr("as often")
        if ratio > 1:
            return self.tr("{0} times there").format(_times(ratio))
        return self.tr("{0} times here").format(_times(1 / ratio))

    def index_of(self, node: int) -> QModelIndex:
        """The index of a node; invalid when it is not shown."""
        if node == ROOT or not self.tree.is_shown(node):
            return QModelIndex()
        return self.createIndex(self.tree.rank(node), 0, node)

    def node(self, index: Index) -> int:
        """The node of an index."""
        # A persistent index has no internalId() of its own in PyQt.
        return QModelIndex(index).internalId() if index.isValid() else ROOT

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008, D102
        if column >= len(self.columns) or not 0 <= row < self.rowCount(parent):
            return QModelIndex()
        node = int(self.tree.children(self.node(parent))[row])
        return self.createIndex(row, column, node)

    def parent(self, child: Index) -> QModelIndex:  # type: ignore[override]  # noqa: D102
        # QObject.parent() shares the name; Qt tells them apart by their arguments.
        return self.index_of(self.tree.parent(self.node(child)))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        if parent.isValid() and parent.column() > 0:
            return 0
        return len(self.tree.children(self.node(parent)))

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return len(self.columns)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008, D102
        return self.rowCount(parent) > 0

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole and section and not self.columns[section].role:
            return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        node = self.node(index)
        column = self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(node)
        if role == column.role and column.value is not None:
            return column.value(node)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() and not column.role:
            return _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.about(node)
        return None

    def about(self, node: int) -> str:
        """A sequence in words, for a tip."""
        tree = self.tree
        path = ", ".join(tree.path(node)) or self.tr("the start")
        if isinstance(tree, ComparedTree):
            return self.tr("{0}\nseen {1} here, {2} there").format(
                path, self._so_often(tree.count(node)), self._so_often(tree.count_there(node))
            )
        often, where = self._so_often(tree.count(node)), tree.processes(node)
        processes = self.tr("{0} processes", "seen in", plural(where)).format(grouped(where))
        if node == ROOT:
            return self.tr("{0}\nseen {1} in {2}").format(path, often, processes)
        return self.tr("{0}\nseen {1} in {2}; the last call has a probability of {3} there").format(
            path, often, processes, percent(tree.probability(node))
        )

    def _so_often(self, count: int) -> str:
        return self.tr("{0} times", "seen so often", plural(count)).format(grouped(count))


def _times(ratio: float) -> str:
    return f"{ratio:.3g}" if ratio < 1000 else grouped(float(f"{ratio:.3g}"))
