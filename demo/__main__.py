# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole demonstration: `python -m demo`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from demo.steps import LEARNED_RUNS, REQUESTS, ROOT, learn, record_runs, say, workplace
from demo.virtual_display import display, has_display
from demo.web_server import DemoError, new_site
from imsafe.errors import ImsafeError


def demonstrate(output: Path, runs: int, *, driver: bool, stay: bool) -> None:
    """Record, learn, watch, attack; leave a profile, a score log and screenshots.

    Raises
    ------
    DemoError, ImsafeError
        What kept it from going on.
    """
    # The window and numba are imported when the first two steps have been shown.
    output.mkdir(exist_ok=True)
    profile, log = output / "web.db", output / "scores.log"
    recording = output / "watched.imt"
    for old in (profile, log, recording, *output.glob("[0-9]-*.png")):
        old.unlink(missing_ok=True)
    with workplace() as folder:
        say(f"1. Record {runs} runs of lighttpd, {REQUESTS} requests each")
        traces = record_runs(folder, runs, driver=driver)
        size = sum(path.stat().st_size for path in traces.iterdir())
        say(f"   {size / 1e6:.1f} MB of traces")
        say("2. Learn")
        learn(traces, profile)
        _say_what_was_learned(profile)
        say("3. Watch fresh runs in the window")
        (folder / "site").mkdir()
        site = new_site(folder / "site")
        with display(folder):
            from demo.window import Show  # noqa: PLC0415

            Show(site, profile, log, recording, output, driver=driver, stay=stay).run()
    say(f"\nScreenshots, profile and score log are in {output}")


def _say_what_was_learned(profile: Path) -> None:
    from imsafe.profile.profile import Profile  # noqa: PLC0415

    learned = Profile.load(profile)
    if learned.suggested_threshold is None:
        raise DemoError(f"No threshold can be suggested: {learned.why_no_threshold}")
    say(f"   {learned.calls:,} calls of {learned.processes:,} processes,"
        f" {len(learned.nodes.symbol):,} nodes,"
        f" suggested threshold {learned.suggested_threshold:.3f}")  # fmt: skip


def main() -> int:
    """Run the program; returns 0, 2 after an error, 128 + signal when it was ended."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "demo-output", metavar="FOLDER")
    parser.add_argument("--runs", type=int, default=LEARNED_RUNS, help="to learn from")
    parser.add_argument("--driver", action="store_true", help="by the kernel tracer, as root")
    parser.add_argument("--no-stay", action="store_true", help="close the window at the end")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    began = time.monotonic()
    stay = has_display() and not args.no_stay and os.environ.get("CI") is None
    try:
        demonstrate(args.output.absolute(), args.runs, driver=args.driver, stay=stay)
    except (DemoError, ImsafeError, subprocess.TimeoutExpired) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("demo: interrupted.", file=sys.stderr)
        return 128 + signal.SIGINT
    say(f"Done in {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
