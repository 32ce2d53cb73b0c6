# SPDX-License-Identifier: GPL-3.0-or-later
"""The plot's history: bounded memory, and no spike is ever lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.gui.gaps import joined, united
from imsafe.gui.plot_items import count_text, elapsed, rarity, runs
from imsafe.gui.score_history import BIN, Band, LiveHistory
from imsafe.monitor.view_protocol import BUCKET, BUCKET_NS


def buckets(numbers, scores, *, application=1, tid=7, calls=3):
    made = np.zeros(len(numbers), BUCKET)
    made["time_ns"] = np.array(numbers, np.int64) * BUCKET_NS
    made["application"] = application
    made["tid"] = tid
    made["pid"] = 5
    made["calls"] = calls
    made["minimum"] = np.array(scores) / 2
    made["maximum"] = scores
    made["symbol"] = np.array(numbers) % 4096
    return made


def test_two_threads_in_one_bucket_are_one_bin_with_the_higher_one_named():
    history = LiveHistory()
    history.add(np.concatenate((buckets([10], [0.2], tid=1), buckets([10], [0.7], tid=2))))
    history.add(buckets([10], [0.4], tid=3))
    band = history.band(1, 0.0, 10.0, 1000)
    assert len(band) == 1
    assert band.bins["tid"][0] == 2
    assert band.maximum[0] == np.float32(0.7)
    assert band.minimum[0] == np.float32(0.7)  # the line's, whatever other threads did
    assert band.bins["calls"][0] == 9
    assert band.start[0] == 1.0


def test_a_spike_survives_every_zoom_and_long_history():
    history = LiveHistory(lengths=(1000, 800, 500, 500))
    numbers = np.arange(200_000)  # 5.5 hours in a ring that holds 100 s at full width
    scores = np.full(len(numbers), 0.1)
    scores[5_000] = 0.9
    for part in np.array_split(np.arange(len(numbers)), 50):
        history.add(buckets(numbers[part], scores[part]))
    for start, end, most in ((0, 20_000, 500), (400, 600, 700), (0, 20_000, 50)):
        band = history.band(1, start, end, most)
        assert len(band) <= most + 1
        assert band.maximum.max() == np.float32(0.9)
        top = band.maximum.argmax()
        assert band.start[top] <= 500.0 < band.start[top] + band.width
        assert band.bins["time"][top] == 500.0  # when exactly, however wide the bin
        assert band.bins["symbol"][top] == 5_000 % 4096


def test_more_applications_share_the_room():
    history = LiveHistory(lengths=(60_000, 60_000))
    numbers = np.arange(50_000)
    scores = np.full(len(numbers), 0.2)
    scores[3] = 0.8
    for application in (1, 2, 3):
        history.add(buckets(numbers, scores, application=application))
    kept = [ring.bins.nbytes for p in history._pyramids.values() for ring in p._rings]
    assert sum(kept) <= 2 * 60_000 * BIN.itemsize
    assert history.applications() == [1, 2, 3]
    for application in (1, 2, 3):
        whole = history.band(application, 0, 5000, 400)
        assert (whole.bins["calls"].sum(), whole.maximum.max()) == (150_000, np.float32(0.8))


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1, width=32)), max_size=40),
        min_size=1, max_size=8,
    ),
    st.sampled_from([50, 400, 4000]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_width_is_what_the_line_itself_gives(parts, length):
    history = LiveHistory(lengths=(length, 4000, 4000))
    line = {}
    for part in parts:
        history.add(buckets([row[0] for row in part], [row[1] for row in part]))
        for number, score in part:
            line[number] = max(score, line.get(number, 0.0))
    for most in (3000, 100, 7):
        band = history.band(1, 0, 301, most)
        if length < 4000 and band.width == pytest.approx(0.1):
            continue  # it has dropped nothing, or a wider one would have been taken
        factor = round(band.width * 10)
        expected = {}
        for number, score in line.items():
            low, high = expected.get(number // factor, (1.0, 0.0))
            expected[number // factor] = min(low, score), max(high, score)
        found = zip(
            np.rint(band.start / band.width).astype(int).tolist(),
            zip(band.minimum.tolist(), band.maximum.tolist(), strict=True),
            strict=True,
        )
        if length == 4000:
            assert dict(found) == expected
        else:  # what came late to a bin whose parts are gone can only widen it
            for number, (low, high) in found:
                assert high == expected[number][1]
                assert low <= expected[number][0]


def test_what_arrives_late_is_merged():
    history = LiveHistory()
    history.add(buckets([100, 101], [0.1, 0.1]))
    history.add(buckets([50, 100], [0.5, 0.6], application=1, tid=9))
    band = history.band(1, 0, 20, 1000)
    assert band.bins["number"].tolist() == [50, 100, 101]
    assert band.maximum.tolist() == [np.float32(0.5), np.float32(0.6), np.float32(0.1)]


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1, width=32)), min_size=1, max_size=200),
    st.integers(1, 7),
)
@settings(max_examples=60, deadline=None)
def test_the_maximum_and_the_calls_are_those_of_all_buckets_in_view(rows, parts):
    history = LiveHistory()
    made = buckets([row[0] for row in rows], [row[1] for row in rows])
    for part in np.array_split(np.arange(len(made)), parts):
        history.add(made[part])
    band = history.band(1, 0, 400, 10_000)
    assert band.maximum.max() == made["maximum"].max()
    assert band.bins["calls"].sum() == made["calls"].sum()
    assert (np.diff(band.start) > 0).all()


def test_an_unknown_application_and_an_empty_history_show_nothing():
    history = LiveHistory()
    assert history.span() is None
    assert len(history.band(3, 0, 1, 100)) == 0
    history.add(np.zeros(0, BUCKET))
    assert history.span() is None


def test_a_pause_breaks_the_line():
    bins = np.zeros(4, BIN)
    band = Band(np.array([0.0, 0.1, 20.0, 20.1]), 0.1, bins)
    assert runs(band).tolist() == [0, 2]


def test_gaps_are_joined_but_stay_covered():
    gaps = [(float(i), i + 0.5) for i in range(101)]
    short = joined(gaps, 10)
    assert len(short) <= 10
    for start, end in gaps:
        assert any(low <= start and end <= high for low, high in short)


def test_overlapping_gaps_are_shaded_once():
    assert united([(5, 6), (1, 3), (2, 4), (4, 4.5)]) == [(1, 4.5), (5, 6)]
    assert united([]) == []


def test_numbers_for_people():
    assert rarity(0.5) == "1 in 1,000"
    assert rarity(0.667) == "1 in 10,000"
    assert rarity(0.0) == "1 in 1"
    assert count_text(950) == "950"
    assert count_text(12_300) == "12.3 k"
    assert count_text(4_560_000) == "4.56 M"
    assert elapsed(75) == "1:15"
    assert elapsed(3661) == "1:01:01"
    assert elapsed(0.5) == "0:00.5"
