# SPDX-License-Identifier: GPL-3.0-or-later
"""The file for Prometheus, read by Prometheus' own client library."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from imsafe.errors import ImsafeError
from imsafe.monitor.metrics import Metrics
from imsafe.monitor.outputs import Outputs
from imsafe.monitor.view_protocol import BUCKET, ApplicationRow, Status
from imsafe.words import printable

from .test_actions import an_alert


def row(number: int, name: str, threshold: float | None = 0.5) -> ApplicationRow:
    return {
        "number": number,
        "name": name,
        "profile": "x.db",
        "threshold": threshold,
        "suggested": None,
        "state": "watching",
        "warnings": [],
    }


def status(*rows: ApplicationRow) -> Status:
    return {
        "time": 2.0,
        "state": "watching",
        "rate": 0.0,
        "calls": 10,
        "lost": 7,
        "alerts": 1,
        "open_alerts": 1,
        "log": None,
        "recording": None,
        "recorded_bytes": 0,
        "actions_held_back": 3,
        "applications": list(rows),
        "sources": [
            {
                "number": 1,
                "kind": "sensor",
                "name": "/run/s",
                "state": "open",
                "calls": 10,
                "lost": 7,
                "streams": 1,
                "finished": False,
                "problem": "",
                "stopped": 0,
            }
        ],
    }


def samples(path: Path) -> dict[tuple[str, ...], float]:
    """Each value by its name and its labels but `monitor`."""
    found = {}
    for family in text_string_to_metric_families(path.read_text(encoding="utf-8")):
        assert family.documentation
        for sample in family.samples:
            assert sample.labels["monitor"] == "web"
            labels = (v for k, v in sorted(sample.labels.items()) if k != "monitor")
            key = (sample.name, *labels)
            assert key not in found
            found[key] = sample.value
    return found


def buckets(number: int, *scores: float, calls: int = 5) -> np.ndarray:
    made = np.zeros(len(scores), BUCKET)
    made["application"], made["maximum"], made["calls"] = number, scores, calls
    return made


def test_calls_lost_scores_and_alerts(tmp_path):
    path = tmp_path / "web.prom"
    outputs = Outputs(metrics=Metrics(path, "web"))
    outputs.scored(np.concatenate([buckets(1, 0.05, 0.95), buckets(2, 0.5)]))
    outputs.alert(an_alert())
    now = status(row(1, "web"), row(2, "php", None))
    outputs.status(now, 100.0)
    found = samples(path)
    assert found["imsafe_calls_total", "web"] == 10
    assert found["imsafe_calls_total", "php"] == 5
    assert found["imsafe_lost_calls_total",] == 7
    assert (found["imsafe_alerts_total", "web"], found["imsafe_alerts_total", "php"]) == (1, 0)
    assert found["imsafe_open_alerts",] == 1
    assert found["imsafe_held_back_actions_total",] == 3
    assert found["imsafe_threshold_ratio", "web"] == 0.5
    assert ("imsafe_threshold_ratio", "php") not in found
    assert found["imsafe_source_up", "sensor", "1", "/run/s"] == 1
    assert found["imsafe_highest_score_ratio", "web"] == pytest.approx(0.95)
    assert found["imsafe_score_ratio_bucket", "web", "0.1"] == 1
    assert found["imsafe_score_ratio_bucket", "web", "+Inf"] == 2
    assert found["imsafe_score_ratio_count", "web"] == 2
    assert found["imsafe_score_ratio_sum", "web"] == pytest.approx(1.0)
    # Another user reads it, and nothing else is left in the folder.
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]

    outputs.scored(buckets(1, 0.2))
    outputs.status(now, 101.0)
    assert samples(path) == found  # not so soon again
    outputs.status(now, 116.0)
    assert samples(path)["imsafe_score_ratio_count", "web"] == 3
    assert samples(path)["imsafe_highest_score_ratio", "web"] == pytest.approx(0.95)
    for turn in range(4):
        outputs.status(now, 200.0 + 20 * turn)
    assert samples(path)["imsafe_highest_score_ratio", "web"] == 0
    now["sources"][0]["stopped"] = 1
    outputs.status(now, 300.0)
    assert samples(path)["imsafe_source_up", "sensor", "1", "/run/s"] == 0


def test_a_file_that_cannot_be_written_is_said_and_tried_again(tmp_path):
    folder = tmp_path / "gone"
    outputs = Outputs(metrics=Metrics(folder / "web.prom", "web"))
    outputs.status(status(), 100.0)
    assert outputs.tick(100.0) == [f"Cannot write {folder}/web.prom: no such file or directory."]
    folder.mkdir()
    outputs.status(status(), 200.0)
    assert outputs.tick(200.0) == []
    assert (folder / "web.prom").exists()


def test_a_file_that_the_collector_would_not_read_is_refused(tmp_path):
    with pytest.raises(ImsafeError, match=r"has to end in \.prom"):
        Metrics(tmp_path / "metrics.txt", "web")


@given(st.text())
@example("0" * 201)
def test_any_name_survives(name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "web.prom"
        metrics = Metrics(path, "web")
        metrics.alert(1)
        metrics.write(status(row(1, name)), 0.0)
        assert samples(path)["imsafe_alerts_total", printable(name, 1000)] == 1
