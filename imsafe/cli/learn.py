# SPDX-License-Identifier: GPL-3.0-or-later
"""The `ims-learn` program: traces to a profile, or added to one."""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imsafe.cli.checkpoint import Checkpoint, still_to_learn
from imsafe.cli.common import (
    Parser,
    Progress,
    Stop,
    a_file,
    any_number,
    emit,
    run,
    say,
    status_of,
    warnings_of,
)
from imsafe.cli.learn_pool import Order, Pool, default_jobs
from imsafe.cli.learning import learn_trace
from imsafe.errors import ChangedMeanwhile, FileExistsRefused, ImsafeError
from imsafe.files import check_not_read, check_writable, is_same, mode_of, place_to_save
from imsafe.stream.traces import FORMATS, TraceReader, find_traces, open_trace
from imsafe.words import number_of

if TYPE_CHECKING:
    from imsafe.profile.learner import Learner
    from imsafe.profile.part import Part
    from imsafe.profile.profile import Profile

EXAMPLES = """\
  ims-learn -o ftpd.db week.imt              a new profile from a recording
  ims-learn -i ftpd.db -o ftpd2.db more.imt  what is known and another recording
  ims-learn -i ftpd.db -o ftpd.db more.imt   the same, in place
  ims-learn -o redis.db --app redis traces/  one application of all traces in a folder
  ims-learn -o big.db --resume traces/       go on where an earlier run was ended
  strace -f -o '|ims-learn -o ls.db --format strace -' ls     from strace, without a file
"""

DEPTH = 8

_COUNT_S = 1.0
_MOST_JOBS = 256
_SAVE_EVERY_S = 60.0


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
        "ims-learn",
        "Learns which sequences of system calls are normal. Ctrl-C saves the traces that were "
        "learned whole.",
        EXAMPLES,
    )
    parser.add_argument("traces", nargs="+", metavar="TRACE", help="a trace, a folder, or -")
    parser.add_argument(
        "-o", "--output", metavar="OUT.db", required=True, type=a_file, help="the profile"
    )
    parser.add_argument("-i", "--input", metavar="IN.db", help="a profile to which is added")
    parser.add_argument(
        "-D", "--depth", type=int, metavar="DEPTH", help=f"longest sequences (default {DEPTH})"
    )
    parser.add_argument("--app", metavar="NAME", help="learn this application of the traces only")
    parser.add_argument("--again", action="store_true", help="count traces that are in it already")
    parser.add_argument("--force", action="store_true", help="replace OUT.db if it exists")
    parser.add_argument(
        "--format", choices=FORMATS, default="auto", metavar="F", help=", ".join(FORMATS)
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=_jobs,
        metavar="N",
        help="traces learned at a time (default: as many as there are processors, if worth it)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from OUT.db.part, if an earlier run left it"
    )
    parser.add_argument(
        "--save-every",
        type=_seconds,
        default=_SAVE_EVERY_S,
        metavar="SECONDS",
        help="how often long work is saved as OUT.db.part (default 60)",
    )
    parser.add_argument("--json", action="store_true", help="progress and result as JSON lines")
    options = parser.parse_args(argv)
    return run("ims-learn", lambda: _learn(options))


def _learn(options: argparse.Namespace) -> int:
    # First, as a Ctrl-C while the number crunching is loaded would be lost in it.
    # Standard input that is a trace says nothing by its end.
    stop = Stop(watch_stdin=options.json and "-" not in options.traces)
    # Imported only now: --help and --version need no number crunching.
    from imsafe.profile.learner import Learner  # noqa: PLC0415
    from imsafe.profile.profile import Profile  # noqa: PLC0415

    output = Path(options.output)
    is_in_place = options.input is not None and is_same(options.input, output)
    _check_output(output, may_replace=options.force or is_in_place)
    known = None if options.input is None else Profile.load(options.input)
    if known is not None and options.depth not in {None, known.depth}:
        raise ImsafeError(
            f"{options.input} was learned with depth {known.depth};"
            " another depth needs a new profile."
        )
    depth = known.depth if known is not None else options.depth
    learner = Learner(DEPTH if depth is None else depth)
    checkpoint = Checkpoint(output, options.save_every, _note)
    resumed = checkpoint.resumed(known, learner.depth) if options.resume else None
    start = resumed or known
    if start is not None:
        learner = Learner.from_profile(start)
    # One by one: a trace that is named twice is to be noticed, not passed over.
    paths = [path for given in options.traces for path in find_traces([given])]
    check_not_read(output, paths)
    traces = [open_trace(path, options.format) for path in paths]
    before = 0 if known is None else len(known.traces)
    identities = [trace.identity for trace in traces]
    had = [trace.identity for trace in resumed.traces[before:]] if resumed else []
    left = [traces[place] for place in still_to_learn(identities, had)]
    if not options.again:
        _refuse_known(left, learner)
    if resumed is not None:
        of_all = number_of(len(traces), "trace was learned", "traces were learned")
        _note(f"{len(traces) - len(left):,} of {of_all} by an earlier run.")
    elif mode_of(checkpoint.path):
        _note(f"{checkpoint.path} is of an earlier run; --resume goes on from it. Learning anew.")
    progress = Progress(as_json=options.json)
    learning = Learning(learner, options.app, progress, stop, checkpoint)
    try:
        jobs = options.jobs or default_jobs(left)
        if jobs > 1 and len(left) > 1 and "-" not in options.traces:
            whole = learning.learn_beside(left, min(jobs, len(left)))
        else:
            whole = learning.learn(left, again=options.again)
        whole += len(traces) - len(left)
        if not learner.calls:
            raise ImsafeError(
                "Nothing was learned, so nothing is saved: "
                + ("it was stopped too early." if learning.was_stopped else "there are no calls.")
                + "".join(f" {warning}" for warning in warnings_of(traces))
            )
        learner.arrange(identities, before)
        profile = learner.finish(
            lambda done: progress.show(0.8 + 0.2 * done, "calibrating", **learning.saturation())
        )
    finally:
        progress.done()
    instead_of = known.file if known is not None and is_in_place else None
    try:
        profile.save(output, replace=options.force or is_in_place, instead_of=instead_of)
    except ChangedMeanwhile as error:
        profile.save(checkpoint.path, replace=True)
        raise ImsafeError(f"{error} What was learned is kept: say --resume in addition.") from error
    checkpoint.done()
    _report(profile, options, whole, traces)
    return status_of("ims-learn", traces)


class Learning:
    """Has a learner learn traces until they are done, or somebody asks to stop.

    Attributes
    ----------
    was_stopped
        Whether somebody asked.
    """

    def __init__(
        self,
        learner: Learner,
        application: str | None,
        progress: Progress,
        stop: Stop,
        checkpoint: Checkpoint,
    ) -> None:
        self._learner = learner
        self._application = application
        self._progress = progress
        self._stop = stop
        self._checkpoint = checkpoint
        self._saturation = learner.saturation
        self._counted_at = 0.0
        self.was_stopped = False

    def learn(self, traces: list[TraceReader], *, again: bool) -> int:
        """Learn traces one after another; returns how many were learned whole."""
        total = sum(trace.size for trace in traces)
        before = 0
        for number, trace in enumerate(traces):
            self._learner.begin_trace(trace.identity, trace.name, again=again)
            go_on = functools.partial(self._go_on, trace, before, total)
            if not learn_trace(self._learner, trace, self._application, go_on):
                self.was_stopped = True
                return number
            before += trace.size
            self._checkpoint.save_if_due(self._learner)
        return len(traces)

    def _go_on(self, trace: TraceReader, before: int, total: int) -> bool:
        self._show((before + trace.position) / total if total else 0.0, trace.name)
        return not self._stop

    def learn_beside(self, traces: list[TraceReader], jobs: int) -> int:
        """Learn so many traces at a time in helper processes; how many were learned whole."""
        total = sum(trace.size for trace in traces)
        times = Counter(self._learner.learned)
        orders = []
        for trace in traces:
            orders.append(Order(trace, times[trace.identity]))
            times[trace.identity] += 1

        def take(part: Part) -> None:
            self._learner.add_part(part)
            self._checkpoint.save_if_due(self._learner)

        def show(read: int) -> None:
            name = f"{len(pool.learned):,} of {number_of(len(traces), 'trace')}"
            self._show(read / total if total else 0.0, name)

        pool = Pool(self._learner.depth, self._application, take, show)
        pool.learn(orders, jobs, self._stop)
        self.was_stopped = len(pool.learned) < len(traces)
        return len(pool.learned)

    def _show(self, done: float, name: str) -> None:
        learner = self._learner
        self._progress.show(
            0.8 * min(done, 1.0),
            f"{name}: {number_of(learner.calls, 'call')},"
            f" {number_of(learner.nodes, 'sequence')}; {self._saturation}",
            **self.saturation(),
        )

    def saturation(self) -> dict[str, Any]:
        """How far learning has come, for JSON; counted once a second."""
        now = time.monotonic()
        if now - self._counted_at > _COUNT_S:
            self._saturation = self._learner.saturation
            self._counted_at = now
        return self._saturation.as_fields()


def _note(text: str) -> None:
    say("ims-learn", text)


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MOST_JOBS}")
    return int(text)


def _seconds(text: str) -> float:
    value = any_number(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _check_output(output: Path, *, may_replace: bool) -> None:
    """Say before the long work, not after it, that its result could not be saved."""
    place, there = place_to_save(output)
    if there is not None and not may_replace:
        raise FileExistsRefused(f"{output} exists already; say --force to replace it.")
    check_writable(place)


def _refuse_known(traces: list[TraceReader], learner: Learner) -> None:
    seen: dict[str, str] = {}
    for trace in traces:
        if learner.has_learned(trace.identity):
            raise ImsafeError(
                f"{trace.name} is in the profile already; say --again to count it once more."
            )
        if trace.identity in seen:
            raise ImsafeError(
                f"{trace.name} is the same trace as {seen[trace.identity]};"
                " say --again to count it twice."
            )
        seen[trace.identity] = trace.name


def _report(
    profile: Profile, options: argparse.Namespace, whole: int, traces: list[TraceReader]
) -> None:
    threshold = profile.suggested_threshold
    price = None if threshold is None else profile.pace.price(threshold)
    if options.json:
        emit(
            {
                "type": "result",
                "profile": options.output,
                "cancelled": whole < len(traces),
                "traces": whole,
                "traces_given": len(traces),
                "calls": profile.calls,
                "processes": profile.processes,
                "units": profile.pace.units,
                "nodes": len(profile.tree) - 1,
                "depth": profile.depth,
                "lost": profile.lost_calls,
                "suggested_threshold": threshold,
                "why_no_threshold": profile.why_no_threshold,
                "calibrated_units": profile.calibration.units,
                "false_alarms_per_million_calls": price and price.per_million_calls,
                "false_alarms_per_day": price and price.per_day,
                "false_alarms_per_million_calls_at_most": price and price.at_most_per_million_calls,
                "false_alarms_per_day_at_most": price and price.at_most_per_day,
                **profile.saturation.as_fields(),
                "programs": list(profile.programs.learned),
                "program_score": profile.programs.score,
                "warnings": warnings_of(traces),
            }
        )
        return
    if whole < len(traces):
        of_all = number_of(len(traces), "trace was learned", "traces were learned")
        print(f"Stopped: {whole:,} of {of_all}, and saved.")
    print(
        f"{options.output}: {number_of(profile.calls, 'call')} of"
        f" {number_of(profile.processes, 'process', 'processes')},"
        f" {number_of(len(profile.tree) - 1, 'sequence')} of up to {profile.depth} calls."
    )
    if profile.lost_calls:
        lost = number_of(profile.lost_calls, "call was lost", "calls were lost")
        print(f"{lost} while the traces were recorded.")
    print(f"{str(profile.saturation).capitalize()}.")
    if profile.programs.learned:
        print(profile.programs)
    print(threshold_in_words(profile))


def threshold_in_words(profile: Profile) -> str:
    """What a profile suggests, with its price."""
    threshold = profile.suggested_threshold
    if threshold is None:
        return f"No threshold is suggested: {profile.why_no_threshold}."
    price = profile.pace.price(threshold)
    per_day = "" if price.per_day is None else f", {_roughly(price.per_day)} a day"
    return (
        f"Suggested threshold: {threshold:.3f} (about {_roughly(price.per_million_calls)} false"
        f" alarms a million calls{per_day}; counting rules out more than"
        f" {_roughly(price.at_most_per_million_calls)} a million calls)."
    )


def _roughly(number: float) -> str:
    """Two digits, as a person writes them: 0.61, 740, 17,000."""
    return f"{number:.2g}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"


if __name__ == "__main__":
    sys.exit(main())
