# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning in several processes, and after a crash, gives what learning in one run gives."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imsafe.cli.learn import main as learn
from imsafe.events import Events
from imsafe.profile.learner import Learner
from imsafe.profile.part import Part
from imsafe.profile.profile import Profile
from imsafe.stream.trace_file import TraceWriter
from tests.profile.making import any_events, calls, daemon, learn_trace

META: dict[str, Any] = {"applications": [{"name": "web"}], "tracer": "ptrace", "timed": True}


def trace(path: Path, *batches: Events) -> str:
    writer = TraceWriter.create(path, META)
    for batch in batches:
        writer.write(batch)
    writer.close({})
    return str(path)


def rows(path: Path, *but: str) -> dict[str, list[Any]]:
    """Everything that a `.db` holds, but for when its traces were added."""
    tables = {"profile", "alphabets", "symbols", "nodes", "repertoire", "sample"} - set(but)
    with sqlite3.connect(path) as connection:
        found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
        found["traces"] = connection.execute(
            "SELECT number, identity, name, meta, calls, processes, units, duration_ns, lost"
            " FROM traces"
        ).fetchall()
    connection.close()
    return found


@settings(max_examples=20, deadline=None)
@given(st.lists(any_events(), min_size=1, max_size=4), st.randoms())
def test_parts_add_up_in_any_order(traces: list[Events], chance: random.Random) -> None:
    whole = Learner(4)
    parts = []
    for number, events in enumerate(traces):
        learn_trace(whole, events, f"trace-{number}")
        other = Learner(4)
        learn_trace(other, events, f"trace-{number}")
        parts.append(other.take_part().to_bytes())
        assert other.calls == 0
    chance.shuffle(parts)
    summed = Learner(4)
    for part in parts:
        summed.add_part(Part.from_bytes(part))
    summed.arrange([f"trace-{number}" for number in range(len(traces))])
    one, other_one = whole.finish(), summed.finish()
    for name in ("parent", "symbol", "count", "processes"):
        assert np.array_equal(getattr(one.tree, name), getattr(other_one.tree, name))
    assert one.sets == other_one.sets
    assert one.calibration == other_one.calibration
    kept, kept_there = (profile.knowledge.sample.units for profile in (one, other_one))
    assert {key: (unit.first, unit.rows.tolist()) for key, unit in kept.items()} == {
        key: (unit.first, unit.rows.tolist()) for key, unit in kept_there.items()
    }
    assert [trace.calls for trace in one.traces] == [trace.calls for trace in other_one.traces]


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("traces")
    return [
        trace(folder / f"{number}.imt", *(daemon(rng, 3000, pid) for pid in range(1, 6)))
        for number in range(5)
    ]


def test_helpers_learn_what_one_process_learns(
    traces: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, three = tmp_path / "one.db", tmp_path / "three.db"
    given = [*traces, traces[1]]
    assert learn(["--again", "--jobs", "1", "-o", str(one), *given]) == 0
    assert learn(["--again", "--jobs", "3", "-o", str(three), *given]) == 0
    assert rows(three) == rows(one)
    out, err = capsys.readouterr()
    assert out.count("Suggested threshold") == 2
    assert err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.db", "three.db"]


def test_a_trace_that_cannot_be_learned_ends_all(
    traces: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "a.db"
    words = ["--jobs", "2", "--app", "ftp", "-o", str(output), *traces]
    assert learn(words) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert "has no application 'ftp'" in err
    assert not output.exists()


def killed_run(words: list[str], part: Path) -> None:
    """Start `ims-learn`, and kill it when it has saved something of its work."""
    process = subprocess.Popen(
        [sys.executable, "-m", "imsafe.cli.learn", "--save-every", "0", *words],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not part.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_after_a_crash_the_next_run_goes_on(
    jobs: str, traces: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    part = tmp_path / "second.db.part"
    rng = np.random.default_rng(2)
    large = trace(tmp_path / "large.imt", *(daemon(rng, 2000, pid) for pid in range(1, 500)))
    given = [*traces, large]
    start = tmp_path / "start.db"
    assert learn(["-o", str(start), given[0]]) == 0
    assert learn(["-i", str(start), "-o", str(first), *given[1:]]) == 0
    words = ["-i", str(start), "--jobs", jobs, "-o", str(second), *given[1:]]
    killed_run(words, part)
    assert not second.exists()
    held = Profile.load(part)
    assert held.traces[0].name == given[0]
    assert len(held.traces) > 1
    capsys.readouterr()
    assert learn([*words, "--resume"]) == 0
    _, err = capsys.readouterr()
    assert f"{len(held.traces) - 1} of 5 traces were learned by an earlier run" in err
    assert rows(second) == rows(first)
    assert not part.exists()


def test_what_another_command_left_is_not_gone_on_from(
    traces: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "a.db")
    assert learn(["-o", output, "-D", "4", traces[0]]) == 0
    Path(output).rename(tmp_path / "a.db.part")
    capsys.readouterr()
    assert learn(["-o", output, "--resume", traces[1]]) == 2
    assert "begun with another depth" in capsys.readouterr().err
    assert learn(["-o", output, traces[1]]) == 0
    assert "Learning anew" in capsys.readouterr().err
    assert [trace.name for trace in Profile.load(output).traces] == [traces[1]]


@pytest.mark.parametrize("words", [["--jobs", "0"], ["--jobs", "x"], ["--save-every", "-1"]])
def test_senseless_numbers_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        learn([*words, "-o", "a.db", "b"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
@pytest.mark.parametrize("what", ["pipe", "link to nothing"])
def test_an_output_that_is_no_file_is_refused_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    output = tmp_path / "out.db"
    if what == "pipe":
        os.mkfifo(output)
    else:
        output.symlink_to("nowhere")
    assert learn(["-o", str(output), "--force", str(tmp_path / "missing.imt")]) == 2
    said = "is a device, pipe or socket" if what == "pipe" else "which does not exist"
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [output]


def test_what_was_marked_during_the_learning_is_not_lost(
    traces: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, part = tmp_path / "a.db", tmp_path / "a.db.part"
    assert learn(["-o", str(path), traces[0]]) == 0

    def finish(learner: Learner, *arguments: Any) -> Profile:
        monitors = Profile.load(path)
        monitors.mark_normal([calls([1, 2, 3])], "meanwhile")
        monitors.save(path, replace=True, instead_of=monitors.file)
        return whole(learner, *arguments)

    whole = Learner.finish
    monkeypatch.setattr(Learner, "finish", finish)
    words = ["-i", str(path), "-o", str(path), traces[1]]
    assert learn(words) == 2
    monkeypatch.undo()
    assert "a.db was changed by another program meanwhile" in capsys.readouterr().err
    marked = Profile.load(path)
    assert ([mark.note for mark in marked.marks], len(marked.traces)) == (["meanwhile"], 1)
    assert part.exists()
    assert learn([*words, "--resume"]) == 0
    both = Profile.load(path)
    assert ([mark.note for mark in both.marks], len(both.traces)) == (["meanwhile"], 2)
    assert not part.exists()


def test_work_that_cannot_be_saved_meanwhile_does_not_end_the_learning(
    traces: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / ("x" * 248 + ".db")  # no name is left for the work
    words = ["--save-every", "0", "--jobs", "1", "-o", str(output), *traces]
    assert learn(words) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert "Cannot write" in said
    assert said.endswith(
        ".db.part: file name too long. Learning goes on; a crash would cost what is learned so far."
    )
    assert len(Profile.load(output).traces) == len(traces)
    assert list(tmp_path.iterdir()) == [output]
