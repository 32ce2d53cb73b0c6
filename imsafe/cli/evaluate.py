# SPDX-License-Identifier: GPL-3.0-or-later
"""The `ims-evaluate` program: how well a profile tells attacks from normal traces."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from imsafe.cli.common import (
    Parser,
    Progress,
    Stop,
    emit,
    run,
    status_of,
    threshold,
    warnings_of,
)
from imsafe.cli.trace_events import items_of
from imsafe.errors import ImsafeError
from imsafe.stream.items import Closed, Lost, Segment
from imsafe.stream.routing import Routing
from imsafe.stream.traces import FORMATS, TraceReader, find_traces, open_trace
from imsafe.words import number_of

if TYPE_CHECKING:
    from imsafe.profile.coverage import Coverage
    from imsafe.profile.profile import Profile

EXAMPLES = """\
  ims-evaluate -d ftpd.db --normal monday.imt tuesday.imt --attack exploit.imt
  ims-evaluate -d adfa.db --format adfa --normal Validation_Data_Master \\
               --attack Attack_Data_Master --json
"""

SCORE = "score"
MEASURES = {
    SCORE: "highest score shown",
    "last_score": "last combined reading",
    "mean_surprise": "mean surprise",
    "burst": "highest burst",
    "drift": "highest drift",
    "repertoire": "highest repertoire",
    "novelty": "highest novelty",
    "program": "programs never learned",
    "stide6": "STIDE, k=6",
}
"""What is measured of a trace, and in words."""


def main(argv: list[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    argv
        Arguments without the program's name; None for those of the process.

    Returns
    -------
    int
        0, or 2 after an error or where a trace was cut short.
    """
    parser = Parser(
        "ims-evaluate",
        "Compares the scores of normal traces with those of attacks. A trace's score is the "
        "highest that ims-monitor would show for it.",
        EXAMPLES,
    )
    parser.add_argument("-d", "--profile", metavar="PROFILE.db", required=True)
    for kind in ("normal", "attack"):
        parser.add_argument(
            f"--{kind}", nargs="+", action="extend", metavar="TRACE", required=True,
            help=f"{kind} traces or folders of them",
        )  # fmt: skip
    parser.add_argument(
        "-t", "--threshold", type=threshold, metavar="T", help="instead of the suggested one"
    )
    parser.add_argument("--app", metavar="NAME", help="this application of the traces only")
    parser.add_argument(
        "--format", choices=FORMATS, default="auto", metavar="F", help=", ".join(FORMATS)
    )
    parser.add_argument("--json", action="store_true", help="progress and result as JSON lines")
    options = parser.parse_args(argv)
    return run("ims-evaluate", lambda: _evaluate(options))


class Measuring:
    """Scores traces one after another by one profile."""

    def __init__(self, profile: Profile) -> None:
        from imsafe.profile.coverage import Covering  # noqa: PLC0415 - see main
        from imsafe.profile.scorer import Scorer  # noqa: PLC0415
        from imsafe.profile.stide import LENGTH  # noqa: PLC0415
        from imsafe.profile.trace_counts import TraceCounts  # noqa: PLC0415

        self._scorer = Scorer(profile)
        self._programs = profile.programs
        self._covering = Covering(profile.tree, self._scorer.automaton, profile.saturation)
        self._counts = TraceCounts(LENGTH) if profile.depth >= LENGTH else None
        self._next_stream = 0

    def coverage(self) -> Coverage:
        """How much of the traces since the last time the profile knows."""
        counted = self._covering.counted
        self._covering.restart()
        return counted

    def measure(self, trace: TraceReader, application: str | None) -> dict[str, float] | None:
        """What `MEASURES` lists; None for a trace without calls."""
        from imsafe.profile.surprise import BIT  # noqa: PLC0415

        streams: dict[int, int] = {}
        routes: dict[int, Routing] = {}
        calls = surprise = 0
        found = dict.fromkeys(MEASURES, 0.0)
        if self._counts is not None:
            self._counts.restart()
        for own_number, item in items_of(trace, application):
            stream = streams.setdefault(own_number, self._next_stream + len(streams))
            routing = routes.setdefault(stream, Routing())
            routing.feed(item)
            if isinstance(item, Segment):
                self._scorer.begin_stream(stream)
                self._covering.end_stream(stream)
            elif isinstance(item, Lost):
                self._scorer.lost(stream)
                self._covering.lost(stream)
            elif isinstance(item, Closed):
                self._scorer.end_stream(stream)
                self._covering.end_stream(stream)
            elif isinstance(item, np.ndarray):
                self._covering.feed(stream, item)
                scores = self._scorer.feed(stream, item)
                is_call = scores["surprise"] >= 0
                for pid in np.unique(item["pid"][is_call]).tolist():
                    least = self._programs.score_of(routing.loaded(pid))
                    found["program"] = max(found["program"], least)
                routing.loads(item)
                scores = scores[is_call]
                if self._counts is not None:
                    self._counts.feed(stream, item)
                if len(scores) == 0:
                    continue
                calls += len(scores)
                surprise += int(scores["surprise"].sum())
                for name in (SCORE, "burst", "drift", "repertoire", "novelty"):
                    found[name] = max(found[name], float(scores[name].max()))
                found["last_score"] = float(scores["combined"][-1])
        for stream in streams.values():
            self._scorer.end_stream(stream)
            self._covering.end_stream(stream)
        self._next_stream += len(streams)
        if calls == 0:
            return None
        found[SCORE] = max(found[SCORE], found["program"])
        found["mean_surprise"] = surprise / calls / BIT
        if self._counts is None:
            del found["stide6"]
        else:
            from imsafe.profile.stide import mismatch_share  # noqa: PLC0415

            found["stide6"] = mismatch_share(self._counts, self._scorer.automaton)
        return found


def _evaluate(options: argparse.Namespace) -> int:
    # Imported only now: --help and --version need no number crunching.
    from imsafe.profile.profile import Profile  # noqa: PLC0415

    profile = Profile.load(options.profile)
    groups = {
        kind: [open_trace(path, options.format) for path in find_traces(getattr(options, kind))]
        for kind in ("normal", "attack")
    }
    total = sum(len(traces) for traces in groups.values())
    measuring = Measuring(profile)
    progress = Progress(as_json=options.json)
    stop = Stop(watch_stdin=options.json and "-" not in options.normal + options.attack)
    measured: dict[str, list[dict[str, float]]] = {"normal": [], "attack": []}
    coverage: dict[str, Coverage] = {}
    done = 0
    try:
        for kind, traces in groups.items():
            for trace in traces:
                if stop:
                    raise ImsafeError("Stopped; there is no result.")
                found = measuring.measure(trace, options.app)
                if found is not None:
                    measured[kind].append(found)
                done += 1
                progress.show(done / total, trace.name)
            coverage[kind] = measuring.coverage()
            if not measured[kind]:
                raise ImsafeError(
                    f"The {kind} traces have no calls: nothing to compare."
                    + "".join(f" {warning}" for warning in warnings_of(traces))
                )
    finally:
        progress.done()
    at = profile.suggested_threshold if options.threshold is None else options.threshold
    result = compared(measured["normal"], measured["attack"], at)
    read = [trace for traces in groups.values() for trace in traces]
    if options.json:
        shares = {kind: counted.as_json() for kind, counted in coverage.items()}
        emit({"type": "result", **result, "coverage": shares, "warnings": warnings_of(read)})
    else:
        _print(result, profile.why_no_threshold)
        for kind, counted in coverage.items():
            print(f"Of the {kind} traces {counted}.")
    return status_of("ims-evaluate", read)


def compared(
    normal: list[dict[str, float]], attack: list[dict[str, float]], at: float | None
) -> dict[str, Any]:
    """The result, as --json gives it."""
    from imsafe.profile.ranking import area_under_roc, detection_rates  # noqa: PLC0415

    measures = {}
    for name in normal[0]:
        values = (np.array([trace[name] for trace in traces]) for traces in (normal, attack))
        pair = tuple(values)
        measures[name] = {"auc": area_under_roc(*pair), "detection": detection_rates(*pair)}
    own = measures.pop(SCORE)
    shown = [np.array([trace[SCORE] for trace in traces]) for traces in (normal, attack)]
    return {
        "normal": len(normal),
        "attack": len(attack),
        **own,
        "threshold": at,
        "detection_at_threshold": None if at is None else float((shown[1] >= at).mean()),
        "false_alarms_at_threshold": None if at is None else float((shown[0] >= at).mean()),
        "beside": measures,
    }


def _print(result: dict[str, Any], why_no_threshold: str) -> None:
    normal, attacks = number_of(result["normal"], "normal trace"), result["attack"]
    print(f"{normal}, {number_of(attacks, 'attack')}")
    rates = list(result["detection"])
    titles = "".join(f"{float(rate):>8.0%}" for rate in rates)
    print(f"{'':24}{'area':>8}   attacks found at a share of false alarms of")
    print(f"{'':24}{'':>8}{titles}")
    for name, words in MEASURES.items():
        row = result if name == SCORE else result["beside"].get(name)
        if row is not None:
            found = "".join(f"{row['detection'][rate]:>8.1%}" for rate in rates)
            print(f"{words:24}{row['auc']:>8.4f}{found}")
    if result["threshold"] is None:
        print(f"No threshold: {why_no_threshold}; say one with -t.")
    else:
        print(
            f"At the threshold {result['threshold']:.3f}: "
            f"{result['detection_at_threshold']:.1%} of the attacks are found, "
            f"{result['false_alarms_at_threshold']:.1%} of the normal traces raise an alert."
        )


if __name__ == "__main__":
    sys.exit(main())
