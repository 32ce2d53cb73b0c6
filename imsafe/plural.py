# SPDX-License-Identifier: GPL-3.0-or-later
"""A number with what it counts, in words: 1 call, 2,000 calls."""

from __future__ import annotations


def number_of(count: int, noun: str, plural: str = "") -> str:
    """The number, and the noun as it goes with it; `plural` where that is not noun and s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
