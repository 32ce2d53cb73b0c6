# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads profiles and thresholds again while the monitor goes on; what fails leaves all as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imsafe.errors import ImsafeError
from imsafe.monitor.options import Wanted

if TYPE_CHECKING:
    from imsafe.monitor.monitor import Monitor
    from imsafe.monitor.watched import Watched


def reload_all(
    monitor: Monitor, reread: Callable[[], tuple[list[Wanted], list[str]]] | None
) -> None:
    """Take in the configuration as it is now, or else the profiles; all is said.

    What the sources send meanwhile waits for the monitor in their sockets and buffers.
    """
    applications = {watched.name: watched for watched in monitor.engine.applications.values()}
    if reread is None:
        for watched in applications.values():
            _reload(monitor, watched, Wanted(watched.name, watched.path, None), adopt=False)
        return
    try:
        wanted, texts = reread()
    except ImsafeError as error:
        monitor.say(f"{error} The configuration in use stays.")
        return
    for text in texts:
        monitor.say(text)
    if len(wanted) == 1 and not wanted[0].name and len(applications) == 1:
        wanted = [Wanted(next(iter(applications)), wanted[0].profile, wanted[0].threshold)]
    if {one.name for one in wanted} != applications.keys():
        monitor.say("Which applications are watched has changed; that holds from the next start.")
    for one in wanted:
        if one.name in applications:
            _reload(monitor, applications[one.name], one, adopt=True)


def _reload(monitor: Monitor, watched: Watched, wanted: Wanted, *, adopt: bool) -> None:
    """Read one profile; with `adopt` its threshold is the wanted one from now on."""
    before = watched.threshold, watched.follows_suggestion
    if adopt:
        watched.follows_suggestion = wanted.threshold is None
    try:
        monitor.reload_profile(watched, wanted.profile)
    except ImsafeError as error:
        watched.follows_suggestion = before[1]
        monitor.say(f"{error} The profile in use stays.")
        return
    if adopt and wanted.threshold is not None:
        watched.threshold = wanted.threshold
    elif watched.threshold is None and before[0] is not None:
        # Watching must not stop because a shorter profile suggests nothing.
        watched.threshold = before[0]
        monitor.say(f"{watched.path}: {watched.profile.why_no_threshold}; {before[0]:g} stays.")
    threshold = "none" if watched.threshold is None else f"{watched.threshold:.3f}"
    monitor.say(
        f"{watched.name}: the profile {watched.path} was read again; the threshold is {threshold}."
    )
