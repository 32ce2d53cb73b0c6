# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a profile learns, loads and scores, and how well it detects.

Speed on a made-up server's calls; detection on ADFA-LD where the public data
are at hand (the folder with `adfa-ld-dev.tar.gz`: IMSAFE_DATA, or the one argument).
"""

from __future__ import annotations

import os
import resource
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from imsafe.cli.evaluate import main as evaluate
from imsafe.cli.learn import main as learn
from imsafe.events import EVENT, Abi, Events
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.profile.warm_up import warm_up

CALLS = 2_000_000
BATCH = 65_536


def timed(what: str, work: Callable[[], object], items: int = 0, unit: str = "calls") -> None:
    """Print how long something took, and how many items a second that is."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    rate = f"{items / seconds / 1e6:8.2f} M {unit}/s" if items else ""
    print(f"{what:34}{seconds:8.2f} s{rate}")


def server(rng: np.random.Generator, processes: int) -> Events:
    """Requests of twenty kinds in a random order, 2 % of the calls anything."""
    kinds = [rng.integers(0, 60, rng.integers(4, 30)) for _ in range(20)]
    order = rng.choice(20, CALLS // 10, p=(1 / np.arange(1, 21)) / (1 / np.arange(1, 21)).sum())
    numbers = np.concatenate([kinds[kind] for kind in order])[:CALLS]
    odd = rng.random(CALLS) < 0.02
    numbers[odd] = rng.integers(0, 330, odd.sum())
    events = np.zeros(CALLS, EVENT)
    events["time_ns"] = np.arange(CALLS) * 1000
    events["syscall"], events["abi"] = numbers, Abi.X86_64
    events["pid"] = events["tid"] = 1 + np.arange(CALLS) * processes // CALLS
    return events


def speed(folder: Path) -> None:
    """Learning, saving, loading, scoring."""
    rng = np.random.default_rng(1)
    for processes in (1, 4000):
        events = server(rng, processes)
        batches = [events[at : at + BATCH] for at in range(0, CALLS, BATCH)]
        print(f"\n{CALLS:,} calls, {processes:,} processes")
        learner = Learner(8)

        def learned(learner: Learner = learner, batches: list[Events] = batches) -> None:
            learner.begin_trace("bench", "bench")
            for batch in batches:
                learner.feed(0, batch)
            learner.end_trace()

        timed("learn", learned, CALLS)
        made: list[Profile] = []
        timed("calibrate", lambda learner=learner, made=made: made.append(learner.finish()))
        path = folder / f"{processes}.db"
        timed("save", lambda made=made, path=path: made[0].save(path))
        nodes = len(made[0].tree)
        timed("load", lambda path=path: Profile.load(path), nodes, "nodes")
        compiled: list[Scorer] = []
        timed("compile", lambda: compiled.append(Scorer(made[0])), nodes, "nodes")  # noqa: B023

        def scored(scorer: Scorer = compiled[0], batches: list[Events] = batches) -> None:
            for batch in batches:
                scorer.feed(0, batch)

        timed("score", scored, CALLS)
        context = [1 << 16 | number for number in events["syscall"][:7].tolist()]
        timed(
            "explain 1,000 calls",
            lambda made=made, context=context: [made[0].predict(context, 3) for _ in range(1000)],
        )
        print(f"{'nodes':34}{nodes:12,}")
        print(f"{'file':34}{path.stat().st_size:12,} bytes")
    print(f"{'peak memory':34}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:12,} KiB")


def detection(archive: Path, folder: Path) -> None:
    """ADFA-LD, half: the table of `ims-evaluate`."""
    with tarfile.open(archive) as tar:
        # Debian 12 has Python 3.11.2, which does not know extractall(filter=...) yet.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(folder)
    data = folder / "ADFA-LD"
    print("\nADFA-LD, half")
    profile = str(folder / "adfa.db")
    learn(["-o", profile, str(data / "Training_Data_Master")])
    sets = ["--normal", str(data / "Validation_Data_Master")]
    evaluate(["-d", profile, *sets, "--attack", str(data / "Attack_Data_Master")])


def main() -> int:
    """Run both benches."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("IMSAFE_DATA", beside)
    with tempfile.TemporaryDirectory() as name:
        timed("compile the kernels, or fetch them", warm_up)
        speed(Path(name))
        archive = Path(folder, "adfa-ld-dev.tar.gz")
        if archive.exists():
            detection(archive, Path(name))
        else:
            print(f"\nno ADFA-LD: {archive} is not there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
