# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitor records: any number of streams, one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imsafe.errors import ImsafeError
from imsafe.monitor.recorder import Recorder
from imsafe.stream import trace_file
from imsafe.stream.items import Closed, Segment
from imsafe.stream.traces import open_trace

from .conftest import events_of, segment


def test_numbers_of_streams_that_are_over_are_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_file, "MOST_CHANNELS", 3)
    path = tmp_path / "a.imt"
    recorder = Recorder(str(path))
    recorder.write(1, 0, segment("stays"))
    for stream in range(1, 12):
        recorder.write(1, stream, segment(f"number {stream}"))
        recorder.write(1, stream, events_of([stream] * stream))
        recorder.write(1, 0, events_of([99]))
        recorder.write(1, stream, Closed(complete=True))
    recorder.close()

    names: dict[int, str] = {}
    calls: dict[str, list[int]] = {}
    for number, item in open_trace(path):
        if isinstance(item, Segment) and item.applications:
            names[number] = item.applications[0]
        elif isinstance(item, np.ndarray):
            calls.setdefault(names[number], []).extend(item["syscall"].tolist())
    assert calls == {
        "stays": [99] * 11,
        **{f"number {stream}": [stream] * stream for stream in range(1, 12)},
    }


def test_more_at_once_than_can_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_file, "MOST_CHANNELS", 3)
    recorder = Recorder(str(tmp_path / "a.imt"))
    for stream in range(3):
        recorder.write(1, stream, segment())
    with pytest.raises(ImsafeError, match="holds 3 streams at once"):
        recorder.write(1, 3, segment())
    recorder.close()
