# SPDX-License-Identifier: GPL-3.0-or-later
"""The detection model in plain Python dictionaries: slow, short, and independent of the kernels."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from imsafe.events import Kind

BURST, DRIFT, LEAST_DRIFT, BLOCK, CAP_BITS = 20, 500, 100, 2000, 8
CHECKPOINTS = tuple(math.ceil(16 * 2 ** (step / 2) - 1e-9) for step in range(15))

SIGNAL_RETURNS = {1 << 16 | 15, 2 << 16 | 119, 2 << 16 | 173}
"""Of x86-64 and i386: what the tests use."""

Sequence = tuple[int, ...]


def units(probability: float) -> int:
    """-log2 in units of 2^-32 bit, rounded to nearest, from 60 decimal digits."""
    with localcontext() as context:
        context.prec = 60
        exact = -Decimal(probability).ln() / Decimal(2).ln() * 2**32
        return int(exact.to_integral_value())


@dataclass(eq=False)
class Process:
    number: int
    threads: set[tuple[int, int]] = field(default_factory=set)
    seen_threads: int = 0
    calls: int = 0
    surprises: list[int] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    unit_calls: int = 0
    repertoire: float = 0.0


@dataclass(eq=False)
class Thread:
    process: Process
    pid: int
    number: int
    context: Sequence = ()
    surprises: list[int] = field(default_factory=list)
    new_pairs: list[int] = field(default_factory=list)
    excused: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    place: int
    process: Process
    thread: Thread
    context: Sequence
    symbol: int


class Follower:
    """Who is who, and what each call's context is."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.threads: dict[tuple[int, int], Thread] = {}
        self.processes: dict[tuple[int, int], Process] = {}
        self.aux: dict[int, int] = {}
        self.started = 0

    def end_thread(self, stream: int, tid: int) -> None:
        thread = self.threads.pop((stream, tid), None)
        if thread is not None:
            thread.process.threads.discard((stream, tid))
            if not thread.process.threads:
                del self.processes[stream, thread.pid]

    def void(self, stream: int) -> None:
        for (of, _), thread in self.threads.items():
            if of == stream:
                thread.context = ()

    def end_stream(self, stream: int) -> None:
        self.aux.pop(stream, None)
        for of, tid in list(self.threads):
            if of == stream:
                self.end_thread(of, tid)

    def calls(self, stream: int, events: Iterable[Any]) -> Iterable[Call]:
        for place, event in enumerate(events):
            pid, tid, aux = int(event["pid"]), int(event["tid"]), int(event["aux"])
            kind = Kind(int(event["kind"]))
            if kind is Kind.EXIT:
                self.end_thread(stream, tid)
            elif kind is Kind.FORK:
                self.end_thread(stream, aux)
            elif kind is Kind.EXEC:
                process = self.processes.get((stream, pid))
                if process is not None:
                    for key in list(process.threads):
                        if key != (stream, tid):
                            self.end_thread(*key)
                if (stream, tid) in self.threads:
                    self.threads[stream, tid].context = ()
            else:
                yield self.call(stream, place, pid, tid, aux, event)

    def call(self, stream: int, place: int, pid: int, tid: int, aux: int, event: Any) -> Call:
        last = self.aux.setdefault(stream, aux)
        if 0 < (aux - last) % 2**32 < 2**31:
            self.aux[stream] = aux
            self.void(stream)
        thread = self.threads.get((stream, tid))
        if thread is not None and thread.pid != pid:
            self.end_thread(stream, tid)
            thread = None
        if thread is None:
            process = self.processes.get((stream, pid))
            if process is None:
                process = self.processes[stream, pid] = Process(self.started)
                self.started += 1
            thread = self.threads[stream, tid] = Thread(process, pid, process.seen_threads)
            process.seen_threads += 1
            process.threads.add((stream, tid))
        symbol = int(event["abi"]) << 16 | int(event["syscall"])
        context = thread.context
        thread.context = (*context, symbol)[-(self.depth - 1) :] if self.depth > 1 else ()
        return Call(place, thread.process, thread, context, symbol)


class Counts:
    """How often each sequence was seen, and in which processes."""

    def __init__(self, depth: int, alphabets: dict[int, int]) -> None:
        self.depth = depth
        self.alphabets = alphabets
        self.count: Counter[Sequence] = Counter()
        self.processes: defaultdict[Sequence, set[Any]] = defaultdict(set)

    def add(self, call: Call, trace: int = 0, times: int = 1) -> None:
        whole = (*call.context, call.symbol)
        for length in range(min(len(whole), self.depth) + 1):
            sequence = whole[len(whole) - length :]
            self.count[sequence] += times
            self.processes[sequence].add((trace, call.process.number))

    def children(self, context: Sequence) -> dict[int, int]:
        return {
            sequence[-1]: count
            for sequence, count in self.count.items()
            if len(sequence) == len(context) + 1 and sequence[:-1] == context and count > 0
        }

    def surprise(self, context: Sequence, symbol: int) -> int:
        chance = 1.0 / self.alphabets.get(symbol >> 16, 512)
        escapes = 0
        for length in range(min(len(context), self.depth - 1) + 1):
            children = self.children(context[len(context) - length :])
            total, distinct = sum(children.values()), len(children)
            if total == 0:
                break
            count = children.get(symbol, 0)
            if count:
                chance = (count + distinct * chance) / (total + distinct)
            else:
                escapes += units(distinct / (total + distinct))
        return escapes + units(chance)

    def new_pairs(self, context: Sequence, symbol: int) -> int:
        """2: the call was never seen; 1: never directly after the one before it; 0."""
        if not self.count[symbol,]:
            return 2
        last = context[-1:] if self.depth > 1 else ()
        return int(bool(last and self.children(last)) and not self.count[(*last, symbol)])


Stage = tuple[int, frozenset[int], frozenset[int]]


def stages(symbols: list[int]) -> list[Stage]:
    """A unit's sets at the beginning and end of each stage."""
    sets = [frozenset[int]()] + [frozenset(symbols[:limit]) for limit in CHECKPOINTS]
    return list(zip(CHECKPOINTS, sets, sets[1:], strict=False))


def read(call: Call, counts: Counts, pairs: Counter[Stage]) -> Any:
    """Surprise, burst, drift, repertoire and novelty after a call."""
    process, thread, symbol = call.process, call.thread, call.symbol
    cost = counts.surprise(call.context, symbol)
    lately = {symbol, *call.context[-1:]}
    by_signal = bool(counts.count[symbol,] and lately & SIGNAL_RETURNS)
    by_signal &= sum(thread.excused[-BURST:]) < 4
    thread.excused.append(by_signal)
    thread.new_pairs.append(0 if by_signal else counts.new_pairs(call.context, symbol))
    new = sum(thread.new_pairs[-BURST:])
    share = 0 if by_signal else min(cost, CAP_BITS * 2**32)
    thread.surprises.append(share)
    process.surprises.append(share)
    burst = sum(thread.surprises[-BURST:]) / (BURST * 2**32)
    window = process.surprises[-DRIFT:]
    drift = sum(window) / (max(len(window), LEAST_DRIFT) * 2**32)
    if process.unit_calls == BLOCK:
        process.unit_calls, process.used = 0, set()
    process.unit_calls += 1
    process.used.add(symbol)
    is_later = len(process.surprises) > process.unit_calls
    if not is_later or process.unit_calls >= DRIFT:
        limit = next(limit for limit in CHECKPOINTS if limit >= process.unit_calls)
        process.repertoire = repertoire(process.used, limit, pairs)
    return cost, burst, drift, process.repertoire, float(min(new * (new - 1) // 2, 10))


def repertoire(used: set[int], limit: int, pairs: Counter[Stage]) -> float:
    """0.4 of the distance from the nearest pair, 0.6 of the unusualness."""
    ends = [(after, number) for (of, _, after), number in pairs.items() if of == CHECKPOINTS[-1]]
    total = sum(number for _, number in ends)
    weight: Counter[int] = Counter()
    for symbol in used.union(*(before for _, before, _ in pairs)):
        users = sum(number for after, number in ends if symbol in after)
        weight[symbol] = 2**32 + units((users + 1) / (total + 1))
    here = [(b, a, number) for (of, b, a), number in pairs.items() if of == limit and number > 0]
    size = sum(weight[symbol] for symbol in used)
    nearest = 0.0
    for before, after, _ in here:
        common = sum(weight[symbol] for symbol in used & after)
        missing = sum(weight[symbol] for symbol in before - used)
        if common:
            shared = float(common) * float(common)
            nearest = max(nearest, shared / (float(size) * float(common + missing)))
    return 0.4 * (1 - math.sqrt(nearest)) + 0.6 * unusualness(used, here)


def unusualness(used: set[int], here: list[tuple[frozenset[int], frozenset[int], int]]) -> float:
    """Bits a call that a set takes, b / (b + 16)."""
    entered = sum(number for _, _, number in here)
    cost = 0
    for symbol in used:
        users = sum(number for _, after, number in here if symbol in after)
        cost += units(1 / (entered + 1)) - units(1 / (users + 1))
    for symbol in set[int]().union(*(before for before, _, _ in here)) - used:
        users = sum(number for before, _, number in here if symbol in before)
        cost += units(1 / (entered + 1)) - units(1 / (entered + 1 - users))
    return float(cost) / (float(cost) + float(16 * 2**32 * len(used)))
