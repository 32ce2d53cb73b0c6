# SPDX-License-Identifier: GPL-3.0-or-later
"""Icons of one colour, in the colour of the text: Qt's own are black on a dark desktop, too."""

from __future__ import annotations

from typing import Literal

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QIcon, QPainter, QPalette, QPen, QPixmap, QPolygonF

Glyph = Literal["cross", "more", "play", "stop"]

_SIZE = 20
_RATIO = 3
"""Pixels in a point: sharp on any screen."""


def glyph(which: Glyph, palette: QPalette) -> QIcon:
    """An icon in the colours of a palette, enabled and disabled."""
    icon = QIcon()
    for mode, group in (
        (QIcon.Mode.Normal, QPalette.ColorGroup.Active),
        (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled),
    ):
        picture = QPixmap(_SIZE * _RATIO, _SIZE * _RATIO)
        picture.setDevicePixelRatio(_RATIO)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = palette.color(group, QPalette.ColorRole.ButtonText)
        if which == "cross":
            pen = QPen(colour, 2.2)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLine(QPointF(5, 5), QPointF(15, 15))
            painter.drawLine(QPointF(15, 5), QPointF(5, 15))
        elif which == "more":
            painter.setPen(QPen(colour, 2.2))
            for left in (4, 10):
                corners = [QPointF(left, 5), QPointF(left + 5, 10), QPointF(left, 15)]
                painter.drawPolyline(QPolygonF(corners))
        else:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            if which == "stop":
                painter.drawRoundedRect(QRectF(5, 5, 10, 10), 1, 1)
            else:
                painter.drawPolygon(QPolygonF([QPointF(5, 4), QPointF(16, 10), QPointF(5, 16)]))
        painter.end()
        icon.addPixmap(picture, mode)
    return icon
