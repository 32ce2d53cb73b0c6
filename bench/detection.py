# SPDX-License-Identifier: GPL-3.0-or-later
"""How well ImSafe and STIDE tell attacks from normal behaviour on ADFA-LD and UNM.

Prints Markdown tables; kept in docs/detection.md.  The public data are the
archives `adfa-ld-dev.tar.gz` and `unm-dev.tar.gz` in the folder IMSAFE_DATA, or
the one given; without them there is nothing to do.  Everything drawn at random
is drawn from fixed seeds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imsafe.events import EVENT, Abi, Events
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.ranking import area_under_roc, detection_rates
from imsafe.profile.scorer import Scorer

Calls = NDArray[np.int64]
Values = NDArray[np.float64]

SPLITS = 10
FOLDS = 10
INNER_FOLDS = 5
FRAME = 20
RESAMPLES = 1000
OF_PROCESSES = 0.01
"""Share of normal processes above STIDE's threshold on UNM: that of ImSafe's own suggestion."""


class Stide:
    """The classic: which sequences of k calls were never seen (Hofmeyr, Forrest, Somayaji 1998)."""

    def __init__(self, length: int, traces: Iterable[Calls]) -> None:
        self.length = length
        self.known: set[tuple[int, ...]] = set()
        for trace in traces:
            self.known.update(self._sequences(trace))

    def _sequences(self, trace: Calls) -> list[tuple[int, ...]]:
        calls = trace.tolist()
        return list(zip(*(calls[at:] for at in range(self.length)), strict=False))

    def mismatches(self, trace: Calls) -> Values:
        """1 for each sequence that is unknown."""
        return np.array([one not in self.known for one in self._sequences(trace)], np.float64)

    def share(self, trace: Calls) -> float:
        """Of the trace's sequences, how many are unknown."""
        found = self.mismatches(trace)
        return float(found.mean()) if len(found) else 0.0

    def frame(self, trace: Calls) -> float:
        """The most unknown ones in a locality frame of 20."""
        total = np.concatenate([[0.0], np.cumsum(self.mismatches(trace))])
        return float((total[FRAME:] - total[:-FRAME]).max(initial=total[-1]))


def events_of(trace: Calls) -> Events:
    """One process's calls."""
    events = np.zeros(len(trace), EVENT)
    events["syscall"], events["abi"] = trace, Abi.UNKNOWN
    events["pid"] = events["tid"] = 1
    return events


def learned(traces: Sequence[Calls], depth: int) -> Profile:
    """A profile of traces of one process each."""
    learner = Learner(depth)
    for number, trace in enumerate(traces):
        learner.begin_trace(f"{number}", f"{number}", {"timed": False})
        learner.feed(0, events_of(trace))
        learner.end_trace()
    return learner.finish()


def scored(profile: Profile, traces: Sequence[Calls]) -> tuple[Values, Values]:
    """Each trace's highest score, and its last combined reading."""
    scorer = Scorer(profile)
    found = []
    for trace in traces:
        scores = scorer.feed(0, events_of(trace))
        scorer.end_stream(0)
        found.append((scores["score"].max(), scores["combined"][-1]))
    return np.array([pair[0] for pair in found]), np.array([pair[1] for pair in found])


def measured(
    training: Sequence[Calls], traces: Sequence[Calls], depth: int
) -> tuple[dict[str, Values], Profile]:
    """What each detector says of traces, and ImSafe's profile."""
    profile = learned(training, depth)
    highest, last = scored(profile, traces)
    values = {"ImSafe, highest score": highest, "ImSafe, last reading": last}
    for length in (6, 10):
        stide = Stide(length, training)
        values[f"STIDE, k = {length}"] = np.array([stide.share(trace) for trace in traces])
    return values, profile


def interval(normal: Values, attack: Values) -> tuple[float, float]:
    """95 % of the areas of resampled traces."""
    rng = np.random.default_rng(0)
    areas = [
        area_under_roc(rng.choice(normal, len(normal)), rng.choice(attack, len(attack)))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


@dataclass
class Adfa:
    """ADFA-LD: traces, and each attack's class."""

    training: list[Calls]
    validation: list[Calls]
    attacks: list[Calls]
    classes: list[str]


def read_adfa(folder: Path) -> Adfa:
    """Read the unpacked archive."""

    def read(pattern: str) -> tuple[list[Path], list[Calls]]:
        paths = sorted(folder.glob(pattern))
        return paths, [np.array(path.read_text().split(), np.int64) for path in paths]

    paths, attacks = read("Attack_Data_Master/*/*.txt")
    return Adfa(
        read("Training_Data_Master/*.txt")[1],
        read("Validation_Data_Master/*.txt")[1],
        attacks,
        [path.parent.name.rpartition("_")[0] for path in paths],
    )


def adfa_tables(data: Adfa, depth: int) -> None:
    """Trained on its 833 only; then with half of its validation traces."""
    traces = [*data.validation, *data.attacks]
    split = len(data.validation)
    values, profile = measured(data.training, traces, depth)
    print(
        f"\nADFA-LD, half; trained on its {len(data.training)} training traces only; "
        f"{split:,} normal traces, {len(data.attacks)} attacks; depth {depth}\n"
    )
    print("| | area | 95 % | found at 1 % | 5 % | 10 % | 20 % false alarms |")
    print("|---|---:|---|---:|---:|---:|---:|")
    for name, found in values.items():
        normal, attack = found[:split], found[split:]
        low, high = interval(normal, attack)
        rates = " | ".join(f"{rate:.0%}" for rate in detection_rates(normal, attack).values())
        print(f"| {name} | {area_under_roc(normal, attack):.3f} | {low:.3f}-{high:.3f} | {rates} |")
    threshold = profile.suggested_threshold
    assert threshold is not None
    shown = values["ImSafe, highest score"] >= threshold
    print(
        f"\nAt the suggested threshold ({threshold:.3f}): {shown[split:].mean():.1%} of the "
        f"attacks found, {shown[:split].mean():.1%} of the normal traces alert "
        f"(it promised {profile.pace.processes_above(threshold):.1%}).\n"
    )
    _classes(values, split, data.classes)
    _splits(data, depth)


def _classes(values: dict[str, Values], split: int, classes: list[str]) -> None:
    names = list(values)
    print("| attack | traces | " + " | ".join(names) + " |")
    print("|---|---:|" + "---:|" * len(names))
    for kind in sorted(set(classes)):
        of_kind = np.array([one == kind for one in classes])
        cells = []
        for name in names:
            normal, attack = values[name][:split], values[name][split:][of_kind]
            found = detection_rates(normal, attack)["0.1"]
            cells.append(f"{area_under_roc(normal, attack):.3f}, {found:.0%}")
        print(f"| {kind} | {of_kind.sum()} | " + " | ".join(cells) + " |")
    print("\n(Area, and found at 10 % false alarms.)")


def _splits(data: Adfa, depth: int) -> None:
    areas: dict[str, list[float]] = {}
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(data.validation))
        half = len(order) // 2
        known = [data.validation[at] for at in order[:half]]
        rest = [data.validation[at] for at in order[half:]]
        values, _ = measured([*data.training, *known], [*rest, *data.attacks], depth)
        for name, found in values.items():
            area = area_under_roc(found[: len(rest)], found[len(rest) :])
            areas.setdefault(name, []).append(area)
    print(f"\nWith a random half of the validation traces learned too, {SPLITS} splits\n")
    print("| | mean area | lowest | highest |")
    print("|---|---:|---:|---:|")
    for name, found in areas.items():
        print(f"| {name} | {np.mean(found):.3f} | {min(found):.3f} | {max(found):.3f} |")


Processes = list[tuple[str, Calls]]
"""File and calls of each process."""


def read_unm(folder: Path) -> Processes:
    """The processes of every file of a folder."""
    processes: Processes = []
    for path in sorted(folder.glob("*.int")):
        rows = np.array(path.read_text().split(), np.int64).reshape(-1, 2)
        pids, first = np.unique(rows[:, 0], return_index=True)
        for pid in pids[np.argsort(first)]:
            processes.append((path.name, rows[rows[:, 0] == pid, 1]))
    return processes


def folds(traces: Sequence[Calls], number: int) -> Iterable[tuple[list[Calls], NDArray[np.intp]]]:
    """What to train on and the places of what to test, for each of so many parts."""
    order = np.random.default_rng(0).permutation(len(traces))
    for fold in range(number):
        held_out = order[fold::number]
        rest = np.setdiff1d(order, held_out)
        yield [traces[at] for at in rest], held_out


Detector = Callable[[Sequence[Calls]], Callable[[Sequence[Calls]], NDArray[np.bool_]]]
"""Learns traces and a threshold from them; says of other traces which alert."""


def imsafe(depth: int) -> Detector:
    """ImSafe with the threshold it suggests."""

    def train(traces: Sequence[Calls]) -> Callable[[Sequence[Calls]], NDArray[np.bool_]]:
        profile = learned(traces, depth)
        threshold = profile.suggested_threshold
        assert threshold is not None
        return lambda others: scored(profile, others)[0] >= threshold

    return train


def stide(length: int) -> Detector:
    """STIDE's locality frames with a threshold from folds within the training."""

    def train(traces: Sequence[Calls]) -> Callable[[Sequence[Calls]], NDArray[np.bool_]]:
        held_out = [
            Stide(length, rest).frame(traces[at])
            for rest, places in folds(traces, INNER_FOLDS)
            for at in places
        ]
        threshold = np.quantile(held_out, 1 - OF_PROCESSES)
        whole = Stide(length, traces)
        return lambda others: np.array([whole.frame(one) > threshold for one in others])

    return train


def unm_table(folder: Path, depth: int) -> None:
    """False alarms in ten folds; intrusions by what all normal traces taught."""
    print(f"\nUNM; {FOLDS} folds, thresholds from the training part only; depth {depth}\n")
    print(
        "| program | detector | normal processes that alert | intrusion files found | processes |"
    )
    print("|---|---|---:|---:|---:|")
    for program in ("xlock", "lpr-unm", "sendmail"):
        normal = [calls for _, calls in read_unm(folder / program / "normal")]
        intrusions = read_unm(folder / program / "intrusion")
        files = sorted({name for name, _ in intrusions})
        detectors = {"ImSafe": imsafe(depth), "STIDE, k = 6": stide(6), "STIDE, k = 10": stide(10)}
        for name, train in detectors.items():
            false = sum(
                int(train(rest)([normal[at] for at in places]).sum())
                for rest, places in folds(normal, FOLDS)
            )
            alerts = train(normal)([calls for _, calls in intrusions])
            found = {file for (file, _), alert in zip(intrusions, alerts, strict=True) if alert}
            print(
                f"| {program} | {name} | {false} of {len(normal)} "
                f"| {len(found)} of {len(files)} | {alerts.sum()} of {len(alerts)} |",
                flush=True,
            )


def main() -> int:
    """Measure and print."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("folder", nargs="?", default=os.environ.get("IMSAFE_DATA", str(beside)))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for archive in ("adfa-ld-dev.tar.gz", "unm-dev.tar.gz"):
            path = Path(options.folder, archive)
            if not path.exists():
                print(f"no {path}: nothing to measure there")
                continue
            with tarfile.open(path) as tar:
                # Debian 12's Python 3.11.2 does not know extractall(filter=...) yet.
                tar.extraction_filter = getattr(tarfile, "data_filter", None)
                tar.extractall(name)
            if archive.startswith("adfa"):
                adfa_tables(read_adfa(Path(name, "ADFA-LD")), options.depth)
            else:
                unm_table(Path(name, "unm"), options.depth)
    return 0


if __name__ == "__main__":
    sys.exit(main())
