# SPDX-License-Identifier: GPL-3.0-or-later
"""How often normal runs raise an alert, and attacks none: `python -m demo.trials`.

Every trial is a fresh run of the web server under `ims-monitor`, watched live
with the threshold that the profile suggests.  An attack run has ordinary
visitors too, before, during and after the attack.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from demo.attacks import ATTACKS
from demo.steps import attacker, call, learn, record_runs, running, say, tool, visitors, workplace
from demo.web_server import DemoError, WebServer, new_site
from imsafe.errors import ImsafeError
from imsafe.monitor.score_log_reader import read_score_log
from imsafe.profile.profile import Profile

_FRESH = 1000  # seeds of the trials begin here: no visit was learned from


@dataclass(frozen=True)
class Trial:
    """One run of the web server under the monitor.

    Attributes
    ----------
    name
        The attack, or ``normal``.
    alerted
        Whether the monitor ended with the status for "at least one alert".
    peak
        The highest score in its log.
    """

    name: str
    alerted: bool
    peak: float


def trial(site: WebServer, profile: Path, folder: Path, seed: int, attack: str = "") -> Trial:
    """Watch one run, with visitors and, when it is named, an attack among them."""
    log = folder / f"{seed}.log"
    monitor = [tool("ims-monitor"), "-d", str(profile), "-l", str(log), "--", *site.argv]
    with running(monitor) as process:
        site.wait_until_up(process)
        with running(visitors(site, seed)) as crowd:
            if attack:
                time.sleep(1)
                call(attacker(site, attack))
            if crowd.wait(120):
                raise DemoError(f"The visitors failed with status {crowd.returncode}.")
        site.stop(process, 60)
    if process.returncode not in (0, 1):
        raise DemoError(f"ims-monitor ended with status {process.returncode}.")
    scores = read_score_log(log)
    return Trial(attack or "normal", process.returncode == 1, float(scores.records["score"].max()))


def run(normal: int, attacks: int) -> int:
    """Learn, then try; prints a table and returns 0 when the goals were met."""
    with workplace() as folder:
        (folder / "site").mkdir()
        site = new_site(folder / "site")
        profile = folder / "web.db"
        learn(record_runs(folder), profile)
        learned = Profile.load(profile)
        threshold = learned.suggested_threshold
        if threshold is None:
            raise DemoError(f"No threshold: {learned.why_no_threshold}")
        say(
            f"learned {learned.calls:,} calls of {learned.processes:,} processes",
        )
        say(f"suggested threshold {threshold:.3f}\n")
        say(f"{'run':>4}  {'what':24} {'peak':>6}  alert")
        done: list[Trial] = []
        plan = [""] * normal + [ATTACKS[number % len(ATTACKS)] for number in range(attacks)]
        for number, attack in enumerate(plan):
            result = trial(site, profile, folder, _FRESH + number, attack)
            done.append(result)
            alert = "yes" if result.alerted else "no"
            say(f"{number + 1:4}  {result.name:24} {result.peak:6.3f}  {alert}")
    false = sum(result.alerted for result in done if result.name == "normal")
    found = sum(result.alerted for result in done if result.name != "normal")
    say(f"\nnormal runs with an alert: {false} of {normal} (goal: at most 1 of 20)")
    say(f"attacks with an alert: {found} of {attacks} (goal: all)")
    return 0 if false <= normal // 20 and found == attacks else 1


def main() -> int:
    """Run the program; returns 0 when the goals were met, 1 when not, 2 after an error."""
    parser = argparse.ArgumentParser(description="How reliable the demonstration is.")
    parser.add_argument("--normal", type=int, default=20, help="fresh normal runs")
    parser.add_argument("--attacks", type=int, default=10, help="runs with an attack")
    args = parser.parse_args()
    try:
        return run(args.normal, args.attacks)
    except (DemoError, ImsafeError, subprocess.TimeoutExpired) as error:
        print(f"trials: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
