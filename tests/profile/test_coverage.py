# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of what is watched a profile knows is counted, and said when it is far too little."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.events import Events
from imsafe.profile.coverage import Coverage, Covering
from imsafe.profile.profile import Profile
from imsafe.profile.saturation import Saturation
from imsafe.profile.scorer import Scorer
from tests.profile.making import any_events, calls, daemon, learned
from tests.profile.reference import Follower

LEARNED = Saturation(8, 100_000, 300, 100)
"""0.3 % are to be expected, 0.5 % at most."""


def covering_of(profile: Profile) -> Covering:
    return Covering(profile.tree, Scorer(profile).automaton, profile.saturation)


@settings(deadline=None, max_examples=25)
@given(known=any_events(), watched=any_events(), depth=st.integers(1, 5), chunk=st.integers(1, 50))
def test_sequences_that_were_never_learned_are_counted(
    known: Events, watched: Events, depth: int, chunk: int
) -> None:
    learned_by = [(*c.context, c.symbol) for c in Follower(depth).calls(0, known)]
    came = [(*c.context, c.symbol) for c in Follower(depth).calls(0, watched)]
    whole = [sequence for sequence in came if len(sequence) == depth]
    covering = covering_of(learned([known], depth=depth))
    for start in range(0, len(watched), chunk):
        covering.feed(7, watched[start : start + chunk])
    assert covering.counted.sequences == len(whole)
    assert covering.counted.unseen == sum(sequence not in learned_by for sequence in whole)


def test_no_sequence_goes_across_a_loss_or_from_stream_to_stream() -> None:
    covering = covering_of(learned([calls([1, 2, 3, 4])], depth=3))
    covering.feed(0, calls([1, 2]))
    covering.lost(0)
    covering.feed(0, calls([3]))
    covering.feed(1, calls([4, 1]))
    covering.end_stream(0)
    covering.feed(0, calls([1, 2]))
    assert covering.counted.sequences == 0
    covering.feed(0, calls([3, 9]))
    assert (covering.counted.sequences, covering.counted.unseen) == (2, 1)


def test_more_of_the_same_is_covered_and_other_work_is_not() -> None:
    rng = np.random.default_rng(5)
    covering = covering_of(learned([daemon(rng, 40_000)], depth=6))
    covering.feed(0, daemon(rng, 20_000))
    assert not covering.counted.is_far_below
    assert "record it, too" not in str(covering.counted)
    covering.restart()
    assert covering.counted.sequences == 0
    covering.feed(1, calls(rng.integers(0, 30, 2000).tolist(), pid=99))
    assert covering.counted.share > 0.9
    assert str(covering.counted).endswith(
        "were to be expected: if that was normal work, record it, too"
    )


def test_what_is_said() -> None:
    assert str(Coverage(100_000, 3100, LEARNED)) == (
        "3.1 % of the calls came in sequences of 8 that were never learned; after learning 0.3 %"
        " were to be expected: if that was normal work, record it, too"
    )
    assert str(Coverage(100_000, 410, LEARNED)) == (
        "0.41 % of the calls came in sequences of 8 that were never learned; after learning 0.3 %"
        " were to be expected"
    )
    # A few odd calls, each in eight sequences, are no other kind of work.
    assert not Coverage(200, 16, LEARNED).is_far_below
