# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile: what is normal for an application."""

from __future__ import annotations

import dataclasses
import datetime
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from imsafe import files
from imsafe.errors import ProfileError
from imsafe.events import Events
from imsafe.profile import database
from imsafe.profile.automaton import compile_tree
from imsafe.profile.calibration import Calibration, calibrate
from imsafe.profile.knowledge import (
    WEIGHTS,
    Addition,
    Knowledge,
    Mark,
    MarkedSequence,
    fit_into_a_profile,
)
from imsafe.profile.leave_one_out import readings_left_out
from imsafe.profile.marks import next_number, with_marks
from imsafe.profile.pace import ENOUGH_UNITS, Pace, why_no_threshold
from imsafe.profile.programs import Programs
from imsafe.profile.repertoire import Sets
from imsafe.profile.saturation import Saturation, new_pair_chance, saturation
from imsafe.profile.scorer import Scorer
from imsafe.profile.trace_meta import Mode, applications_of, modes_of
from imsafe.profile.tree import PrefixTree
from imsafe.profile.units import only_beginnings
from imsafe.profile.windows import DRIFT_LEAST


class Profile:
    """What is normal for an application, and how rare a reading is there.

    Attributes
    ----------
    knowledge
        What was learned, without the marks.
    calibration
        How readings become a score.
    tree
        The counts, those of the marks included.
    sets
        The sets of calls, those of the marks included.
    programs
        What its processes run, the marked ones included.
    file
        The state of the file that it was loaded from, for `save`; None where it was not.
    """

    def __init__(self, knowledge: Knowledge, calibration: Calibration) -> None:
        self.knowledge = knowledge
        self.calibration = calibration
        self.file: files.FileState | None = None
        self.tree: PrefixTree
        self.sets: Sets
        self.programs: Programs
        self._apply(knowledge.marks)

    @classmethod
    def calibrated(
        cls, knowledge: Knowledge, progress: Callable[[float], None] | None = None
    ) -> Profile:
        """Calibrate on the sample of what was learned."""
        units = [unit for _, unit in sorted(knowledge.sample.units.items())]
        automaton = compile_tree(knowledge.tree, knowledge.alphabets)
        learned = (knowledge.tree, automaton, knowledge.sets)
        readings = [found for _, found in readings_left_out(*learned, units, progress)]
        if saturation(knowledge.tree).is_enough:
            # Until then it stands for what is normal and still to come.
            for alone in only_beginnings(units):
                ((_, repeated),) = readings_left_out(*learned, [units[alone]], leave_out=False)
                readings[alone] = (readings[alone] + repeated) / 2
        preceding = [unit.first for unit in units]
        return cls(knowledge, calibrate(readings, preceding, new_pair_chance(knowledge.tree)))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Profile:
        """Open a `.db`.

        Raises
        ------
        ProfileError
            It is no profile, is damaged, or comes from a newer version.
        ImsafeError
            It cannot be read.
        """
        state = files.state_of(path)
        profile = cls(*database.load(path))
        profile.file = state
        return profile

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        replace: bool = False,
        instead_of: files.FileState | None = None,
    ) -> None:
        """Write a `.db`, whole or not at all.

        Parameters
        ----------
        path
            Where to.
        replace
            Whether a file that is there may be replaced.
        instead_of
            The `file` of the profile that was loaded from there, to be changed.

        Raises
        ------
        ChangedMeanwhile
            It is not `instead_of` any more.
        FileExistsRefused
            `path` exists and `replace` is false.
        ImsafeError
            It cannot be written.
        """
        database.save(
            path, self.knowledge, self.calibration, replace=replace, instead_of=instead_of
        )

    @property
    def depth(self) -> int:
        """Length of the longest sequences."""
        return self.tree.depth

    @property
    def nodes(self) -> PrefixTree:
        """The counts: arrays `parent`, `symbol`, `count`, `processes` by node."""
        return self.tree

    @property
    def alphabets(self) -> dict[int, int]:
        """How many calls each ABI has."""
        return self.knowledge.alphabets

    @property
    def traces(self) -> tuple[Addition, ...]:
        """The traces that were learned, in that order."""
        return self.knowledge.traces

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What was marked as normal."""
        return self.knowledge.marks

    @property
    def applications(self) -> list[str]:
        """Names of the applications that the traces were recorded from."""
        return sorted({name for trace in self.traces for name in applications_of(trace.meta)})

    @property
    def modes(self) -> list[Mode]:
        """The ways in which the traces were recorded."""
        modes = {mode for trace in self.traces for mode in modes_of(trace.meta)}
        return sorted(modes, key=lambda mode: (mode.tracer, str(mode.follow_exec)))

    @property
    def lost_calls(self) -> int:
        """Calls that were lost while the traces were recorded."""
        return sum(trace.lost for trace in self.traces)

    @property
    def calls(self) -> int:
        """Calls learned."""
        return self.pace.calls

    @property
    def processes(self) -> int:
        """Processes learned."""
        return sum(trace.processes for trace in self.traces)

    @property
    def pace(self) -> Pace:
        """How fast units came, and what a threshold costs at that rate."""
        return self.knowledge.pace

    @property
    def saturation(self) -> Saturation:
        """How much of what is to be expected was learned, marks not counted."""
        return saturation(self.knowledge.tree)

    @property
    def suggested_threshold(self) -> float | None:
        """The threshold that costs about one false alarm a day; None: not learned enough."""
        if self.calibration.units < ENOUGH_UNITS:
            return None
        return self.pace.suggested_threshold()

    @property
    def why_no_threshold(self) -> str:
        """Why none is suggested, in words; empty when one is."""
        return why_no_threshold(self.calibration.units)

    def predict(self, context: Sequence[int], top: int | None = None) -> list[tuple[int, float]]:
        """The calls that may come after `context` with their probabilities, best first.

        Parameters
        ----------
        context
            Symbols of the thread's last calls, the latest last.
        top
            How many; None: every call that the profile knows.
        """
        return self.tree.predict(context, self.alphabets, top)

    def probability(self, context: Sequence[int], symbol: int) -> float:
        """Chance of a call after the thread's last calls."""
        return self.tree.probability(context, symbol, self.alphabets)

    def makers(self, symbol: int) -> int:
        """How many of the learned processes made a call; marked ones count, too."""
        node = self.tree.find([symbol])
        return max(1, int(self.tree.processes[node])) if node > 0 else 0

    def knows(self, sequence: Sequence[int]) -> bool:
        """Whether a sequence of at most D calls was learned, or marked as normal."""
        return self.tree.find(sequence) >= 0

    def mark_normal(
        self,
        units: Sequence[Events | tuple[dict[str, Any], Events] | MarkedSequence],
        note: str = "",
        threshold: float | None = None,
        programs: Iterable[str] = (),
    ) -> int:
        """Note that sequences were normal: replayed, they stay below the threshold.

        They are counted as often as that takes, once where no number does
        (what their process did before them was not learned), and their sets of calls are
        added.  Calibration stays as it is: it judges by what was learned.

        Parameters
        ----------
        units
            Events of one process each, or such events and the `Scorer.snapshot`
            from before them.
        note
            The user's words.
        threshold
            The one in use; None: the suggested one.
        programs
            Names (comm) of the processes: to load such a program is normal, too.

        Returns
        -------
        int
            Number of the mark, for `undo_normal`.

        Raises
        ------
        ProfileError
            Too much would be marked.
        """
        sequences = tuple(_sequence(unit) for unit in units)
        if threshold is None:
            threshold = self.suggested_threshold
        before = self.marks
        number = next_number(before)
        added = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        mark = Mark(number, note, added, 1, sequences, tuple(sorted({*programs} - {""})))
        if not fit_into_a_profile((*before, mark)):
            raise ProfileError(
                "Too much of this profile would be marked as normal; learn the black boxes of"
                " the alerts instead."
            )
        for weight in WEIGHTS:
            self._apply((*before, dataclasses.replace(mark, weight=weight)))
            if threshold is None or self._highest(sequences) < threshold:
                break
        else:  # what is odd about them came before them: to count them often helps nobody
            self._apply((*before, mark))
        return number

    def undo_normal(self, mark: int) -> None:
        """Take a mark back: the counts are again as if it had never been made.

        Raises
        ------
        ProfileError
            There is no such mark.
        """
        rest = tuple(one for one in self.marks if one.number != mark)
        if len(rest) == len(self.marks):
            raise ProfileError(f"The profile has no mark {mark}.")
        self._apply(rest)

    def _apply(self, marks: tuple[Mark, ...]) -> None:
        self.knowledge = dataclasses.replace(self.knowledge, marks=marks)
        self.tree, self.sets = with_marks(self.knowledge.tree, self.knowledge.sets, marks)
        self.programs = Programs(
            (trace.meta for trace in self.traces),
            self.pace.units,
            self.saturation.unseen_at_most,
            (name for mark in marks for name in mark.programs),
        )

    def _highest(self, sequences: Sequence[MarkedSequence]) -> float:
        """The highest score that the sequences show when they come again."""
        scorer = Scorer(self)
        highest = 0.0
        for stream, sequence in enumerate(sequences):
            if len(sequence.events) == 0:
                continue
            if sequence.state:
                # What surprised before these calls is not theirs.
                threads = [
                    {**thread, "calls": 0, "burst": [], "novelty": [], "excused": []}
                    for thread in sequence.state["threads"]
                ]
                held = min(sequence.state["calls"], DRIFT_LEAST)
                state = {**sequence.state, "threads": threads, "repertoire": 0.0}
                state |= {"calls": held, "drift": [0] * held}
                scorer.restore(stream, int(sequence.events["pid"][0]), state)
            highest = max(highest, float(scorer.feed(stream, sequence.events)["score"].max()))
        return highest


def _sequence(unit: Events | tuple[dict[str, Any], Events] | MarkedSequence) -> MarkedSequence:
    if isinstance(unit, MarkedSequence):
        return unit
    if isinstance(unit, tuple):
        state, events = unit
        return MarkedSequence(events, state)
    return MarkedSequence(unit)
