# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools > Display tree: the sequences in a behaviour database and how probable each call is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
)
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMainWindow,
    QMenu,
    QSpinBox,
    QStackedWidget,
    QToolBar,
    QTreeView,
    QWidget,
)

from imsafe.gui.columns import set_widths
from imsafe.gui.fields import show_message
from imsafe.gui.file_kinds import database_filter
from imsafe.gui.icicle import Icicle
from imsafe.gui.sequence_tree import ROOT, ComparedTree, SequenceTree
from imsafe.gui.settings import Settings
from imsafe.gui.share_bars import ShareDelegate
from imsafe.gui.sizes import resize_to_fit
from imsafe.gui.tree_export import Form, TreeExport, forms
from imsafe.gui.tree_model import TreeModel
from imsafe.gui.tree_reading import ComparisonReader, Counts, TreeReader
from imsafe.words import grouped, plural

_READING, _ROWS, _BOXES = range(3)
_ALL, _ONLY_HERE, _ONLY_THERE, _CHANGED = range(4)


class Rows(QTreeView):
    """The rows; the key that opens everything below opens one level: there may be a million."""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: D102
        if event is not None and event.key() == Qt.Key.Key_Asterisk:
            self.expandRecursively(self.currentIndex(), 1)
        else:
            super().keyPressEvent(event)


class TreeWindow(QMainWindow):
    """Shows one behaviour database, or compares it with another.

    Attributes
    ----------
    model : TreeModel or None
        None until the file's first rows have been read.
    whole : bool
        Whether all of it has been read.
    """

    def __init__(self, path: str, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._settings = settings
        self.model: TreeModel | None = None
        self.whole = False
        self._one: SequenceTree | None = None
        self._counts: Counts | None = None
        self._other = ""
        self._comparing: ComparisonReader | None = None
        self._export: TreeExport | None = None
        self.setWindowTitle(self.tr("ImSafe: tree of {0}").format(Path(path).name))
        self.view = Rows()
        self.view.setUniformRowHeights(True)
        self.view.setAlternatingRowColors(True)
        self.view.setAccessibleName(self.tr("Tree of sequences"))
        self.view.setWhatsThis(
            self.tr("A row is a call after the calls of the rows above it. The bar shows how"
                    " probable it is there.")
        )  # fmt: skip
        self._words = QLabel(self.tr("Reading {0}...").format(path))
        self._words.setMargin(20)
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._pages = QStackedWidget()
        self._pages.addWidget(self._words)
        self._pages.addWidget(self.view)
        self.setCentralWidget(self._pages)
        self.boxes: Icicle | None = None
        self._make_bar()
        self._make_menus()
        self._about = QLabel()
        self._about.setTextFormat(Qt.TextFormat.PlainText)
        status = self.statusBar()
        assert status is not None
        status.addWidget(self._about)
        self._enable()
        resize_to_fit(self, 1080, 680)
        settings.restore_geometry("tree", self)
        self._reader = TreeReader(path, self)
        self._reader.began.connect(self._begin)
        self._reader.read.connect(self._finish)
        self._reader.refused.connect(self._refused)
        self._reader.start()

    # Building

    def _make_bar(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search a sequence: openat, read, close"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Sequence to search"))
        self.search.setMinimumWidth(220)
        self.least = QSpinBox()
        self.least.setRange(1, 1_000_000_000)
        self.least.setGroupSeparatorShown(True)
        self.least.setKeyboardTracking(False)
        self.least.setAccessibleName(self.tr("Minimum count"))
        self.least.setToolTip(self.tr("Hide sequences that were seen less often"))
        self.which = QComboBox()
        self.which.addItems(
            [self.tr("All sequences"), self.tr("Only here"), self.tr("Only there"),
             self.tr("Twice as often, or half")]
        )  # fmt: skip
        self.which.setAccessibleName(self.tr("Which differences"))
        self.found = QLabel()
        self.found.setTextFormat(Qt.TextFormat.PlainText)
        bar = QToolBar(self.tr("Tree"))
        bar.setObjectName("tree")
        bar.setMovable(False)
        bar.addWidget(self.search)
        bar.addSeparator()
        seen = QLabel(self.tr(" Seen at &least "))
        seen.setBuddy(self.least)
        bar.addWidget(seen)
        bar.addWidget(self.least)
        bar.addWidget(QLabel(self.tr(" times ")))
        self._which_action: QAction | None = bar.addWidget(self.which)
        bar.addSeparator()
        self.bar = bar
        self.addToolBar(bar)
        self.search.textChanged.connect(self.find_sequence)
        self.search.returnPressed.connect(self._leave_search)
        self.least.valueChanged.connect(self._filter)
        self.which.currentIndexChanged.connect(self._filter)

    def _make_menus(self) -> None:
        menus = self.menuBar()
        assert menus is not None
        file, edit, view = (
            menus.addMenu(title) for title in (self.tr("&File"), self.tr("&Edit"), self.tr("&View"))
        )
        assert file is not None
        assert edit is not None
        assert view is not None
        self.compare_action = self._action(
            file, self.tr("Co&mpare with..."), "Ctrl+M", self._ask_compare
        )
        self.end_action = self._action(file, self.tr("&End comparison"), "", self.end_comparison)
        exports = file.addMenu(self.tr("E&xport"))
        assert exports is not None
        self.exports = [
            self._action(exports, form.name, "Ctrl+S" if place == 0 else "",
                         partial(self._ask_export, form))
            for place, form in enumerate(forms())
        ]  # fmt: skip
        file.addSeparator()
        self._action(file, self.tr("&Close"), "Ctrl+W", self.close)
        self.copy_action = self._action(edit, self.tr("&Copy path"), "Ctrl+C", self.copy_path)
        self._action(edit, self.tr("&Find"), "Ctrl+F", self.search.setFocus)
        group = QActionGroup(self)
        self.rows_action = self._action(
            view, self.tr("&Rows"), "Ctrl+1", lambda: self._show_page(_ROWS)
        )
        self.boxes_action = self._action(
            view, self.tr("&Boxes"), "Ctrl+2", lambda: self._show_page(_BOXES)
        )
        for action in (self.rows_action, self.boxes_action):
            action.setCheckable(True)
            group.addAction(action)
            self.bar.addAction(action)
        self.bar.addSeparator()
        self.bar.addAction(self.copy_action)
        self.rows_action.setChecked(True)

    def _action(self, menu: QMenu, text: str, shortcut: str, slot: Callable[[], object]) -> QAction:
        action = QAction(text, self)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(lambda _=False: slot())
        menu.addAction(action)
        return action

    def _enable(self) -> None:
        shown = self.model is not None
        for widget in (self.search, self.least):
            widget.setEnabled(shown)
        for action in (self.rows_action, self.boxes_action, self.copy_action):
            action.setEnabled(shown)
        compared = self._other != ""
        self.compare_action.setEnabled(self.whole and self._comparing is None)
        self.end_action.setEnabled(compared)
        if self._which_action is not None:
            self._which_action.setVisible(compared)
        for action in self.exports:
            action.setEnabled(self.whole and self._export is None)

    # Reading

    def _begin(self, tree: SequenceTree) -> None:
        self.model = TreeModel(tree, self)
        self.view.setModel(self.model)
        selection = self.view.selectionModel()
        assert selection is not None
        selection.currentChanged.connect(self._row_chosen)
        self.boxes = Icicle(self.model)
        self.boxes.chosen.connect(self._box_chosen)
        self._pages.addWidget(self.boxes)
        self._set_columns()
        self._about.setText(self.tr("Reading what comes after these calls..."))
        self._show_page(_BOXES if self._settings.text("tree/page") == "boxes" else _ROWS)
        self._enable()

    def _finish(self, tree: SequenceTree, counts: Counts, lost: int) -> None:
        self._one, self._counts = tree, counts
        self._lost = lost
        self.whole = True
        self._set_tree(tree)

    def _refused(self, words: str) -> None:
        self._words.setText(words)
        self._pages.setCurrentIndex(_READING)
        show_message(self, "ImSafe", words)

    def _set_tree(self, tree: SequenceTree) -> None:
        assert self.model is not None
        line = self._current_line()
        self.model.set_tree(tree)
        self._set_columns()
        self._filter()
        self._go_to(tree.find(line)[0])
        self._enable()

    def _set_columns(self) -> None:
        assert self.model is not None
        for column, entry in enumerate(self.model.columns):
            if entry.role:
                self.view.setItemDelegateForColumn(column, ShareDelegate(self.view))
            else:
                self.view.setItemDelegateForColumn(column, None)
        set_widths(self.view, (entry.letters for entry in self.model.columns))
        header = self.view.header()
        assert header is not None
        header.setStretchLastSection(True)

    def _describe(self) -> None:
        tree = self.model.tree if self.model is not None else None
        if tree is None or not self.whole:
            return
        if isinstance(tree, ComparedTree):
            both = tree.comparison
            words = self.tr(
                "Here: {0}. There: {1}. Sequences only here: {2}, only there: {3},"
                " at least twice or half as often: {4}"
            ).format(
                Path(self.path).name, Path(self._other).name, grouped(both.only_here.sum()),
                grouped(both.only_there.sum()), grouped(both.changed.sum()),
            )  # fmt: skip
        else:
            calls = self.tr("{0} calls", "learned from", plural(tree.calls))
            words = self.tr(
                "{0} sequences of up to {1} calls, learned from {2}", "", plural(len(tree))
            ).format(grouped(len(tree)), tree.depth, calls.format(grouped(tree.calls)))
            if self._lost:
                lost = self.tr("{0} calls were lost while recording", "", plural(self._lost))
                words = f"{words}; {lost.format(grouped(self._lost))}"
        if self.model is not None and not self.model.rowCount():
            words = self.tr("Nothing is left to show: lower the count, or show all. {0}").format(
                words
            )
        self._about.setText(words)

    # What is shown

    def _show_page(self, page: int) -> None:
        if self.boxes is None:
            return
        line = self._current_line()
        self._pages.setCurrentIndex(page)
        (self.boxes_action if page == _BOXES else self.rows_action).setChecked(True)
        self._settings.set_text("tree/page", "boxes" if page == _BOXES else "rows")
        shown: QWidget = self.boxes if page == _BOXES else self.view
        assert self.model is not None
        self._go_to(self.model.tree.find(line)[0])
        if not self.search.hasFocus():
            shown.setFocus()

    def _filter(self) -> None:
        if self.model is None:
            return
        tree, line = self.model.tree, self._current_line()
        least, which = self.least.value(), self.which.currentIndex()

        def change() -> None:
            if isinstance(tree, ComparedTree) and which != _ALL:
                both = tree.comparison
                chosen = {
                    _ONLY_HERE: both.only_here,
                    _ONLY_THERE: both.only_there,
                    _CHANGED: both.changed,
                }[which]
                tree.show(both.with_ancestors(chosen & (both.tree.count >= least)))
            else:
                tree.show_seen(least)

        self.model.refilter(change)
        self._go_to(tree.find(line)[0])
        self._describe()

    def current(self) -> int:
        """The chosen node."""
        if self.model is None:
            return ROOT
        if self._pages.currentWidget() is self.boxes and self.boxes is not None:
            return self.boxes.boxes.current
        return self.model.node(self.view.currentIndex())

    def _current_line(self) -> list[str]:
        return self.model.tree.path(self.current()) if self.model is not None else []

    def _row_chosen(self) -> None:
        if self.boxes is not None and self._pages.currentWidget() is self.view:
            self.boxes.boxes.current = self.current()

    def _box_chosen(self, node: int) -> None:
        bar = self.statusBar()
        if self.model is not None and bar is not None and node != ROOT:
            bar.showMessage(self.model.about(node).replace("\n", ": "), 10_000)

    def _go_to(self, node: int) -> None:
        """Show a node, or the nearest of its beginnings that is not hidden."""
        assert self.model is not None
        assert self.boxes is not None
        while not self.model.tree.is_shown(node):
            node = self.model.tree.parent(node)
        index = self.model.index_of(node)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
            self.view.expand(index)
        if self._pages.currentWidget() is self.boxes:
            self.boxes.show_node(node)
        else:
            self.boxes.boxes.current = node

    # Search

    def find_sequence(self) -> None:
        """Go to what is in the search field, as far as it is known; a call may be half typed."""
        bar = self.statusBar()
        assert bar is not None
        calls = self.search.text().replace(",", " ").split()
        if self.model is None or not calls:
            bar.clearMessage()
            return
        tree = self.model.tree
        node, known = tree.find_long(calls)
        if known == len(calls) - 1 and not self.search.text().endswith((",", " ")):
            begun = tree.begun(tree.find(calls[:-1])[0], calls[-1])
            if begun != ROOT:
                node, known = begun, len(calls)
        self._go_to(node)
        if known < len(calls):
            before = ", ".join(calls[:known])
            words = (
                self.tr("Never seen: {0} after {1}").format(calls[known], before)
                if before
                else self.tr("Never seen: {0}").format(calls[known])
            )
        elif len(calls) > tree.depth:
            words = self.tr("Each stretch of {0} calls in it was seen").format(tree.depth)
        else:
            words = self.model.about(node).replace("\n", ": ")
        bar.showMessage(words)

    def _leave_search(self) -> None:
        self.find_sequence()
        current = self._pages.currentWidget()
        if current is not None:
            current.setFocus()

    def copy_path(self) -> None:
        """Copy the chosen sequence, as the search field takes it."""
        clipboard = QGuiApplication.clipboard()
        if self.model is not None and clipboard is not None and self.current() != ROOT:
            clipboard.setText(", ".join(self._current_line()))

    # Comparison and export

    def _ask_compare(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, self.tr("Compare with another behaviour database"),
            self._settings.folder("profile"), database_filter(),
        )  # fmt: skip
        if path:
            self.compare_with(path)

    def compare_with(self, path: str) -> None:
        """Read another database, then show both."""
        if self._counts is None or self._comparing is not None:
            return
        self._about.setText(self.tr("Comparing with {0}...").format(path))
        reader = ComparisonReader(self._counts, path, self)
        reader.compared.connect(self._compared)
        reader.refused.connect(self._not_compared)
        reader.finished.connect(reader.deleteLater)
        self._comparing = reader
        self._enable()
        reader.start()

    def _compared(self, tree: ComparedTree) -> None:
        assert self._comparing is not None
        self._other, self._comparing = self._comparing.path, None
        bar = self.statusBar()
        assert bar is not None
        bar.clearMessage()  # it would hide what was found
        self._set_tree(tree)

    def _not_compared(self, words: str) -> None:
        self._comparing = None
        self._enable()
        self._describe()
        show_message(self, "ImSafe", words)

    def end_comparison(self) -> None:
        """Show the one database again."""
        self._other = ""
        if self._one is not None:
            self._set_tree(self._one)

    def _ask_export(self, form: Form) -> None:
        start = Path(self._settings.folder("export")) / (Path(self.path).stem + form.ending)
        path, _ = QFileDialog.getSaveFileName(self, self.tr("Export"), str(start))
        if path:
            self._settings.set_folder("export", path)
            self.export(form, path)

    def export(self, form: Form, path: str) -> None:
        """Write this database's tree as `ims-tree` does; of a comparison, this side."""
        self._export = TreeExport(self.path, form, path, self.least.value(), self)
        self._export.ended.connect(self._exported)
        self._enable()
        bar = self.statusBar()
        assert bar is not None
        bar.showMessage(self.tr("Writing {0}...").format(path))
        self._export.start()

    def _exported(self, words: str, good: bool) -> None:
        assert self._export is not None
        self._export.deleteLater()
        self._export = None
        self._enable()
        bar = self.statusBar()
        assert bar is not None
        bar.showMessage(words if good else "")
        if not good:
            show_message(self, "ImSafe", words)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: D102
        self._reader.wait()
        if self._comparing is not None:
            self._comparing.wait()
        if self._export is not None:
            self._export.ended.disconnect()
            self._export.stop()
        self._settings.save_geometry("tree", self)
        super().closeEvent(event)
