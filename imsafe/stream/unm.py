# SPDX-License-Identifier: GPL-3.0-or-later
"""Importer of the University of New Mexico's traces: a process and a call number a line.

The recordings come from several old systems (SunOS 4.1 among them) whose call
tables are not those of Linux, so the ABI is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from imsafe.errors import StreamError
from imsafe.events import Abi
from imsafe.stream.items import Closed, End, Tagged
from imsafe.stream.untimed import calls, cut_at, segment, whole_numbers


def read_unm(pieces: Iterable[bytes], name: str, _warnings: list[str]) -> Iterator[Tagged]:
    """The items of a UNM ``.int`` trace.

    Raises
    ------
    StreamError
        A line is not a process and a call.
    """
    yield 0, segment("unm", "unm", abi="unknown")
    made = 0
    for text in cut_at(pieces, b"\n", name):
        pairs = whole_numbers(text, name)
        lines = [line for line in text.splitlines() if line.strip()]
        if len(pairs) != 2 * len(lines) or any(len(line.split()) != 2 for line in lines):
            raise StreamError(f"{name} is not a UNM trace: every line must be PID CALL.")
        if not len(pairs):
            continue
        pids = pairs[::2]
        if pids.max() >= 1 << 32:
            raise StreamError(f"{name} is not a UNM trace: {pids.max()} is not a process number.")
        yield 0, calls(pairs[1::2], pids, Abi.UNKNOWN, made)
        made += len(pids)
    yield 0, End({"calls": made, "lost": 0})
    yield 0, Closed(complete=True)
