# SPDX-License-Identifier: GPL-3.0-or-later
"""Events for tests: any mixture of threads, ends, execs and losses, or plain runs of calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from imsafe.events import EVENT, Abi, Events, Kind
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile

TIDS = (10, 11, 12, 20, 21, 30)


def calls(
    numbers: Sequence[int], pid: int = 1, tid: int | None = None, abi: int = Abi.X86_64
) -> Events:
    """Calls of one thread, 1 ms apart."""
    events = np.zeros(len(numbers), EVENT)
    events["time_ns"] = np.arange(len(numbers), dtype=np.uint64) * 1_000_000
    events["pid"] = pid
    events["tid"] = pid if tid is None else tid
    events["syscall"] = numbers
    events["abi"] = abi
    events["kind"] = Kind.CALL
    return events


def record(kind: Kind, pid: int, tid: int, aux: int = 0) -> Events:
    """One lifecycle record."""
    events = np.zeros(1, EVENT)
    events["pid"], events["tid"], events["kind"], events["aux"] = pid, tid, kind, aux
    return events


@st.composite
def any_events(draw: st.DrawFn, longest: int = 120) -> Events:
    """A batch in which anything that the stream allows may happen."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([Kind.CALL] * 12 + [Kind.FORK, Kind.EXEC, Kind.EXIT]),
                st.sampled_from(TIDS),
                st.integers(0, 5),
                st.sampled_from([Abi.X86_64] * 5 + [Abi.I386]),
                st.sampled_from([0] * 20 + [1, 3]),
                st.booleans(),
            ),
            max_size=longest,
        )
    )
    events = np.zeros(len(rows), EVENT)
    lost = draw(st.sampled_from([0, 5, 2**32 - 2]))
    for place, (kind, tid, number, abi, loss, moved) in enumerate(rows):
        event = events[place]
        lost = (lost + loss) % 2**32
        event["time_ns"] = place * 1000
        event["pid"] = tid // 10 * 10 if number < 5 or not moved else 77  # a tid used anew
        event["tid"] = tid
        event["kind"] = kind
        if kind is Kind.CALL:
            # The last of them is the return from a signal's handler.
            returns = 15 if abi == Abi.X86_64 else 119
            event["syscall"] = returns if number == 5 else number
            event["abi"], event["aux"] = abi, lost
        elif kind is Kind.FORK:
            event["aux"] = TIDS[number]
    return events


def cut(events: Events, sizes: Sequence[int]) -> list[Events]:
    """The same events in batches of these sizes, over and over."""
    batches = []
    at = place = 0
    while at < len(events):
        batches.append(events[at : at + sizes[place % len(sizes)]])
        at += sizes[place % len(sizes)]
        place += 1
    return batches


def learned(traces: Sequence[Events], depth: int = 8, timed: bool = False) -> Profile:
    """A profile of traces with one stream each."""
    learner = Learner(depth)
    for number, events in enumerate(traces):
        learn_trace(learner, events, f"trace-{number}", timed=timed)
    return learner.finish()


def learn_trace(learner: Learner, events: Events, identity: str, *, timed: bool = False) -> None:
    """Add one trace."""
    learner.begin_trace(identity, identity, {"timed": timed})
    learner.feed(0, events)
    learner.end_trace()


def daemon(rng: np.random.Generator, length: int, pid: int = 1) -> Events:
    """A server's calls: requests of a few kinds, in any order."""
    kinds = ([232, 0, 1, 3], [232, 288, 72, 0, 2, 0, 1, 3, 3], [232, 0, 2, 5, 9, 1, 11, 3])
    numbers: list[int] = [59, 12, 9, 9, 2, 5, 0, 3, 41, 49, 50]
    while len(numbers) < length:
        numbers += kinds[int(rng.choice(3, p=[0.7, 0.2, 0.1]))]
    return calls(numbers[:length], pid)


def started(rng: np.random.Generator, length: int, pid: int = 1) -> Events:
    """The same server with a long start, whose calls it never makes again."""
    begins = calls([12, *range(100, 160), *range(100, 130)], pid)
    return np.concatenate([begins, daemon(rng, length - len(begins), pid)])


def nodes_of(profile: Profile) -> dict[tuple[int, ...], tuple[int, int]]:
    """Every sequence of a profile with its count and its processes."""
    tree = profile.tree
    return {
        tuple(tree.sequence(node)): (int(tree.count[node]), int(tree.processes[node]))
        for node in range(len(tree))
    }
