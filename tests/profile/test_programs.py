# SPDX-License-Identifier: GPL-3.0-or-later
"""`ims-learn`, `ims-tree` and `ims-evaluate`, as a user calls them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imsafe.cli.evaluate import main as evaluate
from imsafe.cli.learn import main as learn
from imsafe.cli.tree import main as tree
from imsafe.events import Kind
from imsafe.profile.profile import Profile
from imsafe.stream.items import Lost, ProcessInfo
from imsafe.stream.trace_file import TraceWriter
from tests.profile.making import calls, daemon, record

META: dict[str, Any] = {
    "applications": [{"name": "web", "matched_by": "command"}],
    "tracer": "ptrace-seccomp",
    "follow_exec": True,
    "timed": True,
}


def trace(path: Path, items: list[Any], meta: dict[str, Any] | None = None) -> Path:
    writer = TraceWriter.create(path, {**META, **(meta or {})})
    for item in items:
        writer.write(item)
    writer.close({})
    return path


@pytest.fixture
def traces(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(1)
    folder = tmp_path / "traces"
    folder.mkdir()
    return [
        trace(folder / f"{number}.imt", [daemon(rng, 6000, pid) for pid in range(1, 8)])
        for number in range(3)
    ]


def words(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    out, err = capsys.readouterr()
    return out, err


def test_parts_give_the_same_tree_and_threshold(
    traces: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b, c = (str(tmp_path / name) for name in ("a.db", "b.db", "c.db"))
    first, second, _ = map(str, traces)
    assert learn(["-o", a, first, second]) == 0
    assert learn(["-o", b, second]) == 0
    assert learn(["-i", b, "-o", c, first]) == 0
    words(capsys)
    for path in (a, c):
        assert tree([path, "--text"]) == 0
    out, _ = words(capsys)
    lines = out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    assert len(lines) > 100
    whole, parts = Profile.load(a), Profile.load(c)
    assert whole.calibration == parts.calibration
    assert whole.suggested_threshold == parts.suggested_threshold is not None


def test_a_result_in_words_and_as_json(
    traces: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(tmp_path / "a.db")
    assert learn(["-o", output, str(traces[0].parent)]) == 0
    out, err = words(capsys)
    assert err == ""
    assert "126,000 calls of 21 processes" in out
    assert "Suggested threshold: 0." in out
    assert "a day" in out
    assert learn(["-o", output, "--force", "--json", str(traces[0].parent)]) == 0
    lines = [json.loads(line) for line in words(capsys)[0].splitlines()]
    assert [line["type"] for line in lines[:-1]] == ["progress"] * (len(lines) - 1)
    result = lines[-1]
    assert result["type"] == "result"
    assert (result["calls"], result["traces"], result["cancelled"]) == (126_000, 3, False)
    assert 0 < result["suggested_threshold"] < 1


def test_little_is_learned_but_not_enough_for_a_threshold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = trace(tmp_path / "a.imt", [calls([1, 2, 3] * 50, pid) for pid in (1, 2, 3)])
    output = tmp_path / "a.db"
    assert learn(["-o", str(output), str(path)]) == 0
    assert "not learned enough for a threshold: 3 of 20" in words(capsys)[0]
    assert Profile.load(output).suggested_threshold is None


def test_refusals_are_one_line_and_status_2(
    traces: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    text = tmp_path / "text.db"
    text.write_text("hello")
    known, other = str(tmp_path / "known.db"), str(tmp_path / "other.db")
    first, second, _ = map(str, traces)
    assert learn(["-o", known, first]) == 0
    words(capsys)
    before = Path(known).read_bytes()
    for arguments, said in (
        (["-o", known, second], "exists already"),
        (["-o", other, "-i", known, first], "--again"),
        (["-o", other, first, first], "--again"),
        (["-o", other, str(tmp_path / "no.imt")], "no.imt"),
        (["-o", other, str(tmp_path / "empty")], "holds no traces"),
        (["-o", other, "-i", str(text), first], "not a profile"),
        (["-o", other, "-i", str(tmp_path / "no.db"), first], "Cannot read"),
        (["-o", other, "-i", known, "-D", "5", second], "depth"),
        (["-o", other, "-D", "0", second], "depth"),
        (["-o", other, "--app", "ftpd", second], "no application"),
        (["-o", str(tmp_path / "no" / "a.db"), second], "Cannot write"),
        (["-o", str(tmp_path), second], "directory"),
        (["-o", other, str(text)], "text.db"),
    ):
        assert learn(arguments) == 2, arguments
        out, err = words(capsys)
        assert out == ""
        assert err.count("\n") == 1, err
        assert err.startswith("ims-learn: ")
        assert said in err
        assert not Path(other).exists()
    assert Path(known).read_bytes() == before


def test_adding_in_place_and_again(
    traces: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.db")
    assert learn(["-o", path, str(traces[0])]) == 0
    assert learn(["-i", path, "-o", path, str(traces[1])]) == 0
    assert learn(["-i", path, "-o", path, "--again", str(traces[1])]) == 0
    assert Profile.load(path).calls == 3 * 42_000
    words(capsys)


def test_one_application_of_several(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = [{"name": "web", "matched_by": "name"}, {"name": "shell", "matched_by": "name"}]
    items = [
        ProcessInfo(0, 1, 0, "web", "/web", 1),
        ProcessInfo(0, 2, 0, "sh", "/sh", 2),
        ProcessInfo(0, 3, 1, "gone", "/gone", 0),
        np.concatenate([calls([1, 2, 3], 1), calls([4, 5], 2), calls([6], 3), calls([7], 1)]),
        Lost(3, 0, 0),
    ]
    path = trace(tmp_path / "a.imt", items, {"applications": both})
    output = tmp_path / "a.db"
    assert learn(["-o", str(output), str(path)]) == 2
    assert "--app" in words(capsys)[1]
    assert learn(["-o", str(output), "--app", "web", str(path)]) == 0
    profile = Profile.load(output)
    assert profile.calls == 4
    assert profile.applications == ["web"]
    assert profile.lost_calls == 3
    assert [tuple(mode) for mode in profile.modes] == [("ptrace-seccomp", True)]
    assert "3 calls were lost" in words(capsys)[0]


@pytest.mark.parametrize("way", ["signal", "stdin"])
def test_cancelling_saves_whole_traces(tmp_path: Path, way: str) -> None:
    rng = np.random.default_rng(1)
    small = trace(tmp_path / "small.imt", [daemon(rng, 500)])
    part = daemon(rng, 50_000)
    large = trace(tmp_path / "large.imt", [part] * 60)
    output = tmp_path / "out.db"
    with subprocess.Popen(
        [sys.executable, "-m", "imsafe.cli.learn", "--json", "-o", output, small, large],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        assert child.stderr is not None
        for line in child.stdout:
            if "large.imt" in json.loads(line)["text"]:
                break
        if way == "signal":
            child.send_signal(signal.SIGINT)
        else:
            child.stdin.close()
        result = json.loads(child.stdout.read().splitlines()[-1])
        assert child.stderr.read() == ""
    assert child.returncode == 0
    assert (result["cancelled"], result["traces"], result["traces_given"]) == (True, 1, 2)
    assert Profile.load(output).calls == 500


def test_no_standard_input_is_no_wish_to_stop(traces: list[Path], tmp_path: Path) -> None:
    output = tmp_path / "out.db"
    done = subprocess.run(
        [sys.executable, "-m", "imsafe.cli.learn", "--json", "-o", output, *traces],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout.splitlines()[-1])["traces"] == 3


def test_the_tree_in_every_form(
    traces: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, other = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    learn(["-o", path, "-D", "3", str(traces[0])])
    odd = trace(tmp_path / "odd.imt", [calls([232, 0, 101, 1])])
    learn(["-i", path, "-o", other, str(odd)])
    words(capsys)
    profile = Profile.load(path)

    assert tree([path, "--json"]) == 0
    nodes = [json.loads(line) for line in words(capsys)[0].splitlines()]
    assert len(nodes) == len(profile.tree) - 1
    by_sequence = {tuple(node["sequence"]): node for node in nodes}
    pair = by_sequence["epoll_wait", "read"]
    assert pair["count"] >= pair["processes"] == 7
    symbols = [1 << 16 | 232, 1 << 16 | 0]
    assert pair["probability"] == profile.probability(symbols[:1], symbols[1])
    assert dict(profile.predict(symbols[:1]))[symbols[1]] == pair["probability"]
    predicted = [chance for _, chance in profile.predict(symbols)]
    assert predicted == sorted(predicted, reverse=True)
    assert sum(predicted) < 1

    assert tree([path]) == 0
    out, _ = words(capsys)
    assert out.startswith("Application: web\nRecorded by: ptrace-seccomp\n")
    assert tree([path, "--text", "--prefix", "epoll_wait,read", "--min-count", "10"]) == 0
    out, _ = words(capsys)
    assert out.splitlines()[0].split()[:2] == ["read", str(pair["count"])]
    assert tree([path, "--dot"]) == 0
    assert words(capsys)[0].startswith("digraph")
    assert tree([path, "--diff", other]) == 0
    calls_there = Profile.load(other).calls
    assert words(capsys)[0].splitlines() == [f"+ 1 {100 / calls_there:.4f}% ptrace"]
    assert tree([path, "--diff", path]) == 0
    assert words(capsys)[0] == ""
    assert tree([other, "--export", "seccomp"]) == 0
    exported = json.loads(words(capsys)[0])
    assert exported["defaultAction"] == "SCMP_ACT_ERRNO"
    rules = {rule["names"][0]: rule["comment"] for rule in exported["syscalls"]}
    assert list(rules)[-1] == "ptrace"  # the least used one
    assert rules["ptrace"] == "1 call in 1 process"
    waits = int(profile.tree.count[profile.tree.find(symbols[:1])])
    assert rules["epoll_wait"] == f"{waits + 1:,} calls in 8 processes"
    assert tree([path, "--export", "systemd"]) == 0
    unit = words(capsys)[0]
    assert "SystemCallArchitectures=x86-64" in unit
    assert f"# epoll_wait: {waits:,} calls in 7 processes\n" in unit
    for arguments in ([path, "--prefix", "nonsense"], [path, "--min-count", "0"]):
        with pytest.raises(SystemExit, match="2"):
            tree(arguments)
    assert tree([str(traces[0])]) == 2
    assert words(capsys)[1].count("\n") >= 1


def test_differences_come_by_their_mass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = str(tmp_path / "a.db"), str(tmp_path / "b.db")
    first = trace(tmp_path / "first.imt", [calls([0, 1, 3] * 20), calls([0, 1, 2] * 4)])
    second = trace(tmp_path / "second.imt", [calls([0, 1, 3] * 10), calls([9, 1] + [10] * 5)])
    learn(["-o", one, "-D", "2", str(first)])
    learn(["-o", other, "-D", "2", str(second)])
    words(capsys)
    assert tree([one, "--diff", other]) == 0
    rows = [line.split() for line in words(capsys)[0].splitlines()]
    # 72 calls here, 37 there; a sequence within which a shorter one is new is not told.
    assert rows[:3] == [
        ["+", "5", f"{500 / 37:.4f}%", "mprotect"],
        ["-", "4", f"{400 / 72:.4f}%", "open"],
        ["+", "1", f"{100 / 37:.4f}%", "mmap"],
    ]
    shares = [float(row[2].rstrip("%")) for row in rows]
    assert shares == sorted(shares, reverse=True)


def test_evaluation_of_a_plain_attack(
    traces: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.db")
    learn(["-o", path, *map(str, traces)])
    words(capsys)
    rng = np.random.default_rng(77)
    normal = [trace(tmp_path / f"n{n}.imt", [daemon(rng, 3000)]) for n in range(4)]
    shell = calls([57, 59, 33, 41, 42, 33, 33, 59, 12, 21, 5, 10, 11, 13, 14] * 3)
    attack = trace(
        tmp_path / "x.imt",
        [daemon(rng, 3000), shell, record(Kind.EXIT, 1, 1), daemon(rng, 300, 2)],
    )
    arguments = ["-d", path, "--normal", *map(str, normal), "--attack", str(attack)]
    assert evaluate([*arguments, "--json"]) == 0
    result = json.loads(words(capsys)[0].splitlines()[-1])
    assert result["auc"] == 1.0
    assert result["detection"] == {"0.01": 1.0, "0.05": 1.0, "0.1": 1.0, "0.2": 1.0}
    assert result["threshold"] == Profile.load(path).suggested_threshold
    assert result["detection_at_threshold"] == 1.0
    assert result["false_alarms_at_threshold"] == 0.0
    assert result["coverage"]["normal"]["unseen_share"] < 0.01
    assert result["coverage"]["attack"]["unseen_share"] > 0.01
    assert set(result["beside"]) == {
        "last_score", "mean_surprise", "burst", "drift", "repertoire", "novelty", "program",
        "stide6",
    }  # fmt: skip
    assert evaluate(arguments) == 0
    said = words(capsys)[0]
    assert "100.0% of the attacks are found" in said
    assert "never learned; after learning" in said.splitlines()[-1]
    assert "Of the normal traces 0" in said
    with pytest.raises(SystemExit, match="2"):
        evaluate([*arguments, "-t", "1.5"])
