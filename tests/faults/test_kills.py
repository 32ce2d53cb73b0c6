# SPDX-License-Identifier: GPL-3.0-or-later
"""A few kills of each kind; `make faults` does hundreds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("ptrace and sessions are Linux's", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("kind", "kills"), [("record", 3), ("learn", 4), ("save", 6), ("monitor", 4)]
)
def test_killed_at_any_moment(kind: str, kills: int) -> None:
    # In a process of its own: pytest has threads, and a fork must not have them.
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", kind, "--kills", str(kills)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(kind)
