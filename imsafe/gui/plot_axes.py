# SPDX-License-Identifier: GPL-3.0-or-later
"""The axes of a score plot; each has as many labels as fit, and the room that they need."""

from __future__ import annotations

import math
from datetime import datetime

import pyqtgraph as pg
from PyQt6.QtGui import QFont, QFontMetricsF

from imsafe.gui.plot_items import ELAPSED_BELOW, count_text, elapsed, one_in

_TICK = 5
_MARGIN = 10


class TimeAxis(pg.DateAxisItem):
    """Wall-clock time, or elapsed time for traces without a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.setStyle(maxTickLevel=1)  # finer lines cost more than they tell

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: D102
        if values and max(values) < ELAPSED_BELOW:
            return [elapsed(value) for value in values]
        if 0 < spacing < 1:  # seconds alone would not tell which minute
            moments = [datetime.fromtimestamp(value).astimezone() for value in values]
            return [f"{at:%M:%S}.{at.microsecond:06}".rstrip("0").rstrip(".") for at in moments]
        return [str(text) for text in super().tickStrings(values, scale, spacing)]


class _FixedAxis(pg.AxisItem):
    """An axis whose places for labels are known beforehand."""

    longest = "500 k"

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.setStyle(hideOverlappingLabels=False)  # `places` sees to that, and 0 is at the edge

    def set_font(self, font: QFont) -> None:
        """Use this font, and as much room as it needs."""
        self.setTickFont(font)
        self.label.setFont(font)
        metrics = QFontMetricsF(font)
        self.setWidth(metrics.horizontalAdvance(self.longest) + metrics.height() + _TICK + _MARGIN)

    def places(self) -> list[float]:
        """Where a label may stand, the more important ones first."""
        raise NotImplementedError

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        height = QFontMetricsF(self.style["tickFont"] or QFont()).height() * 1.3
        shown: list[float] = []
        for place in self.places():
            distance = min((abs(place - other) for other in shown), default=math.inf)
            if low <= place <= high and distance / max(high - low, 1e-9) * size >= height:
                shown.append(place)
        return [(1.0, sorted(shown))]


class ScoreAxis(_FixedAxis):
    """The left axis: the score from 0 to 1."""

    def places(self) -> list[float]:  # noqa: D102
        return [0.0, 1.0, 0.6, 0.2, 0.4, 0.8]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: D102
        return [f"{value:.1f}" for value in values]


class RarityAxis(_FixedAxis):
    """The right axis: how rare a score is on normal behaviour."""

    def __init__(self, side: str) -> None:
        self.longest = one_in(1e6)
        super().__init__(side)

    def places(self) -> list[float]:  # noqa: D102
        return [step / 6 for step in (6, 3, 2, 4, 1, 5)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: D102
        return [one_in(10 ** round(6 * value)) for value in values]


class RateAxis(_FixedAxis):
    """Calls per second; its upper end is a round number."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self.enableAutoSIPrefix(False)
        self.top = 1.0

    def places(self) -> list[float]:  # noqa: D102
        return [0.0, self.top, self.top / 2]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: D102
        return [count_text(value) if value >= 10 or value % 1 == 0 else f"{value:g}"
                for value in values]  # fmt: skip


def round_up(value: float) -> float:
    """The next number of the row 1, 2, 5, 10, 20, ...: an axis that does not jump about."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999999)
