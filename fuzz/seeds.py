# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the corpus that fuzzing begins with: small real files, made by ImSafe's own tools.

`python -m fuzz.seeds` makes it again.  Nothing of the public data sets is in it.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fuzz.parsers import CORPUS
from imsafe.events import Events, Kind
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.settings import Settings
from imsafe.monitor.view_client import ViewClient
from imsafe.profile.profile import Profile
from imsafe.sources.kernel_request import KernelRequest, Target
from imsafe.stream.codec import encode
from imsafe.stream.frames import segment_header
from imsafe.stream.items import End, Item, Lost, ProcessInfo, Segment
from imsafe.stream.traces import open_trace

_COMMANDS = {"true": ["true"], "pipe": ["sh", "-c", "echo a | cat; exit 3"]}
_LONGEST = 700
"""Events of a seed at most: a small one is mutated in more ways a second."""


def _run(folder: Path, module: str, *words: str) -> None:
    subprocess.run([sys.executable, "-m", module, *words], cwd=folder, check=False, timeout=60)


def _put(name: str, file: str, octets: bytes) -> None:
    target = CORPUS / name / file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(octets)


def _small(trace: Path) -> list[Item]:
    """What a recording holds, in so few events and without the name of this machine."""
    items: list[Item] = []
    events = 0
    for _, item in open_trace(trace):
        if isinstance(item, Segment):
            items.append(Segment({**item.meta, "host": "host", "kernel": "6.1.0"}))
        elif isinstance(item, np.ndarray) and events < _LONGEST:
            items.append(item[: _LONGEST - events])
            events += len(item)
        elif isinstance(item, (ProcessInfo, Lost, End)):
            items.append(item)
    return items


def _streams(folder: Path) -> Path:
    """The seeds of the stream's readers; a recording for what follows."""
    for name, command in _COMMANDS.items():
        _run(folder, "imsafe.cli.trace", "-o", f"{name}.imt", "--", *command)
        items = _small(folder / f"{name}.imt")
        first = items[0]
        assert isinstance(first, Segment)
        for compress in (False, True):
            frames = [encode(item, compress=compress) for item in items[1:]]
            frames.insert(2, encode(Lost(3, 5, 9)))
            frames.append(encode(first, 1))
            frames.append(encode(End({"calls": 1}), 1))
            octets = segment_header(first.meta) + b"".join(frames)
            _put("stream", f"{name}-{compress:d}.imt", octets)
        (folder / f"{name}.imt").write_bytes(octets)
        calls = [item[item["kind"] == Kind.CALL] for item in items if isinstance(item, np.ndarray)]
        numbers = np.concatenate(calls)["syscall"].tolist()[:300]
        _put("adfa", f"{name}.txt", " ".join(map(str, numbers)).encode())
        _put("unm", f"{name}.int", "".join(f"{311} {n}\n" for n in numbers).encode())
    return folder / "pipe.imt"


def _strace(folder: Path) -> None:
    ways = {"f": ["-f"], "ttt": ["-f", "-ttt"], "tt": ["-f", "-tt", "-y", "-s", "8"]}
    for name, options in ways.items():
        out = folder / f"{name}.strace"
        subprocess.run(
            ["strace", *options, "-o", out, *_COMMANDS["pipe"]],
            cwd="/",
            check=False,
            stdout=subprocess.DEVNULL,
        )
        lines = out.read_bytes().splitlines(keepends=True)
        _put("strace", f"{name}.strace", b"".join([*lines[:15], *lines[-40:]]))


def events_of(trace: Path) -> Events:
    """All events of a recording's first process."""
    items = [item for _, item in open_trace(trace) if isinstance(item, np.ndarray)]
    events = np.concatenate(items)
    found: Events = events[events["pid"] == events["pid"][0]]
    return found


def _profile(folder: Path, trace: Path) -> Path:
    profile = folder / "worker.db"
    _run(folder, "imsafe.cli.learn", "-o", profile.name, "-D", "3", "--json", trace.name)
    marked = Profile.load(profile)
    marked.mark_normal([events_of(trace)[:40]], "a note", 0.5)
    marked.save(profile, replace=True)
    connection = sqlite3.connect(profile, isolation_level=None)
    connection.execute("PRAGMA page_size = 512")
    connection.execute("VACUUM")
    connection.close()
    _put("database", "worker.db", profile.read_bytes())
    # Recipes for forged ones: see `forged`.
    for number, edit in enumerate(
        (b"\3\5\0\2\6\2\0\1\0", b"\6\0\0\1\7\4\0\2\0[1", b"\2\1\0\1\1\1\0\7", b"\4\0\0\3\2\2\0ab")
    ):
        _put("database", f"recipe-{number}", edit)
    return profile


def _monitoring(folder: Path, profile: Path, trace: Path) -> None:
    """The seeds of the score log and of the view, from a monitor at work."""
    view = folder / "view"
    monitor = subprocess.Popen(
        [
            *(sys.executable, "-m", "imsafe.cli.monitor", "-d", profile.name, "-t", "0"),
            *("-l", "scores.log", "--view", view.name, "--boxes", "boxes", "--stay", "--json"),
            *("--until-stdin-closes", "--replay", trace.name),
        ],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert monitor.stdin is not None
    deadline = time.monotonic() + 30
    while not view.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.0)
    asks = ViewClient()
    asked = b"".join(
        asks.request(name, **keys)[1]
        for name, keys in (
            ("explain", {"alert": 1}),
            ("set-threshold", {"application": "sh", "threshold": 0.5}),
            ("add-source", {"source": {"kind": "replay", "trace": "a.imt", "speed": 2}}),
            ("add-source", {"source": {"kind": "driver", "words": ["--name=x"]}}),
            ("close-source", {}),
            ("undo-normal", {"mark": 1, "application": "sh"}),
        )
    )
    _put("view-request", "asked", asked)
    _put("view-request", "one.json", b'{"id": 1, "request": "explain", "alert": 1}')
    received = b""
    with socket.socket(socket.AF_UNIX) as window:
        window.connect(os.fspath(view))
        window.settimeout(0.3)
        window.sendall(asks.request("explain", alert=1)[1])
        try:
            while len(received) < 6000:
                received += window.recv(4096)
        except TimeoutError:
            pass
    _put("view", "received", received.replace(os.fspath(folder).encode(), b"/"))
    monitor.stdin.close()
    monitor.wait(30)
    log = (folder / "scores.log").read_bytes()
    _put("score-log", "scores.log", b"".join(log.splitlines(keepends=True)[:30]))


def _words() -> None:
    targets = (Target("name", "httpd"), Target("path", "/usr/bin/x"), Target("pid", "17"))
    request = KernelRequest(targets, follow_exec=False, ring_size=1 << 20, simulate_loss=7)
    _put("tracer-request", "words", "\0".join(request.words()).encode())
    json = ", ".join(f'"{word}"' for word in request.words())
    _put("tracer-request", "line.json", f"[{json}]\n".encode())


def _settings(folder: Path) -> None:
    configuration = Configuration(
        [WatchedApplication("a", "a.db", 0.5), WatchedApplication("b", "b.db")], "a.log", "a.imt"
    )
    kept = Settings(folder / "imsafe.ini")
    kept.configuration = configuration
    kept.add_recent("/a.imt")
    kept.set_texts("recent/files", ["/a.imt", "/b c.db"])
    kept.flush()
    _put("settings", "imsafe.ini", (folder / "imsafe.ini").read_bytes())
    _put("settings", "configuration.json", configuration.to_json().encode())


def main() -> None:
    """Make the corpus."""
    for old in CORPUS.glob("*/*"):
        if not old.name.startswith("found-"):  # those were found by fuzzing, and stay
            old.unlink()
    with tempfile.TemporaryDirectory(prefix="imsafe-seeds-") as name:
        folder = Path(name)
        trace = _streams(folder)
        _strace(folder)
        profile = _profile(folder, trace)
        _monitoring(folder, profile, trace)
        _settings(folder)
    _words()
    for path in sorted(CORPUS.rglob("*")):
        if path.is_file():
            print(f"{path.relative_to(CORPUS)}  {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
