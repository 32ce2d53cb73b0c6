# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting what is new must not keep a recording from its work."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from imsafe.cli import recording as module
from imsafe.cli.common import Stop
from imsafe.cli.recording import Recording
from imsafe.stream.trace_file import TraceWriter
from tests.profile.making import calls


def recorded(path: Path, batches: int) -> Recording:
    recording = Recording(
        stop=Stop(), duration=None, as_json=False, on_terminal=False, counted=True
    )
    recording.begin(TraceWriter.create(path, {}, replace=True))
    for number in range(batches):
        recording.write(calls(np.arange(8192) % (40 + number)))
    recording.close({})
    return recording


def test_what_counting_would_delay_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = recorded(tmp_path / "a.imt", 6)
    assert whole.saturation is not None
    assert whole.saturation.sequences == 6 * 8192 - 7
    # A clock by which every look at it comes a second after the last: counting takes all the time.
    ticks = itertools.count()
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(ticks)))
    hurried = recorded(tmp_path / "b.imt", 6)
    assert hurried.saturation is not None
    assert 0 < hurried.saturation.sequences < whole.saturation.sequences
    assert hurried.totals["calls"] == whole.totals["calls"] == 6 * 8192
