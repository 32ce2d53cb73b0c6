# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the number crunching compiled before anybody waits for it.

The first use on a machine takes about ten seconds, later ones take the machine
code from the cache.  A monitor that compiled at its first alert would answer
nobody meanwhile.
"""

from __future__ import annotations

import numpy as np

from imsafe.events import EVENT, Abi, Kind
from imsafe.profile.coverage import Covering
from imsafe.profile.learner import Learner
from imsafe.profile.scorer import Scorer

_CALLS = 64


def warm_up() -> None:
    """Learn, score, mark and take back something tiny: every kernel runs once."""
    events = np.zeros(_CALLS, EVENT)
    events["time_ns"] = np.arange(_CALLS)
    events["pid"], events["tid"] = 1, np.arange(_CALLS) % 2 + 1
    events["syscall"], events["abi"] = np.arange(_CALLS) % 5, Abi.X86_64
    events["kind"][-1] = Kind.EXIT
    learner = Learner(2)
    learner.begin_trace("warm-up", "warm-up", {})
    learner.feed(0, events)
    learner.lost(0, 1)
    learner.end_trace()
    assert learner.saturation.sequences
    profile = learner.finish()
    scorer = Scorer(profile)
    scorer.begin_stream(0)
    scorer.feed(0, events[:-1])
    scorer.lost(0)
    scorer.restore(1, 1, scorer.snapshot(0, 1))
    profile.undo_normal(profile.mark_normal([events], "warm-up"))
    scorer.adopt(profile)
    scorer.end_stream(0)
    covering = Covering(profile.tree, scorer.automaton, profile.saturation)
    covering.feed(0, events)
    covering.end_stream(0)


if __name__ == "__main__":
    warm_up()
