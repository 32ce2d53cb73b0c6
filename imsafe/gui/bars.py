# SPDX-License-Identifier: GPL-3.0-or-later
"""A number in a cell, drawn as a bar behind its text."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QObject, QRect, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from imsafe.gui.colours import colours

FRACTION_ROLE = Qt.ItemDataRole.UserRole + 7
"""A model gives how long the bar is, 0 to 1."""

HOT_ROLE = Qt.ItemDataRole.UserRole + 8
"""True: in the colour of alerts."""


class BarDelegate(QStyledItemDelegate):
    """Paints the bar, then the text over it."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def paint(  # noqa: D102
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        fraction = index.data(FRACTION_ROLE)
        if painter is not None and isinstance(fraction, float):
            palette = colours(option.palette)
            colour = palette.alert if index.data(HOT_ROLE) else palette.bar
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            if index.data(HOT_ROLE):
                colour.setAlpha(110)
            if index.data(Qt.ItemDataRole.ForegroundRole) is not None:  # the text is faint as well
                colour.setAlpha(colour.alpha() // 2)
            area = option.rect.adjusted(1, 2, -1, -2)
            if not selected:
                width = round(area.width() * min(1.0, max(0.0, fraction)))
                painter.fillRect(QRect(area.left(), area.top(), width, area.height()), colour)
        super().paint(painter, option, index)
