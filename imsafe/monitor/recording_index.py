# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the calls of a moment in a recording, whatever its length, by reading little of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imsafe.errors import ImsafeError, StreamError, cannot
from imsafe.events import Events
from imsafe.monitor.view_protocol import BUCKET_NS
from imsafe.stream.codec import decode
from imsafe.stream.frames import Frame, FrameParser
from imsafe.stream.items import Lost, ProcessInfo

CHUNK = 256 << 10
"""Bytes of the recording after which another place in it is noted."""

MOST_CHUNKS = 8192
"""Beyond this many, two neighbours become one."""

MOST_READ, LARGEST_READ = 3, 4 << 20
"""So many places are looked at, and so many bytes at each; replays may have the same times."""

_LATE_NS = 10_000_000


@dataclass(slots=True)
class _Chunk:
    offset: int
    first_ns: int
    last_ns: int


class RecordingIndex:
    """Which part of a recording was written when; bounded however long it becomes.

    Attributes
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._chunks: list[_Chunk] = []
        self._offsets: dict[int, int] = {}

    def begin(self, channel: int, offset_ns: int) -> None:
        """A stream begins; its times and the wall clock differ by so much."""
        self._offsets[channel] = offset_ns

    def note(self, channel: int, events: Events, position: int) -> None:
        """Records of a stream are about to be written, at `position` or behind."""
        if not len(events):
            return
        offset = self._offsets.get(channel, 0)
        first = int(events["time_ns"].min()) + offset
        last = int(events["time_ns"].max()) + offset
        latest = self._chunks[-1] if self._chunks else None
        if latest is None or position - latest.offset >= CHUNK:
            self._chunks.append(_Chunk(position, first, last))
            if len(self._chunks) > MOST_CHUNKS:
                self._chunks = [_joined(self._chunks[at : at + 2])
                                for at in range(0, len(self._chunks), 2)]  # fmt: skip
        else:
            latest.first_ns, latest.last_ns = min(latest.first_ns, first), max(latest.last_ns, last)

    def find(
        self, pid: int, time_ns: int
    ) -> tuple[list[Events | Lost], ProcessInfo | None, int] | None:
        """What was recorded of a process around a time (wall clock).

        Returns
        -------
        (items, process, offset_ns) or None
            The process is None where it was announced elsewhere.

        Raises
        ------
        ImsafeError
            The recording cannot be read any more.
        """
        places = [
            at for at, chunk in enumerate(self._chunks)
            if chunk.first_ns < time_ns + BUCKET_NS and chunk.last_ns >= time_ns - _LATE_NS
        ]  # fmt: skip
        for place in places[:MOST_READ]:
            start = self._chunks[max(place - 1, 0)].offset
            # What waits to be packed is written a little later than it was noted.
            behind = self._chunks[place + 2 : place + 3]
            found = self._of_process(
                self._read(start, behind[0].offset if behind else None), pid, time_ns
            )
            if found is not None:
                return found
        return None

    def _read(self, start: int, stop: int | None) -> list[Frame]:
        size = LARGEST_READ if stop is None else min(stop - start, LARGEST_READ)
        try:
            with Path(self.path).open("rb") as file:
                file.seek(start)
                data = file.read(size)
        except OSError as error:
            raise cannot("read", self.path, error) from error
        try:
            frames = FrameParser(headers=False).feed(data)
        except StreamError as error:
            raise ImsafeError(f"The recording {self.path} was changed: {error}.") from error
        return [frame for frame in frames if isinstance(frame, Frame)]

    def _of_process(
        self, frames: list[Frame], pid: int, time_ns: int
    ) -> tuple[list[Events | Lost], ProcessInfo | None, int] | None:
        by_channel: dict[int, list[Events | Lost]] = {}
        process: ProcessInfo | None = None
        covering: int | None = None
        for frame in frames:
            try:
                item = decode(frame)
            except StreamError as error:
                raise ImsafeError(f"The recording {self.path} was changed: {error}.") from error
            if isinstance(item, ProcessInfo):
                process = item if item.pid == pid else process
            elif isinstance(item, Lost):
                by_channel.setdefault(frame.channel, []).append(item)
            elif isinstance(item, np.ndarray):
                own = item[item["pid"] == pid]
                if len(own):
                    by_channel.setdefault(frame.channel, []).append(own)
                    wall = own["time_ns"].astype(np.int64) + self._offsets.get(frame.channel, 0)
                    if ((wall >= time_ns - _LATE_NS) & (wall < time_ns + BUCKET_NS)).any():
                        covering = frame.channel
        if covering is None:
            return None
        return by_channel[covering], process, self._offsets.get(covering, 0)


def _joined(chunks: list[_Chunk]) -> _Chunk:
    return _Chunk(chunks[0].offset, min(c.first_ns for c in chunks), max(c.last_ns for c in chunks))
