# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces that were cut short: what is whole is used, one line says it, the status is 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imsafe.events import Abi, Events
from imsafe.profile.profile import Profile
from imsafe.stream.items import ProcessInfo
from imsafe.stream.trace_file import TraceWriter
from imsafe.stream.traces import open_trace
from imsafe.syscalls import name
from tests.profile.making import calls, daemon

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
META: dict[str, Any] = {"applications": [{"name": "web"}], "tracer": "ptrace-seccomp"}


def run(
    program: str, *words: object, piped: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", f"imsafe.cli.{program}", *map(str, words)],
        input=piped,
        stdin=subprocess.DEVNULL if piped is None else None,
        capture_output=True,
        timeout=120,
        check=False,
        env=ENVIRONMENT,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def trace(path: Path, *batches: Events, end: bool = True) -> Path:
    writer = TraceWriter.create(path, META)
    for batch in batches:
        pid = int(batch["pid"][0])
        writer.write(ProcessInfo(0, pid, 1, "web", "/usr/bin/web", 1))
        writer.write(batch)
        writer.flush()
    writer.close({} if end else None)
    return path


def calls_of(path: Path) -> int:
    return sum(len(item) for _, item in open_trace(path) if isinstance(item, np.ndarray))


@dataclass(frozen=True)
class Files:
    profile: Path
    whole: Path
    cut: Path
    missing: int


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("cut")
    rng = np.random.default_rng(1)
    normal = trace(folder / "normal.imt", *(daemon(rng, 3000, pid) for pid in range(1, 31)))
    assert run("learn", "-o", folder / "web.db", normal).returncode == 0
    whole = trace(folder / "whole.imt", daemon(rng, 3000, 1), daemon(rng, 2000, 2))
    cut = folder / "cut.imt"
    cut.write_bytes(whole.read_bytes()[:-20])  # the end frame has 14 bytes
    return Files(folder / "web.db", whole, cut, _after_the_last_frame(whole, cut))


def _after_the_last_frame(whole: Path, cut: Path) -> int:
    """How many bytes of the cut file belong to no whole frame, found by cutting on."""
    octets = whole.read_bytes()[: cut.stat().st_size]
    probe = cut.with_name("probe.imt")
    for missing in range(1, len(octets)):
        probe.write_bytes(octets[:-missing])
        reader = open_trace(probe)
        list(reader)
        if not reader.cut_short:
            return missing
    raise AssertionError("no frame is whole")


def said(done: subprocess.CompletedProcess[str], program: str, files: Files) -> str:
    """The one line about the cut."""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ims-{program}: {files.cut} is cut short: {files.missing:,} bytes")
    assert line.endswith("all before was used.")
    return line.removeprefix(f"ims-{program}: ")


def last_object(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_learning_saves_what_is_whole(files: Files, tmp_path: Path) -> None:
    output = tmp_path / "a.db"
    done = run("learn", "-o", output, files.cut)
    assert done.returncode == 2
    said(done, "learn", files)
    assert "3,000 calls of 1 process" in done.stdout
    assert Profile.load(output).calls == 3000
    done = run("learn", "-o", output, "--force", "--json", files.cut, files.whole)
    assert done.returncode == 2
    assert last_object(done)["warnings"] == [said(done, "learn", files)]
    assert last_object(done)["calls"] == 8000


def test_evaluation_gives_its_result(files: Files) -> None:
    words = ("-d", files.profile, "--normal", files.whole, "--attack", files.cut)
    done = run("evaluate", *words)
    assert done.returncode == 2
    said(done, "evaluate", files)
    assert "1 normal trace, 1 attack" in done.stdout
    done = run("evaluate", *words, "--json")
    assert done.returncode == 2
    assert last_object(done)["warnings"] == [said(done, "evaluate", files)]


def test_recording_again_writes_what_is_whole(files: Files, tmp_path: Path) -> None:
    output = tmp_path / "again.imt"
    done = run("trace", "-o", output, "--replay", files.cut)
    assert done.returncode == 2
    said(done, "trace", files)
    assert calls_of(output) == 3000
    assert run("trace", "-o", tmp_path / "b.imt", "--replay", output).stderr == ""
    done = run("trace", "-o", output, "--force", "--json", "--replay", files.cut)
    assert done.returncode == 2
    assert last_object(done)["warnings"] == [said(done, "trace", files)]


def test_a_replay_is_scored_to_its_last_whole_frame(files: Files) -> None:
    words = ("-d", files.profile, "-t", 1, "--replay")
    done = run("monitor", *words, files.cut)
    assert done.returncode == 2
    said(done, "monitor", files)
    assert "3,000 calls scored" in done.stdout
    done = run("monitor", *words, files.cut, "--json")
    assert done.returncode == 2
    assert last_object(done)["warnings"] == [said(done, "monitor", files)]
    assert run("monitor", *words, files.whole).returncode == 0


def test_an_alert_is_the_more_important_news(files: Files, tmp_path: Path) -> None:
    done = run("monitor", "-d", files.profile, "-t", 0, "--boxes", tmp_path, "--replay", files.cut)
    assert done.returncode == 1
    assert "ALERT" in done.stdout
    said(done, "monitor", files)


@pytest.mark.parametrize("program", ["learn", "evaluate", "trace", "monitor"])
def test_a_recording_without_an_end_is_a_warning(
    program: str, files: Files, tmp_path: Path
) -> None:
    normal = daemon(np.random.default_rng(2), 1000)
    killed = trace(tmp_path / "killed.imt", normal, end=False)
    words: dict[str, tuple[object, ...]] = {
        "learn": ("-o", tmp_path / "a.db", killed),
        "evaluate": ("-d", files.profile, "--normal", files.whole, "--attack", killed),
        "trace": ("-o", tmp_path / "a.imt", "--replay", killed),
        "monitor": ("-d", files.profile, "-t", 1, "--replay", killed),
    }
    done = run(program, *words[program])
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ims-{program}: {killed} has no end: ")


@pytest.mark.parametrize("program", ["trace", "monitor"])
def test_what_breaks_off_in_the_middle_or_is_garbage(
    program: str, files: Files, tmp_path: Path
) -> None:
    first: dict[str, tuple[object, ...]] = {
        "trace": ("-o", tmp_path / "a.imt", "--force"),
        "monitor": ("-d", files.profile, "-t", 1),
    }
    log = tmp_path / "log"
    numbers = daemon(np.random.default_rng(2), 2000)["syscall"][11:]
    lines = [f"1 {name(Abi.X86_64 << 16 | int(number))}(3) = 0\n" for number in numbers]
    log.write_text("".join([*lines, "nonsense\n", *lines]))
    for replayed, piped, words in (
        (log, None, "Line 1,990"),
        ("-", b"GET / HTTP/1.1\r\n", "standard input is not a trace"),
        ("-", files.cut.read_bytes(), "standard input is cut short"),
    ):
        done = run(program, *first[program], "--replay", replayed, piped=piped)
        assert done.returncode == 2
        # That a profile was learned in another way than it is watched is said as well.
        (line,) = [line for line in done.stderr.splitlines() if "learned" not in line]
        assert line.startswith(f"ims-{program}: ")
        assert words in line


def test_nothing_whole_is_no_result(tmp_path: Path) -> None:
    path = trace(tmp_path / "a.imt", calls([0, 1] * 50))
    for length in range(path.stat().st_size):
        path.write_bytes(path.read_bytes()[: -1 - length])
        if calls_of(path) == 0:
            break
    done = run("learn", "-o", tmp_path / "a.db", path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "there are no calls" in done.stderr
    assert "is cut short" in done.stderr
    assert not (tmp_path / "a.db").exists()
