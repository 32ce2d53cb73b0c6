# SPDX-License-Identifier: GPL-3.0-or-later
"""Records what a monitor watches: each stream becomes a channel of one trace."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import imsafe
from imsafe.errors import ImsafeError
from imsafe.monitor.recording_index import RecordingIndex
from imsafe.stream.items import Closed, Item, Segment
from imsafe.stream.trace_file import TraceWriter


def header() -> dict[str, Any]:
    """The header of a recording, whose own channel stays empty."""
    return {
        "applications": [],
        "tracer": "ims-monitor",
        "imsafe": imsafe.__version__,
        "wall_ns": time.time_ns(),
        "monotonic_ns": time.monotonic_ns(),
    }


class Recorder:
    """Writes the items of any number of streams to one trace.

    Attributes
    ----------
    path : str
    bytes_written : int
    index : RecordingIndex
        Where in the recording a moment is to be found.
    """

    def __init__(
        self,
        path: str,
        *,
        append: bool = False,
        replace: bool = False,
        max_size: int | None = None,
    ) -> None:
        """Open the file.

        Raises
        ------
        ImsafeError
            It exists and may be neither appended to nor replaced, or it cannot be written.
        """
        self.path = path
        self.index = RecordingIndex(path)
        self._channels: dict[tuple[int, int], int] = {}
        if append:
            self._writer = TraceWriter.append(path, header(), max_size=max_size)
        else:
            self._writer = TraceWriter.create(path, header(), replace=replace, max_size=max_size)

    @property
    def bytes_written(self) -> int:
        """The trace's size so far."""
        return self._writer.bytes_written

    def write(self, source: int, stream: int, item: Item) -> None:
        """Record an item; streams that began before the recording are left out.

        Raises
        ------
        ImsafeError
            The disk is almost full, or the trace has its greatest size; what
            was written stays whole.
        """
        key = source, stream
        if isinstance(item, Segment):
            channel = self._channels[key] = self._writer.open_channel(item.meta)
            self.index.begin(channel, item.wall_offset_ns)
        elif isinstance(item, Closed):
            if key in self._channels:
                self._writer.close_channel(self._channels.pop(key))
        elif key in self._channels:
            if isinstance(item, np.ndarray):
                self.index.note(self._channels[key], item, self.bytes_written)
            self._writer.write(item, self._channels[key])

    def flush(self) -> None:
        """Hand everything to the system."""
        self._writer.flush()

    def close(self) -> None:
        """End the recording in order."""
        self._writer.close({})

    def abandon(self) -> str:
        """Close after an error; what else there is to say, in words."""
        try:
            self._writer.close()
        except ImsafeError as error:
            return str(error)
        return ""
