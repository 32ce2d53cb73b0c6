# SPDX-License-Identifier: GPL-3.0-or-later
"""Load for seconds; `make soak` does it for ten minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from imsafe.monitor.actions import A_MINUTE
from tests.soak.load import can_trace, load
from tests.soak.storm import storm


@pytest.mark.parametrize("kind", ["kernel", "ptrace"])
def test_everything_that_was_made_is_received(kind: str, tmp_path: Path) -> None:
    if why := can_trace(kind):
        pytest.skip(why)
    rate = 20_000 if kind == "kernel" else 2_000
    result = load(tmp_path, kind, rate=rate, seconds=3, alert_ms=300, log_size="2K")
    assert result.received + result.lost == result.made
    assert result.lost == 0
    assert result.made > rate  # it was not held up all the time
    assert result.alerts == len(result.latencies) > 2
    assert result.log_parts > 1
    assert result.view_bytes > 1000


def test_a_storm_of_alerts(tmp_path: Path) -> None:
    result = storm(tmp_path, 3000)
    assert result.alerts == 3000
    assert 0 < result.started <= A_MINUTE * (1 + result.seconds // 60)
    assert result.started + result.held_back == 3000
