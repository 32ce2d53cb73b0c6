# SPDX-License-Identifier: GPL-3.0-or-later
"""Help > Manual: the manual inside the program."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QUrl
from PyQt6.QtGui import QAction, QCloseEvent, QDesktopServices, QKeySequence
from PyQt6.QtWidgets import QLineEdit, QMainWindow, QTextBrowser, QToolBar, QWidget

import imsafe
from imsafe.gui.settings import Settings


def manual_path() -> Path | None:
    """The manual: inside the package when installed, beside it in a checkout."""
    package = Path(imsafe.__file__).parent
    for path in (package / "docs" / "manual.md", package.parent / "docs" / "manual.md"):
        if path.is_file():
            return path
    return None


class ManualWindow(QMainWindow):
    """Shows the manual, with search."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("ImSafe manual"))
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._follow)
        self.setCentralWidget(self.text)
        path = manual_path()
        if path is None:
            self.text.setPlainText(self.tr("The manual is missing from this installation."))
        else:
            self.text.setSearchPaths([str(path.parent)])
            self.text.setMarkdown(path.read_text(encoding="utf-8"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the manual"))
        self.search.setClearButtonEnabled(True)
        self.search.returnPressed.connect(self._find)
        bar = QToolBar(self.tr("Search"))
        bar.setObjectName("search")
        bar.addWidget(self.search)
        self.addToolBar(bar)
        for shortcut, slot in (("Ctrl+F", self.search.setFocus), ("Ctrl+W", self.close)):
            action = QAction(self)
            action.setShortcut(QKeySequence(shortcut))
            action.triggered.connect(lambda _=False, slot=slot: slot())
            self.addAction(action)
        self.resize(760, 700)
        settings.restore_geometry("manual", self)

    def _find(self) -> None:
        if not self.text.find(self.search.text()):
            cursor = self.text.textCursor()
            cursor.movePosition(cursor.MoveOperation.Start)
            self.text.setTextCursor(cursor)
            self.text.find(self.search.text())

    def _follow(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
        elif url.hasFragment():
            self.text.scrollToAnchor(url.fragment())

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: D102
        self._settings.save_geometry("manual", self)
        super().closeEvent(event)
