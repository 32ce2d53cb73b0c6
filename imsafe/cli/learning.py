# SPDX-License-Identifier: GPL-3.0-or-later
"""Feeds traces to a learner: what `ims-learn` does itself, and what its helpers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from imsafe.cli.trace_events import items_of
from imsafe.stream.items import Closed, Lost, ProcessInfo, Segment
from imsafe.stream.traces import TraceReader

if TYPE_CHECKING:
    from imsafe.profile.learner import Learner


def learn_trace(
    learner: Learner, trace: TraceReader, application: str | None, go_on: Callable[[], bool]
) -> bool:
    """Feed a trace that has begun to a learner; False when it was stopped, and is forgotten.

    Parameters
    ----------
    application
        The only one that is learned; None where the trace has one.
    go_on
        Asked between batches.
    """
    for stream, item in items_of(trace, application):
        if not go_on():
            learner.abort_trace()
            return False
        if isinstance(item, Segment):
            learner.begin_segment(stream, _chosen(item.meta, application))
        elif isinstance(item, Lost):
            learner.lost(stream, item.count)
        elif isinstance(item, Closed):
            learner.end_stream(stream)
        elif isinstance(item, ProcessInfo):
            learner.runs(item.comm, item.exe)
        elif isinstance(item, np.ndarray):
            learner.feed(stream, item)
    learner.end_trace()
    return True


def _chosen(meta: dict[str, Any], application: str | None) -> dict[str, Any]:
    """A header without the applications that are not learned."""
    if application is None:
        return meta
    chosen = [
        entry for entry in meta.get("applications", []) if str(entry.get("name")) == application
    ]
    return {**meta, "applications": chosen}
