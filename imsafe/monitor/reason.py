# SPDX-License-Identifier: GPL-3.0-or-later
"""The reason of an alert, in words that an administrator understands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from imsafe.monitor.meanings import meaning, telling
from imsafe.monitor.view_protocol import ExplainedCall
from imsafe.stream.items import ProcessInfo
from imsafe.words import number_of, printable

SURPRISING_BITS = 4.0
"""A call that was expected less than once in 16 counts as unusual in its place."""

NAMED = 4
"""Calls that a reason names, at most."""

RARE = 0.05
"""A call is rare that at most this share of the learned processes made."""


_THEN = " Then it started "


@dataclass(frozen=True, slots=True)
class Recent:
    """What a process did of late.

    Attributes
    ----------
    calls, unusual
        How many calls are looked at, and how many of them hardly ever come in their place.
    makers
        The calls by name, in the order in which they came first: how many of the
        learned processes made them.
    processes
        How many processes were learned.
    new_pairs
        Of novelty: calls that were made before, but never directly after the other one.
    """

    calls: int
    unusual: int
    makers: dict[str, int]
    processes: int
    new_pairs: tuple[tuple[str, str], ...] = ()

    @property
    def new(self) -> list[str]:
        """Calls that no learned process ever made, the most telling first."""
        return sorted((call for call, makers in self.makers.items() if not makers), key=telling)

    @property
    def rare(self) -> list[str]:
        """Calls that few of the learned processes made, the rarest first."""
        found = [call for call, makers in self.makers.items() if 0 < makers <= self._few]
        return sorted(found, key=lambda call: self.makers[call])

    @property
    def _few(self) -> float:
        return RARE * self.processes


def reason_of(
    process: ProcessInfo,
    parent: ProcessInfo | None,
    reading: str,
    calls: Sequence[ExplainedCall],
    recent: Recent,
    programs: Sequence[str] = (),
) -> str:
    """One sentence that says what happened, for an administrator.

    Parameters
    ----------
    process, parent
        Who it was, and who started it where that is known.
    reading
        The one that raised the alert.
    calls
        The thread's last calls.
    recent
        Of burst and novelty: the same calls; of the other readings: the process's.
    programs
        Those that were learned, the commonest first.
    """
    if reading == "program":
        lead = "runs a program that no learned process ran"
        return f"{_who(process, parent)} {lead}; those ran {_first(programs)}."
    facts = [_few_made(recent)]
    if recent.new_pairs:
        facts.append(_never_after(recent.new_pairs))
    if reading == "repertoire":
        lead = "uses calls together that no learned process used together by this point"
    else:
        lead = (
            "goes on otherwise than any learned process"
            if reading == "drift"
            else "does what was not learned"
        )
        if recent.unusual:
            place = "came where they hardly ever come"
            facts.append(f"{recent.unusual} of its last {number_of(recent.calls, 'call')} {place}")
    if not facts[0] and not recent.new_pairs:
        facts.append(_most_unusual(calls))
    said = "; ".join(fact for fact in facts if fact)
    return f"{_who(process, parent)} {lead}{': ' if said else ''}{said}."


def _who(process: ProcessInfo, parent: ProcessInfo | None) -> str:
    """The process, with its program and its parent where it runs another one than that."""
    if not process.comm:
        return f"Process {process.pid}"
    text = f"{printable(process.comm, 64)} (pid {process.pid}"
    if parent is not None and parent.comm and process.exe and parent.exe != process.exe:
        text += f": {_program(process)}, started by {printable(parent.comm, 64)}, pid {parent.pid}"
    return f"{text})"


def _program(process: ProcessInfo) -> str:
    """Path and arguments, as a shell takes them."""
    return printable(" ".join([process.exe, *map(shlex.quote, process.argv[1:])]), 200)


def _first(programs: Sequence[str]) -> str:
    """The first of these names."""
    named = [printable(name, 64) for name in programs[:NAMED]]
    return _enumerated(named, len(programs) - len(named))


def _few_made(recent: Recent) -> str:
    """Calls that none, or else that few, of the learned processes ever made."""
    if recent.new:
        return f"it called {_listed(recent.new)}, which no learned process ever did"
    if recent.rare:
        most = max(recent.makers[call] for call in recent.rare[:NAMED])
        few = f"{most} of {number_of(recent.processes, 'learned process', 'learned processes')}"
        return f"it called {_listed(recent.rare)}, which at most {few} did"
    return ""


def _never_after(pairs: Sequence[tuple[str, str]]) -> str:
    """Calls that never came directly after the ones that they came after now."""
    told = [f"{_listed([call])}{{}} directly after {before}" for before, call in pairs[:2]]
    named = ", and ".join([told[0].format(" came"), *(pair.format("") for pair in told[1:])])
    more = f" ({number_of(len(pairs) - 2, 'more such pair')})" if len(pairs) > 2 else ""
    return f"for the first time {named}{more}"


def _listed(calls: Sequence[str]) -> str:
    """The first calls of a list, each kind with what it is for."""
    first = calls[:NAMED]
    kinds = dict.fromkeys(meaning(call) for call in first)
    named = []
    for kind in kinds:
        same = [call for call in first if meaning(call) == kind]
        named += [*same[:-1], f"{same[-1]} ({kind})" if kind else same[-1]]
    return _enumerated(named, len(calls) - len(named))


def _enumerated(named: list[str], more: int) -> str:
    """One, two and three; `more` are there, and not named."""
    *first, last = [*named, *([f"{more} more"] if more else [])]
    return f"{', '.join(first)} and {last}" if first else last


def _most_unusual(calls: Sequence[ExplainedCall]) -> str:
    """The calls that were least expected where they came, in the order in which they came."""
    highest: dict[str, float] = {}
    for call in calls:
        if call["surprise"] >= SURPRISING_BITS:
            highest[call["call"]] = max(call["surprise"], highest.get(call["call"], 0.0))
    named = sorted(highest, key=lambda call: -highest[call])[:NAMED]
    if not named:
        return ""
    if len(named) > 1:
        return f"most unusual were {_listed([call for call in highest if call in named])}"
    text = f"most unusual was {_listed(named)}"
    expected = max(calls, key=lambda call: call["surprise"])["expected"]
    if expected and expected[0][0] != named[0]:
        likely, probability = expected[0]
        text += f" where {likely} is usual ({probability:.0%})"
    return text


def then_started(reason: str, process: ProcessInfo) -> str:
    """The reason of an alert whose process runs another program since; said once."""
    return reason if _THEN in reason else f"{reason}{_THEN}{_program(process)}."
