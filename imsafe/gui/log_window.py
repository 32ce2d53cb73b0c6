# SPDX-License-Identifier: GPL-3.0-or-later
"""Monitor > Plot graph: the whole history of a score log, also one that is still being written."""

from __future__ import annotations

import threading
from html import escape
from pathlib import Path

from PyQt6.QtCore import QObject, QThread, pyqtSignal
from PyQt6.QtGui import QAction, QCloseEvent, QKeySequence
from PyQt6.QtWidgets import QLabel, QMainWindow, QWidget

from imsafe.errors import ImsafeError
from imsafe.gui.fields import show_message
from imsafe.gui.file_kinds import graph_filter
from imsafe.gui.log_history import LogHistory, save_csv
from imsafe.gui.point import time_text
from imsafe.gui.saving import ask_to_save
from imsafe.gui.score_history import LiveHistory
from imsafe.gui.score_plot import ScorePlot
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import resize_to_fit
from imsafe.monitor.score_log_reader import ScoreLogReader
from imsafe.words import grouped, plural

LOOK_S = 1.0
"""How often the file is looked at for growth."""

_MOST_WAITING = 4
"""Parts of the log that may wait for the window."""


class _Reader(QThread):
    """Reads a log beside the window, part by part, and goes on when it grows.

    Signals
    -------
    begun(object)
        The `ScoreLogReader`, from its beginning; again when another file bears the name.
    part(object)
        Array of `LOG_RECORD`; call `taken` for each.
    at_end()
        Everything that there is was read.
    refused(str), troubled(str)
        Why it is no log; why it cannot be read any more, for now.
    """

    begun = pyqtSignal(object)
    part = pyqtSignal(object)
    at_end = pyqtSignal()
    refused = pyqtSignal(str)
    troubled = pyqtSignal(str)

    def __init__(self, path: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._stopping = threading.Event()
        self._room = threading.Semaphore(_MOST_WAITING)

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
        self._room.release()

    def taken(self) -> None:
        """The window has dealt with a part."""
        self._room.release()

    def run(self) -> None:
        try:
            reader = ScoreLogReader(self._path)
        except ImsafeError as error:
            self.refused.emit(str(error))
            return
        try:
            while not self._stopping.is_set():
                self.begun.emit(reader)
                if self._follow(reader):
                    reader.close()
                    reader = ScoreLogReader(self._path)
        except ImsafeError as error:
            self.refused.emit(str(error))
        finally:
            reader.close()

    def _follow(self, reader: ScoreLogReader) -> bool:
        """Read until the end of the window, or (True) until another file bears the name."""
        while not self._stopping.is_set():
            while (records := reader.read()) is not None:
                self._room.acquire()
                if self._stopping.is_set():
                    return False
                self.part.emit(records)
            self.at_end.emit()
            self._stopping.wait(LOOK_S)
            try:
                if reader.is_other():
                    return True
            except ImsafeError as error:
                self.troubled.emit(str(error))
        return False


class _Saver(QThread):
    """Writes a log as CSV beside the window.

    Signals
    -------
    done(str)
        What went wrong, in words; empty when nothing did.
    """

    done = pyqtSignal(str)

    def __init__(self, log: str, path: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log, self._path = log, path
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def run(self) -> None:
        words = ""
        try:
            save_csv(self._log, self._path, lambda: not self._stopping.is_set())
        except ImsafeError as error:
            words = str(error)
        self.done.emit(words)


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
        self._saver: _Saver | None = None
        self.setWindowTitle(self.tr("ImSafe: {0}").format(Path(path).name))
        self.plot = ScorePlot(LiveHistory(), live=False)
        self.plot.set_empty_text(self.tr("Reading {0}...").format(escape(path)))
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
        menus.addMenu(self.plot.menu(self))
        self.plot.save_asked.connect(self._ask_save)
        self._reader = _Reader(path, self)
        self._reader.begun.connect(self._begin)
        self._reader.part.connect(self._take)
        self._reader.at_end.connect(self._tell)
        self._reader.refused.connect(self._refused)
        self._reader.troubled.connect(self._about.setText)
        resize_to_fit(self, 1000, 560)
        settings.restore_geometry("log", self)
        self._reader.start(QThread.Priority.LowPriority)

    def _begin(self, reader: ScoreLogReader) -> None:
        self._log = reader
        self.history = None

    def _take(self, records: object) -> None:
        if self.history is None:
            self.history = LogHistory(self._log)
        self.history.take(records)  # type: ignore[arg-type]
        self._reader.taken()
        self.plot.show_log(self.history)
        if self._log.position < self._log.size:
            share = self._log.position / max(self._log.size, 1)
            self._about.setText(self.tr("Reading: {0}").format(f"{share:.0%}"))

    def _tell(self) -> None:
        """Say what the log holds: everything was read."""
        self.plot.set_empty_text(self.tr("The log holds no score yet."))
        log, history = self._log, self.history
        words = [self.tr("{0} lines", "", plural(log.lines)).format(grouped(log.lines))]
        span = history.span() if history is not None else None
        if span is not None:
            words.append(f"{time_text(span[0], date=True)} - {time_text(span[1], date=True)}")
        if log.skipped:
            left_out = self.tr("{0} damaged lines left out", "", plural(log.skipped))
            words.append(left_out.format(grouped(log.skipped)))
        if (text := ", ".join(words)) != self._about.text():
            self._about.setText(text)

    def _refused(self, words: str) -> None:
        self.plot.set_empty_text(escape(words))
        self._about.setText(words)
        if self.isVisible():
            show_message(self, "ImSafe", words)

    def _ask_save(self) -> None:
        place = str(Path(self._settings.folder("image")) / (Path(self.path).stem + ".png"))
        ask_to_save(self, self.tr("Save graph"), place, graph_filter(), self.save)

    def save(self, path: str) -> None:
        """Write what is shown as PNG or SVG, or all values as CSV, by the file's ending."""
        self._settings.set_folder("image", path)
        if path.lower().endswith(".csv"):
            if self._saver is not None:
                show_message(self, "ImSafe", self.tr("Values are being saved already."))
                return
            self._saver = _Saver(self.path, path, self)
            self._saver.done.connect(self._saved)
            self._saver.start(QThread.Priority.LowPriority)
            return
        try:
            self.plot.save(path)
        except ImsafeError as error:
            show_message(self, "ImSafe", str(error))

    def _saved(self, words: str) -> None:
        self._saver = None
        if words:
            show_message(self, "ImSafe", words)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: D102
        for thread in (self._reader, self._saver):
            if thread is not None:
                thread.stop()
                thread.wait()
        self._settings.save_geometry("log", self)
        super().closeEvent(event)
