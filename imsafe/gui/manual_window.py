# SPDX-License-Identifier: GPL-3.0-or-later
"""Help > Manual: the chapters of the manual inside the program, and F1 in the other windows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtGui import (
    QAction,
    QCloseEvent,
    QDesktopServices,
    QImage,
    QKeySequence,
    QShortcut,
    QTextBlock,
    QTextCursor,
    QTextDocument,
)
from PyQt6.QtWidgets import (
    QLineEdit,
    QMainWindow,
    QSplitter,
    QTextBrowser,
    QToolBar,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

import imsafe
from imsafe.gui.settings import Settings
from imsafe.gui.sizes import resize_to_fit

CHAPTERS = (
    "manual", "concepts", "command-line", "server", "troubleshooting", "limits", "tracing",
    "kernel-tracer", "overhead", "from-strace-and-stide", "detection-model", "detection", "daemons",
    "window", "write-a-source", "stream-format", "view-protocol", "security", "reliability",
)  # fmt: skip
"""In the order of `docs/index.md`; one that an installation lacks is left out."""

_PLACE = Qt.ItemDataRole.UserRole
_DIRECTIVE = re.compile(r"^```\{(\w+)\}([^\n]*)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


def manual_path() -> Path | None:
    """The manual: inside the package when installed, beside it in a checkout."""
    package = Path(imsafe.__file__).parent
    for path in (package / "docs" / "manual.md", package.parent / "docs" / "manual.md"):
        if path.is_file():
            return path
    return None


def _plain_markdown(text: str) -> str:
    """The text without what only the HTML manual understands; its notes stay, as quotations."""

    def replaced(found: re.Match[str]) -> str:
        kind, argument, body = found.groups()
        if kind in ("note", "warning", "tip", "important"):
            return "".join(f"> {line}\n" for line in body.strip().splitlines())
        if kind in ("image", "figure"):
            return f"![]({argument.strip()})\n"
        return ""

    # A definition becomes a paragraph below its term: Qt knows no lists of definitions.
    return _DIRECTIVE.sub(replaced, text).replace("\n: ", "\n\n")


def anchor_of(heading: str) -> str:
    """The anchor of a heading, as GitHub and Sphinx's myst make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


class _Pages(QTextBrowser):
    """Text whose pictures are never wider than it is."""

    def loadResource(self, type: int, name: QUrl) -> Any:  # noqa: A002
        found = super().loadResource(type, name)
        if type != QTextDocument.ResourceType.ImageResource.value or not found:
            return found
        image = found if isinstance(found, QImage) else QImage.fromData(found)
        viewport = self.viewport()
        room = (viewport.width() if viewport is not None else self.width()) - 40
        if image.isNull() or image.width() <= room:
            return image
        return image.scaledToWidth(max(room, 200), Qt.TransformationMode.SmoothTransformation)


class ManualWindow(QMainWindow):
    """Shows the chapters, with contents and search."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._chapter = ""
        self._visited: list[str] = []
        self.setWindowTitle(self.tr("ImSafe manual"))
        self.text = _Pages()
        self.text.setOpenLinks(False)
        self.text.setAccessibleName(self.tr("Text of the manual"))
        self.text.anchorClicked.connect(self._follow)
        self.contents = QTreeWidget()
        self.contents.setHeaderHidden(True)
        self.contents.setAccessibleName(self.tr("Contents"))
        self.contents.itemActivated.connect(self._open_item)
        self.contents.itemClicked.connect(self._open_item)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.addWidget(self.contents)
        both.addWidget(self.text)
        both.setStretchFactor(1, 1)
        both.setChildrenCollapsible(False)
        self.setCentralWidget(both)
        self._make_bar()
        resize_to_fit(self, 900, 720)
        settings.restore_geometry("manual", self)
        path = manual_path()
        self._folder = path.parent if path is not None else None
        if self._folder is None:
            self.text.setPlainText(self.tr("The manual is missing from this installation."))
            self.contents.hide()
            return
        self.text.setSearchPaths([str(self._folder)])
        self._fill_contents(self._folder)
        width = self.contents.sizeHintForColumn(0) + 2 * self.contents.frameWidth()
        both.setSizes([width, self.width() - width])
        self.open("manual")

    def _make_bar(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search this chapter, then the others"))
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName(self.tr("Search the manual"))
        self.search.returnPressed.connect(self.find_words)
        bar = QToolBar(self.tr("Search"))
        bar.setObjectName("search")
        bar.setMovable(False)
        self.back = QAction(self.tr("&Back"), self)
        self.back.setShortcut(QKeySequence("Alt+Left"))
        self.back.setEnabled(False)
        self.back.triggered.connect(self._go_back)
        bar.addAction(self.back)
        bar.addWidget(self.search)
        self.addToolBar(bar)
        for shortcut, slot in (("Ctrl+F", self.search.setFocus), ("Ctrl+W", self.close)):
            action = QAction(self)
            action.setShortcut(QKeySequence(shortcut))
            action.triggered.connect(lambda _=False, slot=slot: slot())
            self.addAction(action)

    def _fill_contents(self, folder: Path) -> None:
        for chapter in CHAPTERS:
            path = folder / f"{chapter}.md"
            if not path.is_file():
                continue
            text = _plain_markdown(path.read_text(encoding="utf-8"))
            text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
            headings = re.findall(r"^(#{1,3}) (.+)$", text, re.MULTILINE)
            above: dict[int, QTreeWidgetItem] = {}
            for marks, words in headings:
                level = len(marks)
                item = QTreeWidgetItem([words.replace("`", "").replace("*", "").rstrip(".")])
                anchor = "" if level == 1 else f"#{anchor_of(words)}"
                item.setData(0, _PLACE, f"{chapter}{anchor}")
                parent = next(
                    (above[upper] for upper in range(level - 1, 0, -1) if upper in above), None
                )
                if parent is None:
                    self.contents.addTopLevelItem(item)
                else:
                    parent.addChild(item)
                above[level] = item
                for lower in [key for key in above if key > level]:
                    del above[lower]
        first = self.contents.topLevelItem(0)
        if first is not None:
            first.setExpanded(True)

    # Going somewhere

    def open(self, place: str) -> None:
        """Show a chapter, or a heading of one: ``manual#configure``."""
        chapter, _, anchor = place.partition("#")
        if self._folder is None:
            return
        found = self._load(chapter or self._chapter)
        if found:
            self._visited.append(f"{self._chapter}#{anchor}" if anchor else self._chapter)
            self.back.setEnabled(len(self._visited) > 1)
            found = self._scroll_to(anchor)
        self._say("" if found else self.tr("Not in this manual: {0}").format(place))

    def _load(self, chapter: str) -> bool:
        assert self._folder is not None
        if chapter == self._chapter:
            return True
        path = self._folder / f"{chapter}.md"
        if not re.fullmatch(r"[\w-]+", chapter) or not path.is_file():
            return False
        self._chapter = chapter
        self.text.setMarkdown(_plain_markdown(path.read_text(encoding="utf-8")))
        return True

    def _scroll_to(self, anchor: str) -> bool:
        if not anchor:
            self.text.moveCursor(QTextCursor.MoveOperation.Start)
            return True
        document = self.text.document()
        assert document is not None
        block: QTextBlock = document.begin()
        while block.isValid():
            heading = block.blockFormat().headingLevel() > 0
            if heading and anchor_of(block.text()) == anchor:
                # The heading comes to the top: from below, a cursor would be at the bottom.
                self.text.moveCursor(QTextCursor.MoveOperation.End)
                self.text.setTextCursor(QTextCursor(block))
                return True
            block = block.next()
        return False

    def _go_back(self) -> None:
        if len(self._visited) > 1:
            del self._visited[-1]
            self.open(self._visited.pop())

    def _open_item(self, item: QTreeWidgetItem) -> None:
        self.open(str(item.data(0, _PLACE)))

    def _follow(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
        elif not url.scheme():
            name = Path(url.path()).name
            self.open(f"{name.removesuffix('.md')}#{url.fragment()}".rstrip("#"))

    # Search

    def find_words(self) -> None:
        """Go to the next place, in this chapter or one after it, that has the words."""
        words = self.search.text()
        if not words or self._folder is None or self.text.find(words):
            return
        chapters = [chapter for chapter in CHAPTERS if (self._folder / f"{chapter}.md").is_file()]
        here = chapters.index(self._chapter) if self._chapter in chapters else 0
        for chapter in [*chapters[here + 1 :], *chapters[: here + 1]]:
            document = QTextDocument()
            document.setMarkdown(
                _plain_markdown((self._folder / f"{chapter}.md").read_text(encoding="utf-8"))
            )
            if not document.find(words).isNull():
                self.open(chapter)
                self.text.find(words)
                return
        self._say(self.tr("Not found: {0}").format(words))

    def _say(self, words: str) -> None:
        bar = self.statusBar()
        assert bar is not None
        bar.showMessage(words, 5000)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: D102
        self._settings.save_geometry("manual", self)
        super().closeEvent(event)


def offer_help(window: QWidget, settings: Settings, place: str) -> None:
    """Let F1 in a window or dialog open the manual at a place."""

    def show() -> None:
        manual = ManualWindow(settings, window)
        manual.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        manual.open(place)
        manual.show()

    QShortcut(QKeySequence("F1"), window).activated.connect(show)
