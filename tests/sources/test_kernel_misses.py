# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of its programs, as it writes it; real ones stand behind the tracer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("memory files are Linux's", allow_module_level=True)

from imsafe.sources.ebpf import misses

FDINFO = (
    "pos:\t0\nflags:\t02000002\nprog_type:\t5\nrun_time_ns:\t0\nrun_cnt:\t0\n{}verified_insns:\t7\n"
)


@pytest.fixture
def described(monkeypatch, tmp_path):
    """Gives descriptors that the kernel says this of."""

    def describe(*lines: str) -> list[int]:
        for number, line in enumerate(lines):
            (tmp_path / str(number)).write_text(FDINFO.format(line))
        return list(range(len(lines)))

    opened = os.open
    monkeypatch.setattr(
        misses.os,
        "open",
        lambda path, flags: opened(path.replace("/proc/self/fdinfo", str(tmp_path)), flags),
    )
    return describe


def test_the_sum_of_all_programs_as_it_is_now(described, tmp_path) -> None:
    counted = misses.Misses(described("recursion_misses:\t3\n", "recursion_misses:\t4\n"))
    assert counted.total == 7
    (tmp_path / "0").write_text(FDINFO.format("recursion_misses:\t1000\n"))
    assert counted.total == 1004


def test_a_kernel_that_does_not_count_them(described) -> None:
    assert misses.Misses(described("", "")).total == 0


def test_as_this_kernel_says_it() -> None:
    """Of a descriptor that is no program's."""
    with Path(os.devnull).open("rb") as file:
        assert misses.Misses([file.fileno()]).total == 0
