# SPDX-License-Identifier: GPL-3.0-or-later
"""Importer of ADFA-LD traces: the call numbers of one process, apart by spaces.

The data set was recorded on 32-bit Ubuntu 11.04, so the numbers are those of
i386 (Creech and Hu, "Generation of a new IDS test dataset", 2013).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imsafe.events import Abi
from imsafe.stream.items import Closed, End, Tagged
from imsafe.stream.untimed import calls, cut_at, segment, whole_numbers

PID = 1
"""The one process of a trace: its own number was not recorded."""


def read_adfa(pieces: Iterable[bytes], name: str, _warnings: list[str]) -> Iterator[Tagged]:
    """The items of an ADFA-LD trace.

    Raises
    ------
    StreamError
        It holds anything but numbers.
    """
    yield 0, segment("adfa", "adfa", abi="i386")
    made = 0
    for text in cut_at(pieces, b" |\n", name):
        numbers = whole_numbers(text, name)
        if len(numbers):
            yield 0, calls(numbers, PID, Abi.I386, made)
            made += len(numbers)
    yield 0, End({"calls": made, "lost": 0})
    yield 0, Closed(complete=True)
