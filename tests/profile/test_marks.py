# SPDX-License-Identifier: GPL-3.0-or-later
"""What was marked as normal alerts no more; taking the mark back restores everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imsafe.errors import ProfileError
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from tests.profile.making import calls, daemon, learn_trace, learned, nodes_of


@pytest.fixture
def profile() -> Profile:
    rng = np.random.default_rng(6)
    return learned([daemon(rng, 50_000)])


ODD = [57, 59, 33, 41, 42, 33, 33, 59, 12, 21, 5, 10, 11, 13, 14] * 2


def test_a_marked_process_alerts_no_more(profile: Profile) -> None:
    rng = np.random.default_rng(7)
    threshold = profile.suggested_threshold
    assert threshold is not None
    events = np.concatenate([daemon(rng, 700), calls(ODD), daemon(rng, 700)])
    assert Scorer(profile).feed(0, events)["score"].max() >= threshold
    profile.mark_normal([events], "the nightly backup")
    assert Scorer(profile).feed(0, events)["score"].max() < threshold


def test_a_stretch_marked_with_its_state_alerts_no_more(profile: Profile) -> None:
    rng = np.random.default_rng(8)
    threshold = profile.suggested_threshold
    assert threshold is not None
    before, stretch = daemon(rng, 5500), np.concatenate([calls(ODD), daemon(rng, 300)])
    scorer = Scorer(profile)
    scorer.feed(0, before)
    state = scorer.snapshot(0, 1)
    assert scorer.feed(0, stretch)["score"].max() >= threshold
    profile.mark_normal([(state, stretch)])
    scorer.adopt(profile)
    again = Scorer(profile)
    again.feed(0, before)
    assert again.feed(0, stretch)["score"].max() < threshold


def test_what_no_weight_helps_counts_once(profile: Profile) -> None:
    profile.mark_normal([calls(ODD)], threshold=0.0)
    assert [mark.weight for mark in profile.marks] == [1]
    assert profile.knows([1 << 16 | number for number in (57, 59, 33)])


def test_rare_but_often_repeated_contexts_need_weight(profile: Profile) -> None:
    # Each of these calls leaves a context that was followed by other things
    # thousands of times: counted once, they would surprise again.
    numbers = [232, 0, 2, 232, 0, 5, 232, 0, 9, 232, 0, 11] * 8
    threshold = profile.suggested_threshold
    assert threshold is not None
    assert Scorer(profile).feed(0, calls(numbers))["score"].max() >= threshold
    profile.mark_normal([calls(numbers)])
    assert Scorer(profile).feed(0, calls(numbers))["score"].max() < threshold


def test_undo_restores_counts_sets_and_scores(profile: Profile, tmp_path: Path) -> None:
    before = nodes_of(profile)
    sets = dict(profile.sets)
    scores = Scorer(profile).feed(0, calls(ODD * 5))
    first = profile.mark_normal([calls(ODD * 5)], "first")
    second = profile.mark_normal([calls(ODD[:10])], "second")
    assert [mark.note for mark in profile.marks] == ["first", "second"]
    profile.save(tmp_path / "a.db")
    profile = Profile.load(tmp_path / "a.db")
    profile.undo_normal(first)
    profile.undo_normal(second)
    assert nodes_of(profile) == before
    assert dict(profile.sets) == sets
    assert np.array_equal(Scorer(profile).feed(0, calls(ODD * 5)), scores)
    with pytest.raises(ProfileError, match="no mark"):
        profile.undo_normal(first)


def test_marks_survive_learning_and_stay_out_of_calibration(profile: Profile) -> None:
    events = calls(ODD * 5)
    profile.mark_normal([events], "mine")
    rng = np.random.default_rng(9)
    more = daemon(rng, 3000, 2)
    marked, plain = Learner.from_profile(profile), Learner.from_profile(profile)
    plain._before = Learner(8)._before
    for learner in (marked, plain):
        learn_trace(learner, more, "more")
    assert marked.finish().marks == profile.marks
    assert marked.finish().calibration == plain.finish().calibration
    threshold = profile.suggested_threshold
    assert threshold is not None
    assert Scorer(marked.finish()).feed(0, events)["score"].max() < threshold


@pytest.mark.parametrize("what", ["sequences", "records"])
def test_more_than_a_profile_can_hold_is_refused(
    profile: Profile, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "records":
        for reader in ("knowledge", "database_rows"):
            monkeypatch.setattr(f"imsafe.profile.{reader}.MOST_MARKED_RECORDS", 4096 * 2)
    short, rest = [calls(ODD[:2])] * 4000, [calls(ODD[:2])] * 96
    profile.mark_normal(short, "most of it", threshold=1.0)
    more = [*rest, calls(ODD[:2])] if what == "sequences" else [*rest[1:], calls(ODD[:3])]
    with pytest.raises(ProfileError, match="learn the black boxes of the alerts instead"):
        profile.mark_normal(more, "too much", threshold=1.0)
    assert [mark.note for mark in profile.marks] == ["most of it"]
    profile.mark_normal(rest, "the rest", threshold=1.0)
    profile.save(tmp_path / "a.db")
    assert len(Profile.load(tmp_path / "a.db").marks) == 2
