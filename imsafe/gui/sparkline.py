# SPDX-License-Identifier: GPL-3.0-or-later
"""A small plot in a cell of a table."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QModelIndex, QPointF, Qt
from PyQt6.QtGui import QPainter, QPen, QPolygonF
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from imsafe.gui.bars import HOT_ROLE
from imsafe.gui.colours import colours

SPARK_ROLE = Qt.ItemDataRole.UserRole + 9
"""A model gives the values, 0 to 1, as an array, the latest last; below 0: none."""

THRESHOLD_ROLE = Qt.ItemDataRole.UserRole + 10
"""A model gives where a line is drawn; beyond 1: nowhere."""


class SparkDelegate(QStyledItemDelegate):
    """Paints the values as a line that holds over a silence, and the threshold as a dotted one."""

    def paint(  # noqa: D102
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        super().paint(painter, option, index)
        values = index.data(SPARK_ROLE)
        if painter is None or values is None:
            return
        known = np.flatnonzero(values >= 0)
        if not len(known):
            return
        palette = colours(option.palette)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        plain = option.palette.highlightedText().color() if selected else palette.application(1)
        area = option.rect.adjusted(3, 2, -3, -3)
        painter.save()
        painter.setClipRect(option.rect)
        threshold = index.data(THRESHOLD_ROLE)
        if threshold <= 1:
            painter.setPen(QPen(palette.alert, 1, Qt.PenStyle.DotLine))
            height = round(area.bottom() - threshold * area.height())
            painter.drawLine(area.left(), height, area.right(), height)
        hot = bool(np.any(values >= threshold)) or index.data(HOT_ROLE)
        painter.setPen(QPen(palette.alert if hot and not selected else plain, 1))
        step = area.width() / max(1, len(values) - 1)
        points = []
        for place, following in zip(known, [*known[1:], len(values)], strict=True):
            height = area.bottom() - float(values[place]) * area.height()
            points.append(QPointF(area.left() + place * step, height))
            points.append(QPointF(area.left() + (following - 1) * step, height))
        painter.drawPolyline(QPolygonF(points))
        painter.restore()
