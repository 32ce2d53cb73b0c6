# SPDX-License-Identifier: GPL-3.0-or-later
"""What a score plot is made of: lines of scores and of rates, and the gaps; numbers for people."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen

from imsafe.gui.score_history import Band
from imsafe.words import grouped, translate

ELAPSED_BELOW = 1e8
"""Times (s) below this are no dates: the trace had no clock, and time counts from its start."""

TOP = 1.1
"""The upper end of the score axis: above a score of 1 is the row of the alerts' marks."""

_BREAK_SECONDS = 5.0


def rarity(score: float) -> str:
    """What a score means: ``1 in 1,000`` for 0.5; in two digits, as more would be untrue."""
    return one_in(float(f"{10 ** (6 * score):.2g}"))


def one_in(number: float) -> str:
    """How rare something is: ``1 in 1,000``."""
    return translate("plot", "1 in {0}").format(grouped(number))


def elapsed(seconds: float) -> str:
    """Elapsed time as ``h:mm:ss``, with a fraction where it matters."""
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    whole = f"{rest:04.1f}" if rest % 1 > 0.001 else f"{rest:02.0f}"
    return sign + (f"{hours:.0f}:{minutes:02.0f}:{whole}" if hours else f"{minutes:.0f}:{whole}")


def runs(band: Band) -> NDArray[np.int64]:
    """Where stretches without calls cut a band: first index of each run, ascending from 0."""
    longest = max(3 * band.width, _BREAK_SECONDS)
    return np.append(0, np.flatnonzero(np.diff(band.start) > longest) + 1)


class StepItem(pg.GraphicsObject):
    """A line of steps with the area below it filled, and the range that each step covers.

    Areas are rectangles and the line is one pixel wide, because those are what
    Qt's painter is fast at: it draws 30 times a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._line = QPainterPath()
        self._area: list[QRectF] = []
        self._range: list[QRectF] = []
        self._rect = QRectF()
        self._pen = QPen()
        self._faint = QBrush()
        self._strong = QBrush()

    def set_colour(self, colour: QColor, *, alone: bool) -> None:
        """Use another colour; areas of several lines must not hide each other."""
        self._pen = pg.mkPen(colour, width=1)
        faint, strong = QColor(colour), QColor(colour)
        faint.setAlpha(45 if alone else 14)
        strong.setAlpha(90)
        self._faint, self._strong = QBrush(faint), QBrush(strong)
        self.update()

    def set_scores(self, band: Band) -> None:
        """Show scores; where nothing calls for a short time, the score holds."""
        if not len(band):
            self._clear()
            return
        starts = runs(band)
        left = band.start - band.start[0]
        right = np.append(left[1:], left[-1] + band.width)
        last = np.append(starts[1:], len(band)) - 1
        right[last] = left[last] + band.width
        low, high = band.minimum.astype(np.float64), band.maximum.astype(np.float64)
        connect = np.ones(2 * len(band), np.int32)
        connect[2 * starts[1:] - 1] = 0
        self._show(band, left, right, high, (_pairs(left, right), np.repeat(high, 2), connect))
        ranged = low < high
        self._range = _rectangles(left[ranged], right[ranged], low[ranged], high[ranged])

    def set_rates(self, band: Band) -> None:
        """Show calls per second, nothing where nothing calls."""
        if not len(band):
            self._clear()
            return
        rate = band.rate
        left = band.start - band.start[0]
        right = left + band.width
        zero = np.zeros_like(rate)
        x = np.stack((left, left, right, right), axis=1)
        y = np.stack((zero, rate, rate, zero), axis=1)
        keep = np.ones(x.shape, bool)
        touching = np.diff(left) < 1.5 * band.width
        keep[1:, 0][touching] = False
        keep[:-1, 3][touching] = False
        self._show(band, left, right, rate, (x[keep], y[keep], "all"))
        self._range = []

    def _clear(self) -> None:
        self.prepareGeometryChange()
        self._line = QPainterPath()
        self._area, self._range = [], []
        self._rect = QRectF()

    def _show(
        self,
        band: Band,
        left: NDArray[np.float64],
        right: NDArray[np.float64],
        top: NDArray[np.float64],
        line: tuple[Any, Any, Any],
    ) -> None:
        self.prepareGeometryChange()
        # Seconds since 1970 would cost the painter its precision: count from the first.
        self.setPos(float(band.start[0]), 0)
        x, y, connect = line
        self._line = pg.arrayToQPath(x, y, connect=connect, finiteCheck=False)
        self._area = _rectangles(left, right, np.zeros_like(top), top)
        self._rect = QRectF(0.0, 0.0, float(right[-1]), max(float(top.max()), 1e-9))
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: D102
        return self._rect

    def paint(self, painter: QPainter, *_: Any) -> None:  # noqa: D102
        painter.setPen(Qt.PenStyle.NoPen)
        for rectangles, brush in ((self._area, self._faint), (self._range, self._strong)):
            if rectangles:
                painter.setBrush(brush)
                painter.drawRects(*rectangles)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(self._pen)
        painter.drawPath(self._line)


def _pairs(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack((left, right), axis=1).ravel()


def _rectangles(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> list[QRectF]:
    """Rectangles of their edges."""
    sides = (left, low, right - left, high - low)
    return list(map(QRectF, *(side.tolist() for side in sides)))


class GapItem(pg.GraphicsObject):
    """Intervals in which calls were lost, shaded over the whole height."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps: list[tuple[float, float]] = []
        self._brush = QBrush()
        self._pen = QPen()

    def set_colour(self, colour: QColor) -> None:
        """Use another colour."""
        self._brush = QBrush(colour)
        self._pen = pg.mkPen(colour, width=2)  # an instant still has a width on the screen
        self.update()

    def set_gaps(self, gaps: list[tuple[float, float]]) -> None:
        """Show these intervals (s)."""
        self.prepareGeometryChange()
        origin = gaps[0][0] if gaps else 0.0
        self.setPos(origin, 0)
        self._gaps = [(start - origin, end - origin) for start, end in gaps]
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: D102
        if not self._gaps:
            return QRectF()
        start = min(gap[0] for gap in self._gaps)
        end = max(gap[1] for gap in self._gaps)
        return QRectF(start, 0.0, max(end - start, 1e-3), TOP)

    def paint(self, painter: QPainter, *_: Any) -> None:  # noqa: D102
        painter.setPen(self._pen)
        painter.setBrush(self._brush)
        for start, end in self._gaps:
            painter.drawRect(QRectF(start, 0.0, end - start, TOP))


def count_text(number: float) -> str:
    """A count that fits on an axis or in a status bar: ``950``, ``12.3 k``, ``4.56 M``."""
    if not math.isfinite(number):
        return "-"
    for limit, suffix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if number >= limit:
            scaled = number / (1e3 if suffix == " k" else limit)
            return f"{scaled:.3g}{suffix}" if scaled < 1000 else f"{scaled:.0f}{suffix}"
    return grouped(number)
