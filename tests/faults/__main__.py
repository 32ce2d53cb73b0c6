# SPDX-License-Identifier: GPL-3.0-or-later
"""`make faults`: kills the programs hundreds of times, and prints what was left."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.kills import KINDS, run


def main() -> int:
    """Kill each kind of work."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    for kind in args.kinds or KINDS:
        with tempfile.TemporaryDirectory(prefix="imsafe-faults-") as folder:
            sys.stdout.write(f"{run(kind, Path(folder), args.kills, args.seed)}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
