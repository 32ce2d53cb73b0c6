# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what is watched, and how, with what its profile was learned from, and how."""

from __future__ import annotations

from typing import Any

from imsafe.monitor.program_change import changes
from imsafe.monitor.watched import Watched
from imsafe.profile.profile import Profile
from imsafe.words import printable

_RECORDERS = ("ims-monitor", "ims-trace")
"""Tracers of a recording's own channel, in which there are no calls."""


def learned_follow_exec(profile: Profile) -> bool | None:
    """Whether exec was followed in learning; None when it is not known, or was done both ways."""
    ways = {mode.follow_exec for mode in profile.modes} - {None}
    return ways.pop() if len(ways) == 1 else None


def learned_full(profile: Profile) -> bool:
    """Whether all traces were recorded with two stops a call."""
    return {mode.tracer for mode in profile.modes} - set(_RECORDERS) == {"ptrace-full"}


def _tracer_name(tracer: str) -> str:
    """What a person calls a tracer, by the header's word."""
    names = {
        "kernel": "the kernel tracer",
        "ptrace-seccomp": "the ptrace tracer",
        "ptrace-full": "the ptrace tracer at two stops a call (--full)",
    }
    return names.get(tracer, f"the tracer {tracer}")


def differences(watched: Watched, meta: dict[str, Any]) -> list[str]:
    """How a stream differs from what the profile was learned from, in words.

    Parameters
    ----------
    watched
        The application.
    meta
        The stream's header.
    """
    if meta.get("tracer") in _RECORDERS:
        return []
    found = []
    learned = {mode.tracer for mode in watched.profile.modes} - {"", *_RECORDERS}
    tracer = printable(str(meta.get("tracer", "")), 40)
    if tracer and learned and tracer not in learned:
        found.append(
            f"learned with {' and '.join(map(_tracer_name, sorted(learned)))}, watched with"
            f" {_tracer_name(tracer)}; calls that only one of them sees will surprise"
        )
    followed, follows = learned_follow_exec(watched.profile), meta.get("follow_exec")
    if followed is not None and isinstance(follows, bool) and follows != followed:
        words = {True: "following exec", False: "not following exec"}
        found.append(f"learned {words[followed]}, watched {words[follows]}")
    return found + changes((trace.meta for trace in watched.profile.traces), meta)
