# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that are watched, live: a table model that changes only what changed."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from PyQt6.QtWidgets import QAbstractItemView, QTableView, QWidget

from imsafe.gui.alert_model import SORT_ROLE, Index
from imsafe.gui.bars import FRACTION_ROLE, HOT_ROLE, BarDelegate
from imsafe.gui.plot_items import count_text
from imsafe.monitor.view_protocol import ProcessRow


class ProcessModel(QAbstractTableModel):
    """One row a live process.

    Attributes
    ----------
    names
        Applications by number.
    thresholds
        By application: a process above it is shown in the colour of alerts.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names: dict[int, str] = {}
        self.thresholds: dict[int, float] = {}
        self._rows: list[ProcessRow] = []
        self._columns = (
            self.tr("Process"),
            self.tr("Pid"),
            self.tr("Score"),
            self.tr("Peak"),
            self.tr("Calls/s"),
            self.tr("Calls"),
            self.tr("Threads"),
            self.tr("Application"),
        )

    def set_rows(self, rows: list[ProcessRow]) -> None:
        """Show these; rows of processes that live on stay where they are."""
        new = {row["pid"]: row for row in rows}
        for place in range(len(self._rows) - 1, -1, -1):
            if self._rows[place]["pid"] not in new:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self._rows[place]
                self.endRemoveRows()
        for place, old in enumerate(self._rows):
            self._rows[place] = new.pop(old["pid"])
        if self._rows:
            self.dataChanged.emit(
                self.index(0, 0), self.index(len(self._rows) - 1, len(self._columns) - 1)
            )
        if new:
            first = len(self._rows)
            self.beginInsertRows(QModelIndex(), first, first + len(new) - 1)
            self._rows.extend(new.values())
            self.endInsertRows()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._columns)

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        row = self._rows[index.row()]
        column = index.column()
        if role in (Qt.ItemDataRole.DisplayRole, SORT_ROLE):
            sorting = role == SORT_ROLE
            match column:
                case 0:
                    return row["comm"]
                case 1:
                    return row["pid"] if sorting else str(row["pid"])
                case 2:
                    return row["score"] if sorting else f"{row['score']:.2f}"
                case 3:
                    return row["peak"] if sorting else f"{row['peak']:.2f}"
                case 4:
                    return row["rate"] if sorting else count_text(row["rate"])
                case 5:
                    return row["calls"] if sorting else f"{row['calls']:,}"
                case 6:
                    return row["threads"]
                case _:
                    return self.names.get(row["application"], "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tr("{exe}\nparent {parent}").format(
                exe=row["exe"] or self.tr("executable unknown"), parent=row["parent"]
            )
        if column in (2, 3):
            score = row["score"] if column == 2 else row["peak"]
            if role == FRACTION_ROLE:
                return float(score)
            if role == HOT_ROLE:
                return score >= self.thresholds.get(row["application"], 2.0)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (1, 4, 5, 6):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


class ProcessList(QTableView):
    """The table of processes."""

    def __init__(self, model: ProcessModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        proxy = QSortFilterProxyModel(self)
        proxy.setSourceModel(model)
        proxy.setSortRole(SORT_ROLE)
        proxy.setDynamicSortFilter(True)
        self.setModel(proxy)
        self.setSortingEnabled(True)
        self.sortByColumn(2, Qt.SortOrder.DescendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAccessibleName(self.tr("Processes"))
        delegate = BarDelegate(self)
        self.setItemDelegateForColumn(2, delegate)
        self.setItemDelegateForColumn(3, delegate)
        vertical, header = self.verticalHeader(), self.horizontalHeader()
        assert vertical is not None
        assert header is not None
        vertical.hide()
        vertical.setDefaultSectionSize(self.fontMetrics().height() + 6)
        header.setStretchLastSection(True)
        letter = self.fontMetrics().averageCharWidth()
        for column, letters in enumerate((16, 10, 9, 9, 10, 12, 9)):
            self.setColumnWidth(column, letters * letter)
