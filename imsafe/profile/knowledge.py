# SPDX-License-Identifier: GPL-3.0-or-later
"""What a profile has learned, as it is stored: counts, sets, sample, traces, marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from imsafe.events import Events
from imsafe.profile.pace import Pace
from imsafe.profile.repertoire import Sets
from imsafe.profile.tree import PrefixTree, empty_prefix_tree
from imsafe.profile.units import Sample

WEIGHTS = tuple(4**power for power in range(11))
"""How often marked sequences are counted: the first that keeps them below the threshold."""

MOST_MARKS = 1 << 12
"""Of a profile; and as many marked sequences in all."""

MOST_MARKED_RECORDS = 1 << 22
"""In all marked sequences together."""


@dataclass(frozen=True, slots=True)
class Addition:
    """One trace that was learned."""

    identity: str
    name: str
    added: str
    """When, ISO 8601, UTC."""
    meta: dict[str, Any]
    """Of its header."""
    calls: int
    processes: int
    units: int
    duration_ns: int
    """0 where the trace has no clock."""
    lost: int


@dataclass(frozen=True, slots=True)
class MarkedSequence:
    """Calls of one process that the user said were normal.

    Attributes
    ----------
    events
        The calls, in order, with the lifecycle records between them.
    state
        What a scorer's `snapshot` of the process said before the first of
        them; empty when they are the process's first.
    """

    events: Events
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """One "this was normal".

    Attributes
    ----------
    number
        Its number, for undoing.
    weight
        How often each of the sequences was counted.
    programs
        Names of programs that the processes ran.
    """

    number: int
    note: str
    added: str
    weight: int
    sequences: tuple[MarkedSequence, ...]
    programs: tuple[str, ...] = ()


def fit_into_a_profile(marks: Sequence[Mark]) -> bool:
    """Whether so much may be marked: more of it would not be read again."""
    sequences = [sequence for mark in marks for sequence in mark.sequences]
    records = sum(len(sequence.events) for sequence in sequences)
    return max(len(marks), len(sequences)) <= MOST_MARKS and records <= MOST_MARKED_RECORDS


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything that is learned; the marks' counts are not in `tree` and `sets`."""

    tree: PrefixTree
    alphabets: dict[int, int]
    sets: Sets
    sample: Sample
    traces: tuple[Addition, ...]
    marks: tuple[Mark, ...]

    @classmethod
    def nothing(cls, depth: int) -> Knowledge:
        """What is known before the first trace."""
        return cls(empty_prefix_tree(depth), {}, Counter(), Sample(), (), ())

    @property
    def pace(self) -> Pace:
        """How fast units came."""
        timed = [trace for trace in self.traces if trace.duration_ns > 0]
        return Pace(
            units=sum(trace.units for trace in self.traces),
            calls=sum(trace.calls for trace in self.traces),
            timed_units=sum(trace.units for trace in timed),
            timed_ns=sum(trace.duration_ns for trace in timed),
            processes=sum(trace.processes for trace in self.traces),
        )
