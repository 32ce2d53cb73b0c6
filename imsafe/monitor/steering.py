# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a window asks of a monitor."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from imsafe.errors import ImsafeError
from imsafe.monitor.calls_around import Moment
from imsafe.monitor.later import Later, Waiting
from imsafe.monitor.look_up import look_up
from imsafe.monitor.view_requests import Request
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.sources.base import Source
from imsafe.sources.replay import ReplaySource
from imsafe.sources.sensor import SensorSource
from imsafe.sources.tracer_process import TracerProcess

if TYPE_CHECKING:
    from imsafe.monitor.monitor import Monitor
    from imsafe.monitor.watched import Watched

Keys = dict[str, Any]


class Steering:
    """Carries out requests whose form has been checked.

    Attributes
    ----------
    waiting
        Changes of profiles: reading, counting and compiling one takes seconds,
        in which the scoring goes on.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.waiting = Waiting()
        self._requests: dict[str, Callable[[Keys], Keys | Later]] = {
            "set-threshold": self._set_threshold,
            "add-source": self._add_source,
            "close-source": self._close_source,
            "reload-profile": self._reload_profile,
            "mark-normal": self._mark_normal,
            "acknowledge": self._acknowledge,
            "undo-normal": self._undo_normal,
            "record-start": self._record_start,
            "record-stop": self._record_stop,
            "explain": self._explain,
            "calls": self._calls,
            "stop": self._stop,
        }

    def do(self, request: Request) -> Keys | Later:
        """Carry out a request; the values of the reply, or the work that will give them.

        Raises
        ------
        ImsafeError
            It cannot be done; with the reason in words.
        """
        return self._requests[request.name](request.keys)

    def _set_threshold(self, keys: Keys) -> Keys:
        watched = self._monitor.engine.named(keys["application"])
        threshold = keys["threshold"]
        follows = threshold is None
        if follows:
            threshold = watched.profile.suggested_threshold
        if threshold is None:
            why = watched.profile.why_no_threshold
            raise ImsafeError(f"{watched.path} suggests no threshold: {why}.")
        watched.threshold, watched.follows_suggestion = threshold, follows
        return {}

    def _add_source(self, keys: Keys) -> Keys:
        asked = keys["source"]
        source: Source
        if asked["kind"] == "sensor":
            source = SensorSource(asked["socket"])
        elif asked["kind"] == "replay":
            source = ReplaySource(asked["trace"], speed=asked["speed"])
        elif asked["kind"] == "driver":
            from imsafe.sources.kernel import KernelSource  # noqa: PLC0415 - rarely needed

            # Whoever is asked for a password may take any time.
            source = KernelSource(asked["words"], asked["device"], wait=False)
        else:
            source = TracerProcess(pids=asked["pids"], full=asked["full"])
        return {"source": self._monitor.add_source(asked["kind"], source)}

    def _close_source(self, keys: Keys) -> Keys:
        number = keys["source"]
        for one in self._monitor.source_numbers if number is None else [number]:
            self._monitor.close_source(one)
        return {}

    def _reload_profile(self, keys: Keys) -> Later:
        watched = self._monitor.engine.named(keys["application"])
        path = keys["profile"] or watched.path

        def finish(ready: Scorer) -> Keys:
            self._monitor.use_profile(watched, path, ready)
            return {}

        return self.waiting.add(lambda: Scorer(Profile.load(path)), finish)

    def _mark_normal(self, keys: Keys) -> Later:
        engine = self._monitor.engine
        alerts = [engine.alert(number) for number in keys["alert"]]
        fresh = [alert for alert in alerts if alert["normal"] is None]
        if not fresh:
            raise ImsafeError(f"Alert {alerts[0]['id']} was said to be normal already.")
        if len({alert["application"] for alert in fresh}) > 1:
            raise ImsafeError("The alerts are of several applications; mark them one by one.")
        kept = [engine.sequences(alert["id"]) for alert in fresh]
        units = [(state, events) for sequences, _ in kept for events, state in sequences]
        programs = {program for _, program in kept}
        watched = engine.named(fresh[0]["application"])
        note = "; ".join(
            f"alert {alert['id']}: {alert['comm']}, pid {alert['pid']}" for alert in fresh[:20]
        )

        threshold = watched.threshold

        def mark(profile: Profile) -> int:
            return profile.mark_normal(units, note, threshold, programs)

        def finish(number: int) -> Keys:
            for alert in fresh:
                if engine.alerts.get(alert["id"]) is not None:
                    engine.mark(alert["id"], number)
            return {"mark": number}

        return self._change(watched, mark, finish)

    def _acknowledge(self, keys: Keys) -> Keys:
        engine = self._monitor.engine
        for alert in [engine.alert(number) for number in keys["alert"]]:
            engine.acknowledge(alert["id"], time.time() if keys["value"] else None)
        return {}

    def _undo_normal(self, keys: Keys) -> Later:
        engine = self._monitor.engine
        marked = [alert for alert in engine.alerts if alert["normal"] == keys["mark"]]
        if keys["application"] is not None:
            names = {keys["application"]}
        else:
            names = {alert["application"] for alert in marked} or {
                watched.name for watched in engine.applications.values()
            }
        if len(names) != 1:
            raise ImsafeError(f"Say of which application the mark {keys['mark']} is.")
        watched = engine.named(names.pop())

        def undo(profile: Profile) -> int:
            profile.undo_normal(keys["mark"])
            return int(keys["mark"])

        def finish(_: int) -> Keys:
            for alert in marked:
                if alert["application"] == watched.name and engine.alerts.get(alert["id"]):
                    engine.mark(alert["id"], None)
            return {}

        return self._change(watched, undo, finish)

    def _change(
        self, watched: Watched, change: Callable[[Profile], int], finish: Callable[[int], Keys]
    ) -> Later:
        """Change the profile's file as it is then, and go on with it."""
        path = watched.path

        def work() -> tuple[int, Scorer]:
            profile = Profile.load(path)
            result = change(profile)
            profile.save(path, replace=True, instead_of=profile.file)
            return result, Scorer(profile)

        def done(worked: tuple[int, Scorer]) -> Keys:
            result, ready = worked
            if watched.path == path:
                self._monitor.engine.use_profile(watched, ready.profile, ready)
                self._monitor.profile_is_known(watched)
            return finish(result)

        return self.waiting.add(work, done)

    def _record_start(self, keys: Keys) -> Keys:
        self._monitor.start_recording(keys["path"], append=keys["append"], replace=keys["replace"])
        return {}

    def _record_stop(self, _: Keys) -> Keys:
        self._monitor.stop_recording()
        return {}

    def _explain(self, keys: Keys) -> Keys:
        return {"alert": self._monitor.engine.alert(keys["alert"])}

    def _calls(self, keys: Keys) -> Keys:
        # To the millisecond: seconds since 1970 as a float are not exact to the nanosecond.
        time_ns = round(keys["time"] * 1000) * 1_000_000
        moment = Moment(keys["pid"], keys["tid"], time_ns, keys["symbol"])
        return {"around": look_up(self._monitor, keys["application"], moment)}

    def _stop(self, _: Keys) -> Keys:
        self._monitor.stopping = True
        return {}
