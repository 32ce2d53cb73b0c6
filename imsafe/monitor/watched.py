# SPDX-License-Identifier: GPL-3.0-or-later
"""One watched application: its profile, its scorer, its threshold."""

from __future__ import annotations

from dataclasses import dataclass, field

from imsafe.monitor.view_protocol import ApplicationRow
from imsafe.profile.coverage import Covering
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer


@dataclass(slots=True, eq=False)
class Watched:
    """One application and what is known of it.

    Attributes
    ----------
    number
        From 1, in the order of the command line.
    path
        The profile's file.
    threshold
        None: scores are shown, alerts are not raised.
    warnings
        How the watching differs from the learning, in words; each once.
    seen
        Whether a stream of it has begun.
    follows_suggestion
        Whether the threshold is the one that the profile suggests.
    covering
        Counts how much of it the profile knows.
    """

    number: int
    name: str
    path: str
    profile: Profile
    scorer: Scorer
    threshold: float | None
    warnings: list[str] = field(default_factory=list)
    seen: bool = False
    follows_suggestion: bool = False
    covering: Covering = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count how much of what it does the profile knows."""
        self.begin_covering()

    def begin_covering(self) -> None:
        """Count anew, by the profile in use."""
        profile = self.profile
        self.covering = Covering(profile.tree, self.scorer.automaton, profile.saturation)

    def row(self) -> ApplicationRow:
        """What the view says of it."""
        if self.threshold is None:
            state = "not learned enough"
        else:
            state = "watching" if self.seen else "waiting"
        return {
            "number": self.number,
            "name": self.name,
            "profile": self.path,
            "threshold": self.threshold,
            "suggested": self.profile.suggested_threshold,
            "state": state,  # type: ignore[typeddict-item]
            "warnings": list(self.warnings),
        }
