# SPDX-License-Identifier: GPL-3.0-or-later
"""What Monitor > Configure holds: databases, thresholds, log, recording, action.  No Qt here."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from imsafe.files import exists, is_file
from imsafe.gui.device import OK, Problem
from imsafe.words import translate


@dataclass(slots=True)
class WatchedApplication:
    """One application to watch.

    Attributes
    ----------
    name
        As the tracer calls it; empty: whatever the source traces.
    profile
        Path of its behaviour database.
    threshold
        Between 0 and 1; None: the one that the profile suggests.
    """

    name: str = ""
    profile: str = ""
    threshold: float | None = None


@dataclass(slots=True)
class Configuration:
    """Everything that Start Monitor needs, apart from the device.

    Attributes
    ----------
    log, record
        Paths, or empty for none; a file that exists is continued.
    action
        A program to execute on alert, or empty.
    """

    applications: list[WatchedApplication] = field(default_factory=list)
    log: str = ""
    record: str = ""
    action: str = ""

    @property
    def ready(self) -> bool:
        """Whether at least one behaviour database has been chosen."""
        return any(application.profile for application in self.applications)

    def monitor_options(self) -> list[str]:
        """The options of `ims-monitor`, without the source."""
        options: list[str] = []
        watched = [application for application in self.applications if application.profile]
        if len(watched) == 1 and not watched[0].name:
            options += ["-d", watched[0].profile]
            if watched[0].threshold is not None:
                options += ["-t", f"{watched[0].threshold:.4g}"]
        else:
            for application in watched:
                text = f"{application.name}={application.profile}"
                if application.threshold is not None:
                    text += f":{application.threshold:.4g}"
                options += ["--app", text]
        if self.log:
            options += ["-l", self.log]
        if self.record:
            # Nothing that was recorded before is ever lost: an existing file is continued.
            options += ["--record", self.record, "--append"]
        if self.action:
            options += ["-x", self.action]
        return options

    def to_json(self) -> str:
        """The text that the settings keep."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Configuration:
        """Read back what `to_json` gave; anything else gives an empty configuration."""
        try:
            raw: Any = json.loads(text)
            applications = [
                WatchedApplication(
                    str(entry["name"]), str(entry["profile"]), _threshold(entry["threshold"])
                )
                for entry in raw["applications"]
            ]
            return cls(
                applications,
                str(raw["log"]),
                str(raw["record"]),
                str(raw["action"]),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return cls()


def _threshold(value: Any) -> float | None:
    if value is None:
        return None
    threshold = float(value)
    if not 0 <= threshold <= 1:  # no NaN is
        raise ValueError("no threshold")
    return threshold


def check_profile(path: str) -> Problem:
    """What is wrong with the path of a behaviour database; its content is looked at elsewhere."""
    if not path:
        words = translate(
            "configuration", "Choose a behaviour database (made by Tools > Learn profile)."
        )
        return Problem(words, missing=True)
    if not is_file(path):
        words = translate("configuration", "There is no file {0}.")
        return Problem(words.format(path))
    if not os.access(path, os.R_OK):
        words = translate("configuration", "{0} cannot be read by you.")
        return Problem(words.format(path))
    return OK


def check_output(path: str) -> Problem:
    """What is wrong with the path of a file that shall be written; empty is fine."""
    if not path:
        return OK
    target = Path(path)
    if os.path.isdir(path):  # noqa: PTH112 - pathlib raises for names that cannot be
        words = translate("configuration", "{0} is a folder; add a file name.")
        return Problem(words.format(path))
    if not os.path.isdir(target.parent):  # noqa: PTH112
        words = translate("configuration", "There is no folder {0}, so {1} cannot be written.")
        return Problem(words.format(target.parent, path))
    writable = target if exists(target) else target.parent
    if not os.access(writable, os.W_OK):
        words = translate("configuration", "You may not write {0}, so {1} cannot go there.")
        return Problem(words.format(writable, path))
    return OK


def check_action(path: str) -> Problem:
    """What is wrong with a program to execute on alert; empty is fine."""
    if not path:
        return OK
    if not Path(path).is_absolute():
        words = translate("configuration", "Give the full path of the program to execute on alert.")
        return Problem(words)
    if not is_file(path):
        words = translate("configuration", "There is no program {0}.")
        return Problem(words.format(path))
    if not os.access(path, os.X_OK):
        words = translate("configuration", "{0} is not executable; mend it with: chmod +x {0}")
        return Problem(words.format(path))
    return OK


def check_applications(applications: list[WatchedApplication]) -> Problem:
    """What is wrong with the list of watched applications."""
    if not applications:
        words = translate("configuration", "Choose a behaviour database.")
        return Problem(words, missing=True)
    for application in applications:
        if problem := check_profile(application.profile):
            return problem
        if "=" in application.name:
            words = translate("configuration", "An application's name cannot contain the sign =.")
            return Problem(words)
        if application.threshold is not None and not 0 <= application.threshold <= 1:
            words = translate("configuration", "A threshold lies between 0 and 1.")
            return Problem(words)
    if len(applications) > 1:
        names = [application.name for application in applications]
        if "" in names:
            words = translate("configuration", "Name each application when there are several.")
            return Problem(words, missing=True)
        if len(set(names)) < len(names):
            words = translate("configuration", "Two applications have the same name.")
            return Problem(words)
    return OK
