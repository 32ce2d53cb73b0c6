# SPDX-License-Identifier: GPL-3.0-or-later
"""The score plot: live in the main window, and over a whole log in a window of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PyQt6.QtCore import QEvent, QPoint, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QAction, QContextMenuEvent, QGuiApplication, QKeySequence, QShowEvent
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QMenu,
    QScrollBar,
    QVBoxLayout,
    QWidget,
)

from imsafe.errors import ImsafeError, cannot
from imsafe.gui.colours import colours
from imsafe.gui.log_history import LogHistory
from imsafe.gui.plot_image import picture, save_picture, save_values
from imsafe.gui.plot_parts import ZOOM, EmptyText, HoverBox, Legend
from imsafe.gui.plot_readout import Readout
from imsafe.gui.plot_scene import PlotScene
from imsafe.gui.point import Point, span_text
from imsafe.gui.score_history import History
from imsafe.gui.time_range import LEAST_S, TimeRange
from imsafe.gui.timers import timer

FRAME_MS = 33
"""At most 30 redraws a second."""

LOWEST_LINES = 9
"""Lines of text for which a plot is high enough at least."""

_SCROLL_STEPS = 1000
"""Steps of the scroll bar in the width of the view, unless there would be too many."""
_MOST_STEPS = 1_000_000_000


class ScorePlot(QWidget):
    """Score over time for each application, threshold lines, alerts, gaps and the call rate.

    Signals
    -------
    threshold_dragged(int, float)
        Application and the threshold it was given.
    alert_clicked(int)
        Its id.
    point_clicked(object)
        A `Point` of the scores whose calls are to be shown.
    save_asked()
        The user wants to keep the graph.

    Attributes
    ----------
    actions_by_name : dict of str to QAction
        What can be done, with its key; they work while the plot has the focus.
    """

    threshold_dragged = pyqtSignal(int, float)
    alert_clicked = pyqtSignal(int)
    point_clicked = pyqtSignal(object)
    save_asked = pyqtSignal()

    def __init__(self, history: History, *, live: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._live = live
        self._alerts: list[tuple[int, float, float]] = []
        self._now = 0.0
        self._range = TimeRange(60.0 if live else 0.0)
        self._pointed: float | None = None
        self._pointed_score = 0.0
        self._redrawn = 0.0
        self._timer = timer(self, FRAME_MS, self._redraw, single=True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # A window that gets lower takes the room from the panes, too.
        self.setMinimumHeight(LOWEST_LINES * self.fontMetrics().lineSpacing())
        self.setAccessibleName(self.tr("Plot of the scores"))
        self._build()
        self._make_actions()
        self._dress()

    # Building

    def _build(self) -> None:
        self._legend = Legend()
        self._legend.toggled.connect(self.refresh)
        self._span = QComboBox()
        for text, seconds in (
            (self.tr("1 minute"), 60.0),
            (self.tr("10 minutes"), 600.0),
            (self.tr("1 hour"), 3600.0),
            (self.tr("1 day"), 86400.0),
            (self.tr("1 week"), 604800.0),
            (self.tr("everything"), 0.0),
        ):
            self._span.addItem(text, seconds)
        self._span.setToolTip(self.tr("How much time the plot shows"))
        self._span.setAccessibleName(self.tr("Time shown"))
        self._span.activated.connect(
            lambda _: self.show_newest(float(self._span.currentData()))
        )  # fmt: skip
        self._follow = QCheckBox(self.tr("Follow"))
        self._follow.setChecked(True)
        self._follow.setToolTip(
            self.tr("Keep the newest scores in view; zoom or drag the plot to look back")
        )
        self._follow.toggled.connect(self._set_following)
        bar = QHBoxLayout()
        bar.setContentsMargins(6, 2, 6, 0)
        bar.addWidget(self._legend, 1)
        bar.addWidget(self._span)
        bar.addWidget(self._follow)
        self._view = PlotScene(live=self._live)
        self._readout = Readout(self._view, self._history, live=self._live)
        self._gaps = self._view.gaps
        self._thresholds = self._view.thresholds
        self._view.threshold_dragged.connect(self.threshold_dragged)
        self._view.box.zoomed.connect(self.zoom)
        self._view.box.scrolled.connect(self.move_by)
        self._view.scene().sigMouseMoved.connect(self._hover)
        self._view.scene().sigMouseClicked.connect(self._clicked)
        self._view.installEventFilter(self)
        self._hover_box = HoverBox(self._view)
        self._empty = EmptyText(self._view)
        self.link_activated = self._empty.linkActivated
        self._scroll = QScrollBar(Qt.Orientation.Horizontal)
        self._scroll.setAccessibleName(self.tr("Time, from the first score to the latest"))
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.valueChanged.connect(self._scrolled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._view, 1)
        layout.addWidget(self._scroll)
        self._moved()

    def _make_actions(self) -> None:
        self.actions_by_name: dict[str, QAction] = {}
        rows: tuple[tuple[str, str, str, Callable[[], object]], ...] = (
            ("calls", self.tr("&Calls around this moment"), "Return", self._ask_calls),
            ("follow", self.tr("&Follow the newest scores"), "End", self.show_newest),
            ("first", self.tr("Go to the &beginning"), "Home", self._go_to_beginning),
            ("back", self.tr("Scroll back"), "Left", lambda: self.move_by(-0.1)),
            ("on", self.tr("Scroll on"), "Right", lambda: self.move_by(0.1)),
            ("page back", self.tr("A page back"), "PgUp", lambda: self.move_by(-0.9)),
            ("page on", self.tr("A page on"), "PgDown", lambda: self.move_by(0.9)),
            ("in", self.tr("Zoom &in"), "+", lambda: self.zoom(1 / ZOOM)),
            ("out", self.tr("Zoom &out"), "-", lambda: self.zoom(ZOOM)),
            ("all", self.tr("Show &everything"), "0", lambda: self.show_newest(0.0)),
            ("previous", self.tr("&Previous alert"), "Ctrl+Left", lambda: self._go_to_alert(-1)),
            ("next", self.tr("&Next alert"), "Ctrl+Right", lambda: self._go_to_alert(1)),
            ("point back", self.tr("Point further back"), "Shift+Left", lambda: self._step(-1)),
            ("point on", self.tr("Point further on"), "Shift+Right", lambda: self._step(1)),
            ("point nowhere", self.tr("Point nowhere"), "Esc", self._point_nowhere),
            ("copy", self.tr("Cop&y as an image"), "Ctrl+C", self.copy_image),
            ("save", self.tr("&Save graph as..."), "", self.save_asked.emit),
        )
        for name, text, key, slot in rows:
            action = QAction(text, self)
            keys = [QKeySequence(key)] if key else []
            if key == "+":
                keys.append(QKeySequence("="))
            elif key == "Return":
                keys.append(QKeySequence("Enter"))
            action.setShortcuts(keys)
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(lambda _=False, slot=slot: slot())
            self.addAction(action)
            self.actions_by_name[name] = action
        self.actions_by_name["calls"].setVisible(self._live)

    def menu(self, parent: QWidget) -> QMenu:
        """What can be done with the plot, with the keys for it."""
        menu = QMenu(self.tr("&Plot"), parent)
        for names in (
            ("calls", "previous", "next"),
            ("follow", "first", "all", "in", "out"),
            ("copy", "save"),
        ):
            for name in names:
                menu.addAction(self.actions_by_name[name])
            menu.addSeparator()
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:  # noqa: D102
        if event is not None:
            menu = self.menu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(event.globalPos())
            event.accept()

    def _dress(self) -> None:
        """Take the colours of the palette."""
        self._colours = colours(self.palette())
        self._view.setFont(self.font())
        self._view.dress(self._colours)
        self._write_legend()
        self.refresh()

    def _write_legend(self) -> None:
        numbers = sorted(self._readout.names.keys() | set(self._history.applications()))
        unnamed = self.tr("application {0}")
        self._legend.set_applications(
            {number: self._readout.names.get(number, unnamed.format(number)) for number in numbers},
            {number: self._colours.application(number) for number in numbers},
        )

    # What it shows

    def set_history(self, history: History) -> None:
        """Show other scores."""
        self._history = self._readout.history = history
        self.refresh()

    def set_applications(self, names: dict[int, str]) -> None:
        """Name the applications, by number."""
        if names != self._readout.names:
            self._readout.names = dict(names)
            self._write_legend()

    def set_comms(self, comms: dict[int, str]) -> None:
        """Name processes, by pid, for what is said beside the mouse."""
        self._readout.comms = comms

    def set_thresholds(self, thresholds: dict[int, float]) -> None:
        """Draw a threshold line for each application (a line being dragged stays)."""
        self._view.set_thresholds(thresholds, self._readout.names)

    def set_alerts(self, alerts: list[tuple[int, float, float]]) -> None:
        """Mark alerts: id, time (s), score."""
        if alerts != self._alerts:
            self._alerts = alerts
            self._view.marks.set_alerts(alerts)
            self.refresh()

    def set_gaps(self, gaps: list[tuple[float, float]]) -> None:
        """Shade the intervals (s) in which calls were lost."""
        self._readout.gaps = gaps
        self._gaps.set_gaps(gaps)

    def show_log(self, history: LogHistory) -> None:
        """Show a score log, with its applications, thresholds, gaps and alerts."""
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
        if html != self._empty.text():
            self._empty.setText(html)
            self._empty.place()
            self.refresh()

    def empty_text(self) -> str:
        """What is said when there is nothing to show."""
        return self._empty.text()

    # Looking around

    @property
    def following(self) -> bool:
        """Whether the newest scores are kept in view."""
        return self._range.following

    def times(self) -> tuple[float, float]:
        """The first and the last time (s) in view."""
        return self._view.times()

    def look_at(self, seconds: float) -> None:
        """Bring a moment into view."""
        self._know_limits()
        if not self._range.low <= seconds <= self._range.high:
            self._range.look_at(seconds - self._range.shown / 2)
            self._moved()

    def move_by(self, widths: float) -> None:
        """Move by so many widths of the view; at the newest scores following begins again."""
        self._know_limits()
        self._range.move(widths)
        self._moved()

    def zoom(self, factor: float, around: float | None = None) -> None:
        """Show so many times the time, around the moment pointed at, or up to the newest."""
        self._know_limits()
        low, high = self._range.low, self._range.high
        if around is None and self._pointed is not None and low <= self._pointed <= high:
            around = None if self._range.following else self._pointed
        self._range.zoom(factor, around)
        self._moved()

    def show_newest(self, width: float | None = None) -> None:
        """Follow the newest scores; with so many seconds in view (0: all), where that is given."""
        self._know_limits()
        self._range.show_newest(width)
        self._moved()

    def _set_following(self, wanted: bool) -> None:
        if wanted:
            self.show_newest()
        else:
            self._range.hold()
            self._moved()

    def _go_to_beginning(self) -> None:
        self._know_limits()
        self._range.look_at(self._range.first)
        self._moved()

    def _go_to_alert(self, step: int) -> None:
        low, high = self.times()
        middle = high if self.following else (low + high) / 2
        at = middle if self._pointed is None else self._pointed
        times = sorted({alert[1] for alert in self._alerts})
        later = [seconds for seconds in times if (seconds - at) * step > 1e-6]
        if later:
            seconds = later[0 if step > 0 else -1]
            self.look_at(seconds)
            self.draw_now()
            self._point_to(seconds)

    def _moved(self) -> None:
        """Another stretch of time is to be seen."""
        self._follow.blockSignals(True)
        self._follow.setChecked(self._range.following)
        self._follow.blockSignals(False)
        known = self._span.findData(self._range.width)
        self._span.setCurrentIndex(known)
        if known < 0:
            self._span.setPlaceholderText(span_text(self._range.width))
        self.refresh()

    def _know_limits(self) -> None:
        """From when to when there is something to see."""
        span = self._history.span()
        if span is not None:
            self._range.first, self._range.end = span[0], max(span[1], self._now)
        else:
            self._range.end = self._now or LEAST_S
            self._range.first = self._range.end - LEAST_S

    def _scrolled(self, value: int) -> None:
        self._know_limits()
        self._range.look_at_share(value / max(self._scroll.maximum(), 1))
        self._moved()

    def _move_scroll_bar(self) -> None:
        shown = self._range.shown
        room = max(self._range.end - self._range.first - shown, 0.0)
        steps = min(round(room / shown * _SCROLL_STEPS), _MOST_STEPS)
        page = round(steps * shown / room) if room else _SCROLL_STEPS
        self._scroll.blockSignals(True)
        self._scroll.setRange(0, steps)
        self._scroll.setPageStep(max(page, 1))
        self._scroll.setSingleStep(max(page // 10, 1))
        if not self._scroll.isSliderDown():
            self._scroll.setValue(round(self._range.share() * steps))
        self._scroll.blockSignals(False)

    # Drawing

    def refresh(self) -> None:
        """Something changed: draw at the next frame, if anybody can see it."""
        if self.isVisible() and not self._timer.isActive():
            since = 1000 * (time.monotonic() - self._redrawn)
            self._timer.start(max(0, round(FRAME_MS - since)))

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: D102
        super().showEvent(event)
        self.refresh()

    def draw_now(self) -> None:
        """Draw at once, also when nobody sees it: for an image."""
        self._redraw()

    def _redraw(self) -> None:
        # One that comes late does not delay those after it.
        now = time.monotonic()
        self._redrawn = max(self._redrawn + FRAME_MS / 1000, now - FRAME_MS / 2000)
        present = self._history.applications()
        if not self._readout.names.keys() >= set(present):
            self._write_legend()
        self._empty.setVisible(not present and bool(self._empty.text()))
        self._know_limits()
        self._view.show_times(self._range.low, self._range.high)
        low, high = self.times()
        pixels = self._view.width_pixels
        bands = {
            number: self._history.band(number, low, high, int(pixels))
            for number in present
            if self._legend.is_shown(number)
        }
        span = self._history.span()
        newest = span[1] if span is not None and self._live else None
        self._view.show_bands(bands, newest)
        self._view.hide_thresholds_of(
            {number for number in self._thresholds if not self._legend.is_shown(number)}
        )
        self._view.marks.arrange(low, high, pixels)
        self._move_scroll_bar()

    # Pointing

    def _hover(self, position: Any) -> None:
        moment = self._view.moment(position)
        if moment is None:
            self._point_nowhere()
            return
        self._point_to(*moment, beside=self._view.mapFromScene(position))

    def _point_to(self, seconds: float, score: float = -1.0, beside: QPoint | None = None) -> None:
        self._pointed, self._pointed_score = seconds, score
        point = self.point(seconds, score)
        if point is None:
            self._view.point_at(seconds, None)
        else:
            self._view.point_at(seconds, point.score, point.application)
        if beside is None:
            beside = self._view.mapFromScene(
                self._view.box.mapViewToScene(self._view.box.viewRect().center())
            )
            low, high = self.times()
            share = (seconds - low) / (high - low)
            beside.setX(round(self._view.box.sceneBoundingRect().left()
                              + share * self._view.width_pixels))  # fmt: skip
        self._hover_box.tell(self._readout.html(seconds, self._colours), beside)
        self.setAccessibleDescription(self.describe(seconds))

    def _point_nowhere(self) -> None:
        self._pointed = None
        self._view.point_at(None, None)
        self._hover_box.hide()

    def _step(self, direction: int) -> None:
        """Point at the neighbouring bin: for the keyboard."""
        low, high = self.times()
        bands = self._view.shown.values()
        starts = np.unique(np.concatenate([np.empty(0), *(b.start + b.width / 2 for b in bands)]))
        starts = starts[(starts >= low) & (starts <= high)]
        if not len(starts):
            return
        at = high if self._pointed is None else self._pointed
        place = np.searchsorted(starts, at - 1e-6 if direction < 0 else at + 1e-6)
        self._point_to(float(starts[np.clip(place - (direction < 0), 0, len(starts) - 1)]))

    def point(self, seconds: float, score: float = -1.0) -> Point | None:
        """The highest call at a moment (s): of the line nearest to a score, else the highest."""
        return self._readout.point(seconds, score)

    def describe(self, seconds: float) -> str:
        """What was going on at a moment: the highest score there, its process and its call."""
        return self._readout.text(seconds)

    def _clicked(self, event: Any) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        moment = self._view.moment(event.scenePos())
        if moment is None:
            return
        mark = self._readout.mark(moment[0])
        if mark is not None and moment[1] > 1.0:
            event.accept()
            self.alert_clicked.emit(self._view.marks.choose(mark))
        elif (point := self.point(*moment)) is not None:
            event.accept()
            self.point_clicked.emit(point)

    def _ask_calls(self) -> None:
        if self._pointed is not None:
            point = self.point(self._pointed, self._pointed_score)
            if point is not None:
                self.point_clicked.emit(point)

    # Events

    def eventFilter(self, watched: Any, event: QEvent | None) -> bool:  # noqa: D102
        if event is not None and event.type() == QEvent.Type.Leave:
            self._point_nowhere()
        elif event is not None and event.type() == QEvent.Type.Resize:
            self.refresh()
        return super().eventFilter(watched, event)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: D102
        super().changeEvent(event)
        if event is not None and event.type() in (
            QEvent.Type.PaletteChange, QEvent.Type.FontChange,
        ):  # fmt: skip
            self._dress()

    def sizeHint(self) -> QSize:  # noqa: D102
        return QSize(900, 460)

    # Saving

    def _shown_names(self) -> dict[int, str]:
        return {number: self._readout.names.get(number, "") for number in sorted(self._view.shown)}

    def _image_legend(self) -> list[tuple[str, Any]]:
        colour = self._colours.application
        return [(name, colour(number)) for number, name in self._shown_names().items()]

    def copy_image(self) -> None:
        """Put what is shown into the clipboard."""
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setImage(picture(self._view, self._image_legend(), self._colours.text))

    def save_image(self, path: str, ending: str) -> bool:
        """Write what is shown as PNG or SVG, as `ending` says; False when that failed."""
        self._point_nowhere()
        return save_picture(self._view, self._image_legend(), self._colours.text, path, ending)

    def save(self, path: str) -> None:
        """Write what is shown as PNG, SVG or CSV, by the file's ending.

        Raises
        ------
        ImsafeError
            It cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending not in (".png", ".svg", ".csv"):
            raise ImsafeError(
                self.tr("{0} ends in none of .png, .svg and .csv, which say what to write.")
                .format(path)
            )  # fmt: skip
        self.draw_now()
        if ending == ".csv":
            save_values(self._history, self._shown_names(), *self.times(), path)
            return
        try:
            drawn = self.save_image(path, ending)
        except OSError as error:
            raise cannot("write", path, error) from error
        if not drawn:
            raise ImsafeError(self.tr("Cannot write {0}.").format(path))
