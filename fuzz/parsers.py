# SPDX-License-Identifier: GPL-3.0-or-later
"""The harnesses: each takes any bytes and gives them to one parser.

What a parser may do with bytes that it does not like is to raise an `ImsafeError` with one
printable sentence; everything else is a failure.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuzz.checksums import with_checksums
from fuzz.forged import forged
from imsafe.errors import ImsafeError
from imsafe.events import EVENT
from imsafe.stream.items import Tagged

if TYPE_CHECKING:
    from imsafe.monitor.engine import Engine

CORPUS = Path(__file__).parent / "corpus"


@dataclass(frozen=True, slots=True)
class Harness:
    """One parser.

    Attributes
    ----------
    run
        Gives bytes to it.
    longest
        Bytes of an input at most.
    inputs
        How many `make fuzz` tries.
    """

    name: str
    run: Callable[[bytes], None]
    longest: int
    inputs: int

    @property
    def seeds(self) -> list[Path]:
        """Real files to begin with."""
        return sorted((CORPUS / _SHARED.get(self.name, self.name)).iterdir())


_SHARED = {"peer": "stream", "engine": "stream"}
"""Parsers that read what another one's corpus holds."""

HARNESSES: dict[str, Harness] = {}


def _harness(longest: int, inputs: int = 1_000_000) -> Callable[[Callable[[bytes], None]], None]:
    def register(run: Callable[[bytes], None]) -> None:
        name = run.__name__.replace("_", "-")
        HARNESSES[name] = Harness(name, run, longest, inputs)

    return register


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """A refusal in words is right; its words are one line that disturbs no terminal."""
    try:
        yield
    except ImsafeError as error:
        assert str(error), "a refusal without words"
        assert "\n" not in str(error), f"a refusal of several lines: {error!r}"
        assert "\x1b" not in str(error), f"a refusal with a terminal's escapes: {error!r}"


def _pieces(octets: bytes) -> Iterable[bytes]:
    """The bytes as a file or socket may give them: whole, or cut somewhere."""
    cut = (len(octets) * 7 + sum(octets[:8])) % (len(octets) + 1)
    return [piece for piece in (octets[:cut], octets[cut:]) if piece]


def _consume(items: Iterable[Tagged]) -> None:
    for _, item in items:
        if isinstance(item, np.ndarray):
            assert item.dtype == EVENT


@_harness(8 << 10)
def stream(octets: bytes) -> None:
    """A trace of ImSafe, as it is and with its checksums put right."""
    from imsafe.stream.native import read_native

    for data in (octets, with_checksums(octets)):
        with _refusals():
            _consume(read_native(_pieces(data), "input", []))


@_harness(4 << 10)
def strace(octets: bytes) -> None:
    """Text of strace."""
    from imsafe.stream.strace_text import read_strace

    with _refusals():
        _consume(read_strace(_pieces(octets), "input.4711", []))


@_harness(2 << 10)
def unm(octets: bytes) -> None:
    """A UNM trace."""
    from imsafe.stream.unm import read_unm

    with _refusals():
        _consume(read_unm(_pieces(octets), "input.int", []))


@_harness(2 << 10)
def adfa(octets: bytes) -> None:
    """An ADFA-LD trace."""
    from imsafe.stream.adfa import read_adfa

    with _refusals():
        _consume(read_adfa(_pieces(octets), "input", []))


@_harness(2 << 10)
def score_log(octets: bytes) -> None:
    """A score log."""
    from imsafe.monitor.score_log_reader import read_score_log

    with _in_memory(octets) as path, _refusals():
        read_score_log(path)


@contextlib.contextmanager
def _in_memory(octets: bytes) -> Iterator[str]:
    descriptor = os.memfd_create("input")
    try:
        os.write(descriptor, octets)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


@cache
def _folder() -> Path:
    shared = Path("/dev/shm")
    holder = tempfile.TemporaryDirectory(
        prefix="imsafe-fuzz-", dir=shared if os.access(shared, os.W_OK) else None
    )
    _kept.append(holder)
    return Path(holder.name)


_kept: list[object] = []


@cache
def _good_profile() -> Path:
    """A small database as this version makes it, whatever version the corpus is of."""
    from imsafe.profile.learner import Learner
    from imsafe.stream.traces import open_trace

    learner = Learner(3)
    learner.begin_trace("a trace", "pipe", {})
    for number, item in open_trace(CORPUS / "stream" / "pipe-0.imt"):
        if isinstance(item, np.ndarray):
            learner.feed(number, item)
    learner.end_trace()
    profile = learner.finish()
    events = np.zeros(20, EVENT)
    events["pid"] = events["tid"] = 7
    profile.mark_normal([events], "a note", 0.5)
    path = _folder() / "good.db"
    profile.save(path, replace=True)
    return path


@_harness(32 << 10, inputs=100_000)
def database(octets: bytes) -> None:
    """A behaviour database: a file, or a recipe for a forged one; what opens is used, too."""
    from imsafe.profile.glance import glance
    from imsafe.profile.profile import Profile
    from imsafe.profile.scorer import Scorer

    path = _folder() / "input.db"
    path.write_bytes(octets if octets.startswith(b"SQL") else forged(_good_profile(), octets))
    with _refusals():
        glance(path)
    with _refusals():
        profile = Profile.load(path)
        # What was let in must not hurt the number crunching either.
        events = np.zeros(24, EVENT)
        events["pid"] = events["tid"] = 7
        events["syscall"] = np.arange(24) * 5 % 300
        events["abi"] = 1
        scores = Scorer(profile).feed(0, events)["score"]
        assert ((scores >= 0) & (scores <= 1)).all()
        profile.predict([1 << 16], 3)
        assert profile.applications is not None
        assert profile.modes is not None


def _received(octets: bytes) -> list[Tagged]:
    """What a monitor makes of these bytes from a sensor."""
    from imsafe.sources.base import Counters
    from imsafe.sources.reception import Reception

    counters = Counters()
    reception = Reception("Process 1 (user x)", counters, itertools.count().__next__)
    items: list[Tagged] = []
    for piece in _pieces(octets):
        if not reception.over:
            items += reception.feed(piece)
    items += reception.end()
    assert counters.streams_open == 0
    return items


@_harness(8 << 10)
def peer(octets: bytes) -> None:
    """What a sensor sends, from the first byte of its connection to the last."""
    for data in (octets, with_checksums(octets)):
        _consume(_received(data))


@_harness(8 << 10, inputs=100_000)
def engine(octets: bytes) -> None:
    """The same, on to the monitor's engine, the windows and the score log."""
    from imsafe.monitor.findings import gap_records, log_lines
    from imsafe.monitor.outbox import json_frame
    from imsafe.monitor.score_log import format_line
    from imsafe.monitor.view_protocol import ViewKind

    source = next(_sources)
    watching = _engine(source // 1000)
    for number, item in _received(with_checksums(octets)):
        watching.feed(source, number, item)
    watching.end_source(source)
    findings = watching.take()
    for scored in findings.scored:
        for line in log_lines(scored, watching.applications):
            text = format_line(line)
            assert text.count("\n") == 1
            assert text.count("\t") == 9
    for alert in findings.alerts.values():
        json_frame(ViewKind.ALERT, alert)
        assert alert["reason"].isprintable(), alert["reason"]
    watching.processes.rows(1.0)
    json_frame(ViewKind.IDENTITIES, {"processes": watching.processes.identities()})
    if findings.gaps:
        gap_records(findings.gaps)


_sources = itertools.count(1)


@lru_cache(maxsize=1)
def _engine(_generation: int) -> Engine:
    """An engine that watches everything; a new one now and then, as findings are kept."""
    from imsafe.monitor.engine import Engine
    from imsafe.monitor.watched import Watched
    from imsafe.profile.profile import Profile
    from imsafe.profile.scorer import Scorer

    profile = Profile.load(_good_profile())
    watched = Watched(1, "worker", "worker.db", profile, Scorer(profile), 0.5)
    return Engine([watched], everything=True)


@_harness(4 << 10)
def view_request(octets: bytes) -> None:
    """What a window asks of a monitor."""
    from imsafe.monitor.view_protocol import ViewKind
    from imsafe.monitor.view_requests import parse_request
    from imsafe.stream.frames import FrameParser

    payloads = [octets]
    for data in (octets, with_checksums(octets)):
        with _refusals():
            parser = FrameParser(frozenset({int(ViewKind.REQUEST)}), headers=False)
            for piece in _pieces(data):
                payloads += [frame.payload for frame in parser.feed(piece)]  # type: ignore[union-attr]
    for payload in payloads:
        with _refusals():
            for value in parse_request(payload).keys.values():
                if isinstance(value, str):
                    value.encode("utf-8", "surrogateescape")  # it may be a path


@_harness(8 << 10)
def view(octets: bytes) -> None:
    """What a monitor sends to a window."""
    from imsafe.monitor.view_client import ViewClient

    for data in (octets, with_checksums(octets)):
        with _refusals():
            client = ViewClient()
            for piece in _pieces(data):
                client.feed(piece)


@_harness(2 << 10)
def tracer_request(octets: bytes) -> None:
    """What the kernel tracer is asked, on its command line and by a client of its socket."""
    from imsafe.sources.ebpf.listen import request_of
    from imsafe.sources.kernel_request import KernelRequest

    with _refusals():
        words = octets.decode("utf-8", "surrogateescape").split("\0")
        request = KernelRequest.from_words(words)
        assert KernelRequest.from_words(request.words()) == request
    ours, theirs = socket.socketpair()
    with ours, theirs, _refusals():
        ours.sendall(octets)
        ours.shutdown(socket.SHUT_WR)
        request = request_of(theirs)
        assert KernelRequest.from_words(request.words()) == request


@_harness(2 << 10)
def settings(octets: bytes) -> None:
    """The window's settings: the ini file, and the configuration that is a text in it."""
    from imsafe.gui.configuration import Configuration, check_applications
    from imsafe.gui.settings import Settings

    configuration = Configuration.from_json(octets.decode("utf-8", "replace"))
    configuration.monitor_options()
    check_applications(configuration.applications)
    assert Configuration.from_json(configuration.to_json()) == configuration
    # Another name each time: Qt remembers files by their names.
    path = _folder() / f"{next(_sources)}.ini"
    path.write_bytes(octets)
    try:
        kept = Settings(path)
        kept.configuration.monitor_options()
        kept.recent()
        kept.folder("trace")
        kept.layout()
    finally:
        path.unlink()
