# SPDX-License-Identifier: GPL-3.0-or-later
"""Surprise and readings are those of the reference, whatever the batches are."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.errors import ProfileError
from imsafe.events import Events, Kind
from imsafe.profile import saved_state
from imsafe.profile.calibration import READINGS
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import SCORE, Scorer
from imsafe.profile.slots import LAST_THREAD
from imsafe.profile.surprise import surprise
from tests.profile.making import any_events, calls, cut, daemon, learned, record
from tests.profile.reference import Counts, Follower, Stage, read, units


@settings(deadline=None)
@given(st.floats(min_value=1e-300, max_value=1.0))
def test_surprise_is_the_logarithm_to_the_unit(probability: float) -> None:
    assert surprise(probability) == units(probability)


def by_reference(
    trained: list[Events], profile: Profile, batches: list[tuple[int, Events]]
) -> list[tuple[int, float, float, float]]:
    counts = Counts(profile.depth, profile.alphabets)
    for events in trained:
        for call in Follower(profile.depth).calls(0, events):
            counts.add(call)
    pairs: Counter[Stage] = Counter(
        {(c, frozenset(b), frozenset(a)): n for (c, b, a), n in profile.sets.items()}
    )
    follower = Follower(profile.depth)
    rows = []
    for stream, events in batches:
        found = [(-1, 0.0, 0.0, 0.0, 0.0)] * len(events)
        for call in follower.calls(stream, events):
            found[call.place] = read(call, counts, pairs)
        rows += found
    return rows


@settings(max_examples=40, deadline=None)
@given(
    st.lists(any_events(), max_size=2),
    st.lists(st.tuples(st.integers(0, 1), any_events(60)), max_size=3),
    st.integers(1, 5),
)
def test_readings_are_those_of_the_reference(
    trained: list[Events], batches: list[tuple[int, Events]], depth: int
) -> None:
    profile = learned(trained, depth)
    scorer = Scorer(profile)
    scores = [scorer.feed(stream, events) for stream, events in batches]
    found = [
        (int(row["surprise"]), *(float(row[name]) for name in READINGS))
        for part in scores
        for row in part
    ]
    assert found == by_reference(trained, profile, batches)


def test_long_processes_are_read_in_units() -> None:
    rng = np.random.default_rng(3)
    trained = [daemon(rng, 3000)]
    profile = learned(trained, depth=3)
    watched = daemon(rng, 4700)
    watched["syscall"][2100:2140] = 83
    watched["syscall"][4100:4110] = 84
    found = Scorer(profile).feed(0, watched)
    expected = by_reference(trained, profile, [(0, watched)])
    assert found["repertoire"].tolist() == [row[3] for row in expected]
    assert found["drift"].tolist() == [row[2] for row in expected]
    assert found["surprise"].tolist() == [row[0] for row in expected]


@pytest.mark.parametrize("few", [5, 60])
def test_sets_of_many_calls_are_read_as_by_the_reference(few: int) -> None:
    rng = np.random.default_rng(few)
    kinds = [rng.choice(90, 70, replace=False) for _ in range(4)]
    trained = [calls(rng.choice(kinds[number % 4], 200).tolist(), number) for number in range(12)]
    profile = learned(trained, depth=2)
    used = rng.choice(90, 90 - few, replace=False)
    watched = calls([*rng.permutation(used).tolist(), *rng.choice(95, 60).tolist()])
    found = Scorer(profile).feed(0, watched)["repertoire"].tolist()
    assert found == [row[3] for row in by_reference(trained, profile, [(0, watched)])]


@pytest.fixture(scope="module")
def served() -> Profile:
    rng = np.random.default_rng(5)
    return learned([daemon(rng, 2500, pid) for pid in range(1, 31)], depth=6)


@settings(max_examples=30, deadline=None)
@given(any_events(300), st.sampled_from([[1], [7], [1000], [3, 50, 1]]))
def test_batches_do_not_change_a_bit(served: Profile, events: Events, sizes: list[int]) -> None:
    whole = Scorer(served).feed(0, events)
    scorer = Scorer(served)
    parts = [scorer.feed(0, part) for part in cut(events, sizes)]
    assert b"".join(part.tobytes() for part in parts) == whole.tobytes()


def test_a_long_stream_in_any_batches(served: Profile) -> None:
    rng = np.random.default_rng(8)
    threads = [daemon(rng, 3000, pid) for pid in range(1, 200)]
    events = np.concatenate(threads)
    order = np.argsort(rng.permutation(np.repeat(np.arange(199), 3000)), kind="stable")
    mixed = np.empty_like(events)
    mixed[order] = events
    whole = Scorer(served).feed(0, mixed)
    for size in (1000, 65_536):
        scorer = Scorer(served)
        parts = [scorer.feed(0, part) for part in cut(mixed, [size])]
        assert np.array_equal(np.concatenate(parts), whole)
    alone = Scorer(served)
    for pid in (1, 77, 199):
        assert np.array_equal(alone.feed(1, threads[pid - 1]), whole[mixed["pid"] == pid])


def test_lifecycle_records_have_no_score(served: Profile) -> None:
    scores = Scorer(served).feed(0, record(Kind.EXIT, 1, 1))
    assert scores.dtype == SCORE
    assert scores["surprise"].tolist() == [-1]
    assert scores["score"].tolist() == [0.0]


def test_a_tid_used_anew_begins_anew_within_a_batch(served: Profile) -> None:
    first, second = calls([232, 0, 1, 3] * 10), calls([232, 0, 1, 3] * 10)
    fresh = Scorer(served).feed(0, second)
    scores = Scorer(served).feed(0, np.concatenate([first, record(Kind.EXIT, 1, 1), second]))
    assert np.array_equal(scores[len(first) + 1 :], fresh)
    other_process = second.copy()
    other_process["pid"] = 2  # the tid's end was not seen
    scores = Scorer(served).feed(0, np.concatenate([first, other_process]))
    assert np.array_equal(scores[len(first) :], fresh)


def test_ended_threads_leave_their_place_to_others(served: Profile) -> None:
    scorer = Scorer(served)
    for pid in range(1, 5000):
        scorer.feed(0, np.concatenate([calls([232, 0], pid), record(Kind.EXIT, pid, pid)]))
    assert len(scorer.roster.population) < 200
    for stream in range(100):
        scorer.feed(stream, calls([232, 0]))
        scorer.end_stream(stream)
    assert len(scorer.roster.population) < 200


@settings(max_examples=30, deadline=None)
@given(any_events(200), any_events(100))
def test_a_restored_process_goes_on_with_the_same_bits(
    served: Profile, before: Events, after: Events
) -> None:
    scorer = Scorer(served)
    scorer.feed(3, before)
    states = {
        pid: json.loads(json.dumps(scorer.snapshot(3, pid)))
        for pid in np.unique(before["pid"]).tolist()
    }
    other = Scorer(served)
    for pid, state in states.items():
        if state:
            other.restore(3, pid, state)
    adopted = Scorer(served)
    adopted.feed(3, before)
    adopted.adopt(served)
    after["aux"] = np.where(after["kind"] == Kind.CALL, 2**31, after["aux"])
    expected = scorer.feed(3, after).tobytes()
    if any(states.values()):
        assert other.feed(3, after).tobytes() == expected
    assert adopted.feed(3, after).tobytes() == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 1),
        ("calls", -1),
        ("calls", 10.5),
        ("drift", [1] * 501),
        ("drift", [-1]),
        ("used", [1 << 40]),
        ("used", "all"),
        ("repertoire", float("nan")),
        ("repertoire", "0"),
        ("threads", None),
        ("threads", [{"tid": 1}]),
        ("threads", [3]),
    ],
)
def test_a_damaged_state_is_refused(served: Profile, key: str, value: object) -> None:
    scorer = Scorer(served)
    scorer.feed(0, calls([232, 0, 1]))
    state = {**scorer.snapshot(0, 1), key: value}
    with pytest.raises(ProfileError, match="saved state"):
        Scorer(served).restore(0, 1, state)


def test_a_profile_that_cannot_be_adopted_changes_nothing(
    served: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, other = Scorer(served), Scorer(served)
    before = np.concatenate([calls([232, 0, 1], pid) for pid in (1, 2)])
    for one in (scorer, other):
        one.feed(0, before)
    newer = learned([calls([232, 0, 1])], 2)
    with monkeypatch.context() as patched:
        patched.setattr(saved_state, "MOST_THREADS", 0)
        with pytest.raises(ProfileError):
            scorer.adopt(newer)
    assert scorer.profile is served
    assert scorer.alive == 2
    assert scorer.feed(0, before).tobytes() == other.feed(0, before).tobytes()


def test_no_place_of_a_thread_outlives_the_threads_before_a_new_profile(served: Profile) -> None:
    """Compiled code looks there first, and does not ask whether it is within the arrays."""
    scorer = Scorer(served)
    scorer.feed(0, np.concatenate([calls([232], pid) for pid in range(1, 1001)]))
    for pid in range(1, 1000):
        scorer.feed(0, record(Kind.EXIT, pid, pid))
    assert scorer.stream_state(0)[LAST_THREAD] > 500
    scorer.adopt(served)
    assert scorer.stream_state(0)[LAST_THREAD] < len(scorer.roster.threads.key_of) < 500


def test_an_unknown_process_has_no_state(served: Profile) -> None:
    assert Scorer(served).snapshot(0, 99) == {}


def test_abis_and_odd_numbers_are_calls_of_their_own(served: Profile) -> None:
    plain = Scorer(served).feed(0, calls([232, 0, 1, 3]))
    compat = Scorer(served).feed(0, calls([232, 0, 1, 3], abi=2))
    assert (compat["surprise"] > plain["surprise"]).all()
    foreign = calls([65_535] * 40, abi=255)
    assert np.isfinite(Scorer(served).feed(0, foreign)["score"]).all()


def test_a_signal_may_come_anywhere_unless_none_ever_came() -> None:
    work, handled = [0, 1, 3, 7] * 300, [0, 1, 3, 7] * 300
    handled[601:601] = [15]  # rt_sigreturn, once, after a read
    elsewhere = ([0, 1, 3, 15, 7, 0, 15, 1, 3, 7] + [0, 1, 3, 7] * 3) * 2
    stranger = ([0, 1, 3, 105, 7, 0, 105, 1, 3, 7] + [0, 1, 3, 7] * 3) * 2
    highest = {}
    for name, traces in {"some": [handled, work], "none": [work, work]}.items():
        profile = learned([calls(trace, pid) for pid, trace in enumerate(traces, 1)])
        for what in (elsewhere, stranger):
            scores = Scorer(profile).feed(0, calls(what, 9))
            highest[name, what is elsewhere] = (scores["novelty"].max(), scores["burst"].max())
    assert highest["some", True][0] == 0 < highest["some", False][0]
    assert highest["some", True][1] < 0.2 < highest["some", False][1]
    assert highest["none", True][0] > 0
    assert highest["none", True][1] > 0.5


def test_signals_excuse_a_few_calls_and_not_a_program_that_makes_them_up() -> None:
    work, handled = [0, 1, 3, 7] * 300, [0, 1, 3, 7] * 300
    handled[601:601] = [15]
    profile = learned([calls(trace, pid) for pid, trace in enumerate([handled, work], 1)])
    wrong = [7, 3, 1, 0] * 8
    plain = Scorer(profile).feed(0, calls(wrong, 9))
    framed = [number for call in wrong for number in (15, call)]
    scores = Scorer(profile).feed(0, calls(framed, 9))
    assert scores["novelty"].max() == plain["novelty"].max() == 10
    assert scores["burst"].max() > plain["burst"].max() / 2


def test_at_depth_1_no_call_comes_after_another() -> None:
    profile = learned([calls([0, 0, 15, 0])], depth=1)
    burst = Scorer(profile).feed(0, calls([0, 15, 0]))["burst"]
    assert burst[0] == burst[1] == burst[2] / 2 > 0
