# SPDX-License-Identifier: GPL-3.0-or-later
"""What a traced program itself prints: shown as it comes, and in part when there is too much.

A program that prints without end must not hold the window up.
"""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from imsafe.gui.timers import timer
from imsafe.words import grouped, plural, printable

TURN_MS = 500
MOST_LINES = 10
"""So many lines are shown in a turn; of the others it is said how many there were."""

LONGEST_LINE = 500


class Chatter(QObject):
    """Takes octets, gives lines.

    Signals
    -------
    said(str)
        A line.
    """

    said = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rest = b""
        self._room = MOST_LINES
        self._left_out = 0
        self._turn = timer(self, TURN_MS, self._next_turn)

    def feed(self, octets: bytes) -> None:
        """Take what was printed; the work does not grow with the number of its lines."""
        *lines, rest = (self._rest + octets).split(b"\n", self._room)
        self._room -= len(lines)
        for line in lines:
            self._say(line)
        if not self._room:
            self._left_out += rest.count(b"\n")
            rest = rest[rest.rfind(b"\n") + 1 :]
        self._rest = rest[:LONGEST_LINE]
        if not self._turn.isActive():
            self._turn.start()

    def end(self) -> None:
        """There will be no more."""
        self._turn.stop()
        self._tell_left_out()
        self._say(self._rest)
        self._rest = b""

    def _next_turn(self) -> None:
        if self._room == MOST_LINES:
            self._turn.stop()
        self._room = MOST_LINES
        self._tell_left_out()

    def _tell_left_out(self) -> None:
        if self._left_out:
            words = self.tr("({0} more lines are not shown)", "", plural(self._left_out))
            self.said.emit(words.format(grouped(self._left_out)))
            self._left_out = 0

    def _say(self, line: bytes) -> None:
        words = line[: 4 * LONGEST_LINE].decode("utf-8", "replace").expandtabs()
        text = printable(words.rstrip(), LONGEST_LINE)
        if text:
            self.said.emit(text)
