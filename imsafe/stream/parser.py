# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of a stream to items, each with the number of its stream."""

from __future__ import annotations

from imsafe.errors import StreamError
from imsafe.stream import meta
from imsafe.stream.codec import decode
from imsafe.stream.frames import Frame, FrameParser, SegmentHeader
from imsafe.stream.items import Closed, End, Segment, Tagged
from imsafe.words import number_of


class StreamParser:
    """Takes bytes in pieces of any size; gives checked items.

    Every segment header and every channel begins a stream with a number of
    its own, counted from 0 and never used twice.

    Parameters
    ----------
    name
        What the bytes come from, for error messages.

    Attributes
    ----------
    consumed
        Bytes of whole and valid frames so far: what cannot be read begins there.
    why
        What broke the stream, a phrase; empty while nothing did.
    without_end
        How many segments are over whose writer did not say so: it was killed, or lost its disk.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._frames = FrameParser()
        self._open: dict[int, int] = {}  # channel -> number of its stream
        self._ended: set[int] = set()
        self._streams = 0
        self._broken: StreamError | None = None
        self.consumed = 0
        self.why = ""
        self.without_end = 0

    def feed(self, data: bytes) -> list[Tagged]:
        """Add bytes; return the items that they completed.

        Raises
        ------
        StreamError
            The bytes break the format; the message names the source.  Items
            before the break are returned first; the next call raises.
        """
        if self._broken:
            raise self._broken
        items: list[Tagged] = []
        try:
            for received in self._frames.feed(data):
                items += self._items(received)
                self.consumed = received.end
        except StreamError as error:
            self.why = str(error)
            self._broken = StreamError(f"{self._name} is not a valid ImSafe stream: {error}.")
            if not items:
                raise self._broken from None
        return items

    def finish(self) -> list[Tagged]:
        """Say that no more bytes will come; every open stream is closed."""
        if self._broken:
            return self._close_all(str(self._broken))
        pending = self._frames.pending
        if not pending:
            return self._close_all("")
        one, more = "byte is a broken frame and was", "bytes are a broken frame and were"
        return self._close_all(f"the last {number_of(pending, one, more)} ignored")

    def _items(self, received: Frame | SegmentHeader) -> list[Tagged]:
        if isinstance(received, SegmentHeader):
            segment = Segment(meta.checked(received.meta))
            return [*self._close_all(""), self._begin(0, segment)]
        item = decode(received)
        channel = received.channel
        if isinstance(item, Segment):
            closed = [self._close(channel, "")] if channel in self._open else []
            return [*closed, self._begin(channel, item)]
        stream = self._open.get(channel)
        if stream is None:
            raise StreamError(f"a frame belongs to channel {channel}, which is not open")
        if isinstance(item, End):
            self._ended.add(stream)
        return [(stream, item)]

    def _begin(self, channel: int, segment: Segment) -> Tagged:
        stream = self._streams
        self._streams += 1
        self._open[channel] = stream
        return stream, segment

    def _close(self, channel: int, warning: str) -> Tagged:
        stream = self._open.pop(channel)
        complete = stream in self._ended
        self._ended.discard(stream)
        self.without_end += channel == 0 and not complete
        return stream, Closed(complete, warning)

    def _close_all(self, warning: str) -> list[Tagged]:
        return [self._close(channel, warning) for channel in list(self._open)]
