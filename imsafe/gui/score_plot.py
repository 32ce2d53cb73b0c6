# SPDX-License-Identifier: GPL-3.0-or-later
"""The score plot: live in the main window, and over a whole log in a window of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QPaintDevice, QPainter, QShowEvent
from PyQt6.QtSvg import QSvgGenerator
from PyQt6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from imsafe.gui.colours import Colours, colours
from imsafe.gui.log_history import LogHistory
from imsafe.gui.plot_items import (
    ELAPSED_BELOW,
    TOP,
    BandItem,
    GapItem,
    RarityAxis,
    TimeAxis,
    elapsed,
    rarity,
)
from imsafe.gui.score_history import NOTHING, Band, History
from imsafe.gui.timers import timer

FRAME_MS = 33
"""At most 30 redraws a second."""


class ScorePlot(QWidget):
    """Score over time for each application, threshold lines, alerts, gaps and the call rate.

    Signals
    -------
    threshold_dragged(int, float)
        Application and the threshold it was given.
    alert_clicked(int)
        Its id.
    """

    threshold_dragged = pyqtSignal(int, float)
    alert_clicked = pyqtSignal(int)

    def __init__(self, history: History, *, live: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._live = live
        self._names: dict[int, str] = {}
        self._bands: dict[int, BandItem] = {}
        self._rates: dict[int, pg.PlotDataItem] = {}
        self._shown: dict[int, Band] = {}
        self._thresholds: dict[int, pg.InfiniteLine] = {}
        self._alerts: list[tuple[int, float, float]] = []
        self._now = 0.0
        self._moving = False
        self._colours: Colours = colours(self.palette())
        self._timer = timer(self, FRAME_MS, self._redraw, single=True)
        self._build()
        self._dress()

    # Building

    def _build(self) -> None:
        self._readout = QLabel()
        self._readout.setTextFormat(Qt.TextFormat.PlainText)
        self._span = QComboBox()
        for text, seconds in (
            (self.tr("1 minute"), 60.0),
            (self.tr("10 minutes"), 600.0),
            (self.tr("1 hour"), 3600.0),
            (self.tr("1 day"), 86400.0),
            (self.tr("everything"), 0.0),
        ):
            self._span.addItem(text, seconds)
        self._span.setToolTip(self.tr("How much time the plot shows"))
        self._span.setAccessibleName(self.tr("Time shown"))
        self._span.activated.connect(self._span_chosen)
        self._follow = QCheckBox()
        self._follow.setText(self.tr("Follow"))
        self._follow.setChecked(self._live)
        self._follow.setToolTip(
            self.tr("Keep the newest scores in view; zoom or drag the plot to look back")
        )
        self._follow.toggled.connect(self.refresh)
        if not self._live:
            self._span.setCurrentIndex(self._span.count() - 1)
            self._follow.hide()
        bar = QHBoxLayout()
        bar.setContentsMargins(6, 2, 6, 0)
        bar.addWidget(self._readout, 1)
        bar.addWidget(self._span)
        bar.addWidget(self._follow)

        self._view = pg.GraphicsLayoutWidget()
        self._view.ci.layout.setSpacing(0)
        self._view.ci.setContentsMargins(4, 2, 4, 2)
        self._legend: pg.LabelItem = self._view.addLabel("", row=0, col=0, justify="left")
        self._scores: pg.PlotItem = self._view.addPlot(
            row=1, col=0,
            axisItems={"bottom": TimeAxis(), "right": RarityAxis("right")},
        )  # fmt: skip
        self._rate: pg.PlotItem = self._view.addPlot(row=2, col=0, axisItems={"bottom": TimeAxis()})
        self._view.ci.layout.setRowStretchFactor(1, 4)
        self._view.ci.layout.setRowStretchFactor(2, 1)
        self._rate.setXLink(self._scores)
        self._scores.showAxis("right")
        self._rate.showAxis("right")
        self._rate.getAxis("right").setTicks([[]])
        for plot in (self._scores, self._rate):
            plot.setMouseEnabled(x=True, y=False)
            plot.hideButtons()
            plot.setMenuEnabled(False)
            for side in ("left", "bottom"):  # finer lines cost more than they tell
                plot.getAxis(side).setStyle(maxTickLevel=1)
            plot.getAxis("left").setWidth(62)
            plot.getAxis("right").setWidth(88)
            plot.showGrid(x=True, y=True, alpha=0.15)
            plot.getAxis("right").setGrid(False)
        if self._live:
            self._scores.getAxis("bottom").setStyle(showValues=False)
            self._scores.getAxis("bottom").setHeight(8)
        else:  # a log does not hold how many calls there were
            self._view.removeItem(self._rate)
        self._scores.setYRange(0, TOP, padding=0)
        self._scores.setLimits(yMin=0, yMax=TOP, minXRange=0.5)
        self._scores.setLabel("left", self.tr("score"))
        self._scores.setLabel("right", self.tr("as rare as"))
        self._rate.setLabel("left", self.tr("calls/s"))
        self._rate.getAxis("left").enableAutoSIPrefix(False)
        self._rate.setLimits(yMin=0)
        self._gaps = GapItem()
        self._scores.addItem(self._gaps, ignoreBounds=True)
        self._marks = pg.ScatterPlotItem(size=13, symbol="t", pxMode=True)
        self._marks.setZValue(20)
        self._marks.sigClicked.connect(self._mark_clicked)
        self._scores.addItem(self._marks, ignoreBounds=True)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.hide()
        self._scores.addItem(self._cursor, ignoreBounds=True)
        self._scores.vb.sigRangeChangedManually.connect(self._moved_by_hand)
        self._scores.vb.sigXRangeChanged.connect(self._range_changed)
        self._view.scene().sigMouseMoved.connect(self._hover)
        self._empty = QLabel(self._view)
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setOpenExternalLinks(False)
        self.link_activated = self._empty.linkActivated

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._view, 1)
        self._scores.setXRange(0, 60, padding=0)

    def _dress(self) -> None:
        """Take the colours of the palette."""
        self._colours = colours(self.palette())
        self._view.setBackground(self._colours.background)
        for plot in (self._scores, self._rate):
            for side in ("left", "right", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(self._colours.text)
                axis.setTextPen(self._colours.text)
        self._gaps.set_colour(self._colours.lost)
        self._marks.setBrush(pg.mkBrush(self._colours.alert))
        self._marks.setPen(pg.mkPen(self._colours.background))
        self._cursor.setPen(pg.mkPen(self._colours.grid))
        for number in self._bands:
            self._colour_application(number)
        self._write_legend()
        self.refresh()

    def _colour_application(self, number: int) -> None:
        colour = self._colours.application(number)
        self._bands[number].set_colour(colour)
        self._rates[number].setPen(pg.mkPen(colour, width=1))
        if number in self._thresholds:
            self._dress_threshold(number)

    def _dress_threshold(self, number: int) -> None:
        line = self._thresholds[number]
        alone = len(self._thresholds) == 1
        colour = self._colours.alert if alone else self._colours.application(number)
        line.setPen(pg.mkPen(colour, width=1.5, style=Qt.PenStyle.DashLine))
        line.setHoverPen(pg.mkPen(colour, width=3))
        line.label.setColor(colour)
        fill = self._colours.background
        line.label.fill = pg.mkBrush(fill)

    # What it shows

    def set_history(self, history: History) -> None:
        """Show other scores."""
        self._history = history
        self.refresh()

    def set_applications(self, names: dict[int, str]) -> None:
        """Name the applications, by number."""
        if names != self._names:
            self._names = dict(names)
            self._write_legend()

    def set_thresholds(self, thresholds: dict[int, float]) -> None:
        """Draw a threshold line for each application (a line being dragged stays)."""
        for number in self._thresholds.keys() - thresholds.keys():
            self._scores.removeItem(self._thresholds.pop(number))
        added = False
        for number, value in thresholds.items():
            line = self._thresholds.get(number)
            if line is None:
                line = self._add_threshold(number, value)
                added = True
            elif not line.moving and abs(line.value() - value) > 1e-9:
                line.setValue(value)
        if added:
            for number in self._thresholds:
                self._dress_threshold(number)

    def _add_threshold(self, number: int, value: float) -> Any:
        line = pg.InfiniteLine(
            value, angle=0, movable=self._live, bounds=(0, 1),
            label=self.tr("threshold {0}").format("{value:.3f}"),
            labelOpts={"position": 0.02, "anchors": [(0, 1), (0, 1)]},
        )  # fmt: skip
        line.setZValue(10)
        line.sigPositionChangeFinished.connect(
            lambda line: self.threshold_dragged.emit(number, float(line.value()))
        )
        if self._live:
            line.setToolTip(self.tr("Drag to change the threshold"))
        self._scores.addItem(line, ignoreBounds=True)
        self._thresholds[number] = line
        return line

    def set_alerts(self, alerts: list[tuple[int, float, float]]) -> None:
        """Mark alerts: id, time (s), score."""
        if alerts != self._alerts:
            self._alerts = alerts
            self._marks.setData(
                x=[alert[1] for alert in alerts],
                y=[min(alert[2] + 0.03, TOP - 0.02) for alert in alerts],
                data=[alert[0] for alert in alerts],
            )

    def set_gaps(self, gaps: list[tuple[float, float]]) -> None:
        """Shade the intervals (s) in which calls were lost."""
        self._gaps.set_gaps(gaps)

    def show_log(self, history: LogHistory) -> None:
        """Show a whole score log, with its applications, thresholds, gaps and alerts."""
        self.set_applications(history.names())
        self.set_history(history)
        self.set_thresholds(history.thresholds())
        self.set_gaps(history.gaps)
        self.set_alerts(history.crossings())

    def set_now(self, seconds: float) -> None:
        """Tell the time (s): following goes on while nothing calls; 0 stops that."""
        self._now = seconds
        self.refresh()

    def set_empty_text(self, html: str) -> None:
        """What to say when there is nothing to show yet."""
        self._empty.setText(html)
        self._place_empty()

    def empty_text(self) -> str:
        """What is said when there is nothing to show."""
        return self._empty.text()

    @property
    def following(self) -> bool:
        """Whether the newest scores are kept in view."""
        return self._follow.isChecked()

    def look_at(self, seconds: float) -> None:
        """Bring a moment into view."""
        low, high = self._scores.vb.viewRange()[0]
        if not low <= seconds <= high:
            self._follow.setChecked(False)
            half = (high - low) / 2
            self._scores.setXRange(seconds - half, seconds + half, padding=0)

    # Drawing

    def refresh(self) -> None:
        """Something changed: draw at the next frame, if anybody can see it."""
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: D102
        super().showEvent(event)
        self.refresh()
        self._place_empty()

    def draw_now(self) -> None:
        """Draw at once, also when nobody sees it: for an image."""
        self._redraw()

    def _redraw(self) -> None:
        span = self._history.span()
        self._place_empty()
        if self._follow.isChecked() or (not self._live and not self._moving):
            self._follow_end(span)
        low, high = self._scores.vb.viewRange()[0]
        most = max(200, int(self._scores.vb.width()) * 2)
        highest_rate = 1.0
        present = self._history.applications()
        for number in present:
            if number not in self._bands:
                self._add_application(number)
            band = self._history.band(number, low, high, most)
            self._shown[number] = band
            self._bands[number].set_band(band)
            x, rate = _steps(band)
            self._rates[number].setData(x, rate)
            if len(band):
                highest_rate = max(highest_rate, float(band.rate.max()))
        for number in self._bands.keys() - set(present):
            self._bands[number].set_band(NOTHING)
            self._rates[number].setData([], [])
            self._shown.pop(number, None)
        self._rate.setYRange(0, highest_rate * 1.08, padding=0)

    def _follow_end(self, span: tuple[float, float] | None) -> None:
        if span is None:
            end = self._now
            if not end:
                return
            first = end - 60
        else:
            first, end = span[0], max(span[1], self._now)
        wanted = float(self._span.currentData())
        if wanted:
            low = end - wanted
        else:
            low = first
            end = max(end, low + 1)
        margin = (end - low) * 0.01
        self._scores.vb.setXRange(low, end + margin, padding=0)

    def _add_application(self, number: int) -> None:
        band = BandItem()
        self._scores.addItem(band, ignoreBounds=True)
        self._bands[number] = band
        self._rates[number] = pg.PlotDataItem(skipFiniteCheck=True)
        self._rate.addItem(self._rates[number])
        self._colour_application(number)
        self._write_legend()

    def _write_legend(self) -> None:
        parts = [
            f'<span style="color:{self._colours.application(number).name()}">\u25a0</span> '
            + _escaped(self._names.get(number, self.tr("application {0}").format(number)))
            for number in sorted(self._names.keys() | self._bands.keys())
        ]
        self._legend.setText("&nbsp;&nbsp; ".join(parts), color=self._colours.text.name())

    def _place_empty(self) -> None:
        show = self._history.span() is None and bool(self._empty.text())
        self._empty.setVisible(show)
        if show:
            area = self._view.size()
            width = min(560, area.width() - 40)
            height = self._empty.heightForWidth(width)
            self._empty.setGeometry(
                (area.width() - width) // 2, max(0, (area.height() - height) // 2 - 20),
                width, height,
            )  # fmt: skip

    # Hands

    def _span_chosen(self) -> None:
        if self._live:
            self._follow.setChecked(True)
        self._moving = False
        self._follow_end(self._history.span())
        self.refresh()

    def _moved_by_hand(self, *_: Any) -> None:
        self._follow.setChecked(False)
        self._moving = True
        self.refresh()

    def _range_changed(self, *_: Any) -> None:
        self.refresh()

    def _mark_clicked(self, _: Any, points: Any) -> None:
        if len(points):
            self.alert_clicked.emit(int(points[0].data()))

    def _hover(self, position: Any) -> None:
        box = self._scores.vb
        if not box.sceneBoundingRect().contains(position):
            self._cursor.hide()
            self._readout.clear()
            return
        seconds = box.mapSceneToView(position).x()
        self._cursor.setPos(seconds)
        self._cursor.show()
        self._readout.setText(self.describe(seconds))

    def describe(self, seconds: float) -> str:
        """What was going on at a moment: the highest score there, its process and its call."""
        best: tuple[float, int, Any, float] | None = None
        for number, band in self._shown.items():
            place = int(np.searchsorted(band.start, seconds, "right")) - 1
            if place < 0 or seconds > band.start[place] + 2 * band.width:
                continue
            bin_ = band.bins[place]
            if best is None or bin_["maximum"] > best[0]:
                best = (float(bin_["maximum"]), number, bin_, float(band.start[place]))
        if best is None:
            return ""
        score, number, bin_, start = best
        return self.tr(
            "{time}   {application}   score {score:.3f} ({rarity})   pid {pid}   {call}"
        ).format(
            time=time_text(start),
            application=self._names.get(number, ""),
            score=score,
            rarity=rarity(score),
            pid=bin_["pid"],
            call=self._history.call(int(bin_["symbol"])),
        )

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: D102
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def resizeEvent(self, event: Any) -> None:  # noqa: D102
        super().resizeEvent(event)
        self._place_empty()
        self.refresh()

    def sizeHint(self) -> QSize:  # noqa: D102
        return QSize(900, 460)

    # Saving

    def save_image(self, path: str, ending: str) -> bool:
        """Write what is shown as PNG or SVG, as `ending` says; False when that failed."""
        size = self._view.size()
        if ending == ".svg":
            svg = QSvgGenerator()
            svg.setFileName(path)
            svg.setSize(size)
            svg.setViewBox(QRect(QPoint(), size))
            svg.setResolution(self.logicalDpiX())  # the axes keep pictures made for the screen
            svg.setTitle("ImSafe")
            return self._paint(svg, size)
        image = QImage(size * 2, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(2)
        return self._paint(image, size) and image.save(path, "PNG")

    def _paint(self, device: QPaintDevice, size: QSize) -> bool:
        painter = QPainter()
        if not painter.begin(device):
            return False
        self._view.render(painter, QRectF(0, 0, size.width(), size.height()))
        return painter.end()


def _steps(band: Band) -> tuple[Any, Any]:
    """The call rate as steps, falling to 0 where nothing called."""
    if not len(band):
        return np.empty(0), np.empty(0)
    start, end, rate = band.start, band.start + band.width, band.rate
    x = np.stack((start, start, end, end), axis=1)
    y = np.stack((np.zeros_like(rate), rate, rate, np.zeros_like(rate)), axis=1)
    keep = np.ones(x.shape, bool)
    joined = np.diff(start) < 1.5 * band.width
    keep[1:, 0][joined] = False
    keep[:-1, 3][joined] = False
    return x[keep], y[keep]


def time_text(seconds: float, *, date: bool = False) -> str:
    """A moment for a person: local time, or elapsed time for a trace without clock."""
    if seconds < ELAPSED_BELOW:
        return elapsed(seconds)
    moment = datetime.fromtimestamp(seconds).astimezone()
    text = moment.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")
    return f"{text}.{moment.microsecond // 100_000}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
