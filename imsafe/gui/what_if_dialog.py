# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Configure > What if: which alerts a threshold would have raised in a recording."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QObject, Qt, QThread, pyqtSignal
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from imsafe.errors import ImsafeError
from imsafe.gui.child import Child
from imsafe.gui.colours import colours
from imsafe.gui.fields import PathField, ProblemLine, ThresholdField, closing_buttons
from imsafe.gui.file_kinds import file_kind
from imsafe.gui.plot_items import count_text, rarity
from imsafe.gui.progress_words import duration
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import resize_to_fit
from imsafe.monitor.score_log_reader import read_score_log
from imsafe.monitor.what_if import WhatIf
from imsafe.words import grouped

_CURVE = np.linspace(0.0, 1.0, 201)
_BASE = -0.15
"""Where the plot begins, as a power of ten."""


class _Reader(QThread):
    """Reads a score log beside the window.

    Signals
    -------
    read(object, object), refused(str)
        The `WhatIf` and its curve; or why there is none.
    """

    read = pyqtSignal(object, object)
    refused = pyqtSignal(str)

    def __init__(self, path: str, application: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path, self._application = path, application

    def run(self) -> None:
        try:
            log = read_score_log(self._path)
            known = self._application in log.applications
            scores = WhatIf(log, self._application if known else None)
            self.read.emit(scores, scores.curve(_CURVE))
        except ImsafeError as error:
            self.refused.emit(str(error))


class WhatIfDialog(QDialog):
    """A histogram of scores under a threshold that can be dragged.

    Attributes
    ----------
    scores : WhatIf or None
        What is shown.

    Signals
    -------
    taken(float)
        The threshold shall be used.
    """

    taken = pyqtSignal(float)

    def __init__(
        self,
        settings: Settings,
        profile: str,
        application: str,
        threshold: float,
        log: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("What if: alerts of a threshold"))
        self._profile, self._application = profile, application
        self.scores: WhatIf | None = None
        self._child: Child | None = None
        self._reader: _Reader | None = None
        self._complaint = ""
        self._folder = ""
        self.path = PathField(
            settings, "trace", "open", self.tr("Recorded trace or score log"),
        )  # fmt: skip
        self.path.edit.setPlaceholderText(self.tr("a recorded trace, or a score log"))
        self.go = QPushButton(self.tr("&Show"))
        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(self.go)
        label = QLabel(self.tr("Sc&ores of:"))
        label.setBuddy(self.path)
        form = QFormLayout()
        form.addRow(label, row)
        self.threshold = ThresholdField(threshold)
        form.addRow(self.tr("Anomaly t&hreshold:"), self.threshold)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.problem = ProblemLine()
        self._make_plot()
        self.use = QPushButton(self.tr("&Use this threshold"))
        buttons = closing_buttons()
        buttons.addButton(self.use, QDialogButtonBox.ButtonRole.ActionRole)
        hint = QLabel(
            self.tr("Best is a trace of normal work that was not learned, a day of it: what was"
                    " learned scores low.")
        )  # fmt: skip
        hint.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addWidget(hint)
        layout.addLayout(form)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.words)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)
        resize_to_fit(self, 720, 560)
        buttons.rejected.connect(self.close)
        self.use.clicked.connect(self._use)
        self.go.clicked.connect(self.show_scores)
        self.path.changed.connect(self._check)
        self.path.edit.returnPressed.connect(self.show_scores)
        self.threshold.valueChanged.connect(self._moved)
        if log and Path(log).is_file():
            self.path.set_path(log)
            self.show_scores()
        self._check()
        self._tell()

    def _make_plot(self) -> None:
        palette = self.palette()
        look = colours(palette)
        self.plot = pg.PlotWidget(background=look.background)
        self.plot.setAccessibleName(self.tr("How many moments have which score"))
        item = self.plot.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setMouseEnabled(x=False, y=False)
        item.setXRange(0, 1, padding=0.02)
        for side, text in (
            ("bottom", self.tr("score")),
            ("left", self.tr("moments of 100 ms, and alerts")),
        ):
            axis = item.getAxis(side)
            axis.setLabel(text)
            axis.setPen(look.text)
            axis.setTextPen(look.text)
        item.getAxis("left").setTicks([[(power, grouped(10**power)) for power in range(10)]])
        item.addLegend(offset=(-10, 10), labelTextColor=look.text)
        self._bars = pg.BarGraphItem(x0=[], x1=[], y0=[], height=[], brush=look.bar, pen=None)
        item.addItem(self._bars)
        bars = pg.BarGraphItem(x0=[0], x1=[0], y0=[0], height=[0], brush=look.bar)
        bars.opts["name"] = self.tr("moments with this score")
        item.legend.addItem(bars, self.tr("moments with this score"))
        self._curve = item.plot(
            [], [], pen=pg.mkPen(look.alert, width=2), name=self.tr("alerts at this threshold")
        )
        self._line = pg.InfiniteLine(
            self.threshold.value(), movable=True, bounds=(0, 1),
            pen=pg.mkPen(palette.color(QPalette.ColorRole.Text), width=2,
                         style=Qt.PenStyle.DashLine),
            hoverPen=pg.mkPen(look.alert, width=3),
        )  # fmt: skip
        item.addItem(self._line)
        self._line.sigPositionChanged.connect(lambda line: self.threshold.setValue(line.value()))

    # Scores

    def _busy(self) -> bool:
        return self._child is not None or self._reader is not None

    def _check(self) -> None:
        path = self.path.path
        problem = ""
        if path and not Path(path).is_file():
            problem = self.tr("There is no file {0}.").format(path)
        self.problem.tell(problem)
        self.go.setEnabled(bool(path) and not problem and not self._busy())

    def show_scores(self) -> None:
        """Read the log, or have the monitor score the trace first."""
        if not self.go.isEnabled() and self._busy():
            return
        path = self.path.path
        try:
            kind = file_kind(path)
        except ImsafeError as error:
            self.problem.tell(str(error))
            return
        self.path.remember()
        if kind == "log":
            self._read(path)
        elif kind == "profile":
            self.problem.tell(
                self.tr("That is a behaviour database; choose a trace or a score log.")
            )
        else:
            self._score(path)

    def _score(self, trace: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="imsafe-")
        log = os.path.join(self._folder, "scores.log")  # noqa: PTH118
        child = Child(
            "monitor",
            ["-d", self._profile, "-t", "1", "--replay", trace, "-l", log, "--json"],
            self,
            nice=True,
        )  # fmt: skip
        child.ended.connect(lambda status, words: self._scored(log, status, words))
        self._child = child
        self.words.setText(self.tr("The monitor scores {0}...").format(Path(trace).name))
        self._check()
        child.start()

    def _scored(self, log: str, status: int, words: str) -> None:
        assert self._child is not None
        self._child.deleteLater()
        self._child = None
        if status in {0, 1} or (Path(log).is_file() and status == 2):
            self._read(log, words)
        else:
            self._forget()
            self.words.clear()
            self._check()
            self.problem.tell(words or self.tr("The monitor ended unexpectedly."))

    def _read(self, log: str, complaint: str = "") -> None:
        self._complaint = complaint
        self.words.setText(self.tr("Reading the scores..."))
        reader = _Reader(log, self._application, self)
        reader.read.connect(self._show)
        reader.refused.connect(self._refused)
        reader.finished.connect(reader.deleteLater)
        self._reader = reader
        self._check()
        reader.start()

    def _forget(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def _refused(self, words: str) -> None:
        self._reader = None
        self._forget()
        self._check()
        self.words.clear()
        self.problem.tell(words)

    def _show(self, scores: WhatIf, curve: Any) -> None:
        self._reader = None
        self._forget()
        if self._complaint and not len(scores):
            self.words.clear()
            self._check()
            self.problem.tell(self._complaint)
            return
        self.scores = scores
        counts, edges = scores.histogram()
        tall = np.log10(np.maximum(counts, 1))
        # They begin below 1, or a single moment would have no height.
        base = np.full(len(counts), _BASE)
        self._bars.setOpts(
            x0=edges[:-1], x1=edges[1:], y0=base, height=(tall - base) * (counts > 0)
        )
        some = curve > 0
        self._curve.setData(_CURVE[some], np.log10(curve[some]))
        highest = max(float(tall.max(initial=0)), float(np.log10(max(1, curve.max(initial=1)))))
        self.plot.getPlotItem().setYRange(_BASE, max(1.0, highest), padding=0.02)
        self._check()
        if self._complaint:
            self.problem.tell(self._complaint)
        self._tell()

    # Threshold

    def _moved(self, threshold: float) -> None:
        if abs(self._line.value() - threshold) > 5e-4:
            self._line.setValue(threshold)
        self._tell()

    def _tell(self) -> None:
        scores, threshold = self.scores, self.threshold.value()
        self.use.setEnabled(scores is not None)
        if scores is None:
            if not self._busy():
                self.words.setText(
                    self.tr("Choose a recording, then drag the threshold to see its alerts.")
                )
            return
        if not len(scores):
            self.words.setText(self.tr("There is no score in it."))
            return
        number, over = scores.alerts(threshold), duration(scores.seconds)
        per_day = scores.per_day(threshold) if number else None
        if number == 0:
            words = self.tr("At {0:.3f} ({1} on normal behaviour): no alert in {2}.")
        elif per_day is None:
            words = self.tr("At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}.", "", number)
        else:
            words = self.tr(
                "At {0:.3f} ({1} on normal behaviour): {3} alerts in {2}, {4} a day.", "", number
            )
        rate = per_day or 0.0
        words = words.format(
            threshold, rarity(threshold), over, grouped(number),
            count_text(rate) if rate >= 10 else f"{rate:.2g}",
        )  # fmt: skip
        words += " " + self.tr("The highest score is {0:.3f}.").format(scores.highest)
        self.words.setText(words)

    def _use(self) -> None:
        self.taken.emit(self.threshold.value())
        self.close()

    def done(self, result: int) -> None:  # noqa: D102
        if self._child is not None:
            self._child.ended.disconnect()
            self._child.kill_now()
            self._child = None
        if self._reader is not None:
            self._reader.wait()
        self._forget()
        super().done(result)
