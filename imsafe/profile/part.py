# SPDX-License-Identifier: GPL-3.0-or-later
"""What one process has learned of some traces, to be added to what another one knows.

On its way it is a numpy archive of numbers and JSON: no pickle.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from imsafe.profile.knowledge import Addition
from imsafe.profile.repertoire import Sets
from imsafe.profile.units import Sample, Unit


@dataclass(frozen=True, slots=True)
class Part:
    """Counts, sets, sample and totals of some traces; adding it is a sum.

    Attributes
    ----------
    parent, symbol, count, processes
        Of each sequence, shape (N,), a parent before its children; the first is the empty one.
    """

    parent: NDArray[np.int32]
    symbol: NDArray[np.int32]
    count: NDArray[np.int64]
    processes: NDArray[np.int64]
    sets: Sets
    sample: Sample
    traces: tuple[Addition, ...]

    def to_bytes(self) -> bytes:
        """As a numpy archive."""
        units = self.sample.units
        rest = {
            "bound": self.sample.bound,
            "units": [[key, unit.first, len(unit.rows)] for key, unit in units.items()],
            "sets": [[limit, before, after, n] for (limit, before, after), n in self.sets.items()],
            "traces": [asdict(trace) for trace in self.traces],
        }
        archive = io.BytesIO()
        np.savez(
            archive,
            parent=self.parent,
            symbol=self.symbol,
            count=self.count,
            processes=self.processes,
            rows=np.concatenate([np.zeros(0, np.int64), *(unit.rows for unit in units.values())]),
            rest=np.frombuffer(json.dumps(rest).encode(), np.uint8),
        )
        return archive.getvalue()

    @classmethod
    def from_bytes(cls, archive: bytes) -> Part:
        """What `to_bytes` gave."""
        with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
            rest = json.loads(arrays["rest"].tobytes())
            lengths = [length for _, _, length in rest["units"]]
            rows = np.split(arrays["rows"], np.cumsum(lengths)[:-1])
            sample = Sample(bound=rest["bound"])
            for (key, first, _), calls in zip(rest["units"], rows, strict=False):
                sample.offer(key, Unit(calls, first))
            return cls(
                arrays["parent"],
                arrays["symbol"],
                arrays["count"],
                arrays["processes"],
                Counter({(limit, tuple(b), tuple(a)): n for limit, b, a, n in rest["sets"]}),
                sample,
                tuple(Addition(**trace) for trace in rest["traces"]),
            )
