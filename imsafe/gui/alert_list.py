# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of alerts: a table model, newest first, in bounded memory, and its view.

Between the alerts stand notices, rows of another sort: something to know of a
process that has no score and is no alert.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QColor, QFont
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from imsafe.gui.colours import Colours
from imsafe.gui.score_plot import time_text
from imsafe.monitor.view_protocol import Alert, IoUringNotice

MOST_ALERTS = 10_000
"""The oldest are dropped beyond this; the monitor's log keeps them all."""

MOST_NOTICES = 1_000
"""Later ones are not listed, so that no flood of them drives the alerts away."""

NOTHING = -1
"""The id of no row; those of notices are below it."""

SORT_ROLE = Qt.ItemDataRole.UserRole
ID_ROLE = Qt.ItemDataRole.UserRole + 1

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice with the id of its row."""

    id: int
    notice: IoUringNotice


class AlertModel(QAbstractTableModel):
    """Alerts and notices as rows; an alert that changes keeps its row.

    Attributes
    ----------
    notices
        How many of the rows are notices.
    """

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colours = colours
        self._rows: list[Alert | NoticeRow] = []  # oldest first: a new one is appended
        self.notices = 0
        self._notice_ids = itertools.count(NOTHING - 1, -1)
        self._columns = (
            self.tr("Time"),
            self.tr("Application"),
            self.tr("Process"),
            self.tr("Peak"),
            self.tr("State"),
            self.tr("Reason"),
        )
        self._places: dict[int, int] = {}
        self._dropped = 0

    def put(self, alert: Alert) -> None:
        """Add an alert, or change the one of that id."""
        place = self._places.get(alert["id"])
        if place is not None:
            row = place - self._dropped
            known = self._rows[row]
            assert not isinstance(known, NoticeRow)
            if not alert["calls"] and known["calls"]:
                alert = {**alert, "calls": known["calls"]}
            self._rows[row] = alert
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(self._columns) - 1))
            return
        self._append(alert["id"], alert)

    def put_notice(self, notice: IoUringNotice) -> None:
        """Add a notice, unless there are very many."""
        if self.notices < MOST_NOTICES:
            self.notices += 1
            number = next(self._notice_ids)
            self._append(number, NoticeRow(number, notice))

    def _append(self, number: int, new: Alert | NoticeRow) -> None:
        if len(self._rows) >= MOST_ALERTS + MOST_NOTICES:
            self.beginRemoveRows(QModelIndex(), 0, 0)
            gone = self._rows.pop(0)
            self.notices -= isinstance(gone, NoticeRow)
            del self._places[_id(gone)]
            self._dropped += 1
            self.endRemoveRows()
        row = len(self._rows)
        self.beginInsertRows(QModelIndex(), row, row)
        self._rows.append(new)
        self._places[number] = row + self._dropped
        self.endInsertRows()

    def clear(self) -> None:
        """Forget all."""
        self.beginResetModel()
        self._rows.clear()
        self.notices = 0
        self._places.clear()
        self._dropped = 0
        self.endResetModel()

    def alert(self, number: int) -> Alert | None:
        """The alert of an id; None where that is a notice's, or nothing's."""
        found = self._find(number)
        return None if isinstance(found, NoticeRow) else found

    def notice(self, number: int) -> IoUringNotice | None:
        """The notice of an id; None where that is an alert's, or nothing's."""
        found = self._find(number)
        return found.notice if isinstance(found, NoticeRow) else None

    def _find(self, number: int) -> Alert | NoticeRow | None:
        row = self.row(number)
        return None if row < 0 else self._rows[row]

    def row(self, number: int) -> int:
        """The row of an id; -1 for none."""
        place = self._places.get(number)
        return -1 if place is None else place - self._dropped

    def marks(self) -> list[tuple[int, float, float]]:
        """What the plot marks: id, time, peak; those called normal are left out."""
        return [
            (row["id"], row["time"], row["peak"])
            for row in self._rows
            if not isinstance(row, NoticeRow) and row["normal"] is None
        ]

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
        alert = self._rows[index.row()]
        column = index.column()
        if isinstance(alert, NoticeRow):
            return self._notice_data(alert, column, role)
        if role in (Qt.ItemDataRole.DisplayRole, SORT_ROLE):
            sorting = role == SORT_ROLE
            match column:
                case 0:
                    return alert["time"] if sorting else time_text(alert["time"])
                case 1:
                    return alert["application"]
                case 2:
                    return f"{alert['comm']} ({alert['pid']})"
                case 3:
                    return alert["peak"] if sorting else f"{alert['peak']:.2f}"
                case 4:
                    return self._state(alert)
                case _:
                    return alert["reason"]
        if role == ID_ROLE:
            return alert["id"]
        if role == Qt.ItemDataRole.ToolTipRole and column in (0, 5):
            return alert["reason"] if column else time_text(alert["time"], date=True)
        if role == Qt.ItemDataRole.ForegroundRole and alert["normal"] is None and column in (3, 4):
            return QColor(self.colours.alert)
        if role == Qt.ItemDataRole.FontRole and alert["state"] == "open":
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.TextAlignmentRole and column == 3:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _notice_data(self, row: NoticeRow, column: int, role: int) -> Any:
        notice = row.notice
        if role in (Qt.ItemDataRole.DisplayRole, SORT_ROLE):
            sorting = role == SORT_ROLE
            match column:
                case 0:
                    return notice["time"] if sorting else time_text(notice["time"])
                case 1:
                    return notice["application"]
                case 2:
                    return f"{notice['comm']} ({notice['pid']})"
                case 3:
                    return -1.0 if sorting else ""
                case 4:
                    return self.tr("notice")
                case _:
                    return notice["text"]
        if role == ID_ROLE:
            return row.id
        if role == Qt.ItemDataRole.ToolTipRole and column in (0, 5):
            return notice["text"] if column else time_text(notice["time"], date=True)
        if role == Qt.ItemDataRole.FontRole:
            font = QFont()
            font.setItalic(True)
            return font
        return None

    def _state(self, alert: Alert) -> str:
        if alert["normal"] is not None:
            return self.tr("was normal")
        return self.tr("open") if alert["state"] == "open" else self.tr("over")


def _id(row: Alert | NoticeRow) -> int:
    return row.id if isinstance(row, NoticeRow) else row["id"]


class AlertList(QWidget):
    """The alerts and notices, sortable, with a filter.

    Signals
    -------
    chosen(int)
        The id of the row that is selected; `NOTHING` for none.
    pointed_at(int)
        The user clicked a row: it should be shown on the plot too.
    """

    chosen = pyqtSignal(int)
    pointed_at = pyqtSignal(int)

    def __init__(self, model: AlertModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(model)
        self._proxy.setSortRole(SORT_ROLE)
        self._proxy.setFilterKeyColumn(-1)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.view = QTableView()
        self.view.setModel(self._proxy)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(0, Qt.SortOrder.DescendingOrder)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setAlternatingRowColors(True)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.setAccessibleName(self.tr("Alerts"))
        vertical, header = self.view.verticalHeader(), self.view.horizontalHeader()
        selection = self.view.selectionModel()
        assert vertical is not None
        assert header is not None
        assert selection is not None
        vertical.hide()
        vertical.setDefaultSectionSize(self.fontMetrics().height() + 6)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        letter = self.fontMetrics().averageCharWidth()
        for column, letters in enumerate((14, 14, 20, 8, 12)):
            self.view.setColumnWidth(column, letters * letter)
        selection.selectionChanged.connect(self._selected)
        self.view.clicked.connect(lambda index: self.pointed_at.emit(int(index.data(ID_ROLE))))
        self._filter = QLineEdit()
        self._filter.setPlaceholderText(self.tr("Filter by any column"))
        self._filter.setClearButtonEnabled(True)
        self._filter.setAccessibleName(self.tr("Filter of the alerts"))
        self._filter.textChanged.connect(self._proxy.setFilterFixedString)
        self._count = QLabel()
        top = QHBoxLayout()
        top.addWidget(self._count)
        top.addWidget(self._filter, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(top)
        layout.addWidget(self.view, 1)
        for signal in (model.rowsInserted, model.modelReset, model.rowsRemoved):
            signal.connect(self._tell_count)
        self._tell_count()

    def choose(self, number: int) -> None:
        """Select an alert by its id."""
        row = self._model.row(number)
        if row < 0:
            return
        index = self._proxy.mapFromSource(self._model.index(row, 0))
        if not index.isValid():  # filtered away
            self._filter.clear()
            index = self._proxy.mapFromSource(self._model.index(row, 0))
        self.view.selectRow(index.row())
        self.view.scrollTo(index)

    def current(self) -> int:
        """The id of the selected row; `NOTHING` for none."""
        selection = self.view.selectionModel()
        rows = selection.selectedRows() if selection is not None else []
        return int(rows[0].data(ID_ROLE)) if rows else NOTHING

    def _selected(self, *_: Any) -> None:
        self.chosen.emit(self.current())

    def _tell_count(self, *_: Any) -> None:
        notices = self._model.notices
        count = self._model.rowCount() - notices
        text = (
            self.tr("No alerts") if not count
            else self.tr("1 alert") if count == 1
            else self.tr("{0} alerts").format(f"{count:,}")
        )  # fmt: skip
        if notices:
            text += (
                self.tr(", 1 notice") if notices == 1
                else self.tr(", {0} notices").format(f"{notices:,}")
            )  # fmt: skip
        self._count.setText(text)
