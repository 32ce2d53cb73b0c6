# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alert is explained from: the last calls, and what was expected in their place."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from imsafe import syscalls
from imsafe.events import Kind, symbols
from imsafe.monitor.history import Part, Stretch, join
from imsafe.monitor.reason import SURPRISING_BITS, Recent
from imsafe.monitor.view_protocol import ExplainedCall
from imsafe.profile.profile import Profile
from imsafe.stream.items import Lost

CALLS = 20
"""Calls of the thread that an alert shows, the last one being the one that raised it."""

EXPECTED = 3
"""Likeliest calls that are shown for each."""

LATELY = 500
"""Calls of the process that tell what it did of late."""

_BIT = float(1 << 32)


def explain(
    profile: Profile, stretches: Sequence[Stretch], tid: int, after: int
) -> list[ExplainedCall]:
    """The last calls of a thread, each with what was expected in its place.

    Parameters
    ----------
    profile
        The application's.
    stretches
        The process's history.
    tid
        The thread.
    after
        How many records at the end of the history are later than the alert.
    """
    calls = _last_calls(stretches, tid, after, CALLS + profile.depth - 1)
    result: list[ExplainedCall] = []
    for index in range(max(0, len(calls) - CALLS), len(calls)):
        symbol, surprise, epoch = calls[index]
        context = [c[0] for c in calls[max(0, index - profile.depth + 1) : index] if c[2] == epoch]
        result.append(explained(profile, symbol, surprise, context))
    return result


def explained(
    profile: Profile, symbol: int, surprise: int, context: Sequence[int]
) -> ExplainedCall:
    """One call, its surprise in units of 2^-32 bit, and what was expected after its context."""
    bits = surprise / _BIT
    return {
        "call": syscalls.name(symbol),
        "surprise": round(bits, 3),
        "probability": 2.0**-bits,
        "expected": [
            (syscalls.name(likely), probability)
            for likely, probability in profile.predict(context, EXPECTED)
        ],
    }


def recently(
    profile: Profile, stretches: Sequence[Stretch], tid: int, after: int, reading: str
) -> Recent:
    """What was done up to the alert: by the thread of late, or by its process where that is judged.

    Parameters
    ----------
    profile, stretches, tid, after
        As of `explain`.
    reading
        The one that raised the alert.
    """
    new_pairs: list[tuple[str, str]] = []
    if reading in {"burst", "novelty"}:
        of_thread = _last_calls(stretches, tid, after, CALLS + 1)
        if reading == "novelty":
            new_pairs = _new_pairs(profile, of_thread)
        calls = [call[:2] for call in of_thread[-CALLS:]]
    else:
        calls = _calls_of_all(stretches, after, LATELY)
    makers: dict[str, int] = {}
    for symbol in dict.fromkeys(symbol for symbol, _ in calls):
        makers[syscalls.name(symbol)] = profile.makers(symbol)
    unusual = sum(surprise >= SURPRISING_BITS * _BIT for _, surprise in calls)
    return Recent(len(calls), unusual, makers, profile.processes, tuple(new_pairs))


def _new_pairs(profile: Profile, calls: list[tuple[int, int, int]]) -> list[tuple[str, str]]:
    """Pairs of known calls that never came one directly after the other, by name."""
    found = {
        (before[0], call[0]): None
        for before, call in itertools.pairwise(calls)
        if before[2] == call[2]
        and profile.knows([before[0]])
        and profile.knows([call[0]])
        and not profile.knows([before[0], call[0]])
    }
    return [(syscalls.name(before), syscalls.name(call)) for before, call in found]


def _calls_of_all(stretches: Sequence[Stretch], after: int, most: int) -> list[tuple[int, int]]:
    """Symbol and surprise of the last calls of a process, whatever thread made them."""
    parts = [part for stretch in stretches for part in stretch.parts if isinstance(part, Part)]
    if not parts:
        return []
    whole = join(parts)
    events = whole.events[: max(0, len(whole.events) - after)]
    rows = np.flatnonzero(events["kind"] == Kind.CALL)[-most:]
    return list(zip(symbols(events[rows]).tolist(), whole.surprise[rows].tolist(), strict=True))


def _last_calls(
    stretches: Sequence[Stretch], tid: int, after: int, most: int
) -> list[tuple[int, int, int]]:
    """Symbol, surprise and epoch of a thread's last calls; a context does not cross epochs."""
    calls: list[tuple[int, int, int]] = []
    epoch = 0
    later_aux: int | None = None
    for part in reversed([part for stretch in stretches for part in stretch.parts]):
        if isinstance(part, Lost):
            epoch += 1
            continue
        events = part.events[: max(0, len(part.events) - after)]
        after = max(0, after - len(part.events))
        kinds = events["kind"]
        rows = np.flatnonzero((events["tid"] == tid) & (kinds != Kind.FORK))
        names = symbols(events[rows])
        for row, symbol in zip(rows[::-1].tolist(), names[::-1].tolist(), strict=True):
            if kinds[row] == Kind.EXIT:
                return calls[::-1]  # before it the tid was another thread's
            if kinds[row] == Kind.EXEC:
                epoch += 1
                continue
            aux = int(events["aux"][row])
            if later_aux is not None and aux != later_aux:
                epoch += 1
            later_aux = aux
            calls.append((symbol, int(part.surprise[row]), epoch))
            if len(calls) == most:
                return calls[::-1]
    return calls[::-1]
