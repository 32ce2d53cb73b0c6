# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores streams of events against a profile, call by call."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Events
from imsafe.profile import scorer_state
from imsafe.profile.automaton import Automaton, compile_tree, step
from imsafe.profile.calibration import Curve, combine, curve, score_of
from imsafe.profile.compiled import compiled_lean, index, integer
from imsafe.profile.repertoire import (
    LeftOut,
    Remembered,
    Repertoire,
    bit_of,
    left_out,
    nothing_remembered,
    repertoire,
    word_count,
)
from imsafe.profile.slots import (
    EPOCH,
    FIRST_CAPACITY,
    FULL,
    LAST_THREAD,
    Records,
    Roster,
    admit,
    doubled,
    end_threads,
    grow_roster,
    known_thread,
    new_roster,
    new_stream,
    records,
    symbol_of,
)
from imsafe.profile.units import BLOCK
from imsafe.profile.windows import (
    ProcessWindows,
    ThreadWindows,
    begin_unit,
    burst,
    clear_process,
    clear_thread,
    drift,
    is_excused,
    new_pairs,
    note_call,
    process_windows,
    read_set,
    thread_windows,
)

if TYPE_CHECKING:
    from imsafe.profile.profile import Profile

SCORE = np.dtype(
    [
        ("surprise", "<i8"),  # units of 2^-32 bit; -1: not a call
        ("burst", "<f8"),  # bits
        ("drift", "<f8"),  # bits
        ("repertoire", "<f8"),  # 0 to 1
        ("novelty", "<f8"),  # pairs of new pairs
        ("combined", "<f8"),
        ("score", "<f8"),  # 0 to 1
        ("reading", "u1"),  # index in READINGS: the greatest share in the score
    ],
    align=True,  # eight-byte columns, which the kernel fills in place
)
"""What the scorer says of one record."""

Scores = NDArray[np.void]
"""Array of `SCORE`, shape (N,)."""


class Memory(NamedTuple):
    """By the slot of a thread: its state in the automaton and its last calls.

    Attributes
    ----------
    state
        State of the automaton.
    history
        Ring of the last symbols; its length is a power of two, depth - 1 at least.
    length
        Calls since the context was last void.
    """

    state: NDArray[np.int32]
    history: NDArray[np.int32]
    length: NDArray[np.int64]


@compiled_lean
def _score(
    batch: Records,
    start: int,
    depth: int,
    stream: int,
    stream_state: NDArray[np.int64],
    roster: Roster,
    memory: Memory,
    threads: ThreadWindows,
    processes: ProcessWindows,
    automaton: Automaton,
    sets: Repertoire,
    whole: LeftOut,
    remembered: Remembered,
    calibration: Curve,
    numbers: NDArray[np.int64],
    values: NDArray[np.float64],
) -> int:
    """Fill in the scores of a batch from record `start` on: two views of the same `SCORE` rows."""
    span = memory.history.shape[1]
    for row in range(start, len(batch)):
        i = index(row)
        thread = known_thread(roster, stream_state, stream, batch, i)
        if thread < 0:
            thread, is_new_thread, is_new_process, _ = admit(
                roster, stream_state, stream, batch, i
            )  # fmt: skip
            if thread == FULL:
                return row
            if thread < 0:
                numbers[i, 0] = -1
                numbers[i, 1:] = 0
                continue
            if is_new_process:
                clear_process(processes, integer(roster.process_of[thread]))
            if is_new_thread:
                clear_thread(threads, thread)
                memory.length[thread] = 0
                memory.state[thread] = 0
        thread = index(thread)
        process = index(roster.process_of[thread])
        if roster.epoch[thread] != stream_state[EPOCH]:
            memory.state[thread] = 0
            memory.length[thread] = 0
            roster.epoch[thread] = stream_state[EPOCH]
        symbol = symbol_of(batch, i)
        cost, state, foreign = step(automaton, integer(memory.state[thread]), symbol)
        memory.state[thread] = state
        before = -1
        if depth > 1 and memory.length[thread]:  # else there is no context
            before = integer(
                memory.history[thread, index((memory.length[thread] - 1) & (span - 1))]
            )
        memory.history[thread, index(memory.length[thread] & (span - 1))] = symbol
        memory.length[thread] += 1
        numbers[i, 0] = cost
        new = new_pairs(foreign)
        excused = is_excused(threads, thread, before, symbol, foreign)
        if excused:
            cost = new = 0
        in_burst, novelty = burst(threads, thread, cost, new, excused)
        in_drift = drift(processes, process, cost)
        # As `use_call`, with what is seldom needed outside of the straight line.
        if processes.unit_calls[process] == BLOCK:
            begin_unit(processes, process)
        if note_call(processes, process, bit_of(sets.bit, sets.known, symbol)):
            read_set(processes, process, sets, whole, remembered)
        in_repertoire = processes.repertoire[process]
        combined, reading = combine(
            in_burst,
            in_drift,
            in_repertoire,
            novelty,
            processes.calls[process],
            processes.unit_calls[process],
            calibration,
        )
        values[i, 1] = in_burst
        values[i, 2] = in_drift
        values[i, 3] = in_repertoire
        values[i, 4] = novelty
        values[i, 5] = combined
        values[i, 6] = score_of(combined, calibration)
        numbers[i, 7] = reading
    return len(batch)


class Scorer:
    """Scores any number of streams by one profile.

    What is known of threads and processes stays between calls of `feed`, so
    that cutting a stream into other batches never changes a bit of a score.

    Attributes
    ----------
    profile
        The profile in use.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._compile()
        self._streams: dict[int, NDArray[np.int64]] = {}
        self._forget_everyone()

    def _compile(self) -> None:
        profile = self.profile
        self.automaton = compile_tree(profile.tree, profile.alphabets)
        self.sets, _ = repertoire(profile.sets)
        self._curve = curve(profile.calibration)
        self.whole = left_out(self.sets)
        self.remembered = nothing_remembered(self.sets)

    def _forget_everyone(self) -> None:
        self.roster = new_roster()
        for state in self._streams.values():
            state[LAST_THREAD] = -1  # a slot of the former roster
        span = 1 << (max(self.profile.depth - 1, 1) - 1).bit_length()
        self.memory = Memory(
            np.zeros(FIRST_CAPACITY, np.int32),
            np.zeros((FIRST_CAPACITY, span), np.int32),
            np.zeros(FIRST_CAPACITY, np.int64),
        )
        self.threads = thread_windows(FIRST_CAPACITY)
        self.processes = process_windows(FIRST_CAPACITY, word_count(self.sets.known))

    def feed(self, stream: int, events: Events) -> Scores:
        """Score a batch of a stream.

        Parameters
        ----------
        stream
            Number of the stream, below 2^31.
        events : array of EVENT, shape (N,)

        Returns
        -------
        array of SCORE, shape (N,)
            One a record; lifecycle records have score 0 and surprise -1.
        """
        size = len(events)
        scores = np.empty(size, SCORE)  # filled in whole: to write 64 bytes a call twice costs
        if size == 0:
            return scores
        batch = records(events)
        state = self.stream_state(stream)
        columns = SCORE.itemsize // 8
        numbers = scores.view(np.int64).reshape(size, columns)
        values = scores.view(np.float64).reshape(size, columns)
        start = 0
        while True:
            start = _score(
                batch, start, self.profile.depth, stream, state, self.roster, self.memory,
                self.threads, self.processes, self.automaton, self.sets, self.whole,
                self.remembered, self._curve, numbers, values,
            )  # fmt: skip
            if start == size:
                break
            self.make_room()
        return scores

    def stream_state(self, stream: int) -> NDArray[np.int64]:
        """What is kept of a stream itself."""
        return self._streams.setdefault(stream, new_stream())

    @property
    def alive(self) -> int:
        """How many threads are known."""
        table = self.roster.threads
        return len(table.key_of) - int(table.top[0])

    def most_populous(self) -> int:
        """The stream that most of these threads are of; there must be one."""
        keys = self.roster.threads.key_of
        streams, counts = np.unique((keys[keys != 0] - 1) >> 32, return_counts=True)
        return int(streams[np.argmax(counts)])

    def make_room(self, threads: int = 1) -> None:
        """Double the arrays that have no room for a process or for so many threads."""
        self.roster, more_threads, more_processes = grow_roster(self.roster, threads)
        if more_threads:
            self.memory = doubled(self.memory)
            self.threads = doubled(self.threads)
        if more_processes:
            self.processes = doubled(self.processes)

    def begin_stream(self, stream: int) -> None:
        """Begin a stream, or a new segment of it: what was known of it is void."""
        self.end_stream(stream)
        self.stream_state(stream)

    def end_stream(self, stream: int) -> None:
        """Forget a stream with its threads and processes."""
        if self._streams.pop(stream, None) is not None:
            end_threads(self.roster, stream)

    def lost(self, stream: int) -> None:
        """Calls of the stream were lost: no sequence goes across."""
        self.stream_state(stream)[EPOCH] += 1

    def snapshot(self, stream: int, pid: int) -> dict[str, Any]:
        """All that is known of a process, as JSON; ``{}`` when nothing is.

        A scorer of the same profile that gets it by `restore` goes on with the
        same bits.
        """
        return scorer_state.snapshot(self, stream, pid)

    def restore(self, stream: int, pid: int, state: dict[str, Any]) -> None:
        """Go on from a `snapshot` of a process; what was known of it is replaced.

        Raises
        ------
        ProfileError
            It is not a snapshot.
        """
        scorer_state.restore(self, stream, pid, state)

    def adopt(self, profile: Profile, ready: Scorer | None = None) -> None:
        """Go on with another profile: windows stay, contexts are looked up in its tree.

        Parameters
        ----------
        ready
            A scorer of that profile, if one has been compiled already, which takes the longest.
        """
        new = copy.copy(self)  # takes this one's place once it is whole
        new.profile = profile
        if ready is None:
            new._compile()
        else:
            new.automaton, new._curve = ready.automaton, ready._curve
            new.sets, new.whole, new.remembered = ready.sets, ready.whole, ready.remembered
        new._forget_everyone()
        known = scorer_state.known_symbols(self.sets)
        newly = scorer_state.known_symbols(new.sets) - known
        for stream, pid, state in scorer_state.snapshot_all(self):
            scorer_state.restore(new, stream, pid, state, newly)
        vars(self).update(vars(new))
