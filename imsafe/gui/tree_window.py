# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools > Display tree: the sequences in a behaviour database and how probable each call is."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QModelIndex, QObject, QThread, pyqtSignal
from PyQt6.QtGui import QAction, QCloseEvent, QGuiApplication, QKeySequence
from PyQt6.QtWidgets import (
    QHeaderView,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QToolBar,
    QTreeView,
    QWidget,
)

from imsafe.errors import ImsafeError
from imsafe.gui.bars import BarDelegate
from imsafe.gui.fields import show_message
from imsafe.gui.sequence_tree import ROOT, SequenceTree
from imsafe.gui.settings import Settings
from imsafe.gui.tree_model import PROBABILITY, TreeModel
from imsafe.profile.glance import glance, read_tree


class _Reader(QThread):
    """Reads the tree beside the window.

    Signals
    -------
    read(object, int), refused(str)
        The `SequenceTree`, and how many calls were lost while recording; or why there is none.
    """

    read = pyqtSignal(object, int)
    refused = pyqtSignal(str)

    def __init__(self, path: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path

    def run(self) -> None:
        try:
            self.read.emit(SequenceTree(*read_tree(self._path)), glance(self._path).lost)
        except ImsafeError as error:
            self.refused.emit(str(error))


class TreeWindow(QMainWindow):
    """Shows one behaviour database.

    Attributes
    ----------
    model : TreeModel or None
        None until the file has been read.
    """

    def __init__(self, path: str, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._settings = settings
        self.model: TreeModel | None = None
        self.setWindowTitle(self.tr("ImSafe: tree of {0}").format(Path(path).name))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search a sequence: openat, read, close"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Sequence to search"))
        self.go = QPushButton(self.tr("&Find"))
        self.least = QSpinBox()
        self.least.setRange(1, 1_000_000_000)
        self.least.setGroupSeparatorShown(True)
        self.least.setKeyboardTracking(False)
        self.least.setAccessibleName(self.tr("Minimum count"))
        self.copy = QPushButton(self.tr("&Copy path"))
        bar = QToolBar(self.tr("Tree"))
        bar.setObjectName("tree")
        bar.setMovable(False)
        bar.addWidget(self.search)
        bar.addWidget(self.go)
        bar.addSeparator()
        bar.addWidget(QLabel(self.tr(" Seen at least ")))
        bar.addWidget(self.least)
        bar.addWidget(QLabel(self.tr(" times ")))
        bar.addSeparator()
        bar.addWidget(self.copy)
        self.addToolBar(bar)
        self.view = QTreeView()
        self.view.setUniformRowHeights(True)
        self.view.setAlternatingRowColors(True)
        self.view.setAccessibleName(self.tr("Tree of sequences"))
        self.view.setItemDelegateForColumn(PROBABILITY, BarDelegate(self.view))
        self._words = QLabel(self.tr("Reading {0}...").format(path))
        self._words.setMargin(20)
        self._words.setWordWrap(True)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._words)
        self._pages.addWidget(self.view)
        self.setCentralWidget(self._pages)
        self._about = QLabel()
        status = self.statusBar()
        assert status is not None
        status.addWidget(self._about)
        self.search.returnPressed.connect(self.find_sequence)
        self.go.clicked.connect(self.find_sequence)
        self.least.valueChanged.connect(self._set_least)
        self.copy.clicked.connect(self.copy_path)
        for shortcut, slot in (
            ("Ctrl+F", self.search.setFocus),
            ("Ctrl+C", self.copy_path),
            ("Ctrl+W", self.close),
        ):
            action = QAction(self)
            action.setShortcut(QKeySequence(shortcut))
            action.triggered.connect(lambda _=False, slot=slot: slot())
            self.addAction(action)
        self._enable(False)
        self.resize(820, 640)
        settings.restore_geometry("tree", self)
        self._reader = _Reader(path, self)
        self._reader.read.connect(self._show)
        self._reader.refused.connect(self._refused)
        self._reader.start()

    def _enable(self, ready: bool) -> None:
        for widget in (self.search, self.go, self.least, self.copy):
            widget.setEnabled(ready)

    def _show(self, tree: SequenceTree, lost: int) -> None:
        self.model = TreeModel(tree, self)
        self.view.setModel(self.model)
        header = self.view.header()
        assert header is not None
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        letter = self.fontMetrics().averageCharWidth()
        for column, letters in enumerate((48, 14, 12)):
            self.view.setColumnWidth(column, letters * letter)
        self._pages.setCurrentIndex(1)
        words = self.tr("{0:,} sequences of up to {1} calls, learned from {2:,} calls").format(
            len(tree), tree.depth, tree.calls
        )
        if lost:
            words += self.tr("; {0:,} calls were lost while recording").format(lost)
        self._about.setText(words)
        self._enable(True)
        self.view.setFocus()

    def _refused(self, words: str) -> None:
        self._words.setText(words)
        show_message(self, "ImSafe", words)

    def _set_least(self, count: int) -> None:
        if self.model is None:
            return
        node = self.model.node(self.view.currentIndex())
        self.model.set_least(count)
        if node != ROOT:
            self._go_to(node)

    def find_sequence(self) -> None:
        """Open the tree at the sequence in the search field, or as far as it is known."""
        if self.model is None:
            return
        calls = [call for call in self.search.text().replace(",", " ").split() if call]
        if not calls:
            return
        node, known = self.model.tree.find(calls)
        if known:
            self._go_to(node)
        bar = self.statusBar()
        assert bar is not None
        if known == len(calls):
            bar.showMessage(
                self.tr("Seen {0:,} times in {1:,} processes").format(
                    self.model.tree.count(node), self.model.tree.processes(node)
                ),
                10_000,
            )
        else:
            before = ", ".join(calls[:known])
            bar.showMessage(
                self.tr("Never seen: {0} after {1}").format(calls[known], before)
                if before
                else self.tr("Never seen: {0}").format(calls[known]),
                10_000,
            )

    def _go_to(self, node: int) -> None:
        assert self.model is not None
        index = self.model.index_of(node)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
            self.view.expand(index)

    def copy_path(self) -> None:
        """Copy the selected sequence, as the search field takes it."""
        index: QModelIndex = self.view.currentIndex()
        clipboard = QGuiApplication.clipboard()
        if self.model is not None and index.isValid() and clipboard is not None:
            clipboard.setText(", ".join(self.model.tree.path(self.model.node(index))))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: D102
        self._reader.wait()
        self._settings.save_geometry("tree", self)
        super().closeEvent(event)
