# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals in which calls were lost: covered once, and not more of them than can be drawn."""

from __future__ import annotations


def united(gaps: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same moments as `gaps`, each covered once, in order."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(gaps):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def joined(gaps: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most `most` intervals that cover all of `gaps`: neighbours in time are joined."""
    ordered = sorted(gaps)
    size = -(-len(ordered) // most)
    return [
        (part[0][0], max(gap[1] for gap in part))
        for part in (ordered[at : at + size] for at in range(0, len(ordered), size))
    ]
