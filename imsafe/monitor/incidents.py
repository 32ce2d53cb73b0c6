# SPDX-License-Identifier: GPL-3.0-or-later
"""Which alerts belong together: one intrusion raises many, and a person wants to see it as one.

An alert belongs to an earlier one of the same application, if not later than
five minutes after the latest of those, when it is about the same program, the
same process, or an ancestor or descendant of it; siblings, if not later than
ten seconds.  What a person has seen to (acknowledged, called normal) is over:
the next alert begins another incident.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from imsafe.monitor.view_protocol import Alert

KIN_S = 300.0
SIBLINGS_S = 10.0

MOST_INCIDENTS = 200
"""That may still grow; the one that has been quiet for longest is over."""


@dataclass(slots=True)
class _Incident:
    latest: float
    pids: set[int] = field(default_factory=set)
    parents: set[int] = field(default_factory=set)
    ancestors: set[int] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)


class Incidents:
    """Gives each alert the number of its incident, which is that of the first alert in it."""

    def __init__(self) -> None:
        self._growing: OrderedDict[tuple[str, int], _Incident] = OrderedDict()

    def of(self, alert: Alert) -> int:
        """The incident of a new alert."""
        application = alert["application"]
        key = self._found(application, alert) or (application, alert["id"])
        incident = self._growing.setdefault(key, _Incident(alert["time"]))
        self._growing.move_to_end(key)
        incident.latest = max(incident.latest, alert["time"])
        incident.pids.add(alert["pid"])
        incident.programs.add(_program(alert))
        incident.ancestors.update(pid for pid, _ in alert["parents"])
        if alert["parent"] > 1:  # what init adopts are no siblings
            incident.parents.add(alert["parent"])
        if len(self._growing) > MOST_INCIDENTS:
            self._growing.popitem(last=False)
        return key[1]

    def over(self, number: int) -> None:
        """A person has seen to it."""
        for key in [key for key in self._growing if key[1] == number]:
            del self._growing[key]

    def _found(self, application: str, alert: Alert) -> tuple[str, int] | None:
        own = {alert["pid"], *(pid for pid, _ in alert["parents"])}
        for key, incident in reversed(self._growing.items()):
            if key[0] != application:
                continue
            age = abs(alert["time"] - incident.latest)
            if age <= KIN_S and (
                _program(alert) in incident.programs
                or own & incident.pids
                or alert["pid"] in incident.ancestors
            ):
                return key
            if age <= SIBLINGS_S and alert["parent"] in incident.parents:
                return key
        return None


def _program(alert: Alert) -> str:
    return alert["exe"] or alert["comm"]
