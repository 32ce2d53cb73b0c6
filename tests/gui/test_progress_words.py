# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of work that goes on."""

from __future__ import annotations

import pytest

from imsafe.gui.progress_words import Rate, duration, saturation_words, time_left


def test_rate_is_that_of_the_last_seconds():
    now = 0.0
    rate = Rate(lambda: now)
    assert rate(0) == 0
    for _ in range(20):
        now += 1.0
        slow = rate(10 * now)
    assert slow == pytest.approx(10)
    for step in range(10):
        now += 1.0
        fast = rate(200 + 100 * (step + 1))
    assert fast == pytest.approx(100)


def test_time_left():
    assert time_left(0.5, 1.0) is None
    assert time_left(0.25, 10.0) == pytest.approx(30.0)


@pytest.mark.parametrize(
    ("report", "words", "enough"),
    [
        ({}, "", False),
        ({"learned": "x"}, "", False),
        ({"learned": 0.5}, "", False),
        (
            {"learned": 0.9996, "learned_enough": True, "new_per_1000": 0.4},
            "Learned: 99.9 % of what is to be expected (0.4 new sequences in 1,000 calls)",
            True,
        ),
        (
            {"learned": 0.5, "learned_enough": False, "new_per_1000": 500.0},
            "Keep recording: 50.0 % of what is to be expected is learned",
            False,
        ),
    ],
)
def test_saturation(report, words, enough):
    said, is_enough = saturation_words(report)
    assert said.startswith(words)
    assert bool(said) == bool(words)
    assert is_enough == enough


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0312, "31 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.1 s"),
        (3.04, "3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (5399, "90 min"),
        (5400, "2 h"),
        (86_400, "24 h"),
        (3 * 86_400, "3 d"),
    ],
)
def test_stretches_of_time_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
