# SPDX-License-Identifier: GPL-3.0-or-later
"""Calibration leaves out what it judges, and says what a threshold costs."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.events import Events
from imsafe.profile.automaton import compile_tree
from imsafe.profile.calibration import (
    READINGS,
    Calibration,
    calibrate,
    combine,
    curve,
    score_of,
)
from imsafe.profile.learner import Learner
from imsafe.profile.leave_one_out import readings_left_out
from imsafe.profile.pace import Pace
from imsafe.profile.profile import Profile
from imsafe.profile.saturation import new_pair_chance
from imsafe.profile.scorer import Scorer
from imsafe.profile.units import Sample, Unit, unit_hash
from tests.profile.making import any_events, calls, daemon, learn_trace, learned, started
from tests.profile.reference import BLOCK, Counts, Follower, Stage, read, stages


def reference_readings(
    traces: list[Events], depth: int, alphabets: dict[int, int], leave_out: bool = True
) -> dict:
    """Each unit's surprise and readings by a profile that was learned without it, or with it."""
    found = [
        (number, call)
        for number, events in enumerate(traces)
        for call in Follower(depth).calls(0, events)
    ]
    by_process: dict[tuple[int, int], list] = {}
    for number, call in found:
        by_process.setdefault((number, call.process.number), []).append(call)
    result = {}
    for (number, process), own in by_process.items():
        counts = Counts(depth, alphabets)
        pairs: Counter[Stage] = Counter()
        for key, others in by_process.items():
            if key != (number, process) or not leave_out:
                pairs.update(stages([call.symbol for call in others]))
                for call in others:
                    counts.add(call)
        result[unit_hash(f"trace-{number}", process, 0)] = [
            read(call, counts, pairs) for call in own
        ]
    return result


@settings(max_examples=40, deadline=None)
@given(st.lists(any_events(), min_size=1, max_size=3), st.integers(1, 5), st.booleans())
def test_a_unit_is_judged_as_if_it_had_not_been_learned_or_as_if_it_came_again(
    traces: list[Events], depth: int, leave_out: bool
) -> None:
    profile = learned(traces, depth)
    known = profile.knowledge
    keys = sorted(known.sample.units)
    results = readings_left_out(
        known.tree,
        compile_tree(known.tree, known.alphabets),
        known.sets,
        [known.sample.units[key] for key in keys],
        leave_out=leave_out,
    )
    found = {
        key: [(int(cost), *map(float, row)) for cost, row in zip(costs, rows, strict=True)]
        for key, (costs, rows) in zip(keys, results, strict=True)
    }
    assert found == reference_readings(traces, depth, known.alphabets, leave_out)


def test_a_unit_of_many_calls_is_judged_so_too() -> None:
    rng = np.random.default_rng(5)
    kinds = [rng.choice(60, size, replace=False) for size in (20, 30, 50, 58)]
    traces = [calls(rng.choice(kinds[number % 4], 150).tolist()) for number in range(8)]
    known = learned(traces, 2).knowledge
    keys = sorted(known.sample.units)
    results = readings_left_out(
        known.tree,
        compile_tree(known.tree, known.alphabets),
        known.sets,
        [known.sample.units[key] for key in keys],
    )
    expected = reference_readings(traces, 2, known.alphabets)
    for key, (_, rows) in zip(keys, results, strict=True):
        assert rows[:, 2].tolist() == [row[3] for row in expected[key]]


def test_a_block_of_a_long_process_is_left_out() -> None:
    rng = np.random.default_rng(2)
    events = daemon(rng, 5 * BLOCK)
    events["syscall"][2 * BLOCK + 900 : 2 * BLOCK + 940] = 300  # only ever in the third block
    profile = learned([events], depth=3)
    known = profile.knowledge
    keys = [unit_hash("trace-0", 0, block) for block in range(5)]
    costs = [
        found
        for found, _ in readings_left_out(
            known.tree,
            compile_tree(known.tree, known.alphabets),
            known.sets,
            [known.sample.units[key] for key in keys],
        )
    ]
    for block in (0, 2, 4):
        counts = Counts(3, known.alphabets)
        own = []
        for call in Follower(3).calls(0, events):
            if call.place // BLOCK == block:
                own.append(call)
            else:
                counts.add(call)
        first = [counts.surprise(call.context, call.symbol) for call in own[:40]]
        odd = [counts.surprise(call.context, call.symbol) for call in own[895:945]]
        assert costs[block][:40].tolist() == first
        assert costs[block][895:945].tolist() == odd


def test_one_long_process_is_enough_and_three_short_ones_are_not() -> None:
    rng = np.random.default_rng(1)
    long = learned([daemon(rng, 50_000)])
    assert long.calibration.units == 25
    assert long.suggested_threshold == pytest.approx(-math.log10(1 / (10 * 25)) / 6)
    assert long.why_no_threshold == ""
    short = learned([daemon(rng, 300, pid) for pid in (1, 2, 3)])
    assert short.suggested_threshold is None
    assert short.why_no_threshold.startswith("not learned enough for a threshold: 3 of 20")
    nothing = learned([])
    assert nothing.suggested_threshold is None


def without_the_rule(profile: Profile) -> Profile:
    """The same knowledge, calibrated with every unit left out."""
    known = profile.knowledge
    units = [unit for _, unit in sorted(known.sample.units.items())]
    automaton = compile_tree(known.tree, known.alphabets)
    found = [rows for _, rows in readings_left_out(known.tree, automaton, known.sets, units)]
    preceding = [unit.first for unit in units]
    return Profile(known, calibrate(found, preceding, new_pair_chance(known.tree)))


def test_the_only_start_does_not_hide_an_attack_and_may_come_again() -> None:
    rng = np.random.default_rng(1)
    profile = learned([started(rng, 120_000)])
    threshold = profile.suggested_threshold
    assert threshold is not None
    restarted, later = started(rng, 10_000), daemon(rng, 400)[11:]
    attacked = np.concatenate([restarted, calls([57, 59, 33, 41, 42]), later])

    def highest(by: Profile, events: Events) -> float:
        return float(Scorer(by).feed(0, events)["score"].max())

    assert highest(profile, restarted) < threshold < highest(profile, attacked)
    assert highest(without_the_rule(profile), attacked) < threshold


def test_what_begins_as_something_else_does_is_left_out() -> None:
    rng = np.random.default_rng(1)
    alone = learned([started(rng, 60_000)])
    assert alone.calibration != without_the_rule(alone).calibration
    twice = learned([started(rng, 60_000), started(rng, 3000)])
    assert twice.calibration == without_the_rule(twice).calibration
    # Its children begin otherwise.
    children = [calls([273, 3, 3, 0, 1, 231], pid) for pid in range(2, 40)]
    family = learned([np.concatenate([started(rng, 60_000), *children])])
    assert family.calibration != without_the_rule(family).calibration


def test_while_much_is_still_to_come_the_only_start_stands_for_it() -> None:
    rng = np.random.default_rng(1)
    varied = calls(rng.integers(0, 60, 50_000).tolist())
    little = learned([np.concatenate([started(rng, 2000), varied])])
    assert not little.saturation.is_enough
    assert little.calibration == without_the_rule(little).calibration


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_only_start_is_the_same_in_whatever_order_it_was_learned(
    order: tuple[int, ...],
) -> None:
    rng = np.random.default_rng(2)
    # What was attached to in the midst of its work begins with other calls.
    traces = [started(rng, 30_000), daemon(rng, 20_000)[12:], daemon(rng, 20_000)[13:]]
    whole = learned(traces)
    assert whole.calibration != without_the_rule(whole).calibration
    profile: Profile | None = None
    for number in order:
        learner = Learner(8) if profile is None else Learner.from_profile(profile)
        learn_trace(learner, traces[number], f"trace-{number}")
        profile = learner.finish()
    assert profile is not None
    assert profile.calibration == whole.calibration


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 8),
            st.floats(0, 8),
            st.floats(0, 1),
            st.sampled_from([0.0, 0.0, 0.0, 1.0, 3.0, 10.0]),
        ),
        min_size=1,
        max_size=80,
    ),
    st.lists(st.floats(-20, 200), min_size=2, max_size=20),
)
def test_the_score_rises_with_the_reading(
    highest: list[tuple[float, float, float, float]], combined: list[float]
) -> None:
    calibration = calibrate([np.array([row]) for row in highest])
    arrays = curve(calibration)
    scores = [score_of(value, arrays) for value in sorted(combined)]
    assert scores == sorted(scores)
    assert all(0 <= score <= 1 for score in scores)
    shown = [score_of(combine(*row, 1, 1, arrays)[0], arrays) for row in highest]
    # The share of units that reach a score is what the score says.
    for score in (0.1, 0.2):
        reached = sum(value >= score - 1e-12 for value in shown) / len(shown)
        assert reached <= 10 ** (-6 * score) + 5.0001 / len(shown)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4),
    st.floats(0.5, 20.0),
    st.floats(0.0, 1.0),
    st.floats(-5.0, 5.0),
    st.floats(1e-7, 1e9),
)
def test_the_end_of_the_tail_is_where_its_logarithm_says(
    units: int, excess: float, score: float, start: float, beyond: float
) -> None:
    fitted = dataclasses.replace(
        calibrate([]), tail_units=units, tail_excess=excess, tail_score=score, tail_start=start
    )
    c = curve(fitted)
    for combined in (c.tail_end, c.tail_end + beyond, start + (c.tail_end - start) / (1 + beyond)):
        if combined > start:
            ratio = (combined - start) / (units * excess)
            expected = min(1.0, score + units * math.log10(1 + ratio) / 6)
            assert score_of(combined, c) == pytest.approx(expected, abs=1e-8)


def test_one_odd_unit_does_not_hide_what_is_odder() -> None:
    rng = np.random.default_rng(1)
    usual = rng.normal((1, 0.5, 0.1), (0.1, 0.05, 0.02), (400, 3))
    units = [np.tile((*row, 0.0), (300, 1)) for row in (*usual, (3.0, 1.0, 0.3))]
    arrays = curve(calibrate(units))

    def score(burst: float, drift: float, repertoire: float) -> float:
        return score_of(combine(burst, drift, repertoire, 0.0, 300, 300, arrays)[0], arrays)

    assert score(8.0, 4.0, 0.5) > 0.667
    assert score(1.0, 0.5, 0.1) < 0.2


def test_a_beginning_is_held_against_beginnings() -> None:
    rng = np.random.default_rng(2)
    readings = rng.normal((2, 1, 0.2), (0.5, 0.2, 0.05), (100, 3))
    readings = np.column_stack([readings, np.zeros(100)])
    units = [np.repeat([0.3 * row, row], [50, 450], axis=0) for row in readings]
    arrays = curve(calibrate(units))
    late, _ = combine(2.0, 1.0, 0.2, 0.0, 400, 400, arrays)
    early, _ = combine(2.0, 1.0, 0.2, 0.0, 30, 30, arrays)
    assert early > late + 1
    # A later unit of a long process is judged as the last age is, whatever its own calls.
    last, _ = combine(2.0, 1.0, 0.2, 0.0, 2000, 1500, arrays)
    assert combine(2.0, 1.0, 0.2, 0.0, 2001, 1, arrays)[0] == last


def test_one_reading_far_out_says_less_than_two_that_are_a_little_out() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal((2, 1, 0.2), (0.6, 0.5, 0.06), (100, 3))
    units = [np.tile((*row, 0.0), (300, 1)) for row in rows]
    calibration = calibrate(units)
    arrays = curve(calibration)
    burst, drift, repertoire = calibration.mean[5]
    _, of_drift, of_repertoire = calibration.scale[5]

    def combined(drifts: float, repertoires: float) -> float:
        readings = (burst, drift + drifts * of_drift, repertoire + repertoires * of_repertoire, 0.0)
        return combine(*readings, 400, 400, arrays)[0]

    assert combined(6, 0) < combined(3, 3)
    assert combined(1, 0) < combined(2, 0) < combined(20, 0)


def test_a_burst_alone_raises_the_score() -> None:
    rng = np.random.default_rng(4)
    profile = learned([daemon(rng, 50_000)])
    normal = daemon(rng, 10_000)
    attacked = np.concatenate(
        [normal, calls([57, 59, 33, 41, 42, 33, 33, 59, 12, 21, 5, 10, 11, 13, 14]), normal]
    )
    threshold = profile.suggested_threshold
    assert threshold is not None
    assert Scorer(profile).feed(0, normal)["score"].max() < threshold
    scores = Scorer(profile).feed(0, attacked)["score"]
    assert scores[: len(normal)].max() < threshold < scores.max()
    assert scores[len(normal) : len(normal) + 40].max() == scores.max()


def with_novelty(values: list[float], new_pair_chance: float) -> Calibration:
    """Of as many units, alike but for their novelty."""
    rng = np.random.default_rng(6)
    rows = rng.normal((2, 1, 0.2), (0.6, 0.5, 0.06), (len(values), 3))
    units = zip(rows, values, strict=True)
    readings = [np.tile((*row, novelty), (300, 1)) for row, novelty in units]
    return calibrate(readings, None, new_pair_chance)


def test_two_new_pairs_alarm_where_they_are_not_to_be_expected() -> None:
    def score(calibration: Calibration, novelty: float) -> tuple[float, str]:
        arrays = curve(calibration)
        combined, reading = combine(2.0, 1.0, 0.2, novelty, 400, 400, arrays)
        return score_of(combined, arrays), READINGS[reading]

    settled = with_novelty([0.0] * 1000, 2.0**-19)
    assert score(settled, 0.0)[0] < 0.3
    assert score(settled, 1.0)[0] > 0.667
    assert score(settled, 1.0)[1] == "novelty"
    # The less was learned the less it says.
    scores = [score(with_novelty([0.0] * 1000, 2.0**-bits), 1.0)[0] for bits in (18, 17, 16, 15, 9)]
    assert scores[0] == score(settled, 1.0)[0]
    assert scores == sorted(scores, reverse=True)
    assert scores[-2] == scores[-1] < 0.5
    # Nor where units show as many; but one odd unit of 2,000 does not hide what is odder.
    varied = with_novelty([0.0, 1.0, 0.0, 3.0, 10.0] * 200, 2.0**-19)
    assert score(varied, 10.0) == score(varied, 0.0)
    assert score(with_novelty([0.0] * 1999 + [3.0], 2.0**-19), 1.0)[0] > 0.5


def test_new_pairs_close_together_raise_the_score() -> None:
    rng = np.random.default_rng(7)
    profile = learned([daemon(rng, 20_000, pid) for pid in range(1, 40)])
    threshold = profile.suggested_threshold
    assert threshold is not None
    before, after = daemon(rng, 5000), daemon(rng, 400)[11:]
    # A call of the daemon's own in a place where it never came, and again.
    odd = calls([232, 0, 49, 1, 3, 232, 49, 0, 1, 3])
    scores = Scorer(profile).feed(0, np.concatenate([before, odd, after]))
    assert scores["score"][: len(before)].max() < threshold < scores["score"].max()
    assert scores["novelty"][: len(before)].max() == 0
    highest = scores[scores["score"].argmax()]
    assert READINGS[highest["reading"]] == "novelty"
    # One such pair, a read that nothing woke it for, counts nothing.
    usual = [232, 0, 1, 3] * 30
    once = Scorer(profile).feed(0, calls([*usual, 0, 1, 3, *usual]))
    assert once["novelty"].max() == 0


def test_a_threshold_has_a_price() -> None:
    pace = Pace(units=1000, calls=500_000, timed_units=1000, timed_ns=86_400 * 10**9)
    assert pace.units_per_day == 1000
    threshold = pace.suggested_threshold()
    assert threshold == pytest.approx(0.5)
    assert pace.price(threshold).per_day == pytest.approx(1)
    assert pace.price(threshold).per_million_calls == pytest.approx(2)
    assert Pace(1000, 1, 10**9, 10**9).suggested_threshold() == pytest.approx(4 / 6)
    slow = Pace(20, 40_000, 20, 86_400 * 10**9, 20)
    assert slow.suggested_threshold() == pytest.approx(-math.log10(0.02) / 6)
    assert Pace(0, 0, 0, 0).price(0.5).per_day is None
    # Nobody of 1,000 above it: up to four in 1,000 cannot be ruled out.
    assert pace.price(1.0).at_most_per_day == pytest.approx(3.84, abs=0.02)
    assert pace.price(0.2).at_most_per_day == pytest.approx(63.1 + 1.92 + 15.7, abs=0.1)
    # Without a clock: one in 100 processes, however many units each has.
    assert Pace(900, 1, 0, 0, 300).suggested_threshold() == pytest.approx(-math.log10(0.01 / 3) / 6)
    assert Pace(900, 1, 0, 0, 1).suggested_threshold() == pytest.approx(-math.log10(0.002) / 6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=60), st.randoms(), st.integers(1, 4))
def test_the_sample_of_a_sum_is_that_of_the_samples(
    sizes: list[int], random: object, parts: int
) -> None:
    from imsafe.profile import units

    offered = [
        (unit_hash("t", number, 0), Unit(np.zeros(size, np.int64), 0))
        for number, size in enumerate(sizes)
    ]
    patch = pytest.MonkeyPatch()
    with patch.context() as context:
        context.setattr(units, "SAMPLE_CALLS", 3000)
        context.setattr(units, "SAMPLE_UNITS", 12)
        whole = Sample()
        for key, unit in offered:
            whole.offer(key, unit)
        whole.trim()
        random.shuffle(offered)  # type: ignore[attr-defined]
        total = Sample()
        for part in range(parts):
            sample = Sample()
            for key, unit in offered[part::parts]:
                sample.offer(key, unit)
            sample.trim()
            total.add(sample)
        total.trim()
    assert total.units.keys() == whole.units.keys()
    assert total.bound == whole.bound
    assert sum(unit.calls for unit in whole.units.values()) <= 3000
