# SPDX-License-Identifier: GPL-3.0-or-later
"""Two trees side by side are what two dictionaries say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.events import Events
from imsafe.profile.comparison import ENOUGH_SEEN, compare
from tests.profile.making import any_events, calls, learned, nodes_of


@settings(max_examples=15, deadline=None)
@given(
    st.lists(any_events(40), max_size=2),
    st.lists(any_events(40), max_size=2),
    st.integers(2, 5),
    st.integers(2, 5),
)
def test_every_sequence_has_both_counts(
    one: list[Events], other: list[Events], depth: int, other_depth: int
) -> None:
    here, there = learned(one, depth), learned(other, other_depth)
    both = compare(here.tree, there.tree)
    longest = min(depth, other_depth)
    counts = [
        {path: count for path, (count, _) in nodes_of(side).items() if 0 < len(path) <= longest}
        for side in (here, there)
    ]
    found = {tuple(both.tree.sequence(node)): node for node in range(1, len(both.tree))}
    assert set(found) == set(counts[0]) | set(counts[1])
    for path, node in found.items():
        assert both.here[node] == counts[0].get(path, 0)
        assert both.there[node] == counts[1].get(path, 0)
    assert (both.here[0], both.there[0]) == (here.calls, there.calls)
    chosen = both.with_ancestors(both.only_there)
    new = [path for path in found if path not in counts[0]]
    begun = {path[:length] for path in new for length in range(1, len(path) + 1)}
    assert {path for path, node in found.items() if chosen[node]} == begun


def test_changed_is_twice_as_often_and_not_by_chance() -> None:
    often, rare = ENOUGH_SEEN * 2, 2
    here = learned([calls([1] * often + [2] * often + [3] * rare + [4])], 2)
    there = learned([calls([1] * (often * 4) + [2] * often + [3] * (rare * 2) + [4])], 2)
    both = compare(here.tree, there.tree)
    changed = {
        both.tree.sequence(node)[0] & 0xFFFF
        for node in np.flatnonzero(both.changed)
        if both.tree.node_depth[node] == 1
    }
    # 1: 47 % here, 76 % there; 2: 47 % and 19 %.
    assert changed == {2}
