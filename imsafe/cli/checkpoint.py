# SPDX-License-Identifier: GPL-3.0-or-later
"""What long learning has so far, saved beside its output: a crash costs minutes, not a night."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from imsafe.errors import ImsafeError
from imsafe.files import mode_of

if TYPE_CHECKING:
    from imsafe.profile.learner import Learner
    from imsafe.profile.profile import Profile

_SHARE = 10
"""Saving takes at most about one in so many seconds."""


class Checkpoint:
    """``OUT.db.part``: a profile without a calibration, of the traces that are learned whole.

    Parameters
    ----------
    output
        OUT.db.
    every_s
        Seconds between two savings, at least.
    say
        Tells a sentence.
    """

    def __init__(self, output: Path, every_s: float, say: Callable[[str], object]) -> None:
        self.path = output.with_name(output.name + ".part")
        self._every_s = every_s
        self._say = say
        self._failed = False
        self._next = time.monotonic() + every_s

    def save_if_due(self, learner: Learner) -> None:
        """Save what is known, if that is long ago; whole or not at all.

        Where it cannot be saved, that is said once: the learning itself goes on.
        """
        began = time.monotonic()
        if began < self._next:
            return
        from imsafe.profile.calibration import calibrate  # noqa: PLC0415
        from imsafe.profile.profile import Profile  # noqa: PLC0415

        try:
            Profile(learner.knowledge(), calibrate([])).save(self.path, replace=True)
        except ImsafeError as error:
            if not self._failed:
                self._say(f"{error} Learning goes on; a crash would cost what is learned so far.")
            self._failed = True
        now = time.monotonic()
        self._next = now + max(self._every_s, _SHARE * (now - began))

    def resumed(self, known: Profile | None, depth: int) -> Profile | None:
        """What an earlier run of the same command had learned; None where it left nothing.

        Raises
        ------
        ImsafeError
            It was another command's, or is damaged.
        """
        from imsafe.profile.profile import Profile  # noqa: PLC0415

        if not mode_of(self.path):
            return None
        found = Profile.load(self.path)
        before = () if known is None else known.traces
        begun_from = [trace.identity for trace in found.traces[: len(before)]]
        if found.depth != depth or begun_from != [trace.identity for trace in before]:
            raise ImsafeError(
                f"{self.path} was begun with another depth or from another profile;"
                " remove it to begin anew."
            )
        # Of what was marked as normal, that profile knows the latest.
        marks = () if known is None else known.marks
        return Profile(dataclasses.replace(found.knowledge, marks=marks), found.calibration)

    def done(self) -> None:
        """The profile itself is saved: this is no longer needed."""
        with suppress(OSError):  # its name may be too long for there ever to have been one
            self.path.unlink(missing_ok=True)


def still_to_learn(identities: Sequence[str], learned: Sequence[str]) -> list[int]:
    """Places of those traces that are not among those learned, each of which counts once."""
    have = Counter(learned)
    left = []
    for place, identity in enumerate(identities):
        if have[identity] > 0:
            have[identity] -= 1
        else:
            left.append(place)
    return left
