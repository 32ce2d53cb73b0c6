# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of other ABIs as strace names them, made by a real program under the real strace."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from imsafe.events import Abi, Kind
from imsafe.stream.traces import open_trace

pytestmark = pytest.mark.skipif(
    not (shutil.which("strace") and shutil.which("gcc")), reason="needs strace and gcc"
)

X32_CALLS = 600
PROGRAM = f"""
#define _GNU_SOURCE
#include <unistd.h>
#include <sys/syscall.h>
int main(void) {{
    /* A kernel without x32 refuses them all; one that has it must not be made to run them. */
    for (int i = 0; i < {X32_CALLS}; i++)
        if (syscall(0x40000000 | 39) != -1) return 77;
        else syscall(0x40000000 | i, -1, -1, -1, -1, -1, -1);
    for (int i = 0; i < 23; i++) {{
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    }}
    return 0;
}}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("x32")
    source = folder / "x32.c"
    source.write_text(PROGRAM)
    subprocess.run(["gcc", "-O1", "-o", str(folder / "x32"), str(source)], check=True)
    return folder / "x32"


def _symbols(program: Path, tmp_path: Path, *options: str) -> list[tuple[int, int]]:
    trace = tmp_path / "trace"
    ended = subprocess.run(
        ["strace", "-f", *options, "-o", str(trace), str(program)],
        capture_output=True,
        check=False,
        timeout=60,
    )
    if ended.returncode == 77:
        pytest.skip("this kernel has x32: the calls would really be made")
    assert ended.returncode == 0, ended.stderr
    reader = open_trace(trace)
    batches = [item for _, item in reader if isinstance(item, np.ndarray)]
    assert reader.warnings == []
    events = np.concatenate(batches)
    calls = events[events["kind"] == Kind.CALL]
    return list(zip(calls["abi"].tolist(), calls["syscall"].tolist(), strict=True))


def test_every_number_of_x32_is_told_apart(program: Path, tmp_path: Path) -> None:
    found = _symbols(program, tmp_path, "--quiet=none")
    assert {number for abi, number in found if abi == Abi.X32} == set(range(X32_CALLS))
    assert len([abi for abi, _ in found if abi == Abi.X32]) == 2 * X32_CALLS
    assert found.count((Abi.I386, 20)) == 23


def test_a_log_that_does_not_tell_the_mode_is_read_all_the_same(
    program: Path, tmp_path: Path
) -> None:
    found = _symbols(program, tmp_path)
    # ioctl#64: the number of x86_64's ioctl in x32's mode, as its name says.
    assert (Abi.X32, 16) in found
    assert len(found) > 2 * X32_CALLS + 23
