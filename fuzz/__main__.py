# SPDX-License-Identifier: GPL-3.0-or-later
"""`make fuzz`: fuzzes each parser, one process at a time, and prints what was tried.

A crash, more than a second of processor time for an input, and more than 500 MB of memory are
failures; the input is kept in the output folder, and the rest of the inputs is tried all the same.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.parsers import HARNESSES, Harness

MOST_MB = 500
_STUCK_S = 300
"""Seconds by the wall clock after which an input that does not end is given up."""
_MOST_FAILURES = 5
_INPUTS_A_PROCESS = 50_000
"""Atheris keeps what a traced comparison of arrays gave, for ever (`scores >= 0`): up to 3 kB an
input, which would be taken for memory that the parser needs."""

_EXECUTED = re.compile(r"stat::number_of_executed_units: (\d+)")
_PEAK = re.compile(r"stat::peak_rss_mb: +(\d+)")
_WRITTEN = re.compile(r"Test unit written to (\S+)")
_WHY = re.compile(
    r"^(?:\w+\.)*\w*(?:Error|Exception|Hang|Warning)\b.*|.*out-of-memory.*|.*timeout.*"
)


@dataclass
class Tried:
    """What came of fuzzing one parser."""

    inputs: int = 0
    peak_mb: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)


def fuzz(harness: Harness, inputs: int, folder: Path) -> Tried:
    """Give so many inputs to a parser."""
    tried = Tried()
    begin = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    while tried.inputs < inputs and len(tried.failures) < _MOST_FAILURES:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "fuzz.child", harness.name, str(folder)),
                f"-runs={min(inputs - tried.inputs, _INPUTS_A_PROCESS)}",
                f"-rss_limit_mb={MOST_MB}",
                f"-timeout={_STUCK_S}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        counted = _EXECUTED.search(done.stdout)
        if counted is None:
            tried.failures.append(f"it did not begin:\n{done.stdout[-2000:]}")
            break
        tried.inputs += int(counted[1])
        peak = _PEAK.search(done.stdout)
        tried.peak_mb = max(tried.peak_mb, int(peak[1]) if peak else 0)
        if done.returncode:
            written = _WRITTEN.search(done.stdout)
            whys = [line for line in done.stdout.splitlines() if _WHY.match(line)]
            tried.failures.append(
                f"{whys[0] if whys else 'for an unknown reason'}:"
                f" {written[1] if written else '(no input)'}"
            )
    tried.seconds = time.monotonic() - begin
    return tried


def main() -> int:
    """Fuzz all parsers, or those that are named."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[*HARNESSES, []], help="only these parsers")
    parser.add_argument("--inputs", type=int, help="so many for each, instead of the usual number")
    parser.add_argument("--output", type=Path, default=Path("fuzz-output"), metavar="FOLDER")
    args = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("Atheris is not installed: make setup-fuzz installs it.", file=sys.stderr)
        return 2
    print(f"{'parser':<16}{'inputs':>12}{'a second':>10}{'most MB':>9}{'failures':>10}", flush=True)
    total, failures = 0, 0
    for name in args.names or HARNESSES:
        harness = HARNESSES[name]
        tried = fuzz(harness, args.inputs or harness.inputs, args.output / name)
        total += tried.inputs
        failures += len(tried.failures)
        rate = tried.inputs / max(tried.seconds, 1e-3)
        print(
            f"{name:<16}{tried.inputs:>12,}{rate:>10,.0f}{tried.peak_mb:>9}"
            f"{len(tried.failures):>10}",
            flush=True,
        )
        for failure in tried.failures:
            print(f"  {failure}", flush=True)
    print(f"{'together':<16}{total:>12,}{'':>19}{failures:>10}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
