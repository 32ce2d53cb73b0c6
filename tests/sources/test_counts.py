# SPDX-License-Identifier: GPL-3.0-or-later
"""Prime numbers of calls made are prime numbers of calls recorded, in every mode."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from imsafe.events import OUT_OF_RANGE, Abi, Kind
from imsafe.sources.ptrace import classify

from .running import (
    EXECVE,
    GETPPID,
    GETPPID_I386,
    GETUID,
    eventually,
    is_traced,
    kill_and_wait,
    run,
    start,
    stream_of,
)

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of x86_64")


def check_counted(trace) -> None:
    assert trace.count(GETPPID) == 100_003
    assert trace.count(20, Abi.I386) == 23
    assert trace.count(OUT_OF_RANGE) == 17
    assert trace.count(65575 & 0xFFFF) == 0
    by_thread = Counter(trace.calls["tid"][trace.calls["syscall"] == GETPPID].tolist())
    assert sorted(by_thread.values()) == [14286] * 6 + [14287]
    assert len(trace.of_kind(Kind.FORK)) == 7 + 3
    assert len(trace.of_kind(Kind.EXIT)) == 1 + 7 + 3
    assert len({info.pid for info in trace.processes}) == 1 + 3
    assert trace.totals["calls"] == len(trace.calls)
    assert trace.totals["lost"] == trace.lost == 0
    assert trace.closed.complete
    assert not trace.closed.warning


@pytest.mark.parametrize("options", [(), ("--full",)], ids=["seccomp", "full"])
def test_spawned(program, tmp_path, options) -> None:
    path = tmp_path / "counted.imt"
    done = run("trace", "-o", path, *options, "--", program("counted"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    trace = stream_of(path)
    check_counted(trace)
    assert trace.count(EXECVE) == 0  # the one that starts it belongs to the tracer
    assert trace.meta["tracer"] == ("ptrace-full" if options else "ptrace-seccomp")
    strace = strace_counts([program("counted")], tmp_path)
    assert without_ends(counts(trace)) == without_ends(strace)


def test_attached(program, tmp_path) -> None:
    path = tmp_path / "counted.imt"
    run_attached(
        [program("counted"), "wait"],
        lambda pid: start("trace", "-o", path, "-p", pid),
        path.exists,
    )
    trace = stream_of(path)
    check_counted(trace)
    assert trace.count(0) == 1  # the read in progress: counted once
    assert trace.meta["tracer"] == "ptrace-attach"
    assert trace.meta["applications"][0]["name"] == "counted"
    assert without_ends(counts(trace)) == without_ends(
        strace_counts([program("counted"), "wait"], tmp_path, attached=True)
    )


def run_attached(
    command: list[object],
    attach: Callable[[int], subprocess.Popen[bytes]],
    ready: Callable[[], bool] = lambda: True,
) -> None:
    """Run a command that waits for a byte, from there on under a tracer."""
    traced = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE)
    tracer = attach(traced.pid)
    try:
        eventually(lambda: ready() and is_traced(traced.pid), "attached")
        time.sleep(0.2)
        traced.communicate(b"!")
        assert traced.returncode == 0
        assert tracer.wait(30) == 0
    finally:
        kill_and_wait(tracer)
        kill_and_wait(traced)


def counts(trace) -> Counter[str]:
    """Calls of x86_64 by name, as the system's headers name them."""
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
    names = {int(n): name for name, n in re.findall(r"#define __NR_(\w+) (\d+)", header)}
    calls = trace.calls[trace.calls["abi"] == Abi.X86_64]
    numbers = Counter(calls["syscall"].tolist())
    return Counter({names[n]: count for n, count in numbers.items() if n != OUT_OF_RANGE})


def strace_counts(command: list[object], folder: Path, *, attached: bool = False) -> Counter[str]:
    """What `strace -f -c` counts; its table for 64-bit calls comes first."""
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    out = folder / "strace.txt"
    strace = ["strace", "-f", "-q", "-c", "-o", str(out)]
    if attached:
        run_attached(
            command,
            lambda pid: subprocess.Popen([*strace, "-p", str(pid)], stderr=subprocess.DEVNULL),
        )
    else:
        subprocess.run([*strace, *map(str, command)], check=True, capture_output=True)
    table = out.read_text().partition(" total")[0]
    found: Counter[str] = Counter()
    for line in table.splitlines():
        words = line.split()
        if len(words) >= 5 and words[3].isdecimal() and words[-1].isidentifier():
            found[words[-1]] = int(words[3])
    return found


def without_ends(found: Counter[str]) -> dict[str, int]:
    """All but what strace does not count (ends) or what starts the command.

    What a race decides (two threads that meet at a lock or in the allocator)
    is left out of the comparison of two runs.
    """
    races = {"futex", "munmap", "madvise", "mprotect", "mmap"}
    return {k: v for k, v in found.items() if k not in {"execve", "exit", "exit_group"} | races}


def test_32_bit_program(program, tmp_path) -> None:
    path = tmp_path / "calls.imt"
    done = run("trace", "-o", path, "--", program("calls", "-m32"), 23)
    assert done.returncode == 0, done.stderr
    trace = stream_of(path)
    assert trace.count(GETPPID_I386, Abi.I386) == 23
    assert set(trace.calls["abi"].tolist()) == {int(Abi.I386)}


@pytest.mark.parametrize("name", ["denied", "supervised"])
@pytest.mark.parametrize(
    ("option", "getppid", "getuid"), [((), 0, 29), (("--full",), 23, 29)], ids=["seccomp", "full"]
)
def test_filter_of_its_own(program, tmp_path, name, option, getppid, getuid) -> None:
    """--full sees what the program's filter denies or hands on; neither believes what it traces."""
    path = tmp_path / f"{name}.imt"
    done = run("trace", "-o", path, *option, "--", program(name))
    assert done.returncode == 0, done.stderr
    trace = stream_of(path)
    assert trace.count(GETPPID) == getppid
    assert trace.count(GETUID) == getuid


def test_numbers_are_never_masked() -> None:
    x86_64, i386, aarch64, arm = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028
    assert classify(x86_64, 39) == (Abi.X86_64, 39)
    assert classify(x86_64, 65575) == (Abi.X86_64, OUT_OF_RANGE)
    assert classify(x86_64, 0x40000000 + 39) == (Abi.X32, 39)
    assert classify(x86_64, 0x40000000 + 65575) == (Abi.X32, OUT_OF_RANGE)
    assert classify(x86_64, (1 << 64) - 1) == (Abi.X86_64, OUT_OF_RANGE)
    assert classify(x86_64, (1 << 32) - 1) == (Abi.X86_64, OUT_OF_RANGE)
    assert classify(i386, 0x40000000 + 39) == (Abi.I386, OUT_OF_RANGE)
    assert classify(aarch64, 172) == (Abi.AARCH64, 172)
    assert classify(arm, 0xF0005) == (Abi.ARM, OUT_OF_RANGE)
    assert classify(0xC00000F3, 172) == (Abi.FOREIGN, 172)
    assert classify(x86_64, OUT_OF_RANGE) == (Abi.X86_64, OUT_OF_RANGE)


def test_metadata(program, tmp_path) -> None:
    path = tmp_path / "t.imt"
    assert run("trace", "-o", path, "--", "true", "an argument").returncode == 0
    meta = stream_of(path).meta
    (application,) = meta["applications"]
    true = str(Path(shutil.which("true")).resolve())
    assert application["name"] == "true"
    assert application["matched_by"] == "command"
    assert application["argv"] == ["true", "an argument"]
    assert application["exe"] == true
    digest = subprocess.run(["sha256sum", true], capture_output=True, text=True, check=True)
    assert application["sha256"] == digest.stdout.split()[0]
    if shutil.which("dpkg-query"):
        assert application["package"] == "coreutils"
        assert application["package_version"]
    assert re.fullmatch("[0-9a-f]{40}", application["build_id"])
    assert meta["kernel"] == os.uname().release
    assert meta["follow_exec"] is True
    assert abs(meta["wall_ns"] / 1e9 - time.time()) < 60
