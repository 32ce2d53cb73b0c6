# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds on the public data sets: what was reached once is not lost unnoticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imsafe.cli.evaluate import main as evaluate
from imsafe.cli.learn import main as learn
from imsafe.profile.profile import Profile

pytestmark = pytest.mark.public_data


def test_adfa_ld(adfa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "adfa.db")
    assert learn(["-o", path, "--format", "adfa", str(adfa / "Training_Data_Master")]) == 0
    profile = Profile.load(path)
    assert (profile.calls, len(profile.traces)) == (308_077, 833)
    capsys.readouterr()
    sets = ["--normal", str(adfa / "Validation_Data_Master")]
    sets += ["--attack", str(adfa / "Attack_Data_Master")]
    assert evaluate(["-d", path, *sets, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    beside = {name: measure["auc"] for name, measure in result["beside"].items()}
    assert (result["normal"], result["attack"]) == (2186, 374)
    assert result["auc"] >= 0.875
    assert beside["last_score"] >= 0.88
    assert result["detection"]["0.2"] >= 0.8
    assert beside["mean_surprise"] >= 0.855
    assert beside["stide6"] == pytest.approx(0.841, abs=0.001)
    assert beside["repertoire"] >= 0.8
    assert beside["drift"] >= 0.83


def test_xlock_of_unm(unm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    normal = sorted((unm / "xlock" / "normal").glob("*.int"))
    path = str(tmp_path / "xlock.db")
    assert learn(["-o", path, *map(str, normal[::2])]) == 0
    capsys.readouterr()
    sets = ["--normal", *map(str, normal[1::2]), "--attack", str(unm / "xlock" / "intrusion")]
    assert evaluate(["-d", path, *sets, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["auc"] == 1.0
    assert result["detection_at_threshold"] == 1.0
