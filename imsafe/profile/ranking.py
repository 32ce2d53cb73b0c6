# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a number tells attacks from normal behaviour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FALSE_ALARM_RATES = (0.01, 0.05, 0.1, 0.2)

Values = NDArray[np.float64]


def area_under_roc(normal: Values, attack: Values) -> float:
    """Chance that an attack has a higher value than a normal trace; equal ones count half."""
    both = np.sort(normal)
    below = np.searchsorted(both, attack, side="left")
    not_above = np.searchsorted(both, attack, side="right")
    return float((below + not_above).mean() / (2 * len(normal)))


def detection_rates(normal: Values, attack: Values) -> dict[str, float]:
    """The share of attacks above the value that a share of normal traces exceeds."""
    return {
        str(rate): float((attack > np.quantile(normal, 1 - rate)).mean())
        for rate in FALSE_ALARM_RATES
    }
