# SPDX-License-Identifier: GPL-3.0-or-later
"""The alerts of any threshold, counted from a score log."""

from __future__ import annotations

import numpy as np
import pytest

from imsafe.monitor.score_log import LogLine, format_line
from imsafe.monitor.score_log_reader import read_score_log
from imsafe.monitor.what_if import WhatIf


@pytest.fixture
def log(tmp_path):
    """Two threads of one application and one of another."""
    lines = [
        LogLine(round(1e9 * (1000 + seconds)), score, 0.5, name, 1, tid, "read", 0.1, "burst", 0)
        for name, tid, seconds, score in (
            ("a", 1, 0.0, 0.7),
            ("a", 1, 5.0, 0.7),  # the same alert: not yet over
            ("a", 1, 16.0, 0.7),
            ("a", 2, 16.0, 0.9),
            ("a", 1, 90.0, 0.2),
            ("b", 3, 20.0, 1.0),
        )
    ]
    path = tmp_path / "scores.log"
    path.write_text("# ImSafe score log 1\n" + "".join(map(format_line, lines)))
    return read_score_log(path)


def test_alerts_of_a_threshold(log):
    scores = WhatIf(log, "a")
    assert [scores.alerts(t) for t in (0.0, 0.5, 0.8, 0.95)] == [4, 3, 1, 0]
    assert scores.highest == 0.9
    assert scores.seconds == pytest.approx(90.0)
    assert scores.per_day(0.8) == pytest.approx(86_400 / 90)
    assert scores.curve(np.array([0.5, 0.95])).tolist() == [3, 0]
    assert WhatIf(log).alerts(0.8) == 2
    counts, _ = scores.histogram()
    assert counts.sum() == len(scores) == 5


def test_too_short_for_a_day_and_nothing_at_all(log):
    scores = WhatIf(log, "b")
    assert scores.alerts(0.5) == 1
    assert scores.per_day(0.5) is None
    log.records = log.records[:0]
    assert WhatIf(log).alerts(0.0) == 0
    assert WhatIf(log).highest == 0.0
