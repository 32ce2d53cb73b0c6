# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches of events are joined and chosen from as numpy does it, octet by octet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imsafe.events import EVENT, Events, chosen, joined

batches = st.integers(0, 40).flatmap(
    lambda size: arrays(np.uint8, size * EVENT.itemsize).map(lambda octets: octets.view(EVENT))
)


@given(st.lists(batches, min_size=1, max_size=5), st.integers(1, 3))
def test_joined_is_concatenate(parts: list[Events], step: int) -> None:
    parts = [part[::step] for part in parts]
    whole = joined(parts)
    assert whole.dtype == EVENT
    assert whole.tobytes() == np.concatenate(parts).tobytes()


def test_one_batch_is_itself_and_none_is_an_error() -> None:
    batch = np.zeros(3, EVENT)
    assert joined([batch]) is batch
    with pytest.raises(ValueError, match="at least one"):
        joined([])


@given(batches, st.data())
def test_chosen_is_a_copy_of_what_numpy_chooses(events: Events, data: st.DataObject) -> None:
    size = len(events)
    rows = data.draw(
        st.one_of(
            st.slices(size),
            arrays(np.bool_, size),
            arrays(np.intp, st.integers(0, 9), elements=st.integers(0, size - 1))
            if size
            else st.just(np.empty(0, np.intp)),
        )
    )
    found = chosen(events, rows)
    assert found.dtype == EVENT
    assert found.tobytes() == events[rows].tobytes()
    assert not np.shares_memory(found, events)
