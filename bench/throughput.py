# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a profile learns, loads and scores, beside a plain dictionary tree and LID-DS.

Prints a Markdown table; all ratios are of the same run, each rate the best of three.
`--lid-ds FOLDER` is a checkout of https://github.com/LID-DS/LID-DS, whose STIDE pipeline
(n-grams of embedded calls by thread, a set, a sum over a window) is then measured too.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from math import log2
from pathlib import Path
from typing import Any

import numpy as np

from imsafe.events import EVENT, Abi, Events
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.profile.warm_up import warm_up

DEPTH = 8
LONG = 2_000_000
SLOW = 200_000
"""Calls for what is written in Python."""
BATCH = 65_536
SMALL_BATCH = 1000
THREADS = 50
NODES = 1_000_000
CALLS = 80
STIDE_LENGTH, STIDE_WINDOW = 6, 1000


def server(rng: np.random.Generator, calls: int, odd: float) -> Events:
    """One thread's requests of twenty kinds in any order; a share of the calls is any of eighty."""
    kinds = [rng.integers(0, CALLS, rng.integers(4, 30)) for _ in range(20)]
    chance = 1 / np.arange(1, 21)
    order = rng.choice(20, calls // 10, p=chance / chance.sum())
    numbers = np.concatenate([kinds[kind] for kind in order])[:calls]
    is_odd = rng.random(calls) < odd
    numbers[is_odd] = rng.integers(0, CALLS, is_odd.sum())
    events = np.zeros(calls, EVENT)
    events["time_ns"] = np.arange(calls) * 1000
    events["syscall"], events["abi"] = numbers, Abi.X86_64
    events["pid"] = events["tid"] = 1
    return events


def interleaved(events: Events) -> Events:
    """The same calls by fifty threads of five processes that take turns in any order."""
    mixed = events.copy()
    mixed["tid"] = 1 + np.random.default_rng(3).integers(0, THREADS, len(mixed))
    mixed["pid"] = 1 + (mixed["tid"] - 1) // 10 * 10
    return mixed


def batches(events: Events, size: int) -> list[Events]:
    """Cut events into batches."""
    return [events[at : at + size] for at in range(0, len(events), size)]


def rate(calls: int, work: Callable[[], object], times: int = 3) -> float:
    """Calls a second, the best of a few times."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return calls / best


class DictionaryTree:
    """The tree as one writes it in Python: a dictionary a node, one look-up an order."""

    def __init__(self, depth: int, alphabet: int) -> None:
        self.depth, self.alphabet = depth, alphabet
        self.root: list[Any] = [0, 0, {}]  # count, followed by how many, children

    def learn(self, symbols: Iterable[int]) -> None:
        """Count every sequence of a thread."""
        active: list[list[Any]] = []
        for symbol in symbols:
            grown = []
            for node in [self.root, *active]:
                child = node[2].get(symbol)
                if child is None:
                    child = node[2][symbol] = [0, 0, {}]
                child[0] += 1
                node[1] += 1
                grown.append(child)
            active = grown[: self.depth - 1]

    def score(self, symbols: Iterable[int]) -> float:
        """Sum of the surprises of a thread's calls."""
        total = 0.0
        active: list[list[Any]] = []
        for symbol in symbols:
            chance = 1 / self.alphabet
            grown = []
            for node in [self.root, *active]:
                children = node[2]
                if not children:
                    break
                kinds = len(children)
                child = children.get(symbol)
                if child is None:
                    chance = kinds * chance / (node[1] + kinds)
                else:
                    chance = (child[0] + kinds * chance) / (node[1] + kinds)
                    grown.append(child)
            active = grown[: self.depth - 1]
            total -= log2(chance)
        return total


class LidDs:
    """The STIDE pipeline of LID-DS, from a checkout."""

    def __init__(self, checkout: Path) -> None:
        sys.path.insert(0, str(checkout))
        from algorithms.decision_engines.stide import Stide  # type: ignore[import-not-found]
        from algorithms.features.impl.int_embedding import (  # type: ignore[import-not-found]
            IntEmbedding,
        )
        from algorithms.features.impl.ngram import Ngram  # type: ignore[import-not-found]
        from algorithms.features.impl.stream_sum import (  # type: ignore[import-not-found]
            StreamSum,
        )
        from dataloader.syscall import Syscall  # type: ignore[import-not-found]

        class Call(Syscall):  # type: ignore[misc]
            def __init__(self, name: str) -> None:
                self._name = name

            def name(self) -> str:
                return self._name

            def thread_id(self) -> int:
                return 1

        self._call = Call
        self._embedding = IntEmbedding()
        self._ngram = Ngram([self._embedding], True, STIDE_LENGTH)
        self._stide = Stide(self._ngram)
        self._sum = StreamSum(self._stide, True, STIDE_WINDOW)

    def calls(self, symbols: Iterable[int]) -> list[Any]:
        """Calls as objects, made beforehand: reading them is not measured."""
        return [self._call(str(symbol)) for symbol in symbols]

    def learn(self, calls: list[Any]) -> None:
        """Embed, then store every n-gram."""
        for call in calls:
            self._embedding.train_on(call)
        for call in calls:
            self._stide.train_on(call)
        self._ngram.new_recording()

    def score(self, calls: list[Any]) -> None:
        """Sum of the mismatches in a window, at every call."""
        for call in calls:
            self._sum.get_result(call)
        self._ngram.new_recording()
        self._sum.new_recording()


def learned(events: Events) -> Profile:
    """A profile of one trace."""
    learner = Learner(DEPTH)
    learn(learner, events)
    return learner.finish()


def learn(learner: Learner, events: Events, number: int = 0) -> None:
    """Add a trace, as fast as it goes in."""
    learner.begin_trace(f"bench-{number}", "bench", {"timed": False})
    for batch in batches(events, BATCH):
        learner.feed(0, batch)
    learner.end_trace()


def score(profile: Profile, events: Events, size: int) -> Callable[[], None]:
    """Work that scores events in batches, from the beginning each time."""
    scorer = Scorer(profile)
    parts = batches(events, size)

    def work() -> None:
        scorer.begin_stream(0)
        for part in parts:
            scorer.feed(0, part)

    return work


def rows(lid_ds: Path | None) -> Iterable[tuple[str, str, float, float | None]]:
    """What is measured: what, on what, calls a second, and times which rate."""
    rng = np.random.default_rng(1)
    both = server(rng, 2 * LONG, 0.002)
    trained, watched = both[:LONG], both[LONG:]
    symbols = trained["syscall"][:SLOW].tolist()
    profile = learned(trained)
    plain = DictionaryTree(DEPTH, profile.alphabets[int(Abi.X86_64)])
    slow_learning = rate(SLOW, lambda: DictionaryTree(DEPTH, 362).learn(symbols), 2)
    plain.learn(trained["syscall"].tolist())
    slow_scoring = rate(SLOW, lambda: plain.score(watched["syscall"][:SLOW].tolist()))
    peer_learning = peer_scoring = None
    if lid_ds is not None:
        peer = LidDs(lid_ds)
        objects = peer.calls(symbols)
        peer_learning = rate(SLOW, lambda: peer.learn(objects), 2)
        peer_scoring = rate(SLOW, lambda: peer.score(objects))
    learning = rate(LONG, lambda: learn(Learner(DEPTH), trained))
    stream = rate(LONG, score(profile, watched, BATCH))
    small = rate(LONG, score(profile, interleaved(watched), SMALL_BATCH))
    yield "learning", "plain dictionary tree", slow_learning, None
    if peer_learning is not None:
        yield "learning", "LID-DS, STIDE", peer_learning, None
    yield "learning", "**ImSafe**", learning, slow_learning
    if peer_learning is not None:
        yield "", "against LID-DS", learning, peer_learning
    yield "scoring one long stream", "plain dictionary tree", slow_scoring, None
    if peer_scoring is not None:
        yield "scoring one long stream", "LID-DS, STIDE", peer_scoring, None
    yield "scoring one long stream", "**ImSafe**, all readings", stream, slow_scoring
    if peer_scoring is not None:
        yield "", "against LID-DS", stream, peer_scoring
    what = f"scoring batches of {SMALL_BATCH:,} from {THREADS} interleaved threads"
    yield what, "**ImSafe**, all readings", small, slow_scoring


READY = """
import sys, time
start = time.process_time()
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
imported = time.process_time()
scorer = Scorer(Profile.load(sys.argv[1]))
done = time.process_time()
status = open("/proc/self/status").read()
peak = status.partition("VmHWM:")[2].split()[0]  # ru_maxrss would count the parent's too
print(imported - start, done - imported, peak, len(scorer.profile.tree))
"""


def large_profile(folder: Path) -> list[str]:
    """How long a profile of a million nodes takes until it can score."""
    rng = np.random.default_rng(5)
    learner = Learner(DEPTH)
    number = 0
    while learner.nodes < NODES:
        learn(learner, server(rng, LONG // 10, 0.02), number)
        number += 1
    path = folder / "large.db"
    profile = learner.finish()
    profile.save(path)
    found = [
        subprocess.run(
            [sys.executable, "-c", READY, str(path)], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    imports, ready, peak, nodes = min(found, key=lambda row: float(row[1]))
    return [
        f"A profile of {int(nodes):,} nodes ({path.stat().st_size / 1e6:.0f} MB on disk): "
        f"ready to score {float(ready):.2f} s after its `.db` is opened "
        f"(and {float(imports):.2f} s for the imports), peak {int(peak) / 1024:.0f} MiB."
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lid-ds", type=Path, metavar="FOLDER", help="a checkout of LID-DS")
    options = parser.parse_args()
    warm_up()
    print("| what | with | calls/s | times the plain tree, or as named |")
    print("|---|---|---:|---:|")
    for what, by, calls, beside in rows(options.lid_ds):
        ratio = "" if beside is None else f"{calls / beside:.1f}"
        print(f"| {what} | {by} | {calls:,.0f} | {ratio} |", flush=True)
    with tempfile.TemporaryDirectory() as name:
        print()
        for line in large_profile(Path(name)):
            print(line)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"Peak memory of this run: {peak / 1024:.0f} MiB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
