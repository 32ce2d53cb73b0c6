# SPDX-License-Identifier: GPL-3.0-or-later
"""numba's cache holds pickles: it is read from where nobody else can write, or from nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("owners and modes are POSIX's", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
_ASK = "from imsafe.profile.compiled import cache_folder; print(cache_folder())"


def _chosen(cache: Path, **more: str) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache), **more},
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


def test_a_cache_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    own = _chosen(tmp_path)
    assert own.is_relative_to(tmp_path / "imsafe")
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    assert not _chosen(tmp_path).is_relative_to(tmp_path)
    own.chmod(0o700)
    own.parent.chmod(0o770)
    assert not _chosen(tmp_path).is_relative_to(tmp_path)
    own.parent.chmod(0o700)
    assert _chosen(tmp_path) == own
    assert _chosen(tmp_path, NUMBA_CACHE_DIR=str(tmp_path)) == own
    if os.geteuid() == 0:
        os.chown(own, 65534, 65534)
        assert not _chosen(tmp_path).is_relative_to(tmp_path)
