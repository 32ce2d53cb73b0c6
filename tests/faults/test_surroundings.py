# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine around it does: full and closed disks, files that vanish, crowds, clocks."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("mounts, ptrace and limits are Linux's", allow_module_level=True)

from imsafe.errors import ImsafeError
from imsafe.events import EVENT, Kind
from imsafe.monitor.engine import Engine
from imsafe.monitor.view_protocol import RUNNING
from imsafe.monitor.watched import Watched
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from imsafe.stream.items import Closed, End, Item, ProcessInfo, Segment
from imsafe.stream.trace_file import TraceWriter
from imsafe.stream.traces import open_trace
from tests.faults.kills import META, WORK, learned, made_up_trace
from tests.sources.running import run, stream_of

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(scope="module")
def profile_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system in memory, with these options, in the test's own folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"a disk cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


def test_learning_onto_a_full_disk_keeps_the_old_profile(disk, profile_path: Path) -> None:
    folder = disk("size=200k")
    profile = folder / "worker.db"
    shutil.copy(profile_path, profile)
    (folder / "other").write_bytes(bytes((200 << 10) - profile.stat().st_size - (16 << 10)))
    before = profile.read_bytes()
    more = made_up_trace(folder.parent / "more.imt", 2)
    done = run("learn", "-i", profile, "-o", profile, "--force", more)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"ims-learn: Cannot write {profile}")
    assert profile.read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["other", "worker.db"]


def test_a_disk_that_may_only_be_read(disk, profile_path: Path) -> None:
    folder = disk("size=2m")
    shutil.copy(profile_path, folder / "worker.db")
    trace = made_up_trace(folder.parent / "a.imt", 2)
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    assert Profile.load(folder / "worker.db").calls > 0
    for tool, words in (
        ("learn", ("-o", folder / "b.db", trace)),
        ("trace", ("-o", folder / "b.imt", "--", "true")),
        ("monitor", ("-d", folder / "worker.db", "-t", 1, "-l", folder / "log", "--replay", trace)),
    ):
        done = run(tool, *words)
        assert done.returncode == 2, tool
        (line,) = [line for line in done.stderr.splitlines() if "learned" not in line]
        assert "read-only file system" in line


def test_a_limit_on_the_size_of_files(tmp_path: Path, profile_path: Path) -> None:
    """As with a quota, the system refuses in the middle: words, and what is there is whole."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 10, 8 << 10))

    path = tmp_path / "a.imt"
    loop = "i=0; while [ $i -lt 300 ]; do (:); i=$((i+1)); done"
    done = run("trace", "-o", path, "--", "sh", "-c", loop, preexec_fn=limited)
    assert "file too large" in done.stderr.lower()
    assert len(done.stderr.splitlines()) == 1
    reader = open_trace(path)
    assert any(isinstance(item, np.ndarray) for _, item in reader)
    done = run(
        "learn", "-o", tmp_path / "b.db", made_up_trace(tmp_path / "b.imt", 3), preexec_fn=limited
    )
    assert done.returncode == 2
    assert not (tmp_path / "b.db").exists()


def test_a_recording_whose_file_is_removed_stops_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    writer = TraceWriter.create(path, META)
    writer.flush()
    path.rename(tmp_path / "b.imt")  # it goes on under its new name
    writer.write(_calls(9))
    writer.flush()
    (tmp_path / "b.imt").unlink()
    writer.write(_calls(9))
    with pytest.raises(ImsafeError, match=r"was removed while being written"):
        writer.flush()
    writer.close({})


def test_a_profile_that_another_program_holds_is_not_called_damaged(
    profile_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imsafe.profile.opening._PATIENCE_S", 0.05)
    profile = tmp_path / "a.db"
    shutil.copy(profile_path, profile)
    holder = sqlite3.connect(profile, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ImsafeError, match="is being changed by another program"):
        Profile.load(profile)
    holder.close()
    assert Profile.load(profile).calls > 0


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    if not shutil.which("gcc"):
        pytest.skip("gcc is not here")
    folder = tmp_path_factory.mktemp("programs")

    def compiled(name: str) -> Path:
        target = folder / name
        if not target.exists():
            source = PROGRAMS / f"{name}.c"
            subprocess.run(["gcc", "-O1", "-Wall", "-pthread", source, "-o", target], check=True)
        return target

    return compiled


def test_short_lived_processes_are_all_seen(program, tmp_path: Path) -> None:
    """`IMSAFE_CROWD=33` for 10,000 of them."""
    births = 307 * int(os.environ.get("IMSAFE_CROWD", "1"))
    path = tmp_path / "a.imt"
    done = run("trace", "-o", path, "--", program("births"), births, 8)
    assert done.returncode == 0, done.stderr
    stream = stream_of(path)
    assert len(stream.of_kind(Kind.FORK)) == births
    assert len(stream.of_kind(Kind.EXIT)) == births + 1
    assert stream.lost == 0


def test_a_thousand_threads(program, tmp_path: Path) -> None:
    path = tmp_path / "a.imt"
    done = run("trace", "-o", path, "--", program("threads"), 1000, 7)
    assert done.returncode == 0, done.stderr
    stream = stream_of(path)
    assert stream.count(110) == 7000
    assert len(stream.of_kind(Kind.FORK)) == 1000
    assert len(set(stream.calls["tid"].tolist())) == 1001


def _calls(count: int, start_ns: int = 0, pid: int = 7) -> np.ndarray:
    events = np.zeros(count, EVENT)
    events["time_ns"] = start_ns + np.arange(count) * 1_000_000
    events["pid"] = events["tid"] = pid
    events["syscall"] = np.resize(WORK, count)
    events["abi"] = 1
    return events


@pytest.fixture
def engine(profile_path: Path) -> Engine:
    profile = Profile.load(profile_path)
    return Engine(
        [Watched(1, "worker", "worker.db", profile, Scorer(profile), 0.5)], everything=True
    )


def _fed(engine: Engine, items: list[Item]) -> list[np.ndarray]:
    for item in [Segment(META), *items, End({}), Closed(complete=True)]:
        engine.feed(1, 0, item)
    return [scored.buckets for scored in engine.take().scored]


def test_a_night_asleep_costs_nothing(engine: Engine) -> None:
    """After suspend the clock has jumped: no bucket for the time between, no alert."""
    day = 86_400 * 10**9
    joined = ProcessInfo(0, 7, 1, "worker", "/usr/bin/worker", 1)
    buckets = np.concatenate(_fed(engine, [joined, _calls(200), _calls(200, 30 * day)]))
    assert len(buckets) <= 6
    assert buckets["calls"].sum() == 400
    assert engine.alerts.count == 0


def test_a_clock_that_is_set_back(engine: Engine) -> None:
    hour = 3600 * 10**9
    buckets = np.concatenate(_fed(engine, [_calls(200, 2 * hour), _calls(200, hour)]))
    assert buckets["calls"].sum() == 400
    assert buckets["time_ns"].min() < 2 * hour <= buckets["time_ns"].max()
    assert engine.alerts.count == 0


def test_a_pid_that_is_used_again_is_another_process(engine: Engine) -> None:
    ended = np.zeros(1, EVENT)
    ended["time_ns"], ended["pid"], ended["tid"], ended["kind"] = 300_000_000, 7, 7, Kind.EXIT
    second = 10**9
    items = [
        ProcessInfo(0, 7, 1, "first", "/usr/bin/first", 1), _calls(200), ended,
        ProcessInfo(second, 7, 1, "second", "/usr/bin/second", 1), _calls(50, second),
    ]  # fmt: skip
    for item in [Segment(META), *items, _calls(1, 2 * second)]:
        engine.feed(1, 0, item)
    (row,) = (row for row in engine.processes.rows(1.0) if row["state"] == RUNNING)
    assert row["calls"] == 50
    comms = {identity["comm"] for identity in engine.processes.identities()}
    assert comms == {"first", "second"}


def test_a_fork_bomb_stays_within_its_limits(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of processes is bounded; the calls of all of them are scored."""
    monkeypatch.setattr("imsafe.monitor.processes.MOST_PROCESSES", 100)
    monkeypatch.setattr("imsafe.stream.routing.MOST_PROCESSES", 200)
    engine.feed(1, 0, Segment(META))
    for pid in range(1, 1001):
        engine.feed(1, 0, ProcessInfo(pid, pid, pid - 1, "bomb", "/bomb", 1))
        engine.feed(1, 0, _calls(2, pid * 1_000_000, pid))
    assert engine.calls == 2000
    assert len(list(engine.processes.rows(1.0))) <= 100
