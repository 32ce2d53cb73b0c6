# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a tree to a file as `ims-tree` does, by running it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PyQt6.QtCore import QObject, pyqtSignal

from imsafe.gui.child import Child
from imsafe.words import grouped, plural, translate


class Form(NamedTuple):
    """One form: its name in a menu, the options of `ims-tree`, the file's usual ending.

    `whole`: it is made of all that was learned, whatever is shown.
    """

    name: str
    options: tuple[str, ...]
    ending: str
    whole: bool = False


def forms() -> list[Form]:
    """What a tree can be written as."""
    return [
        Form(translate("tree_export", "Graph for Graphviz (&DOT)..."), ("--dot",), ".dot"),
        Form(translate("tree_export", "&JSON, a sequence a line..."), ("--json",), ".jsonl"),
        Form(
            translate("tree_export", "Allow-list for &containers (seccomp)..."),
            ("--export", "seccomp"),
            ".json",
            True,
        ),
        Form(
            translate("tree_export", "Allow-list for s&ystemd..."),
            ("--export", "systemd"),
            ".conf",
            True,
        ),
    ]


class TreeExport(QObject):
    """One file being written.

    Signals
    -------
    ended(str, bool)
        What came of it, in words, and whether the file is there.
    """

    ended = pyqtSignal(str, bool)

    def __init__(
        self, profile: str, form: Form, output: str, least: int, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._output = output
        self._remarks: list[str] = []
        arguments = [profile, *form.options, "-o", output, "--force"]
        if not form.whole and least > 1:
            arguments += ["--min-count", str(least)]
        self._child = Child("tree", arguments, self, hold_input=False)
        self._child.complained.connect(self._remarks.append)
        self._child.ended.connect(self._ended)

    def start(self) -> None:
        """Begin."""
        self._child.start()

    def stop(self) -> None:
        """End it now; what was written so far is thrown away."""
        self._child.signal_to_end()
        self._child.wait_until_ended(5000)

    def _ended(self, status: int, words: str) -> None:
        if status:
            self.ended.emit(words or self.tr("The export ended unexpectedly."), False)
            return
        size = Path(self._output).stat().st_size if Path(self._output).exists() else 0
        text = self.tr("Written: {0} ({1} bytes).", "", plural(size))
        text = text.format(self._output, grouped(size))
        remarks = [remark.removeprefix("ims-tree: ") for remark in self._remarks]
        self.ended.emit(" ".join([text, *remarks]), True)
