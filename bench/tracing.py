# SPDX-License-Identifier: GPL-3.0-or-later
"""What tracing costs a program: its time under ims-trace, and under strace, over its own time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 5
BIN = Path(sys.executable).parent

GETPPID = """
#include <unistd.h>
#include <sys/syscall.h>
int main(void) { for (int i = 0; i < 200000; i++) syscall(SYS_getppid); return 0; }
"""


def workloads(folder: Path) -> dict[str, list[str]]:
    source = folder / "getppid.c"
    source.write_text(GETPPID)
    subprocess.run(["gcc", "-O1", "-o", folder / "getppid", source], check=True)
    return {
        "200,000 getppid": [str(folder / "getppid")],
        "tar cf": ["tar", "cf", str(folder / "x.tar"), "/usr/share/doc"],
        "dd bs=1": ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=100000", "status=none"],
        "sha256sum": ["sha256sum", str(Path(sys.executable).resolve())] + ["/usr/bin/gcc"] * 200,
    }


def tracers(folder: Path) -> dict[str, list[str]]:
    trace = [str(BIN / "ims-trace"), "--force", "-o", str(folder / "t.imt")]
    found = {"alone": [], "ims-trace": [*trace, "--"], "ims-trace --full": [*trace, "--full", "--"]}
    if shutil.which("strace"):
        found["strace -f -o"] = ["strace", "-f", "-o", str(folder / "strace.txt")]
    return found


def seconds(argv: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def best(argv: list[str]) -> float:
    return min(seconds(argv) for _ in range(REPEATS))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = tracers(folder)
        # Starting the tracer itself is told apart: it is paid once, not by each call.
        start = {way: best([*prefix, "true"]) for way, prefix in ways.items()}
        print(f"{'best of ' + str(REPEATS) + ', s':20}" + "".join(f"{way:>20}" for way in ways))
        print(f"{'true':20}" + "".join(f"{start[way]:20.3f}" for way in ways))
        for title, argv in workloads(folder).items():
            times = {way: best([*prefix, *argv]) - start[way] for way, prefix in ways.items()}
            cells = (f"{times[way]:.3f} ({times[way] / times['alone']:.1f}x)" for way in ways)
            print(f"{title:20}" + "".join(f"{cell:>20}" for cell in cells))
        print("without the tracer's own start, which is the line `true`")


if __name__ == "__main__":
    main()
