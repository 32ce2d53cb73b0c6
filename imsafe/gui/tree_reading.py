# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one behaviour database's tree, or compares it with another's, beside the window."""

from __future__ import annotations

import sys

from PyQt6.QtCore import QObject, QThread, pyqtSignal

from imsafe.errors import ImsafeError
from imsafe.gui.sequence_tree import ComparedTree, SequenceTree
from imsafe.profile.comparison import compare
from imsafe.profile.glance import glance, read_tree
from imsafe.profile.tree import Alphabets, PrefixTree

Counts = tuple[PrefixTree, Alphabets]

GIVES_WAY_S = 0.0005
"""Python lets a thread work on for 5 ms while another waits, and the window's waits many times in
a redraw: reading would hold it up."""


class TreeReader(QThread):
    """Reads a tree: its first level at once, a million sequences in a second or two.

    Signals
    -------
    began(object)
        A `SequenceTree` of the first level; its nodes keep their numbers.
    read(object, object, int)
        The `SequenceTree`, its `Counts`, and how many calls were lost while recording.
    refused(str)
        Why there is none.
    """

    began = pyqtSignal(object)
    read = pyqtSignal(object, object, int)
    refused = pyqtSignal(str)

    def __init__(self, path: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path

    def run(self) -> None:  # noqa: D102
        sys.setswitchinterval(GIVES_WAY_S)
        try:
            counts = read_tree(self._path, first=self._begin)
            self.read.emit(SequenceTree(*counts), counts, glance(self._path).lost)
        except ImsafeError as error:
            self.refused.emit(str(error))

    def _begin(self, tree: PrefixTree, alphabets: Alphabets) -> None:
        self.began.emit(SequenceTree(tree, alphabets))


class ComparisonReader(QThread):
    """Reads another database and compares.

    Signals
    -------
    compared(object), refused(str)
        The `ComparedTree`; or why there is none.
    """

    compared = pyqtSignal(object)
    refused = pyqtSignal(str)

    def __init__(self, here: Counts, path: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._here = here
        self.path = path

    def run(self) -> None:  # noqa: D102
        sys.setswitchinterval(GIVES_WAY_S)
        try:
            there = read_tree(self.path)
            self.compared.emit(ComparedTree(compare(self._here[0], there[0]), self._here, there))
        except ImsafeError as error:
            self.refused.emit(str(error))
