# SPDX-License-Identifier: GPL-3.0-or-later
"""A share in a cell of a table: its number, and beside it a bar in a lane of its own."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPalette
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from imsafe.gui.colours import colours, is_dark

SHARE_ROLE = Qt.ItemDataRole.UserRole + 21
"""A model gives how long the bar is: 0 to 1, from the left."""

SHIFT_ROLE = Qt.ItemDataRole.UserRole + 22
"""Or -1 to 1, from the middle: less to the left, more to the right."""

_LETTERS = 8
_LONGEST_BAR = 240


def shift_colour(palette: QPalette, shift: float) -> QColor:
    """The colour of less (blue) and more (orange), which the colour-blind can tell apart."""
    if is_dark(palette):
        return QColor("#5b9df5") if shift < 0 else QColor("#e8963a")
    return QColor("#2f74d0") if shift < 0 else QColor("#d9730d")


class ShareDelegate(QStyledItemDelegate):
    """Paints the number at the left, so that numbers stand under each other, then the bar."""

    def paint(  # noqa: D102
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        share, shift = index.data(SHARE_ROLE), index.data(SHIFT_ROLE)
        if painter is None or (share is None and shift is None):
            super().paint(painter, option, index)
            return
        plain = QStyleOptionViewItem(option)
        self.initStyleOption(plain, index)
        text, plain.text = plain.text, ""
        widget = option.widget
        style = widget.style() if widget is not None else None
        if style is not None:
            style.drawControl(QStyle.ControlElement.CE_ItemViewItem, plain, painter, widget)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        ink = option.palette.color(role)
        letters = _LETTERS if share is not None else 2 * _LETTERS
        lane = letters * option.fontMetrics.averageCharWidth() + 8
        area = option.rect
        painter.save()
        painter.setPen(ink)
        align = Qt.AlignmentFlag.AlignVCenter | (
            Qt.AlignmentFlag.AlignRight if share is not None else Qt.AlignmentFlag.AlignLeft
        )
        words = area.adjusted(4, 0, 0, 0)
        words.setWidth(min(lane, area.width() - 4))
        painter.drawText(words, align, text)
        left = area.left() + lane + 12
        room = min(area.right() - 6 - left, _LONGEST_BAR)
        if room > 8:
            top, height = area.top() + 3.0, area.height() - 6.0
            faint = QColor(ink)
            faint.setAlpha(28)
            painter.fillRect(QRectF(left, top, room, height), faint)
            if share is not None:
                colour = ink if selected else colours(option.palette).bar
                width = room * min(1.0, max(0.0, share))
                painter.fillRect(QRectF(left, top, max(width, 1.0), height), colour)
            else:
                middle, half = left + room / 2, room / 2
                colour = ink if selected else shift_colour(option.palette, shift)
                width = half * min(1.0, abs(shift))
                start = middle - width if shift < 0 else middle
                painter.fillRect(QRectF(start, top, width, height), colour)
                painter.fillRect(QRectF(middle - 0.5, top - 1, 1, height + 2), ink)
        painter.restore()
