# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an alert was raised: the last calls, what was expected instead, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from imsafe import syscalls
from imsafe.events import Kind, symbols
from imsafe.monitor.history import Stretch
from imsafe.monitor.score_log import printable
from imsafe.monitor.view_protocol import ExplainedCall
from imsafe.stream.items import Lost

CALLS = 20
"""Calls of the thread that an alert shows, the last one being the one that raised it."""

EXPECTED = 3
"""Likeliest calls that are shown for each."""

SURPRISING_BITS = 4.0
"""A call that was expected less than once in 16 counts as surprising in the sentence."""

_BIT = float(1 << 32)


class Predictor(Protocol):
    """What is needed of a profile."""

    @property
    def depth(self) -> int: ...  # noqa: D102
    def predict(self, context: Sequence[int], top: int) -> list[tuple[int, float]]: ...  # noqa: D102


def explain(
    profile: Predictor, stretches: Sequence[Stretch], tid: int, after: int
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
        bits = surprise / _BIT
        result.append(
            {
                "call": syscalls.name(symbol),
                "surprise": round(bits, 3),
                "probability": 2.0**-bits,
                "expected": [
                    (syscalls.name(likely), probability)
                    for likely, probability in profile.predict(context, EXPECTED)
                ],
            }
        )
    return result


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
        rows = np.flatnonzero(
            (events["tid"] == tid) & ((kinds == Kind.CALL) | (kinds == Kind.EXEC))
        )
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


def sentence(comm: str, pid: int, reading: str, calls: Sequence[ExplainedCall]) -> str:
    """One sentence that says what happened, for an administrator."""
    who = f"{printable(comm, 64)} (pid {pid})" if comm else f"Process {pid}"
    surprising = [call for call in calls if call["surprise"] >= SURPRISING_BITS]
    most = max(calls, key=lambda call: call["surprise"], default=None)
    example = _example(most) if most is not None and surprising else ""
    if reading == "drift":
        return f"{who} has become unlike the learned program over its last 500 calls{example}."
    if reading == "repertoire":
        return f"{who} uses a set of calls that no learned process had by this point{example}."
    count = f"{len(surprising)} of its last {len(calls)} calls were hardly ever seen in their place"
    return f"{who} does what was not learned: {count}{example}."


def _example(call: ExplainedCall) -> str:
    words = f"; {call['call']} came"
    if call["expected"]:
        expected, probability = call["expected"][0]
        words += f" where {expected} was expected ({probability:.0%})"
    return f"{words}, a chance of {_chance(call['probability'])}"


def _chance(probability: float) -> str:
    if probability >= 0.1:
        return f"{probability:.0%}"
    return f"1 in {min(round(1 / max(probability, 1e-12)), 10**12):,}"
