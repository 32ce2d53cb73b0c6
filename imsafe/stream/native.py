# SPDX-License-Identifier: GPL-3.0-or-later
"""Reader of ImSafe's own traces: everything up to the last whole frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from imsafe.errors import CutShort, StreamError
from imsafe.stream.items import Tagged
from imsafe.stream.parser import StreamParser
from imsafe.words import number_of


def read_native(pieces: Iterable[bytes], name: str, warnings: list[str]) -> Iterator[Tagged]:
    """The items of a trace, up to its last whole frame.

    Raises
    ------
    CutShort
        After the last item: bytes follow that are no whole frame.
    StreamError
        Not even its header is whole.
    """
    parser = StreamParser(name)
    size = 0
    broken: StreamError | None = None
    for piece in chain(pieces, (b"",)):  # the last call says what broke right at the end
        size += len(piece)
        if broken:
            continue
        try:
            yield from parser.feed(piece)
        except StreamError as error:
            broken = error
    if not parser.consumed:
        raise broken or StreamError(f"{name} is cut short inside its header: nothing can be read.")
    yield from parser.finish()
    if size > parser.consumed:
        what = "is damaged" if broken else "is cut short"
        why = f" ({parser.why})" if broken else ""
        left = size - parser.consumed
        raise CutShort(
            f"{name} {what}: {number_of(left, 'byte')} after the last whole frame,"
            f" from byte {parser.consumed:,} on, {'was' if left == 1 else 'were'} left out{why};"
            " all before was used."
        )
    if parser.without_end:
        warnings.append(
            f"{name} has no end: what recorded it was killed, or still records;"
            " its last calls may be missing."
        )
