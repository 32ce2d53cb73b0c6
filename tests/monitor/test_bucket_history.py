# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest

from imsafe.monitor.bucket_history import BucketHistory, coarser
from imsafe.monitor.view_protocol import BUCKET, BUCKET_NS


def random_buckets(count: int, seed: int, *, threads: int, start: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    buckets = np.zeros(count, BUCKET)
    buckets["time_ns"] = (start + np.arange(count) // 4) * BUCKET_NS
    buckets["pid"] = buckets["tid"] = random.integers(0, threads, count)
    buckets["calls"] = random.integers(1, 100, count)
    buckets["maximum"] = random.random(count)
    buckets["minimum"] = buckets["maximum"] * random.random(count)
    buckets["mean"] = (buckets["maximum"] + buckets["minimum"]) / 2
    buckets["symbol"] = random.integers(0, 300, count)
    return buckets


@pytest.mark.parametrize("threads", [1, 3, 10**9])
def test_coarser_keeps_extremes_and_sums(threads: int) -> None:
    fine = random_buckets(4000, 1, threads=threads)
    joined = coarser(fine, 10 * BUCKET_NS)
    assert len(joined) <= len(fine) / 2
    assert joined["calls"].sum() == fine["calls"].sum()
    assert joined["maximum"].max() == fine["maximum"].max()
    assert joined["minimum"].min() == fine["minimum"].min()
    assert (np.diff(joined["time_ns"]) >= 0).all()
    # The mean is weighed by calls, and the call is that of the highest bucket.
    total = (fine["mean"].astype(float) * fine["calls"]).sum()
    assert (joined["mean"].astype(float) * joined["calls"]).sum() == pytest.approx(total, rel=1e-4)
    highest = fine[fine["maximum"].argmax()]
    assert highest["symbol"] in joined["symbol"][joined["maximum"] == highest["maximum"]]


@pytest.mark.parametrize("threads", [1, 3, 10**9])
def test_the_history_is_bounded_and_keeps_the_peak(threads: int) -> None:
    history = BucketHistory(limit=2000)
    calls = 0
    for turn in range(100):
        buckets = random_buckets(400, turn, threads=threads, start=turn * 100)
        buckets["maximum"] *= 0.5
        if turn == 3:
            buckets["maximum"][7] = 0.99
        calls += int(buckets["calls"].sum())
        history.add(buckets)
        assert len(history) <= 2000
    every = history.all()
    assert len(every) == len(history)
    assert (np.diff(every["time_ns"]) >= 0).all()
    assert every["maximum"].max() == np.float32(0.99)
    assert every["calls"].sum() == calls
