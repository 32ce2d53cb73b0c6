# SPDX-License-Identifier: GPL-3.0-or-later
"""What a score plot says of the moment that one points at."""

from __future__ import annotations

from html import escape

import numpy as np

from imsafe.gui.colours import Colours
from imsafe.gui.plot_items import count_text, rarity
from imsafe.gui.plot_marks import Mark
from imsafe.gui.plot_scene import PlotScene
from imsafe.gui.point import Point, span_text, time_text
from imsafe.gui.score_history import Band, History
from imsafe.words import grouped, translate

_MOST_TOLD = 6
_REACH_PIXELS = 4.0
_SPIKE = 0.05
"""Who points within so many pixels of a point that is so much higher means that one."""


class Readout:
    """Finds what is drawn at a moment, and puts it into words.

    Attributes
    ----------
    history : History
    names : dict of int to str
        The applications by number.
    comms : dict of int to str
        What is known of processes, by pid.
    gaps : list of (float, float)
        Intervals (s) in which calls were lost.
    """

    def __init__(self, scene: PlotScene, history: History, *, live: bool) -> None:
        self.history = history
        self.names: dict[int, str] = {}
        self.comms: dict[int, str] = {}
        self.gaps: list[tuple[float, float]] = []
        self._scene = scene
        self._live = live

    def _pixel(self) -> float:
        """How many seconds wide a pixel is."""
        low, high = self._scene.times()
        return (high - low) / self._scene.width_pixels

    def mark(self, seconds: float) -> Mark | None:
        """The mark of alerts at a moment."""
        return self._scene.marks.at(seconds, self._pixel())

    def bins(self, seconds: float) -> list[tuple[int, Band, int]]:
        """What is drawn at a moment: application, band, place in it; the highest score first."""
        reach = _REACH_PIXELS * self._pixel()
        found = []
        for number, band in self._scene.shown.items():
            first, place, last = np.searchsorted(
                band.start, (seconds - reach, seconds, seconds + reach), "right"
            ).tolist()
            place -= 1
            first = max(first - 1, 0)
            if first < last:
                highest = first + int(band.maximum[first:last].argmax())
                if place < 0 or band.maximum[highest] > band.maximum[place] + _SPIKE:
                    place = highest
            if place >= 0 and seconds <= band.start[place] + band.width + max(reach, 0.2):
                found.append((number, band, place))
        return sorted(found, key=lambda row: -row[1].maximum[row[2]])

    def point(self, seconds: float, score: float = -1.0) -> Point | None:
        """The highest call at a moment (s): of the line nearest to a score, else the highest."""
        found = self.bins(seconds)
        if not found:
            return None
        number, band, place = found[0]
        if score >= 0:
            number, band, place = min(found, key=lambda row: abs(row[1].maximum[row[2]] - score))
        bin_ = band.bins[place]
        return Point(
            application=number, time=float(bin_["time"]), pid=int(bin_["pid"]),
            tid=int(bin_["tid"]), symbol=int(bin_["symbol"]), score=float(bin_["maximum"]),
        )  # fmt: skip

    def process(self, pid: int) -> str:
        """A process for a person."""
        comm = self.comms.get(pid, "")
        return f"{comm} ({pid})" if comm else translate("plot_readout", "pid {0}").format(pid)

    def text(self, seconds: float) -> str:
        """The highest score at a moment, its process and its call, in one line."""
        point = self.point(seconds)
        if point is None:
            return ""
        words = (
            time_text(point.time),
            self.names.get(point.application, ""),
            translate("plot_readout", "score {0} ({1})").format(
                f"{point.score:.3f}", rarity(point.score)
            ),
            self.process(point.pid),
            self.history.call(point.symbol),
        )
        return "   ".join(words)

    def html(self, seconds: float, colours: Colours) -> str:
        """All that is to be said of a moment; empty where that is nothing."""
        found = self.bins(seconds)
        lines = [self._line(*row, colours) for row in found[:_MOST_TOLD]]
        if len(found) > _MOST_TOLD:
            lines.append(translate("plot_readout", "and {0} more").format(len(found) - _MOST_TOLD))
        reach = 2 * self._pixel()  # a loss of an instant can be pointed at, too
        if any(start - reach <= seconds <= end + reach for start, end in self.gaps):
            lost = translate("plot_readout", "Calls were lost here.")
            lines.append(f"<div><b>{lost}</b></div>")
        mark = self.mark(seconds)
        if mark is not None:
            count = len(mark.ids)
            words = (
                translate(
                    "plot_readout", "{0} alerts: click the triangle for the reason", "", count
                )
                if self._live
                else translate("plot_readout", "{0} alerts", "", count)
            ).format(grouped(count))
            lines.append(f"<div style='color:{colours.alert.name()}'>{words}</div>")
        if not lines:
            return ""
        within = ""
        if found:
            _, band, place = found[0]
            seconds = float(band.bins["time"][place])
            if band.width > 0.15:
                within = translate("plot_readout", "highest of {0}").format(span_text(band.width))
        return (
            f"<div><b>{time_text(seconds, date=not self._live)}</b> &nbsp;{within}</div>"
            + "".join(lines)
        )

    def _line(self, number: int, band: Band, place: int, colours: Colours) -> str:
        bin_ = band.bins[place]
        score = float(bin_["maximum"])
        words = [self.process(int(bin_["pid"])), self.history.call(int(bin_["symbol"]))]
        if self._live:
            rate = count_text(float(band.rate[place]))
            words.append(translate("plot_readout", "{0} calls/s").format(rate))
        return (
            f"<div><span style='color:{colours.application(number).name()}'>\u25a0</span>"
            f" {escape(self.names.get(number, ''))} <b>{score:.3f}</b>"
            f" &nbsp;{escape(rarity(score))}<br>&nbsp;&nbsp;&nbsp; {escape(', '.join(words))}</div>"
        )
