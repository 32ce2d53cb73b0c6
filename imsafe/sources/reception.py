# SPDX-License-Identifier: GPL-3.0-or-later
"""What one peer sends: parsed, renumbered, counted, and ended in words when it is no stream."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imsafe.errors import StreamError
from imsafe.events import Kind
from imsafe.sources.base import Counters
from imsafe.stream.items import Closed, Item, Lost, Segment, Tagged
from imsafe.stream.losses import Losses
from imsafe.stream.parser import StreamParser

MOST_STREAMS = 256
"""Of one peer, at a time; a sensor or tracer has one, and whatever records several has few."""


class Reception:
    """The streams that arrive from one peer.

    Parameters
    ----------
    name
        What to call the peer at the beginning of a sentence.
    counters
        Of the source, kept up to date.
    new_stream
        Gives stream ids that are unique within the source.

    Attributes
    ----------
    over
        True once nothing more is accepted from the peer.
    """

    def __init__(
        self,
        name: str,
        counters: Counters,
        new_stream: Callable[[], int],
    ) -> None:
        self.name = name
        self.over = False
        self._counters = counters
        self._new_stream = new_stream
        self._parser = StreamParser(f"What {name[0].lower()}{name[1:]} sent")
        self._ids: dict[int, int] = {}
        self._losses: dict[int, Losses] = {}

    def feed(self, octets: bytes) -> list[Tagged]:
        """The items that these bytes complete; garbage closes every stream of the peer."""
        self._counters.bytes += len(octets)
        items: list[Tagged] = []
        try:
            items = self._renumbered(self._parser.feed(octets))
            # Whole frames before a break are given first; ask for the break at once.
            self._parser.feed(b"")
        except StreamError as error:
            items += self._break_off(str(error))
        return items

    def end(self) -> list[Tagged]:
        """The peer is gone: close its streams; one without its end frame with a warning."""
        if self.over:
            return []
        self.over = True
        gone = f"{self.name} went away in the middle of its stream"
        closing: list[Tagged] = []
        for stream, item in self._parser.finish():
            own = self._forget(stream)
            assert isinstance(item, Closed)
            why = f"{gone}; {item.warning}." if item.warning else f"{gone}."
            closing.append((own, item if item.complete else Closed(False, why)))
        return closing

    def _break_off(self, why: str) -> list[Tagged]:
        self.over = True
        begun: list[Tagged] = []
        if not self._ids:
            # Not even a header: a stream of nothing carries the sentence.
            begun = self._renumbered([(-1, Segment({"applications": []}))])
        closed = Closed(complete=False, warning=why, broken=True)
        return begun + [(self._forget(stream), closed) for stream in list(self._ids)]

    def _forget(self, stream: int) -> int:
        """A stream of the peer's is over; its number within the source."""
        own = self._ids.pop(stream)
        del self._losses[own]
        self._counters.streams_open -= 1
        return own

    def _renumbered(self, items: list[Tagged]) -> list[Tagged]:
        done: list[Tagged] = []
        for stream, item in items:
            done.append((self._note(stream, item), item))
            if len(self._ids) > MOST_STREAMS:
                return done + self._break_off(
                    f"{self.name} has more than {MOST_STREAMS} streams open at once and was"
                    " turned away."
                )
        return done

    def _note(self, stream: int, item: Item) -> int:
        """Count an item; the number of its stream within the source."""
        own = self._ids.get(stream)
        if own is None:
            own = self._ids[stream] = self._new_stream()
            self._losses[own] = Losses()
            self._counters.streams_open += 1
            self._counters.streams_total += 1
        if isinstance(item, np.ndarray):
            told = item["aux"][item["kind"] == Kind.CALL]
            self._counters.calls += len(told)
            self._counters.lost += sum(new for _, new in self._losses[own].calls(told))
        elif isinstance(item, Lost):
            self._counters.lost += self._losses[own].frame(item)
        elif isinstance(item, Closed):
            self._forget(stream)
        return own
