# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a behaviour database as a Qt model: nothing is made before it is looked at."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from imsafe.gui.bars import FRACTION_ROLE
from imsafe.gui.call_table import percent
from imsafe.gui.sequence_tree import ROOT, SequenceTree

Index = QModelIndex | QPersistentModelIndex

CALL, COUNT, PROCESSES, PROBABILITY = range(4)


class TreeModel(QAbstractItemModel):
    """Rows are sequences; a child is its parent's sequence and one call more.

    An index carries its node's number, so a million nodes cost nothing but
    their arrays.
    """

    def __init__(self, tree: SequenceTree, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tree = tree
        self._least = 1
        self._columns = (
            self.tr("Call"),
            self.tr("Count"),
            self.tr("Processes"),
            self.tr("Probability here"),
        )

    def set_least(self, count: int) -> None:
        """Show only sequences that were seen at least `count` times."""
        if count != self._least:
            self.beginResetModel()
            self._least = count
            self.endResetModel()

    def index_of(self, node: int) -> QModelIndex:
        """The index of a node; invalid when it is not shown."""
        if node == ROOT or self.tree.count(node) < self._least:
            return QModelIndex()
        return self.createIndex(self.tree.rank(node), 0, node)

    def node(self, index: Index) -> int:
        """The node of an index."""
        # A persistent index has no internalId() of its own in PyQt.
        return QModelIndex(index).internalId() if index.isValid() else ROOT

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008, D102
        if column >= len(self._columns) or not 0 <= row < self.rowCount(parent):
            return QModelIndex()
        return self.createIndex(row, column, self.tree.child(self.node(parent), row))

    def parent(self, child: Index) -> QModelIndex:  # type: ignore[override]  # noqa: D102
        # QObject.parent() shares the name; Qt tells them apart by their arguments.
        return self.index_of(self.tree.parent(self.node(child)))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        if parent.isValid() and parent.column() > 0:
            return 0
        return self.tree.children_seen(self.node(parent), self._least)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return len(self._columns)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008, D102
        return self.rowCount(parent) > 0

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        node = self.node(index)
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            match column:
                case 0:
                    return self.tree.call(node)
                case 1:
                    return f"{self.tree.count(node):,}"
                case 2:
                    return f"{self.tree.processes(node):,}"
                case _:
                    return percent(self.tree.probability(node))
        if role == FRACTION_ROLE and column == PROBABILITY:
            return self.tree.probability(node)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (COUNT, PROCESSES):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tr("{0}\nseen {1:,} times in {2:,} processes").format(
                ", ".join(self.tree.path(node)), self.tree.count(node), self.tree.processes(node)
            )
        return None
