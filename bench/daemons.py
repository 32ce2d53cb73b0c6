# SPDX-License-Identifier: GPL-3.0-or-later
"""Real daemons, learned and watched: alerts on normal load, and on attacks.

    sudo .venv/bin/python bench/daemons.py

A redis-server and an nginx, each a copy with its own configuration, folder and port, are learned
from varied load, watched under fresh load of other mixes, and attacked.  Everything is ended by
its process id and removed at the end.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from daemon_load.daemon import Daemon, copied
from daemon_load.nginx_server import PACKAGE, Nginx, unpacked_perl_module
from daemon_load.programs import Session, findings, learned, recording, replayed, watching
from daemon_load.redis_server import Redis, compiled_module

BEFORE_S, AFTER_S = 6.0, 6.0
"""Normal load before an attack of a trial, and how long after it an alert counts as its."""
BETWEEN_S = 15.0
"""Between two attacks of one trial: an alert closes after 10 s below the threshold."""
REASONS = 6
"""Different reasons of each attack that are printed."""
FRESH = 1000
"""Seeds of load that was not learned begin here."""


@dataclass
class Plan:
    """How much of everything: runs of a daemon, at a time, seconds and quiet seconds of each."""

    runs: int = 16
    watched: int = 8
    trials: int = 10
    at_once: int = 4
    seconds: float = 75.0
    quiet: float = 40.0
    pause: float = 0.33
    ptrace: bool = False


@dataclass
class Attack:
    name: str
    do: Callable[[Any, int], None]


@dataclass
class Subject:
    """A daemon that is learned, watched and attacked.

    Attributes
    ----------
    make
        From a folder to a daemon that has not begun.
    trials
        Each a row of attacks on one run of the daemon, one after the other.
    rate
        Requests a second of the hour that the normal load is compared with.
    """

    name: str
    executable: Path
    make: Callable[[Path], Daemon]
    trials: list[list[Attack]]
    rate: int
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """One subject's folder, and the folder of the recordings."""

    subject: Subject
    plan: Plan
    folder: Path
    kept: Path

    @property
    def profile(self) -> Path:
        return self.folder / f"{self.subject.name}.db"

    def traces(self, what: str) -> list[Path]:
        name = f"{self.subject.name}-{what}"
        return sorted([*self.kept.glob(f"{name}.imt"), *self.kept.glob(f"{name}-[0-9]*.imt")])

    def session(self, what: str, command: Callable[[Path], list[str]], folder: Path) -> Session:
        folder.mkdir()
        return Session(
            f"{self.subject.name}-{what}", self.subject.executable, folder,
            ptrace=self.plan.ptrace, command=command, traces=self.kept,
        )  # fmt: skip

    def live(self, session: Session, runs: range) -> int:
        """Run the daemon so often under normal load, some begun twice; how much it served."""
        plan = self.plan

        def one(seed: int) -> int:
            place = self.folder / f"{self.subject.name}-{seed}"
            place.mkdir()
            daemon = self.subject.make(place)
            # Every third has no quiet time; every other is stopped and begun again once.
            quiet = plan.quiet if seed % 3 else 0.0
            parts = [plan.seconds] if seed % 2 else [plan.seconds * 0.8, plan.seconds * 0.2]
            never = threading.Event()
            for number, seconds in enumerate(parts):
                session.start(daemon)
                try:
                    daemon.live(
                        seconds, plan.pause, seed * 10 + number, 0.0 if number else quiet, never
                    )
                finally:
                    daemon.stop()
            self.subject.notes.extend(daemon.failures)
            shutil.rmtree(place)
            return daemon.served

        with ThreadPoolExecutor(plan.at_once) as pool:
            return sum(pool.map(one, runs))

    def attacked(self, session: Session, number: int, attacks: list[Attack]) -> dict[str, Any]:
        """One trial: the daemon begins, has normal load, and is attacked meanwhile."""
        start = time.time()
        place = self.folder / f"{self.subject.name}-trial-{attacks[0].name[1:4]}-{number}"
        place.mkdir()
        daemon = self.subject.make(place)
        stop = threading.Event()
        load = threading.Thread(
            target=daemon.live, args=(600.0, self.plan.pause, FRESH * 2 + number, 0.0, stop)
        )
        moments: dict[str, float] = {}
        session.start(daemon)
        try:
            load.start()
            time.sleep(BEFORE_S)
            for attack in attacks:
                if moments:
                    time.sleep(BETWEEN_S)
                moments[attack.name] = time.time()
                attack.do(daemon, number)
            time.sleep(AFTER_S)
        finally:
            stop.set()
            daemon.stop()
            load.join()
        shutil.rmtree(place)
        return {"start": start, "moments": moments}

    def learn(self) -> dict[str, Any]:
        """Record, unless that was done, and learn."""
        if not self.traces("learned"):
            folder = self.folder / f"{self.subject.name}-recording"
            with self.session("learned", recording, folder) as session:
                self.live(session, range(1, self.plan.runs + 1))
        return learned(self.profile, self.traces("learned"))

    def watch(self, what: str, do: Callable[[Session], Any]) -> tuple[Any, Any]:
        """What monitors find meanwhile, and what `do` says; unless recorded, then again."""
        noted = self.kept / f"{self.subject.name}-{what}.json"
        folder = self.folder / f"{self.subject.name}-{what}"
        if noted.exists():
            folder.mkdir()
            replayed(self.profile, self.traces(what), folder)
            return findings(folder), json.loads(noted.read_text())
        command = partial(watching, self.profile, folder=folder)
        with self.session(what, command, folder) as session:
            said = do(session)
        noted.write_text(json.dumps(said))
        return findings(folder), said

    def trials(self, session: Session) -> list[dict[str, Any]]:
        done = []
        for attacks in self.subject.trials:
            for number in range(self.plan.trials):
                done.append(self.attacked(session, number, attacks))
                say(self.subject, f"trial {len(done)}")
        return done

    def run(self) -> None:
        """Learn, watch, attack; the results are in the subject's rows, notes and reasons."""
        subject, plan = self.subject, self.plan
        say(subject, "recording and learning")
        known = self.learn()
        threshold = known["suggested_threshold"]
        subject.notes.append(
            f"learned from {known['calls']:,} calls of {known['processes']:,} processes"
            f" ({known['units']:,} units) in {plan.runs} runs, {plan.at_once} at a time;"
            f" {known['nodes']:,} sequences, {known['learned']:.1%} of what is to be expected;"
            f" {known['lost']:,} calls lost"
        )
        if threshold is None:
            subject.notes.append(known["why_no_threshold"])
            return
        say(subject, f"{known['calls']:,} calls, threshold {threshold:.3f}; normal load")
        runs = range(FRESH, FRESH + plan.watched)
        normal, served = self.watch("normal", lambda session: self.live(session, runs))
        calls, alerts = normal.total("calls"), len(normal.alerts)
        promised = known["false_alarms_per_million_calls"] * calls / 1e6
        at_most = known["false_alarms_per_million_calls_at_most"] * calls / 1e6
        subject.notes.append(
            f"fresh normal load: {served:,} requests, as in"
            f" {served / subject.rate / 3600:.1f} hours at {subject.rate} a second; {calls:,} calls"
            f" of {plan.watched} runs ({normal.total('lost'):,} lost): {alerts} alerts where"
            f" {promised:.2g} were promised and counting ruled out more than {at_most:.2g}"
            f" (so many or more then have a chance of {at_least(at_most, alerts):.0%});"
            f" {normal.unseen_share:.2%} of the calls in sequences that were never learned"
        )
        subject.reasons += [f"normal load: {told(alert)}" for alert in normal.alerts]
        say(subject, f"{alerts} alerts, highest {normal.highest():.3f}; trials")
        found, trials = self.watch("trials", self.trials)
        calm = [(t["start"], min(t["moments"].values()) - 0.2) for t in trials]
        before = [alert for times in calm for alert in found.opened(*times)]
        subject.notes.append(
            f"before the attacks of the trials: {len(before)} alerts,"
            f" highest score {max(found.highest(*times) for times in calm):.3f}"
        )
        subject.reasons += [f"before an attack: {told(alert)}" for alert in before]
        for attack in (attack for attacks in subject.trials for attack in attacks):
            times = [t["moments"][attack.name] for t in trials if attack.name in t["moments"]]
            scores = [found.highest(when, when + AFTER_S) for when in times]
            raised = [found.opened(when, when + AFTER_S) for when in times]
            subject.rows.append([
                subject.name, attack.name, f"{sum(map(bool, raised))} of {len(times)}",
                f"{normal.highest():.3f}", f"{threshold:.3f}", f"{min(scores):.3f}",
                f"{promised:.2g} (at most {at_most:.2g})", str(alerts),
            ])  # fmt: skip
            subject.notes.append(
                f"{attack.name}: scores {', '.join(f'{score:.3f}' for score in scores)}"
            )
            seen = [told(alert) for each in raised for alert in each]
            subject.reasons += [f"{attack.name}: {t}" for t in list(dict.fromkeys(seen))[:REASONS]]


def at_least(expected: float, count: int) -> float:
    """The chance of at least so many alerts where so many are expected (Poisson)."""
    below = sum(math.exp(-expected) * expected**k / math.factorial(k) for k in range(count))
    return 1 - below


def say(subject: Subject, text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {subject.name}: {text}", file=sys.stderr, flush=True)


def told(alert: dict[str, Any]) -> str:
    """An alert as the monitor says it, without what differs from run to run."""
    reason = re.sub(r" \(pid \d+\)|pid \d+: |, pid \d+", "", alert["reason"])
    reason = re.sub(r"/tmp/imsafe-daemons-\S*/", "", reason)
    return f"{reason} (score {alert['score']:.2f}, {alert['reading']})"


def subjects(folder: Path) -> Iterator[Subject]:
    """What is there to be benched."""
    module = compiled_module(folder)
    redis = copied("redis-server", folder)
    yield Subject(
        "redis",
        redis,
        lambda place: Redis(redis, place),
        [
            [Attack("`CONFIG SET dir`, `SAVE`", lambda d, number: d.save_elsewhere(number))],
            [
                Attack("`MODULE LOAD`", lambda d, _: d.load_module(module)),
                Attack("shell from the module", lambda d, number: d.run_shell(number)),
            ],
        ],
        rate=10,
    )
    nginx, perl = copied("nginx", folder), unpacked_perl_module(folder)
    shell = [Attack("shell from a perl handler", lambda d, number: d.run_shell(number))]
    trials = [shell] if perl else []
    subject = Subject("nginx", nginx, lambda place: Nginx(nginx, place, perl), trials, rate=5)
    if perl is None:
        subject.notes.append(f"{PACKAGE} is not to be had: no shell from nginx")
    yield subject


def version(package: str) -> str:
    argv = ["dpkg-query", "-W", "-f", "${Version}", package]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout or "unknown"


def report(found: Sequence[Subject], options: Sequence[str]) -> None:
    print(
        f"`{' '.join(['python bench/daemons.py', *options])}`, {time.strftime('%Y-%m-%d')}, Linux"
        f" {platform.release()}, {os.cpu_count()} processors; redis-server"
        f" {version('redis-server')}, nginx {version('nginx')}.\n"
    )
    columns = ("daemon", "attack", "found", "highest normal score", "threshold",
               "lowest attack score", "alerts promised", "alerts on normal load")  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for subject in found:
        for row in subject.rows:
            print(f"| {' | '.join(row)} |")
    for subject in found:
        print(f"\n### {subject.name}\n")
        for note in subject.notes:
            print(f"- {note}")
        if subject.reasons:
            print("\nWhat the alerts say:\n")
            for reason in subject.reasons:
                print(f"- {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="short runs, 2 trials")
    parser.add_argument("--once", action="store_true", help="learned from one start, 2 trials")
    parser.add_argument("--ptrace", action="store_true", help="not by the kernel tracer")
    parser.add_argument("--only", choices=("redis", "nginx"), help="one of the daemons")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="for recordings; those that are there are judged again",
    )
    args = parser.parse_args()
    wanted = ["gcc", "redis-server", "redis-benchmark", "nginx", "ab", "apt-get", "dpkg-deb"]
    missing = [name for name in wanted if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        why = "needs root" if os.geteuid() else f"needs {', '.join(missing)}"
        print(f"bench/daemons.py {why} and was not run.")
        return
    plan = Plan(runs=4, watched=2, seconds=15, quiet=4, trials=2) if args.quick else Plan()
    if args.once:
        plan = Plan(runs=1, watched=4, seconds=60, quiet=20, trials=2)
    elif args.ptrace:  # the slower tracer: half of it
        plan.at_once //= 2
        plan.runs, plan.watched = plan.runs // 2, plan.watched // 2
    plan.ptrace = args.ptrace
    with tempfile.TemporaryDirectory(prefix="imsafe-daemons-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        kept = args.keep or folder / "kept"
        kept.mkdir(parents=True, exist_ok=True)
        found = [each for each in subjects(folder) if args.only in (None, each.name)]
        with ThreadPoolExecutor(len(found)) as pool:
            list(pool.map(lambda subject: Bench(subject, plan, folder, kept).run(), found))
    report(found, [word for word in sys.argv[1:] if word != "--keep" and word != str(args.keep)])


if __name__ == "__main__":
    main()
