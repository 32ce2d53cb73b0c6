# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a score plot: scores above, the rate of calls below, one time axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFont
from PyQt6.QtWidgets import QWidget

from imsafe.gui.colours import Colours
from imsafe.gui.plot_axes import RarityAxis, RateAxis, ScoreAxis, TimeAxis, round_up
from imsafe.gui.plot_items import TOP, GapItem, StepItem
from imsafe.gui.plot_marks import MarksItem
from imsafe.gui.plot_parts import TimeBox
from imsafe.gui.score_history import NOTHING, Band
from imsafe.words import translate


class ThresholdLine(pg.InfiniteLine):
    """The threshold of one application, with its value; it can be dragged."""

    def __init__(self, value: float, *, movable: bool, name: str, place: int) -> None:
        super().__init__(
            value, angle=0, movable=movable, bounds=(0, 1), label="{value:.3f}",
            labelOpts={"position": min(0.01 + 0.16 * place, 0.8), "anchors": [(0, 1), (0, 1)]},
        )  # fmt: skip
        self.setZValue(10)
        self.set_name(name)
        if movable:
            self.setCursor(Qt.CursorShape.SizeVerCursor)
            self.setToolTip(translate("plot_scene", "Drag to change the threshold"))

    def set_name(self, name: str) -> None:
        """Say whose threshold it is; empty where there is but one."""
        words = translate("plot_scene", "threshold")
        if name:
            words = f"{name}: {words}"
        self.label.setFormat(words.replace("{", "{{").replace("}", "}}") + " {value:.3f}")

    def dress(self, colour: QColor, background: QColor, font: QFont) -> None:
        """Take these colours."""
        self.setPen(pg.mkPen(colour, width=1.5, style=Qt.PenStyle.DashLine))
        self.setHoverPen(pg.mkPen(colour, width=3))
        self.label.setColor(colour)
        self.label.setFont(font)
        fill = QColor(background)
        fill.setAlpha(190)
        self.label.fill = pg.mkBrush(fill)


class PlotScene(pg.GraphicsLayoutWidget):
    """Draws what it is given; knows nothing of where it is from.

    Signals
    -------
    threshold_dragged(int, float)
        Application and the threshold it was given.

    Attributes
    ----------
    scores, rate : pyqtgraph.PlotItem
    box : TimeBox
        The view of the scores; that of the rate follows it.
    marks : MarksItem
    gaps : GapItem
    thresholds : dict of int to ThresholdLine
    shown : dict of int to Band
        What is drawn of each application.
    """

    threshold_dragged = pyqtSignal(int, float)

    def __init__(self, *, live: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._live = live
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.ci.layout.setSpacing(0)
        self.ci.setContentsMargins(4, 2, 4, 2)
        self.box = TimeBox()
        self._rate_axis = RateAxis("left")
        self.scores: pg.PlotItem = self.addPlot(
            row=0, col=0, viewBox=self.box,
            axisItems={
                "bottom": TimeAxis(), "left": ScoreAxis("left"), "right": RarityAxis("right"),
            },
        )  # fmt: skip
        rate_box = TimeBox()
        self.rate: pg.PlotItem = self.addPlot(
            row=1, col=0, viewBox=rate_box,
            axisItems={
                "bottom": TimeAxis(), "left": self._rate_axis, "right": RarityAxis("right"),
            },
        )  # fmt: skip
        rate_box.zoomed.connect(self.box.zoomed)
        rate_box.scrolled.connect(self.box.scrolled)
        self.ci.layout.setRowStretchFactor(0, 4)
        self.ci.layout.setRowStretchFactor(1, 1)
        self.rate.setXLink(self.scores)
        for plot in (self.scores, self.rate):
            plot.showAxis("right")
            plot.hideButtons()
            plot.setMenuEnabled(False)
            plot.showGrid(x=True, y=True, alpha=0.15)
            plot.getAxis("right").setGrid(False)
        self.rate.getAxis("right").setTicks([[]])
        if live:
            self.scores.getAxis("bottom").setStyle(showValues=False)
            self.scores.getAxis("bottom").setHeight(8)
        else:  # a log does not hold how many calls there were
            self.removeItem(self.rate)
        self.scores.setYRange(0, TOP, padding=0)
        self.scores.setLimits(yMin=0, yMax=TOP)
        self.rate.setYRange(0, 1, padding=0)
        self.scores.setLabel("left", translate("plot_scene", "score"))
        self.scores.setLabel("right", translate("plot_scene", "as rare as"))
        self.rate.setLabel("left", translate("plot_scene", "calls/s"))
        self.gaps = GapItem()
        self.marks = MarksItem()
        self.marks.setZValue(20)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._dot = pg.ScatterPlotItem(size=8, symbol="o", pxMode=True)
        self._dot.setZValue(30)
        for item in (self.gaps, self.marks, self._cursor, self._dot):
            self.scores.addItem(item, ignoreBounds=True)
        self.point_at(None, None)
        self.thresholds: dict[int, ThresholdLine] = {}
        self.shown: dict[int, Band] = {}
        self._lines: dict[int, tuple[StepItem, StepItem]] = {}
        self._colours: Colours | None = None
        self._drawn = 0
        self.show_times(0, 60)

    def dress(self, colours: Colours) -> None:
        """Take other colours, and the font of the widget."""
        self._colours = colours
        font = self.font()
        self.setBackground(colours.background)
        for plot in (self.scores, self.rate):
            for side in ("left", "right", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(colours.text)
                axis.setTextPen(colours.text)
                if side == "bottom":
                    axis.setTickFont(font)
                else:
                    axis.set_font(font)
        self.gaps.set_colour(colours.lost)
        self.marks.set_colour(colours.alert, font)
        self._cursor.setPen(pg.mkPen(colours.text, width=1, style=Qt.PenStyle.DotLine))
        self._dot.setPen(pg.mkPen(colours.background, width=1.5))
        self._dress_lines()
        self._dress_thresholds()

    def _dress_lines(self) -> None:
        if self._colours is not None:
            for number, lines in self._lines.items():
                for line in lines:
                    line.set_colour(self._colours.application(number), alone=self._drawn <= 1)

    def _dress_thresholds(self) -> None:
        if self._colours is None:
            return
        alone = len(self.thresholds) == 1
        for number, line in self.thresholds.items():
            colour = self._colours.alert if alone else self._colours.application(number)
            line.dress(colour, self._colours.background, self.font())

    def set_thresholds(self, thresholds: dict[int, float], names: dict[int, str]) -> None:
        """Draw a threshold line for each application (a line being dragged stays)."""
        changed = self.thresholds.keys() != thresholds.keys()
        for number in self.thresholds.keys() - thresholds.keys():
            self.scores.removeItem(self.thresholds.pop(number))
        for place, (number, value) in enumerate(sorted(thresholds.items())):
            name = names.get(number, "") if len(thresholds) > 1 else ""
            line = self.thresholds.get(number)
            if line is None:
                line = ThresholdLine(value, movable=self._live, name=name, place=place)
                line.sigPositionChangeFinished.connect(
                    lambda line, number=number: self.threshold_dragged.emit(
                        number, float(line.value())
                    )
                )
                self.scores.addItem(line, ignoreBounds=True)
                self.thresholds[number] = line
            elif not line.moving and abs(line.value() - value) > 1e-9:
                line.setValue(value)
            if changed:
                line.set_name(name)
        if changed:
            self._dress_thresholds()

    def times(self) -> tuple[float, float]:
        """The first and the last time (s) in view."""
        low, high = self.box.viewRange()[0]
        return float(low), float(high)

    def show_times(self, low: float, high: float) -> None:
        """Bring this time (s) into view."""
        self.box.setXRange(low, high, padding=0)

    @property
    def width_pixels(self) -> float:
        """How wide the curves are."""
        return max(float(self.box.width()), 1.0)

    def show_bands(self, bands: dict[int, Band], newest: float | None) -> None:
        """Draw the scores and the rates of applications, by number.

        Parameters
        ----------
        bands
            Those to be drawn; all others vanish.
        newest
            The time (s) from which on calls are still being counted; None: nowhere.
        """
        self.shown = bands
        highest = 0.0
        for number in self._lines.keys() - bands.keys():
            for line in self._lines[number]:
                line.set_scores(NOTHING)
        new = bands.keys() - self._lines.keys()
        for number in new:
            self._lines[number] = StepItem(), StepItem()
            self.scores.addItem(self._lines[number][0], ignoreBounds=True)
            self.rate.addItem(self._lines[number][1], ignoreBounds=True)
        for number, band in bands.items():
            scores, rates = self._lines[number]
            scores.set_scores(band)
            if not self._live:
                continue
            if newest is not None and len(band) and band.start[-1] + band.width > newest:
                band = Band(band.start[:-1], band.width, band.bins[:-1])  # noqa: PLW2901
            rates.set_rates(band)
            highest = max(highest, float(np.max(band.rate, initial=0.0)))
        if new or len(bands) != self._drawn:
            self._drawn = len(bands)
            self._dress_lines()
        top = round_up(highest)
        if top != self._rate_axis.top:
            self._rate_axis.top = top
            self.rate.setYRange(0, top * 1.12, padding=0)

    def hide_thresholds_of(self, hidden: set[int]) -> None:
        """Hide the lines of applications that are not drawn."""
        for number, line in self.thresholds.items():
            line.setVisible(number not in hidden)

    def point_at(self, seconds: float | None, score: float | None, number: int = 1) -> None:
        """Put the cursor to a time (s), and the dot on a score of an application."""
        self._cursor.setVisible(seconds is not None)
        self._dot.setVisible(score is not None)
        if seconds is not None:
            self._cursor.setPos(seconds)
            if score is not None and self._colours is not None:
                self._dot.setBrush(pg.mkBrush(self._colours.application(number)))
                self._dot.setData(x=[seconds], y=[score])

    def moment(self, position: Any) -> tuple[float, float] | None:
        """Time (s) and score at a place of the scene; None outside; the score below 0 if lower."""
        for plot in (self.scores, self.rate):
            if plot.scene() is not None and plot.vb.sceneBoundingRect().contains(position):
                point = plot.vb.mapSceneToView(position)
                return float(point.x()), float(point.y()) if plot is self.scores else -1.0
        return None
