# SPDX-License-Identifier: GPL-3.0-or-later
"""A bug of ours never makes the window vanish: it is shown, and can be copied for a report."""

from __future__ import annotations

import platform
import sys
import threading
import traceback
from types import TracebackType

import numpy
import pyqtgraph
from PyQt6.QtCore import PYQT_VERSION_STR, QT_VERSION_STR, QObject, pyqtSignal
from PyQt6.QtGui import QFontDatabase, QGuiApplication
from PyQt6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

import imsafe
from imsafe.gui.fields import closing_buttons


def _versions() -> str:
    return (
        f"ImSafe {imsafe.__version__}, Python {platform.python_version()}, Qt {QT_VERSION_STR},"
        f" PyQt {PYQT_VERSION_STR}, pyqtgraph {pyqtgraph.__version__}, numpy {numpy.__version__},"
        f" {platform.system()} {platform.release()} {platform.machine()}"
    )


def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> str:
    """What a developer needs to know; no file names or data of the user beyond the traceback."""
    return _versions() + "\n\n" + "".join(traceback.format_exception(kind, error, trace))


class CrashDialog(QDialog):
    """Shows the report of an unexpected error.

    Parameters
    ----------
    last_time
        Whether it ended the window before this one.
    """

    def __init__(
        self, text: str, parent: QWidget | None = None, *, last_time: bool = False
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("ImSafe has a bug"))
        words = QLabel(
            self.tr("The window crashed when it ran last: a bug of ImSafe or of what it is built"
                    " on, not a fault of yours. A monitor that it had started ended with it; what"
                    " was recorded, learned and told until then is in its files. Please send this"
                    " report to the developers.")
            if last_time
            else self.tr("Something happened that should not: a bug of ImSafe, not a fault of"
                    " yours. The window goes on; a running monitor is not affected, as it is a"
                    " process of its own. Please send this report to the developers.")
        )  # fmt: skip
        words.setWordWrap(True)
        self.text = QPlainTextEdit(text)
        self.text.setReadOnly(True)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setAccessibleName(self.tr("Report"))
        buttons = closing_buttons()
        self.copy = QPushButton(self.tr("&Copy report"))
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(words)
        layout.addWidget(self.text, 1)
        layout.addWidget(buttons)
        self.resize(720, 420)

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        assert clipboard is not None
        clipboard.setText(self.text.toPlainText())


_shown: CrashDialog | None = None


def show_last(text: str, parent: QWidget) -> CrashDialog:
    """Show what the crash of an earlier window has left (see `last_crash`)."""
    dialog = CrashDialog(_versions() + "\n\n" + text, parent, last_time=True)
    dialog.open()
    return dialog


def _hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    global _shown  # noqa: PLW0603  # one dialog at a time, however often a timer fails
    if issubclass(kind, KeyboardInterrupt):
        QApplication.quit()
        return
    text = report(kind, error, trace)
    sys.__stderr__ and sys.__stderr__.write(text)
    if _shown is not None and _shown.isVisible():
        return
    _shown = CrashDialog(text, QApplication.activeWindow())
    _shown.open()


class _FromThreads(QObject):
    """Brings the errors of other threads to that of the window."""

    raised = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self.raised.connect(lambda args: _hook(*args[:3]))


_from_threads: _FromThreads | None = None


def install() -> None:
    """Show unexpected errors of all threads in a dialog from now on."""
    global _from_threads  # noqa: PLW0603  # it has to live as long as the hook
    sys.excepthook = _hook
    _from_threads = bridge = _FromThreads()
    threading.excepthook = bridge.raised.emit
