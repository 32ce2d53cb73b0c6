# SPDX-License-Identifier: GPL-3.0-or-later
"""Small C programs to trace, compiled once a session, and the tools as real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .running import NOBODY

if sys.platform != "linux":
    pytest.skip("ptrace and SO_PEERCRED are Linux's", allow_module_level=True)

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="session")
def build() -> Iterator[Path]:
    """A folder that other users can reach, too."""
    with tempfile.TemporaryDirectory(prefix="imsafe-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def program(build: Path) -> Callable[..., Path]:
    """Compile one of `programs/`; further arguments go to the compiler."""
    if not shutil.which("gcc"):
        pytest.skip("gcc is not here")

    def compiled(name: str, *flags: str) -> Path:
        target = build / "".join((name, *flags))
        if not target.exists():
            source = PROGRAMS / f"{name}.c"
            done = subprocess.run(
                ["gcc", "-O1", "-Wall", "-pthread", *flags, source, "-o", target],
                capture_output=True,
                text=True,
                check=False,
            )
            if "-m32" in flags and done.returncode:
                pytest.skip("gcc-multilib is not here")
            assert done.returncode == 0, done.stderr
        return target

    return compiled


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A fresh folder with a short name that belongs to the user nobody."""
    with tempfile.TemporaryDirectory(prefix="imsafe-test-") as name:
        if os.geteuid() == 0:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)
