# SPDX-License-Identifier: GPL-3.0-or-later
"""A trace's items with those of one application only: for learning and evaluating."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.errors import ImsafeError
from imsafe.stream.items import ProcessInfo, Segment, Tagged
from imsafe.stream.routing import Routing
from imsafe.stream.traces import TraceReader


def items_of(trace: TraceReader, application: str | None = None) -> Iterator[Tagged]:
    """The items of a trace, without processes and events of other applications.

    Parameters
    ----------
    application
        Its name; None where the trace has only one.

    Raises
    ------
    ImsafeError
        There is no application of that name, or there are several and none
        was named.
    """
    routes: dict[int, Routing] = {}
    names: set[str] = set()
    for stream, item in trace:
        if isinstance(item, (Segment, ProcessInfo)):
            routing = routes.setdefault(stream, Routing())
            routing.feed(item)
            if isinstance(item, Segment):
                names.update(item.applications)
                if application is None and len(names) > 1:
                    raise ImsafeError(
                        f"{trace.name} has several applications ({', '.join(sorted(names))}):"
                        " name one with --app."
                    )
                yield stream, item
            elif _chosen(routing, np.array([item.application]), application)[0]:
                yield stream, item
        elif isinstance(item, np.ndarray):
            routing = routes.setdefault(stream, Routing())
            chosen = _chosen(routing, routing.application_of(item["pid"]), application)
            yield stream, item if chosen.all() else item[chosen]
        else:
            yield stream, item
    if application is not None and application not in names:
        known = ", ".join(sorted(names)) or "none"
        raise ImsafeError(
            f"{trace.name} has no application {application!r}; those it has: {known}."
        )


def _chosen(
    routing: Routing, numbers: NDArray[np.integer[Any]], application: str | None
) -> NDArray[np.bool_]:
    """Which of these numbers are of the application."""
    if application is None:
        return numbers > 0
    wanted = [n for n, name in enumerate(routing.names, 1) if name == application]
    return np.isin(numbers, wanted)
