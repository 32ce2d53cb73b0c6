# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of one alert: each with its surprise as a bar, and what was expected there instead."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QModelIndex, Qt, QTimer
from PyQt6.QtGui import QFont
from PyQt6.QtWidgets import QTableView, QWidget

from imsafe.gui.alert_model import Index
from imsafe.gui.bars import FRACTION_ROLE, HOT_ROLE, BarDelegate
from imsafe.gui.columns import set_widths
from imsafe.gui.plain_text import name, tip
from imsafe.monitor.view_protocol import ExplainedCall
from imsafe.words import translate

FULL_BAR_BITS = 16.0
HOT_BITS = 8.0
"""A call beyond this many bits (1 in 256) is one of those that raised the alert."""


def percent(probability: float) -> str:
    """A probability for a person."""
    if probability >= 0.0995:
        return f"{probability:.0%}"
    if probability >= 0.001:
        return f"{probability:.1%}"
    if probability >= 1e-6:
        return f"{100 * probability:.1g}%"
    return "<0.0001%" if probability > 0 else "0"


class CallModel(QAbstractTableModel):
    """Call, surprise, what was expected there instead; the last call raised the alert."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._calls: list[ExplainedCall] = []
        self._columns = (
            translate("CallModel", "Call"),
            translate("CallModel", "Surprise"),
            translate("CallModel", "Expected instead"),
        )

    def set_calls(self, calls: list[ExplainedCall]) -> None:
        """Show these."""
        self.beginResetModel()
        self._calls = list(calls)
        self.endResetModel()

    def hottest(self) -> int:
        """The row of the most surprising call; -1 when there are none."""
        if not self._calls:
            return -1
        return max(range(len(self._calls)), key=lambda row: self._calls[row]["surprise"])

    @staticmethod
    def probability_text(probability: float) -> str:
        """How probable a call was, for a tip."""
        return translate("CallModel", "Probability here: {0}").format(percent(probability))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._calls)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else 3

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return self._columns[section]
            return section + 1
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        call = self._calls[index.row()]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            if column == 0:
                return name(call["call"])
            if column == 1:
                return translate("CallModel", "{0} bits").format(f"{call['surprise']:.1f}")
            return ",  ".join(
                f"{name(expected)} {percent(chance) if chance >= 0.001 else '<0.1%'}"
                for expected, chance in call["expected"]
            )
        is_last = index.row() == len(self._calls) - 1
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip(
                translate("CallModel", "Probability here: {0}").format(
                    percent(call["probability"])
                ),
                translate("CallModel", "With this call the score crossed the threshold.")
                if is_last
                else "",
            )
        if role == Qt.ItemDataRole.FontRole and is_last:
            font = QFont()
            font.setBold(True)
            return font
        if column == 1:
            if role == FRACTION_ROLE:
                return min(1.0, call["surprise"] / FULL_BAR_BITS)
            if role == HOT_ROLE:
                return call["surprise"] >= HOT_BITS
        return None


class CallTable(QTableView):
    """Shows the calls, the most surprising one in sight."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.calls = CallModel(self)
        self.setModel(self.calls)
        self.setItemDelegateForColumn(1, BarDelegate(self))
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setAccessibleName(self.tr("Calls of the alert"))
        header, vertical = self.horizontalHeader(), self.verticalHeader()
        assert header is not None
        assert vertical is not None
        header.setStretchLastSection(True)
        vertical.setDefaultSectionSize(self.fontMetrics().height() + 3)
        set_widths(self, (18, 13))

    def show_calls(self, calls: list[ExplainedCall]) -> None:
        """Show these."""
        self.calls.set_calls(calls)
        # The table has its size only once the page is shown and laid out.
        QTimer.singleShot(0, self._scroll_to_hottest)

    def _scroll_to_hottest(self) -> None:
        row = self.calls.hottest()
        if row >= 0:
            self.scrollTo(self.calls.index(row, 0), QTableView.ScrollHint.PositionAtCenter)
