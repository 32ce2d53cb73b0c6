# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning: counts, sets of calls and sample units of traces, added to what was known."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from imsafe import syscalls
from imsafe.errors import ProfileError
from imsafe.events import Abi, Events
from imsafe.profile.knowledge import Addition, Knowledge
from imsafe.profile.part import Part
from imsafe.profile.profile import Profile
from imsafe.profile.programs import KEY as PROGRAMS
from imsafe.profile.programs import ProgramCounts
from imsafe.profile.repertoire import Sets, bounded, sets_of
from imsafe.profile.saturation import Saturation, of_counts
from imsafe.profile.trace_counts import TraceCounts, added, canonical_tree, counts_of_length
from imsafe.profile.tree import MAX_DEPTH
from imsafe.profile.units import Sample, Unit, UnitCutter, unit_hash

MOST_SETS = 1 << 17
"""More sets of calls than this are brought within bounds at once, not only in the end."""


class AlreadyLearned(ProfileError):
    """A trace that is in the profile already."""


class _Trace:
    """What the trace at hand has given so far, but for its counts."""

    def __init__(self, identity: str, name: str, meta: dict[str, Any], unit_name: str) -> None:
        self.identity = identity
        self.name = name
        self.meta = meta
        self.unit_name = unit_name
        self.is_timed = bool(meta.get("timed", True))
        self.sample = Sample()
        self.sets: Sets = Counter()
        self.programs = ProgramCounts()
        self.units = 0
        self.cutters: dict[int, UnitCutter] = {}
        self.times: dict[int, tuple[int, int]] = {}

    def describe(self, meta: dict[str, Any]) -> None:
        """Take in a segment's header: the first one's keys, everybody's applications and modes."""
        applications = [*self.meta.get("applications", []), *meta.get("applications", [])]
        mode = [str(meta.get("tracer", "")), meta.get("follow_exec")]
        modes = self.meta.get("modes", [])
        self.meta = {**meta, **self.meta}
        self.meta.pop("state", None)  # of a black box
        self.meta.pop(PROGRAMS, None)  # counted here
        self.meta["applications"] = [
            entry for place, entry in enumerate(applications) if entry not in applications[:place]
        ]
        self.meta["modes"] = modes if mode in modes else [*modes, mode]
        self.is_timed = self.is_timed and bool(meta.get("timed", True))

    def note_times(self, stream: int, events: Events) -> None:
        first, last = int(events["time_ns"].min()), int(events["time_ns"].max())
        known = self.times.get(stream, (first, last))
        self.times[stream] = min(first, known[0]), max(last, known[1])

    @property
    def duration_ns(self) -> int:
        """From the first event to the last; 0 without a clock."""
        if not self.is_timed:
            return 0
        return max((last - first for first, last in self.times.values()), default=0)

    def take(self, process: int, units: list[tuple[int, Unit]]) -> None:
        for block, unit in units:
            self.units += 1
            self.sets.update(sets_of(unit.rows[unit.first :]))
            if len(self.sets) > MOST_SETS:
                self.sets = bounded(self.sets)
            self.sample.offer(unit_hash(self.unit_name, process, block), unit)

    def finish(self, process: int) -> None:
        cutter = self.cutters.pop(process, None)
        if cutter is not None:
            self.take(process, cutter.finish())


class Learner:
    """Learns traces, one after another, on top of what a profile knows.

    A trace enters whole, at its `end_trace`, or not at all.

    Parameters
    ----------
    depth
        Length of the longest sequences: a call and up to depth - 1 before it.
    """

    def __init__(self, depth: int = 8) -> None:
        if not 1 <= depth <= MAX_DEPTH:
            raise ProfileError(f"The depth has to be from 1 to {MAX_DEPTH}, not {depth}.")
        self._start(Knowledge.nothing(depth))

    @classmethod
    def from_profile(cls, profile: Profile) -> Learner:
        """Go on from what a profile has learned."""
        learner = cls.__new__(cls)
        learner._start(profile.knowledge)
        return learner

    def _start(self, knowledge: Knowledge) -> None:
        self._before = knowledge
        self.depth = knowledge.tree.depth
        tree = knowledge.tree
        self._tree = added(None, tree.parent, tree.symbol, tree.count, tree.processes)
        self._sets = knowledge.sets.copy()
        self._sample = Sample(dict(knowledge.sample.units), knowledge.sample.bound)
        self._sample.trim()
        self._traces = list(knowledge.traces)
        self._counting = TraceCounts(self.depth)
        self._trace: _Trace | None = None

    @property
    def nodes(self) -> int:
        """Sequences known so far, the trace at hand not counted."""
        return int(self._tree.used[0]) - 1

    @property
    def calls(self) -> int:
        """Calls learned so far, those of the trace at hand too."""
        return int(self._tree.counts[0]) + self._counting.calls

    def has_learned(self, identity: str) -> bool:
        """Whether a trace is in the profile already."""
        return any(trace.identity == identity for trace in self._traces)

    @property
    def learned(self) -> list[str]:
        """Identities of the traces in the profile."""
        return [trace.identity for trace in self._traces]

    @property
    def saturation(self) -> Saturation:
        """How much of what is to be expected is known, the trace at hand not counted.

        Of the first trace, by what it has given so far.
        """
        if int(self._tree.counts[0]) == 0:
            return of_counts(self.depth, self._counting.counts_of_length(self.depth))
        return of_counts(self.depth, counts_of_length(self._tree, self.depth))

    def begin_trace(
        self,
        identity: str,
        name: str,
        meta: dict[str, Any] | None = None,
        *,
        again: bool = False,
        earlier: int | None = None,
    ) -> None:
        """Begin a trace.

        Parameters
        ----------
        identity
            The same for the same trace only: a hash of its content.
        name
            What a person calls it.
        meta
            Metadata of its (first) header.
        again
            Learn it even if it has been learned.
        earlier
            How often it has been learned before, where that is known better: what is
            learned here will be added, as a `Part`, to what is known elsewhere.

        Raises
        ------
        AlreadyLearned
        """
        assert self._trace is None, "a trace is being learned"
        times = sum(trace.identity == identity for trace in self._traces)
        if earlier is not None:
            times = earlier
        elif times and not again:
            raise AlreadyLearned(
                f"{name} is in the profile already; say --again to count it once more."
            )
        unit_name = identity if times == 0 else f"{identity}#{times}"
        name = name.encode("utf-8", "backslashreplace").decode()  # of a file, which may be no text
        self._trace = _Trace(identity, name, dict(meta or {}), unit_name)

    def begin_segment(self, stream: int, meta: dict[str, Any]) -> None:
        """Begin a stream of the trace at hand, or a new segment of it; gives its header."""
        assert self._trace is not None, "begin_trace comes first"
        self.end_stream(stream)
        self._trace.describe(meta)

    def end_stream(self, stream: int) -> None:
        """End the processes of a stream of the trace at hand."""
        trace = self._trace
        assert trace is not None, "begin_trace comes first"
        for process in self._counting.end_stream(stream):
            trace.finish(process)

    def feed(self, stream: int, events: Events) -> None:
        """Learn a batch of a stream of the trace at hand, lifecycle records included."""
        trace = self._trace
        assert trace is not None, "begin_trace comes first"
        if len(events) == 0:
            return
        trace.note_times(stream, events)
        calls, ended = self._counting.feed(stream, events)
        for process, rows in calls:
            cutter = trace.cutters.setdefault(process, UnitCutter())
            trace.take(process, cutter.feed(rows))
        for process in ended:
            trace.finish(process)

    def runs(self, comm: str, exe: str) -> None:
        """A process has begun, or has loaded a program: what it is called, and its file."""
        assert self._trace is not None, "begin_trace comes first"
        self._trace.programs.add(comm, exe)

    def lost(self, stream: int, count: int) -> None:
        """Note that `count` calls of a stream were lost here."""
        assert self._trace is not None, "begin_trace comes first"
        self._counting.void(stream, count)

    def end_trace(self) -> None:
        """Add the trace at hand to what is known."""
        trace = self._trace
        assert trace is not None, "begin_trace comes first"
        for process in list(trace.cutters):
            trace.finish(process)
        counting = self._counting
        self._tree = counting.added_to(self._tree)
        self._add(
            trace.sets,
            trace.sample,
            Addition(
                identity=trace.identity,
                name=trace.name,
                added=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                meta={**trace.meta, **trace.programs.as_meta()},
                calls=counting.calls,
                processes=counting.processes,
                units=trace.units,
                duration_ns=trace.duration_ns,
                lost=counting.lost,
            ),
        )
        self.abort_trace()

    def _add(self, sets: Sets, sample: Sample, *traces: Addition) -> None:
        self._sets.update(sets)
        if len(self._sets) > MOST_SETS:
            self._sets = bounded(self._sets)
        self._sample.add(sample)
        self._traces += traces

    def take_part(self) -> Part:
        """Give what was learned since the beginning or the last such call, and forget it.

        Of a learner that began with nothing.
        """
        assert self._trace is None, "a trace is being learned"
        used = int(self._tree.used[0])
        tree = self._tree
        part = Part(
            tree.parent[:used].copy(),
            tree.symbol[:used].copy(),
            tree.counts[:used].copy(),
            tree.processes[:used].copy(),
            bounded(self._sets),
            self._sample,
            tuple(self._traces),
        )
        self._start(Knowledge.nothing(self.depth))
        return part

    def add_part(self, part: Part) -> None:
        """Add what another learner of the same depth has learned: a sum, in any order."""
        assert self._trace is None, "a trace is being learned"
        self._tree = added(self._tree, part.parent, part.symbol, part.count, part.processes)
        self._add(part.sets, part.sample, *part.traces)

    def arrange(self, identities: Sequence[str], after: int = 0) -> None:
        """Put all but the first traces into this order, whatever the order they came in."""
        place = {identity: number for number, identity in enumerate(identities)}
        self._traces[after:] = sorted(
            self._traces[after:], key=lambda trace: place.get(trace.identity, -1)
        )

    def abort_trace(self) -> None:
        """Forget the trace at hand as if it had never begun."""
        self._counting.restart()
        self._trace = None

    def finish(self, progress: Callable[[float], None] | None = None) -> Profile:
        """Calibrate and give the profile; the learner can go on afterwards.

        Parameters
        ----------
        progress
            Called now and then with the share done, 0 to 1; what it raises is passed on.
        """
        return Profile.calibrated(self.knowledge(), progress)

    def knowledge(self) -> Knowledge:
        """What is known, not yet calibrated."""
        assert self._trace is None, "a trace is being learned"
        self._sample.trim()
        abis = set(self._before.alphabets) | {int(s) >> 16 for s in self._root_symbols()}
        alphabets = {
            abi: self._before.alphabets.get(abi) or syscalls.alphabet(abi)
            for abi in sorted(abis)
            if abi < len(Abi)
        }
        return Knowledge(
            tree=canonical_tree(self.depth, self._tree),
            alphabets=alphabets,
            sets=bounded(self._sets),
            sample=Sample(dict(self._sample.units), self._sample.bound),
            traces=tuple(self._traces),
            marks=self._before.marks,
        )

    def _root_symbols(self) -> Iterator[int]:
        used = int(self._tree.used[0])
        yield from self._tree.symbol[1:used][self._tree.parent[1:used] == 0].tolist()
