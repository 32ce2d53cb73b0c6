# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes of a stream to items, each with the number of its stream."""

from __future__ import annotations

from imsafe.errors import StreamError
from imsafe.stream.codec import decode
from imsafe.stream.frames import FrameParser, SegmentHeader
from imsafe.stream.items import Closed, End, Segment, Tagged


class StreamParser:
    """Takes bytes in pieces of any size; gives checked items.

    Every segment header and every channel begins a stream with a number of
    its own, counted from 0 and never used twice.

    Parameters
    ----------
    name
        What the bytes come from, for error messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._frames = FrameParser()
        self._open: dict[int, int] = {}  # channel -> number of its stream
        self._ended: set[int] = set()
        self._streams = 0

    @property
    def consumed(self) -> int:
        """Bytes of whole frames so far."""
        return self._frames.consumed

    def feed(self, data: bytes) -> list[Tagged]:
        """Add bytes; return the items that they completed.

        Raises
        ------
        StreamError
            The bytes break the format; the message names the source.
        """
        items: list[Tagged] = []
        try:
            for received in self._frames.feed(data):
                if isinstance(received, SegmentHeader):
                    items += self._close_all("")
                    items.append(self._begin(0, Segment(received.meta)))
                    continue
                item = decode(received)
                channel = received.channel
                if isinstance(item, Segment):
                    if channel in self._open:
                        items.append(self._close(channel, ""))
                    items.append(self._begin(channel, item))
                    continue
                stream = self._open.get(channel)
                if stream is None:
                    raise StreamError(f"a frame belongs to channel {channel}, which is not open")
                if isinstance(item, End):
                    self._ended.add(stream)
                items.append((stream, item))
        except StreamError as error:
            raise StreamError(f"{self._name} is not a valid ImSafe stream: {error}.") from None
        return items

    def finish(self) -> list[Tagged]:
        """Say that no more bytes will come; every open stream is closed."""
        pending = self._frames.pending
        cut = f"the last {pending} bytes are a broken frame and were ignored" if pending else ""
        return self._close_all(cut)

    def _begin(self, channel: int, segment: Segment) -> Tagged:
        stream = self._streams
        self._streams += 1
        self._open[channel] = stream
        return stream, segment

    def _close(self, channel: int, warning: str) -> Tagged:
        stream = self._open.pop(channel)
        complete = stream in self._ended
        self._ended.discard(stream)
        return stream, Closed(complete, warning)

    def _close_all(self, warning: str) -> list[Tagged]:
        return [self._close(channel, warning) for channel in list(self._open)]
