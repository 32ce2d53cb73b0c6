# SPDX-License-Identifier: GPL-3.0-or-later
"""`make soak`: load for ten minutes, and a storm of a million alerts; prints what came of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.load import can_trace, load
from tests.soak.storm import storm


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run all, or what is named."""
    parser = argparse.ArgumentParser(prog="make soak")
    parser.add_argument("what", nargs="*", choices=["kernel", "ptrace", "storm", []])
    parser.add_argument("--duration", type=float, default=600, metavar="SECONDS")
    parser.add_argument("--rate", type=int, help="calls a second (100,000; ptrace 20,000)")
    parser.add_argument("--alerts", type=int, default=1_000_000, help="of the storm")
    args = parser.parse_args()
    wrong = 0
    for what in args.what or ["kernel", "ptrace", "storm"]:
        with tempfile.TemporaryDirectory(prefix="imsafe-soak-") as name:
            folder = Path(name)
            _say(f"== {what}")
            if what == "storm":
                _say(storm(folder, args.alerts))
                continue
            if why := can_trace(what):
                _say(f"left out: {why}")
                continue
            rate = args.rate or (100_000 if what == "kernel" else 20_000)
            result = load(
                folder, what, rate=rate, seconds=args.duration, alert_ms=500, log_size="256K"
            )
            _say(result)
            good = (
                result.received + result.lost == result.made
                and result.lost == 0
                and result.p99 < 1.0
                and result.growth < 1.1
            )
            _say("as it should be" if good else "NOT as it should be")
            wrong += not good
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
