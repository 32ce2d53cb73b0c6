# SPDX-License-Identifier: GPL-3.0-or-later
"""The ptrace sensor against strace on a loop of getppid, everything on one CPU."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CALLS = 300_000
ROUNDS = 5
ROOT = Path(__file__).resolve().parent.parent

LOOP = """
#include <sys/syscall.h>
#include <unistd.h>
int main(void) { for (int i = 0; i < %d; i++) syscall(SYS_getppid); return 0; }
"""


def ims(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"imsafe.cli.{program}", *arguments, "--"]


def seconds(argv: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(argv, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    strace = shutil.which("strace")
    if strace is None:
        sys.exit("bench/ptrace.py compares with strace, which is not here: apt install strace")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        loop, trace = Path(name) / "loop", str(Path(name) / "t.imt")
        loop.with_suffix(".c").write_text(LOOP % CALLS)
        subprocess.run(["gcc", "-O1", "-o", loop, loop.with_suffix(".c")], check=True)
        ways = {
            "strace -f -o /dev/null": [strace, "-f", "-o", "/dev/null"],
            "ims-trace": ims("trace", "--force", "-o", trace),
            "ims-trace --full": ims("trace", "--full", "--force", "-o", trace),
            "ims-sensor, no listener": ims("sensor", "-s", str(Path(name) / "s")),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        # In turns, so that whatever else the machine does meets all of them.
        for _ in range(ROUNDS):
            for way, prefix in ways.items():
                start = seconds([*prefix, "true"])
                times[way].append(seconds([*prefix, str(loop)]) - start)
        base = statistics.median(times["strace -f -o /dev/null"])
        print(f"{CALLS:,} getppid, median of {ROUNDS}, without the time to start:")
        for way, measured in times.items():
            middle = statistics.median(measured)
            print(
                f"  {way:26} {middle:6.2f} s  {middle / CALLS * 1e6:5.1f} us  {middle / base:.2f}"
            )


if __name__ == "__main__":
    main()
