# SPDX-License-Identifier: GPL-3.0-or-later
"""While it is recorded, as when it is learned: the same share of what is to be expected."""

from __future__ import annotations

import numpy as np
import pytest

from imsafe.events import Events, Kind
from imsafe.profile.learner import Learner
from imsafe.profile.live_saturation import LiveSaturation
from tests.profile.making import calls, cut, daemon, record


def threads_mixed(rng: np.random.Generator, lost: bool) -> Events:
    """Threads of three processes by turns; some end, some are born again."""
    parts = []
    for pid in (1, 2, 3):
        for tid in (10 * pid, 10 * pid + 1):
            part = daemon(rng, 700, pid)
            part["tid"] = tid
            cuts = sorted(rng.choice(700, 4, replace=False))
            pieces = np.split(part, cuts)
            kinds = (Kind.EXIT, Kind.FORK, Kind.EXIT, Kind.FORK)
            between = [record(kind, pid, tid, tid) for kind in kinds]
            whole = [x for pair in zip(pieces, between, strict=False) for x in pair]
            parts.append(np.concatenate([*whole, pieces[-1]]))
    turns = rng.permutation(np.repeat(np.arange(len(parts)), [len(part) for part in parts]))
    events = np.empty(len(turns), parts[0].dtype)
    for number, part in enumerate(parts):
        events[turns == number] = part
    if lost:
        is_call = events["kind"] == Kind.CALL
        losses = np.cumsum(rng.random(len(events)) < 0.002)
        events["aux"] = np.where(is_call, losses, events["aux"])
    return events


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("sizes", [[1], [7, 300], [100_000]])
def test_it_is_what_learning_says(lost: bool, sizes: list[int]) -> None:
    rng = np.random.default_rng(4)
    streams = [threads_mixed(rng, lost) for _ in range(2)]
    learner = Learner(8)
    learner.begin_trace("a", "a")
    live = LiveSaturation()
    for number, events in enumerate(streams):
        learner.feed(number, events)
        for part in cut(events, sizes):
            live.feed(number, part)
    live.void(0)
    learner.lost(0, 1)
    for again in (daemon(rng, 400, 1), daemon(rng, 400, 1)):
        learner.feed(0, again)
        live.feed(0, again)
        learner.end_stream(0)
        live.end(0)
    learner.end_trace()
    assert live.saturation == learner.finish().saturation


def test_an_exec_begins_anew() -> None:
    live = LiveSaturation(length=3)
    live.feed(0, np.concatenate([calls([1, 2, 3]), record(Kind.EXEC, 1, 1, 1), calls([4, 5])]))
    assert live.saturation.sequences == 1
    live.feed(0, calls([6]))
    assert live.saturation.sequences == 2


def test_too_many_sequences_are_sampled() -> None:
    rng = np.random.default_rng(5)
    numbers = np.concatenate([rng.integers(0, 300, 60_000), np.tile(np.arange(7), 20_000)])
    exact, sampled = LiveSaturation(length=4), LiveSaturation(length=4, most=2000)
    for part in cut(calls(numbers), [5000]):
        exact.feed(0, part)
        sampled.feed(0, part)
    assert sampled.saturation.sequences == exact.saturation.sequences == len(numbers) - 3
    assert sampled.saturation.unseen == pytest.approx(exact.saturation.unseen, rel=0.15)
    assert 0.25 < exact.saturation.unseen < 0.35
