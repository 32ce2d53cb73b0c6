# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning counts exactly what a plain dictionary counts, in any order and in any parts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.errors import ProfileError
from imsafe.events import Events, Kind
from imsafe.profile.learner import AlreadyLearned, Learner
from imsafe.profile.profile import Profile
from tests.profile.making import any_events, calls, cut, learn_trace, learned, nodes_of, record
from tests.profile.reference import Counts, Follower


def counted(traces: list[list[tuple[int, Events]]], depth: int) -> dict[tuple[int, ...], tuple]:
    counts = Counts(depth, {})
    for number, batches in enumerate(traces):
        follower = Follower(depth)
        for stream, events in batches:
            for call in follower.calls(stream, events):
                counts.add(call, number)
    nodes = {s: (n, len(counts.processes[s])) for s, n in counts.count.items()}
    return {(): (0, 0), **nodes}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 1), any_events()), max_size=3), max_size=3),
    st.integers(1, 5),
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
)
def test_counts_and_processes_are_those_of_a_dictionary(
    traces: list[list[tuple[int, Events]]], depth: int, sizes: list[int]
) -> None:
    learner = Learner(depth)
    for number, batches in enumerate(traces):
        learner.begin_trace(str(number), "x")
        for stream, events in batches:
            for part in cut(events, sizes):
                learner.feed(stream, part)
        learner.end_trace()
    assert nodes_of(learner.finish()) == counted(traces, depth)


@settings(max_examples=25, deadline=None)
@given(st.lists(any_events(), min_size=1, max_size=4), st.randoms())
def test_parts_and_order_of_learning_do_not_matter(traces: list[Events], random: object) -> None:
    whole = learned(traces, depth=4)
    order = list(enumerate(traces))
    random.shuffle(order)  # type: ignore[attr-defined]
    profile: Profile | None = None
    for number, events in order:
        learner = Learner(4) if profile is None else Learner.from_profile(profile)
        learn_trace(learner, events, f"trace-{number}")
        profile = learner.finish()
    assert profile is not None
    for name in ("parent", "symbol", "count", "processes"):
        assert np.array_equal(getattr(profile.tree, name), getattr(whole.tree, name))
    assert profile.sets == whole.sets
    assert profile.calibration == whole.calibration
    assert profile.suggested_threshold == whole.suggested_threshold
    assert profile.knowledge.sample.units.keys() == whole.knowledge.sample.units.keys()


def test_a_lost_item_a_segment_and_an_exec_void_contexts() -> None:
    learner = Learner(3)
    learner.begin_trace("a", "a")
    learner.feed(0, calls([1, 2]))
    learner.lost(0, 5)
    learner.feed(0, calls([3]))
    learner.begin_segment(0, {})
    learner.feed(0, calls([4]))
    learner.feed(0, record(Kind.EXEC, 1, 1, 1))
    learner.feed(0, calls([5]))
    learner.end_trace()
    profile = learner.finish()
    longer = {s for s in nodes_of(profile) if len(s) > 1}
    first = 1 << 16
    assert longer == {(first | 1, first | 2)}
    assert profile.lost_calls == 5
    assert profile.processes == 2  # the segment ended the first


def test_many_interleaved_processes_are_counted_once_each() -> None:
    learner = Learner(2)
    learner.begin_trace("a", "a")
    for _ in range(5):
        for pid in range(1, 301):
            learner.feed(0, calls([7, 8], pid))
    learner.end_trace()
    assert nodes_of(learner.finish())[(1 << 16 | 7, 1 << 16 | 8)] == (1500, 300)


def test_a_trace_enters_whole_or_not_at_all() -> None:
    learner = Learner(4)
    learn_trace(learner, calls([1, 2, 3]), "one")
    before = nodes_of(learner.finish())
    learner.begin_trace("two", "two")
    learner.feed(0, calls([4, 5, 6] * 3000))
    learner.abort_trace()
    assert nodes_of(learner.finish()) == before
    learn_trace(learner, calls([4]), "two")
    assert learner.calls == 4


def test_the_same_trace_is_refused_unless_again() -> None:
    learner = Learner(4)
    learn_trace(learner, calls([1, 2, 3]), "one")
    with pytest.raises(AlreadyLearned, match="--again"):
        learner.begin_trace("one", "one")
    learner.begin_trace("one", "one", again=True)
    learner.feed(0, calls([1, 2, 3]))
    learner.end_trace()
    profile = learner.finish()
    assert nodes_of(profile)[(1 << 16 | 1,)] == (2, 2)
    assert len(profile.knowledge.sample.units) == 2


@pytest.mark.parametrize("depth", [0, -1, 33])
def test_a_senseless_depth_is_refused(depth: int) -> None:
    with pytest.raises(ProfileError, match="depth"):
        Learner(depth)


def test_the_tree_grows_beyond_every_first_capacity() -> None:
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 300, 20_000)
    profile = learned([calls(numbers)], depth=3)
    pairs = set(itertools.pairwise((numbers | 1 << 16).tolist()))
    assert {s for s in nodes_of(profile) if len(s) == 2} == pairs
    assert profile.tree.count[0] == 20_000
