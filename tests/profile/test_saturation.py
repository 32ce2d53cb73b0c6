# SPDX-License-Identifier: GPL-3.0-or-later
"""A profile says how much of what is to be expected it has learned."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from imsafe.profile.glance import glance
from imsafe.profile.learner import Learner
from imsafe.profile.saturation import Saturation, as_saturation, new_pair_chance, saturation
from tests.profile.making import calls, daemon, learn_trace, learned


def test_sequences_of_full_length_are_counted() -> None:
    numbers = [1, 2, 3, 1, 2, 3, 1, 2, 4, 4, 4, 4, 4]
    profile = learned([calls(numbers)], depth=3)
    seen = Counter(tuple(numbers[at : at + 3]) for at in range(len(numbers) - 2))
    found = profile.saturation
    assert found.sequences == len(numbers) - 2
    assert found.once == sum(count == 1 for count in seen.values())
    assert found.twice == sum(count == 2 for count in seen.values())
    assert found.unseen == found.once / found.sequences


def test_what_is_unseen_is_foretold() -> None:
    rng = np.random.default_rng(1)
    for length in (300, 3000, 30_000):
        whole = daemon(rng, length + 20_000)["syscall"].tolist()
        known = {tuple(whole[at : at + 8]) for at in range(length - 7)}
        later = [tuple(whole[at : at + 8]) for at in range(length, len(whole) - 7)]
        new = np.mean([sequence not in known for sequence in later])
        found = learned([calls(whole[:length])], depth=8).saturation
        assert found.unseen_at_most >= new
        assert found.unseen <= new + 0.05


def test_the_chance_of_a_new_pair_is_that_of_one_seen_once() -> None:
    numbers = [1, 2, 3, 1, 2, 3, 1, 2, 4, 4, 4, 4, 4]
    pairs = Counter(itertools.pairwise(numbers))
    once = sum(count == 1 for count in pairs.values())
    for depth in (2, 3, 5):
        tree = learned([calls(numbers)], depth=depth).tree
        assert new_pair_chance(tree) == (once + 1) / (len(numbers) - 1 + 1)
    # Of nothing, or of calls without any before them, nothing is known.
    assert new_pair_chance(learned([], depth=3).tree) == 1.0
    assert new_pair_chance(learned([calls(numbers)], depth=1).tree) == 1.0


def test_recording_goes_on_until_enough_is_known() -> None:
    rng = np.random.default_rng(2)
    learner = Learner(6)
    assert str(learner.saturation).startswith("keep recording: 0.0 %")
    learn_trace(learner, daemon(rng, 200), "first")
    assert not learner.saturation.is_enough
    assert "keep recording" in str(learner.saturation)
    learn_trace(learner, daemon(rng, 50_000), "second")
    assert learner.saturation.is_enough
    assert str(learner.saturation).startswith("learned: 99.9 % of what is to be expected")
    assert learner.saturation == learner.finish().saturation


def test_a_share_is_never_rounded_up() -> None:
    assert "100.0 %" not in str(Saturation(8, 1_000_000, 1, 0))
    assert "learned: 99.9 %" in str(Saturation(8, 1_000_000, 1, 0))
    # A few calls cannot tell, even if nothing was seen once only.
    assert not Saturation(8, 100, 0, 0).is_enough


def test_the_window_reads_it_without_the_number_crunching(tmp_path: Path) -> None:
    profile = learned([daemon(np.random.default_rng(3), 5000)], depth=5)
    profile.save(tmp_path / "a.db")
    assert glance(tmp_path / "a.db").saturation == profile.saturation
    assert saturation(profile.tree) == profile.saturation


@pytest.mark.parametrize(
    "stored", [None, [], {}, {"length": 8, "sequences": -1, "once": 0, "twice": 0},
               {"length": 8, "sequences": 1, "once": 2, "twice": 0},
               {"length": 8, "sequences": 1.5, "once": 0, "twice": 0}]
)  # fmt: skip
def test_a_damaged_one_is_none(stored: object) -> None:
    assert as_saturation(stored) is None
