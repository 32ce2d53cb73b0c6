# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Plot graph: the whole history of a score log, also one that is still being written."""

from __future__ import annotations

import time
from pathlib import Path

from PyQt6.QtCore import QObject, QThread, pyqtSignal
from PyQt6.QtGui import QAction, QCloseEvent, QKeySequence
from PyQt6.QtWidgets import QFileDialog, QLabel, QMainWindow, QWidget

from imsafe.errors import ImsafeError
from imsafe.gui.fields import show_message
from imsafe.gui.log_history import LogHistory, save_csv
from imsafe.gui.score_history import LiveHistory
from imsafe.gui.score_plot import ScorePlot, time_text
from imsafe.gui.settings import Settings
from imsafe.gui.timers import timer
from imsafe.monitor.score_log import read_score_log

LOOK_MS = 1000
"""How often the file is looked at for growth."""

_PATIENCE = 5
"""A log is read again no sooner than this many times what reading it took."""


class _Reader(QThread):
    """Reads a log beside the window.

    Signals
    -------
    read(object), refused(str)
        The `LogHistory`; or why there is none.
    """

    read = pyqtSignal(object)
    refused = pyqtSignal(str)

    def __init__(self, path: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self.seconds = 0.0

    def run(self) -> None:
        began = time.monotonic()
        try:
            history = LogHistory(read_score_log(self._path))
        except ImsafeError as error:
            self.refused.emit(str(error))
            return
        self.seconds = time.monotonic() - began
        self.read.emit(history)


class LogWindow(QMainWindow):
    """Plots one score log and follows it while it grows.

    Attributes
    ----------
    history : LogHistory or None
        What was read last.
    """

    def __init__(self, path: str, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._settings = settings
        self.history: LogHistory | None = None
        self._state: tuple[int, int] | None = None
        self._next_look = 0.0
        self.setWindowTitle(self.tr("ImSafe: {0}").format(Path(path).name))
        self.plot = ScorePlot(LiveHistory(), live=False)
        self.plot.set_empty_text(self.tr("Reading {0}...").format(path))
        self.setCentralWidget(self.plot)
        self._about = QLabel()
        bar, menus = self.statusBar(), self.menuBar()
        assert bar is not None
        assert menus is not None
        bar.addWidget(self._about)
        menu = menus.addMenu(self.tr("&File"))
        assert menu is not None
        for text, shortcut, slot in (
            (self.tr("&Save as..."), "Ctrl+S", self._ask_save),
            (self.tr("&Close"), "Ctrl+W", self.close),
        ):
            action = QAction(text, self)
            action.setShortcut(QKeySequence(shortcut))
            action.triggered.connect(lambda _=False, slot=slot: slot())
            menu.addAction(action)
        self._reader = _Reader(path, self)
        self._reader.read.connect(self._show)
        self._reader.refused.connect(self._refused)
        self._timer = timer(self, LOOK_MS, self._look)
        self.resize(1000, 560)
        settings.restore_geometry("log", self)
        self._timer.start()
        self._look()

    def _look(self) -> None:
        """Read the file again if it has changed."""
        if self._reader.isRunning() or time.monotonic() < self._next_look:
            return
        try:
            status = Path(self.path).stat()
        except OSError as error:
            self._about.setText(
                self.tr("{0} cannot be read any more: {1}.").format(self.path, error.strerror)
            )
            if self.history is None:
                self._timer.stop()
                self._refused(self._about.text())
            return
        state = (status.st_size, status.st_mtime_ns)
        if state != self._state:
            self._state = state
            self._reader.start(QThread.Priority.LowPriority)

    def _show(self, history: LogHistory) -> None:
        self._next_look = time.monotonic() + _PATIENCE * self._reader.seconds
        self.history = history
        self.plot.show_log(history)
        self.plot.set_empty_text(self.tr("The log holds no score yet."))
        span = history.span()
        words = self.tr("{0:,} lines").format(len(history.data.records))
        if span is not None:
            words += f", {time_text(span[0], date=True)} - {time_text(span[1], date=True)}"
        if history.data.skipped:
            words += self.tr(", {0:,} damaged lines left out").format(history.data.skipped)
        self._about.setText(words)

    def _refused(self, words: str) -> None:
        self._timer.stop()
        self.plot.set_empty_text(words)
        if self.isVisible():
            show_message(self, "ImSafe", words)

    def _ask_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save the graph"),
            str(Path(self._settings.folder("image")) / (Path(self.path).stem + ".png")),
            self.tr("Image (*.png);;Drawing (*.svg);;Values (*.csv)"),
        )  # fmt: skip
        if path:
            self._settings.set_folder("image", path)
            self.save(path)

    def save(self, path: str) -> None:
        """Write what is shown as PNG or SVG, or all values as CSV, by the file's ending."""
        try:
            if path.lower().endswith(".csv"):
                if self.history is not None:
                    save_csv(self.history.data, path)
            else:
                self.plot.draw_now()
                ending = ".svg" if path.lower().endswith(".svg") else ".png"
                if not self.plot.save_image(path, ending):
                    raise ImsafeError(self.tr("Cannot write {0}.").format(path))
        except ImsafeError as error:
            show_message(self, "ImSafe", str(error))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: D102
        self._timer.stop()
        self._reader.wait()
        self._settings.save_geometry("log", self)
        super().closeEvent(event)
