# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of threads above the threshold at once: each batch costs what it concerns."""

from __future__ import annotations

import numpy as np

from imsafe.monitor.crossings import QUIET_NS, Batch, Crossings, What, thread_keys

COUNT = 1_009
NONE = np.empty(0, np.intp)


def batch(time_ns, pids, scores, exits=NONE):
    pids = np.asarray(pids, np.uint32)
    times = np.full(len(pids), time_ns, np.int64)
    thresholds = np.full(len(pids), 0.6)
    return Batch(times, thread_keys(pids, pids), np.asarray(scores, float), thresholds, exits)


def test_a_batch_looks_only_at_the_threads_that_it_concerns(monkeypatch):
    crossings = Crossings()
    everyone = np.arange(1, COUNT + 1)
    assert len(crossings.add(batch(0, everyone, np.full(COUNT, 0.9)))) == COUNT

    looked_at = []
    follow = Crossings._thread
    monkeypatch.setattr(
        Crossings, "_thread", lambda *about: (looked_at.append(about[2]), follow(*about))
    )
    (higher,) = crossings.add(batch(1, [5, 7], [0.95, 0.1]))
    assert (higher.what, higher.crossing.pid) == (What.TELLING, 5)
    assert [key >> 32 for key in looked_at] == [5]
    assert len(crossings.open) == COUNT

    # One ends without a call that is above; the others are quiet for long enough, one by one.
    (closed,) = crossings.add(batch(2, [9], [-1.0], np.array([0])))
    assert (closed.what, closed.crossing.pid) == (What.CLOSED, 9)
    over = crossings.add(batch(QUIET_NS, [7], [0.1]))
    assert sorted(change.crossing.pid for change in over) == [
        pid for pid in range(1, COUNT + 1) if pid not in (5, 9)
    ]
    (last,) = crossings.add(batch(QUIET_NS + 1, [7], [0.1]))
    assert (last.crossing.pid, last.crossing.closed_ns) == (5, QUIET_NS + 1)
    assert crossings.open == {}
