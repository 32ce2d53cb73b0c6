# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs the processes of an application run, and how unlikely one more is.

Needs no number crunching.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any

from imsafe.profile.pace import SURE, score_of_rarity
from imsafe.profile.saturation import ENOUGH
from imsafe.words import grouped, printable, translate

PRIOR = 0.01
"""New programs to be expected in as many units as were learned, where all that ran ran often.

Of a hundred such applications one runs another program in as much again.  No count can tell it:
it is what is believed before one is made, of a profile that counts as learned; see `Programs`.
"""

MOST_PROGRAMS = 1000
"""Of a trace; one that runs more is of an application to which a new one means nothing."""

_NAMED = 8
"""Programs that `in_words` names, at most."""

_LONGEST_NAME = 255
_LONGEST_COMM = 15
_DELETED = " (deleted)"

KEY = "programs"
"""Of a learned trace's metadata: a list of [comm, base name, processes], the first to run first."""

Program = tuple[str, str]
"""What the kernel calls a process that runs it (comm), and the base name of its file."""


def program_of(comm: str, exe: str) -> Program:
    """The program of a process, of which both may be empty."""
    file = PurePosixPath(exe.removesuffix(_DELETED)).name
    return comm[:_LONGEST_NAME], file[:_LONGEST_NAME]


class ProgramCounts:
    """Counts the processes that ran each program of a trace, in the order of the first of each."""

    def __init__(self) -> None:
        self._processes: Counter[Program] = Counter()

    def add(self, comm: str, exe: str) -> None:
        """A process has begun, or has loaded a program."""
        program = program_of(comm, exe)
        if any(program) and (program in self._processes or len(self._processes) <= MOST_PROGRAMS):
            self._processes[program] += 1

    def as_meta(self) -> dict[str, Any]:
        """For the trace's metadata; nothing where it names none, or too many."""
        if not 0 < len(self._processes) <= MOST_PROGRAMS:
            return {}
        return {KEY: [[*program, count] for program, count in self._processes.items()]}


class Programs:
    """The programs that belong to an application.

    After Good (1953) and Turing, as `saturation` does with sequences: the chance that a unit runs
    a program that no learned one ran is the share of those that one process ran, with 1.96
    standard deviations, and a prior above it:

        (n1 + 1.96 sqrt(n1 + 2 n2) + PRIOR max(1, s / 0.01)^2) / units

    s is the share of sequences that may be unseen: where it is more than 1 %, there is more to
    come, programs too.  n1 and n2 are of programs that one and two processes ran.  The one that a
    trace begins with counts among neither: it is what was recorded.

    A program goes by what the kernel calls the process that loads it (comm), which is the base
    name of the file, or link, or `#!` script, whatever a tracer makes of these.  One that ran
    before it was recorded may have given itself another name: so it may also be called as its
    file.

    Attributes
    ----------
    learned : tuple of str
        Their names, those that most processes ran first.
    chance : float
        1 where the traces do not tell.
    score : float
        Of a process that runs another program: 0 to 1, as `pace` reads a chance.
    """

    def __init__(
        self,
        metas: Iterable[dict[str, Any]],
        units: int,
        unseen: float,
        marked: Iterable[str] = (),
    ) -> None:
        """Take the programs of all traces together.

        Parameters
        ----------
        metas
            The metadata of each.
        units
            How many were learned.
        unseen
            The share of sequences that may be unseen, at most (`Saturation.unseen_at_most`).
        marked
            Names that were said to be normal.
        """
        counts: Counter[Program] = Counter()
        own: set[Program] = set()
        told = True
        for meta in metas:
            listed = _listed(meta.get(KEY))
            told = told and bool(listed)
            own.update(program for program, _ in listed[:1])
            for program, count in listed:
                counts[program] += count
        self._names = {name[:_LONGEST_COMM] for program in counts for name in program}
        self._names.update(marked)
        names = (comm or file for (comm, file), _ in counts.most_common())
        self.learned = tuple(dict.fromkeys(names))
        rare = Counter(count for program, count in counts.items() if program not in own)
        deviation = SURE * math.sqrt(rare[1] + 2 * rare[2])
        prior = PRIOR * max(1.0, unseen / (1 - ENOUGH)) ** 2
        is_known = told and units > 0 and bool(counts)
        self.chance = min(1.0, (rare[1] + deviation + prior) / units) if is_known else 1.0
        self.score = score_of_rarity(self.chance) + 0.0  # never -0.0

    def score_of(self, loaded: str) -> float:
        """The score of a process, all else left aside.

        Parameters
        ----------
        loaded
            The name (comm) that the program gave it when it was loaded; empty where nobody saw it.

        Returns
        -------
        float
            0 where it is one of the learned programs, or none was seen.
        """
        return 0.0 if not loaded or loaded in self._names else self.score

    def __str__(self) -> str:
        """One line for a person; there is at least one program."""
        return in_words(self.learned, self.score)


def in_words(learned: Sequence[str], score: float) -> str:
    """What the learned processes ran, and what it means when one runs another program.

    Parameters
    ----------
    learned, score
        As of `Programs`; there is at least one.
    """
    listed = ", ".join(printable(name, 40) for name in learned[:_NAMED])
    if len(learned) > _NAMED:
        words = translate("programs", "{0} and {1} more")
        listed = words.format(listed, grouped(len(learned) - _NAMED))
    if score:
        words = translate("programs", "Programs: {0}; another one scores {1:.3f}.")
    else:
        words = translate("programs", "Programs: {0}; another one does not raise the score yet.")
    return words.format(listed, score)


def _listed(value: object) -> list[tuple[Program, int]]:
    """What a trace's metadata says, or nothing where it has another form: a file may hold it."""
    if not isinstance(value, Sequence) or len(value) > MOST_PROGRAMS:
        return []
    found: list[tuple[Program, int]] = []
    for entry in value:
        match entry:
            case [str(comm), str(file), int(count)] if count > 0:
                found.append(((comm, file), count))
            case _:
                return []
    return found
