# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tools and reads what they recorded."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from imsafe.events import EVENT, Abi, Events, Kind
from imsafe.stream.items import Closed, End, Item, Lost, ProcessInfo, Segment, Tagged
from imsafe.stream.parser import StreamParser

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
GETPPID, GETUID, EXECVE, READ = 110, 102, 59, 0
GETPPID_I386 = 64


def tool(name: str, *args: object, as_nobody: bool = False) -> list[str]:
    """The command line of ims-NAME."""
    words = [sys.executable, "-m", f"imsafe.cli.{name}", *map(str, args)]
    return [*AS_NOBODY, *words] if as_nobody else words


def run(name: str, *args: object, as_nobody: bool = False, **options: Any) -> Any:
    """Run ims-NAME to its end."""
    return subprocess.run(
        tool(name, *args, as_nobody=as_nobody),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        check=False,
        **options,
    )


def start(name: str, *args: object, as_nobody: bool = False, **options: Any) -> Any:
    """Start ims-NAME."""
    return subprocess.Popen(tool(name, *args, as_nobody=as_nobody), cwd=ROOT, **options)


def eventually(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, f"did not happen: {what}"
        time.sleep(0.01)
    return result


def state_of(pid: int) -> str:
    """The letter of a process's state; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def status_line(pid: int, key: str) -> str:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    for line in text.splitlines():
        if line.startswith(key + ":"):
            return line.partition(":")[2].strip()
    return ""


def is_traced(pid: int) -> bool:
    return all(
        status_line(int(task.name), "TracerPid") != "0"
        for task in Path(f"/proc/{pid}/task").iterdir()
    )


def children_of(pid: int) -> list[int]:
    """Its children; a tracer that starts has others for a moment (dpkg-query)."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found


@dataclass
class Recorded:
    """One stream, sorted by what it holds."""

    meta: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    closed: Closed | None = None

    @property
    def events(self) -> Events:
        batches = [item for item in self.items if isinstance(item, np.ndarray)]
        return np.concatenate(batches) if batches else np.empty(0, EVENT)

    @property
    def calls(self) -> Events:
        events = self.events
        return events[events["kind"] == Kind.CALL]

    def of_kind(self, kind: Kind) -> Events:
        events = self.events
        return events[events["kind"] == kind]

    @property
    def processes(self) -> list[ProcessInfo]:
        return [item for item in self.items if isinstance(item, ProcessInfo)]

    @property
    def lost(self) -> int:
        return sum(item.count for item in self.items if isinstance(item, Lost))

    @property
    def totals(self) -> dict[str, int]:
        ends = [item for item in self.items if isinstance(item, End)]
        return ends[-1].totals if ends else {}

    def count(self, number: int, abi: Abi = Abi.X86_64) -> int:
        calls = self.calls
        return int(np.count_nonzero((calls["syscall"] == number) & (calls["abi"] == abi)))


def sorted_out(tagged: Iterable[Tagged], into: dict[int, Recorded] | None = None) -> Any:
    """The streams of some items, by number."""
    streams = {} if into is None else into
    for stream, item in tagged:
        if isinstance(item, Segment):
            assert stream not in streams
            streams[stream] = Recorded(item.meta)
        elif isinstance(item, Closed):
            assert streams[stream].closed is None
            streams[stream].closed = item
        else:
            assert streams[stream].closed is None
            streams[stream].items.append(item)
    return streams


def streams_of(path: Path) -> list[Recorded]:
    """The streams of a trace file, in order."""
    parser = StreamParser(str(path))
    streams = sorted_out(parser.feed(path.read_bytes()))
    return list(sorted_out(parser.finish(), streams).values())


def stream_of(path: Path) -> Recorded:
    """The only stream of a trace file."""
    (stream,) = streams_of(path)
    return stream


def kill_and_wait(process: subprocess.Popen[Any]) -> None:
    """End what a test started."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
