# SPDX-License-Identifier: GPL-3.0-or-later
"""What the importers of traces without clock share: whole lines, numbers, made-up times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imsafe
from imsafe.errors import StreamError
from imsafe.events import EVENT, OUT_OF_RANGE, Abi, Events
from imsafe.stream.items import Segment
from imsafe.words import printable

STEP_NS = 1_000_000
"""Time from one call to the next where the trace has none."""

MAX_LINE = 1 << 20
"""Longest line or word of a text trace, bytes."""


def segment(tracer: str, application: str, **more: Any) -> Segment:
    """The segment that an importer begins with."""
    return Segment(
        {
            "applications": [{"name": application, "matched_by": "file"}],
            "tracer": tracer,
            "follow_exec": True,
            "wall_ns": 0,
            "monotonic_ns": 0,
            "timed": False,
            "imsafe": imsafe.__version__,
            **more,
        }
    )


def cut_at(pieces: Iterable[bytes], separators: bytes, name: str) -> Iterator[bytes]:
    """The same bytes in pieces that end at a separator (the last one may not).

    Raises
    ------
    StreamError
        What stands between two separators is longer than any real line.
    """
    rest = b""
    for piece in pieces:
        rest += piece
        end = max(rest.rfind(separator) for separator in separators.split(b"|")) + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > MAX_LINE:
            raise StreamError(f"{name} is not a trace: it has a line of over {MAX_LINE:,} bytes.")
    if rest:
        yield rest


def whole_numbers(text: bytes, name: str) -> NDArray[np.uint64]:
    """The numbers in a text of decimal numbers and white space.

    Raises
    ------
    StreamError
        Something else is in it.
    """
    words = text.split()
    for word in words:
        if not word.isdigit():
            shown = printable(word[:24].decode("utf-8", "surrogateescape"))
            raise StreamError(f"{name} is not a trace of numbers: it holds '{shown}'.")
    # No call or process has more digits than that; numpy would refuse the number.
    return np.array([int(word[:19]) if len(word) < 20 else 1 << 63 for word in words], np.uint64)


def calls(
    numbers: NDArray[np.uint64], pids: NDArray[np.uint64] | int, abi: Abi, first: int
) -> Events:
    """Call records of these numbers, the first being the trace's call number `first`."""
    events = np.zeros(len(numbers), EVENT)
    events["time_ns"] = (np.arange(len(numbers), dtype=np.uint64) + np.uint64(first)) * np.uint64(
        STEP_NS
    )
    events["pid"] = events["tid"] = pids
    events["syscall"] = np.minimum(numbers, np.uint64(OUT_OF_RANGE))
    events["abi"] = abi
    return events
