# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the latest calls although their 100 ms are not over until another call comes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.buckets import to_view


class EarlyBuckets:
    """Turns buckets into those of the view so that every call is sent once."""

    def __init__(self) -> None:
        self._sent: dict[tuple[int, ...], int] = {}

    def complete(self, buckets: NDArray[np.void]) -> NDArray[np.void]:
        """Complete buckets (`BUCKETED`), less the calls that were sent early; array of `BUCKET`."""
        return self._unsent(buckets, keep=False) if self._sent else to_view(buckets)

    def early(self, buckets: NDArray[np.void]) -> NDArray[np.void]:
        """Buckets that are not complete, less the calls that were sent before."""
        return self._unsent(buckets, keep=True)

    def _unsent(self, buckets: NDArray[np.void], *, keep: bool) -> NDArray[np.void]:
        view = to_view(buckets)
        names = ("time_ns", "application", "pid", "tid")
        for row, key in enumerate(zip(*(view[name].tolist() for name in names), strict=True)):
            calls = int(view["calls"][row])
            view["calls"][row] = calls - self._sent.get(key, 0)
            if keep:
                self._sent[key] = calls
            else:
                self._sent.pop(key, None)
        return view[view["calls"] > 0]
