# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls around a point of the plot: what the thread did, and what was expected of it."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QModelIndex, Qt, QTimer
from PyQt6.QtGui import QFont, QPalette
from PyQt6.QtWidgets import QLabel, QStackedLayout, QTableView, QVBoxLayout, QWidget

from imsafe.gui.alert_model import Index
from imsafe.gui.bars import BarDelegate
from imsafe.gui.call_table import CallModel
from imsafe.gui.columns import set_widths
from imsafe.gui.plain_text import line, name, tip
from imsafe.gui.point import time_text
from imsafe.monitor.view_protocol import CallsAround, NearbyCall


class NearbyModel(CallModel):
    """When, call, surprise, what was expected there instead; the call pointed at is bold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._nearby: list[NearbyCall] = []
        self.middle = -1

    def set_around(self, around: CallsAround) -> None:
        """Show these."""
        self._nearby = around["calls"]
        self.middle = around["middle"]
        self.set_calls(list(self._nearby))

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else 4

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return section - self.middle if role == Qt.ItemDataRole.DisplayRole else None
        if section == 0:
            return self.tr("Time") if role == Qt.ItemDataRole.DisplayRole else None
        return super().headerData(section - 1, orientation, role)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        call = self._nearby[index.row()]
        if role == Qt.ItemDataRole.FontRole:
            font = QFont()
            font.setBold(index.row() == self.middle)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(
                self.probability_text(call["probability"]),
                "" if call["follows"] or not index.row()
                else self.tr("Calls were lost, or another program was loaded, before this one."),
            )  # fmt: skip
        if index.column() == 0:
            return self._when(index.row()) if role == Qt.ItemDataRole.DisplayRole else None
        return super().data(self.index(index.row(), index.column() - 1), role)

    def _when(self, row: int) -> str:
        """Milliseconds from the call pointed at; a break before a call shows."""
        call = self._nearby[row]
        away = (call["time"] - self._nearby[self.middle]["time"]) * 1000
        mark = "" if call["follows"] or not row else "\u2702 "
        return f"{mark}{away:+.2f} ms" if row != self.middle else f"{mark}0"


class CallsPane(QWidget):
    """Shows the calls around the point that was clicked last, or why there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = NearbyModel(self)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setItemDelegateForColumn(2, BarDelegate(self.table))
        self.table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)
        self.table.setAccessibleName(self.tr("Calls around the point"))
        header, vertical = self.table.horizontalHeader(), self.table.verticalHeader()
        assert header is not None
        assert vertical is not None
        header.setStretchLastSection(True)
        vertical.setDefaultSectionSize(self.fontMetrics().height() + 3)
        set_widths(self.table, (16, 20, 16))
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        page = QWidget()
        inner = QVBoxLayout(page)
        inner.setContentsMargins(6, 6, 6, 6)
        inner.setSpacing(4)
        inner.addWidget(self.title)
        inner.addWidget(self.table, 1)
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setWordWrap(True)
        self.words.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.words)
        self._pages.addWidget(page)
        self.clear()

    def clear(self) -> None:
        """There is no point."""
        self.say(
            self.tr(
                "Click a point of the plot to see what the thread called around it,\n"
                "and what the profile expected instead."
            )
        )

    def say(self, words: str) -> None:
        """Say something in the place of calls."""
        self.words.setText(words)
        self._pages.setCurrentIndex(0)

    def show_around(self, around: CallsAround) -> None:
        """Show these calls."""
        where = {
            "memory": self.tr("from the monitor's memory"),
            "black box": self.tr("from the black box of an alert"),
            "recording": self.tr("from the recording"),
        }[around["kept"]]
        middle = around["calls"][around["middle"]]
        who = self.tr("{0}, pid {1}, thread {2}").format(
            name(around["comm"]) or self.tr("a process"), around["pid"], around["tid"]
        )
        exe = f", {line(around['exe'])}" if around["exe"] else ""
        self.title.setText(
            self.tr("{0}: the calls around {1}, {2}").format(
                who + exe, time_text(middle["time"], date=True), where
            )
        )
        self.model.set_around(around)
        self._pages.setCurrentIndex(1)
        QTimer.singleShot(0, self._scroll_to_middle)  # once the page is laid out

    def _scroll_to_middle(self) -> None:
        if 0 <= self.model.middle < self.model.rowCount():
            index = self.model.index(self.model.middle, 0)
            self.table.scrollTo(index, QTableView.ScrollHint.PositionAtCenter)
            self.table.setCurrentIndex(index)
