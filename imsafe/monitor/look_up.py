# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for the calls of a moment: in memory, then in black boxes, then in recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imsafe.errors import ImsafeError
from imsafe.events import Events
from imsafe.monitor.black_box import LARGEST_TAIL
from imsafe.monitor.calls_around import Kept, Moment, around
from imsafe.monitor.history import LARGEST
from imsafe.monitor.view_protocol import CallsAround
from imsafe.stream.items import Lost, ProcessInfo, Segment
from imsafe.stream.traces import TraceReader

if TYPE_CHECKING:
    from imsafe.monitor.monitor import Monitor

MOST_BOXES_READ = 3
"""Black boxes that may be read to answer one question."""

_LARGEST_BOX = 64 * (LARGEST + LARGEST_TAIL)
"""Bytes; what is larger was not written by a monitor."""


def look_up(monitor: Monitor, application: str, moment: Moment) -> CallsAround:
    """The calls around a moment.

    Raises
    ------
    ImsafeError
        They are kept nowhere any more, with what can be done; or that cannot be found out.
    """
    found = monitor.engine.calls_around(application, moment)
    if found is not None:
        return found
    return (
        _in_boxes(monitor, application, moment)
        or _in_recordings(monitor, application, moment)
        or _gone(monitor)
    )


def _gone(monitor: Monitor) -> CallsAround:
    hint = (
        "" if monitor.recorder is not None
        else " Record what is watched (Monitor > Configure) to be able to look back at everything."
    )  # fmt: skip
    raise ImsafeError(
        "These calls are kept no longer: not in memory, in a black box or in a recording." + hint
    )


def _in_boxes(monitor: Monitor, application: str, moment: Moment) -> CallsAround | None:
    """Among the calls of alerts of the same process, the nearest first."""
    alerts = [
        alert for alert in monitor.engine.alerts
        if alert["pid"] == moment.pid and alert["box"] is not None
    ]  # fmt: skip
    alerts.sort(key=lambda alert: abs(alert["time"] - moment.time_ns / 1e9))
    for alert in alerts[:MOST_BOXES_READ]:
        assert alert["box"] is not None
        try:
            if Path(alert["box"]).stat().st_size > _LARGEST_BOX:
                continue
            found = _in_box(monitor, application, moment, alert["box"])
        except (ImsafeError, OSError):
            continue  # it gave way to later ones; the recording may have it
        if found is not None:
            return found
    return None


def _in_box(monitor: Monitor, application: str, moment: Moment, path: str) -> CallsAround | None:
    items: list[Events | Lost] = []
    process = ProcessInfo(0, moment.pid, 0, "", "", 1)
    offset, state = 0, {}
    reader = TraceReader(path, "imsafe")
    try:
        for _, item in reader:
            if isinstance(item, Segment):
                offset = item.wall_offset_ns
                state = item.meta.get("state", {}).get("scorer", {})
            elif isinstance(item, ProcessInfo):
                process = item
            elif isinstance(item, Lost | np.ndarray):
                items.append(item)
    finally:
        reader.close()
    parts = monitor.engine.scored(application, items, moment.pid, state)
    profile = monitor.engine.named(application).profile
    found = around(Kept(parts, process, offset), moment, profile)
    return None if found is None else {**found, "kept": "black box"}


def _in_recordings(monitor: Monitor, application: str, moment: Moment) -> CallsAround | None:
    if monitor.recorder is not None:
        monitor.recorder.flush()
    for index in reversed(monitor.recordings):
        recorded = index.find(moment.pid, moment.time_ns)
        if recorded is None:
            continue
        items, process, offset = recorded
        parts = monitor.engine.scored(application, items, moment.pid, {})
        process = process or ProcessInfo(0, moment.pid, 0, "", "", 1)
        profile = monitor.engine.named(application).profile
        found = around(Kept(parts, process, offset), moment, profile)
        if found is not None:
            return {**found, "kept": "recording"}
    return None
