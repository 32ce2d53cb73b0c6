# SPDX-License-Identifier: GPL-3.0-or-later
"""What a traced program prints is shown; one that never stops does not hold the window up."""

from __future__ import annotations

import re
import time

from imsafe.gui.chatter import LONGEST_LINE, MOST_LINES, Chatter
from imsafe.gui.device import SensorDevice, SensorProgram

from .test_monitoring import LONG, calls, configured, start, stop  # noqa: F401


def test_lines_in_parts_and_the_last_without_its_end(qtbot):
    chatter, said = Chatter(), []
    chatter.said.connect(said.append)
    for octets in (b"one\ntw", b"o\n\n", b"thr\x1b[31m", b"ee"):
        chatter.feed(octets)
    chatter.end()
    assert said == ["one", "two", "thr\\x1b[31mee"]


def test_too_many_lines_are_counted_and_not_shown(qtbot):
    chatter, said = Chatter(), []
    chatter.said.connect(said.append)
    began = time.monotonic()
    for _ in range(100):
        chatter.feed(b"y\n" * 32_768)
    assert time.monotonic() - began < 5
    assert said == ["y"] * MOST_LINES
    qtbot.waitUntil(lambda: len(said) > MOST_LINES, timeout=LONG)
    assert said[-1] == f"({3_276_800 - MOST_LINES:,} more lines are not shown)"
    chatter.feed(b"z" * 3_000_000 + b"\nnext\n")
    chatter.end()
    assert said[-2].startswith("z" * LONGEST_LINE)
    assert len(said[-2]) == LONGEST_LINE + 3
    assert said[-1] == "next"


def test_a_program_that_prints_without_end(qtbot, configured, short_folder):  # noqa: F811
    window = configured
    program = SensorProgram(argv=("sh", "-c", "while :; do echo hello; echo oops >&2; done"))
    window.watch.open_device(SensorDevice((str(short_folder / "s"),), program))
    start(qtbot, window)
    qtbot.waitUntil(lambda: calls(window) > 20_000, timeout=LONG)
    for words in (r"\([\d,]+ more lines are not shown\)", "hello", "oops"):
        qtbot.waitUntil(
            lambda words=words: re.search(words, window.messages.toPlainText()) is not None,
            timeout=LONG,
        )
    assert window.messages.blockCount() < 1000
    stop(qtbot, window)
