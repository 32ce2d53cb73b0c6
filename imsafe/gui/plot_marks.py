# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of alert marks along the upper edge of a score plot."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF, QTransform

from imsafe.gui.plot_items import TOP

_APART = 16.0
"""Marks that are closer, in pixels, are one mark with a number."""

_HALF, _HEIGHT = 6.0, 10.0


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark.

    Attributes
    ----------
    time : float
        Seconds; that of the highest of the alerts.
    ids : tuple of int
        The alerts, the highest first.
    """

    time: float
    ids: tuple[int, ...]


class MarksItem(pg.GraphicsObject):
    """A triangle and a thin line for each alert; alerts that lie together share one.

    Attributes
    ----------
    marks : list of Mark
        What is shown, in the order of time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[Mark] = []
        self._ids = np.empty(0, np.int64)
        self._times = np.empty(0)
        self._scores = np.empty(0)
        self._colour = QColor()
        self._origin = 0.0
        self._rect = QRectF()
        self._font = QFont()
        self._chosen: int | None = None

    def set_colour(self, colour: QColor, font: QFont) -> None:
        """Use another colour and font."""
        self._colour = colour
        self._font = QFont(font)
        self._font.setBold(True)
        self.update()

    def set_alerts(self, alerts: list[tuple[int, float, float]]) -> None:
        """Mark alerts: id, time (s), score."""
        ordered = sorted(alerts, key=lambda alert: alert[1])
        self._ids = np.array([alert[0] for alert in ordered], np.int64)
        self._times = np.array([alert[1] for alert in ordered], np.float64)
        self._scores = np.array([alert[2] for alert in ordered], np.float64)

    def arrange(self, low: float, high: float, pixels: float) -> None:
        """Lay the marks out for a view from `low` to `high` (s) of that many pixels."""
        first, last = np.searchsorted(self._times, (low, high))
        apart = max((high - low) / max(pixels, 1.0) * _APART, 1e-9)
        times, scores, ids = (
            column[first:last] for column in (self._times, self._scores, self._ids)
        )
        # The places depend on the zoom alone, so that scrolling does not regroup them.
        places = np.floor(times / apart).astype(np.int64)
        marks = []
        for part in np.split(np.arange(len(times)), np.flatnonzero(np.diff(places)) + 1):
            if len(part):
                best = part[np.argsort(-scores[part], kind="stable")]
                marks.append(Mark(float(times[best[0]]), tuple(ids[best].tolist())))
        if (marks, low, high) != (self.marks, self._origin, self._origin + self._rect.width()):
            self.prepareGeometryChange()
            self.marks, self._origin = marks, low
            self.setPos(low, 0)
            self._rect = QRectF(0.0, 0.0, high - low, TOP)
            self.update()

    def at(self, seconds: float, pixel: float) -> Mark | None:
        """The mark at a time, where a pixel is so many seconds wide."""
        near = [mark for mark in self.marks if abs(mark.time - seconds) <= (_HALF + 2) * pixel]
        return min(near, key=lambda mark: abs(mark.time - seconds), default=None)

    def choose(self, mark: Mark) -> int:
        """The alert that a click on a mark means: the next one with each click."""
        if self._chosen in mark.ids:
            self._chosen = mark.ids[(mark.ids.index(self._chosen) + 1) % len(mark.ids)]
        else:
            self._chosen = mark.ids[0]
        return self._chosen

    def boundingRect(self) -> QRectF:  # noqa: D102
        return self._rect

    def paint(self, painter: QPainter, *_: Any) -> None:  # noqa: D102
        if not self.marks:
            return
        place = painter.worldTransform()
        painter.save()
        painter.setWorldTransform(QTransform())  # from here on in pixels
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        metrics = QFontMetricsF(self._font)
        end = place.map(QPointF(self._rect.width(), TOP)).x()
        faint = QColor(self._colour)
        faint.setAlpha(110)
        tops = [place.map(QPointF(mark.time - self._origin, TOP)) for mark in self.marks]
        counts = [str(len(mark.ids)) if len(mark.ids) > 1 else "" for mark in self.marks]
        lefts = count_places(
            [top.x() for top in tops], [metrics.horizontalAdvance(count) for count in counts], end
        )
        for mark, top, count, left in zip(self.marks, tops, counts, lefts, strict=True):
            bottom = place.map(QPointF(mark.time - self._origin, 0.0))
            painter.setPen(QPen(faint, 1))
            painter.drawLine(top, bottom)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._colour)
            corners = ((-_HALF, 1.0), (_HALF, 1.0), (0.0, 1.0 + _HEIGHT))
            painter.drawPolygon(QPolygonF([top + QPointF(x, y) for x, y in corners]))
            if left is not None:
                painter.setPen(self._colour)
                painter.drawText(QPointF(left, top.y() + metrics.ascent()), count)
        painter.restore()


def count_places(marks: list[float], widths: list[float], end: float) -> list[float | None]:
    """Where the numbers beside marks begin, so that none lies over a mark or another number.

    Parameters
    ----------
    marks
        The middles of the marks in pixels, ascending.
    widths
        How wide their numbers are; 0 for a mark without one.
    end
        Where the room ends.

    Returns
    -------
    list
        To the right of its mark where there is room, else to the left; None where there is none.
    """
    gap = _HALF + 2
    found: list[float | None] = []
    taken = -inf
    for number, (mark, width) in enumerate(zip(marks, widths, strict=True)):
        room = marks[number + 1] - gap if number + 1 < len(marks) else end
        left: float | None = None
        if width and mark + gap + width <= room:
            left = mark + gap
        elif width and mark - gap - width >= taken:
            left = mark - gap - width
        taken = mark + gap if left is None or left < mark else left + width + 2
        found.append(left)
    return found
