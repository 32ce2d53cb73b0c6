# SPDX-License-Identifier: GPL-3.0-or-later
"""A watched program that is not the one that was learned is said to be so, once, in words."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imsafe.monitor.engine import Engine
from imsafe.monitor.modes import differences
from imsafe.monitor.program_change import changes
from imsafe.monitor.watched import Watched
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer

from .conftest import events_of, normal_calls, segment
from .test_ims_monitor import ENVIRONMENT, linux, monitor

OLD = {
    "name": "redis", "exe": "/usr/bin/redis-server", "sha256": "a" * 64, "build_id": "01" * 20,
    "package": "redis-server", "package_version": "7.0.15-1~deb12u4",
}  # fmt: skip
NEW = {**OLD, "sha256": "b" * 64, "build_id": "02" * 20, "package_version": "7.0.15-1~deb12u5"}
BEGIN = "The program changed since it was learned: "


def header(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"applications": list(entries)}


def without(entry: dict[str, str], *keys: str) -> dict[str, str]:
    return {key: value for key, value in entry.items() if key not in keys}


def test_another_version_is_told_by_package_and_build() -> None:
    assert changes([header(OLD)], header(OLD)) == []
    assert changes([header(OLD)], header(NEW)) == [
        f"{BEGIN}/usr/bin/redis-server was redis-server 7.0.15-1~deb12u4 (build-id {'01' * 20}),"
        f" is redis-server 7.0.15-1~deb12u5 (build-id {'02' * 20})."
    ]


def test_the_latest_that_was_learned_is_named_and_each_of_them_will_do() -> None:
    newest = {**NEW, "sha256": "c" * 64, "package_version": "7.0.15-1~deb12u6"}
    learned = [header(OLD), header(NEW)]
    assert changes(learned, header(OLD)) == changes(learned, header(NEW)) == []
    (text,) = changes(learned, header(newest))
    assert "was redis-server 7.0.15-1~deb12u5, is redis-server 7.0.15-1~deb12u6." in text


def test_a_file_that_was_changed_behind_the_package() -> None:
    (text,) = changes([header(OLD)], header({**OLD, "sha256": "b" * 64}))
    assert text == (
        f"{BEGIN}/usr/bin/redis-server was sha256 {'a' * 16}..., is sha256 {'b' * 16}...,"
        " though its package is still redis-server 7.0.15-1~deb12u4."
    )


def test_nothing_is_said_where_either_side_does_not_know() -> None:
    unknown = without(OLD, "sha256", "build_id", "package", "package_version")
    assert changes([header(unknown)], header(NEW)) == []
    assert changes([header(OLD)], header(unknown)) == []
    assert changes([header(OLD), header(unknown)], header(NEW)) == []
    assert changes([], header(NEW)) == []
    assert changes([{}], header(NEW)) == changes([header(OLD)], {}) == []
    # One knows the hash, the other the version only.
    only_version = without(NEW, "sha256", "build_id")
    assert changes([header(without(OLD, "package", "package_version"))], header(only_version)) == []
    assert len(changes([header(OLD)], header(only_version))) == 1


def test_other_programs_are_not_compared() -> None:
    other = {**NEW, "name": "nginx", "exe": "/usr/sbin/nginx"}
    assert changes([header(OLD)], header(other)) == []
    # The same file under another application's name, and the same name elsewhere, are.
    assert len(changes([header(OLD)], header({**NEW, "name": "process 4711"}))) == 1
    assert len(changes([header(OLD)], header({**NEW, "exe": "/opt/redis-server"}))) == 1


@pytest.mark.parametrize("strange", [None, 7, "x", [], {}, {"a": 1}])
def test_strange_headers(strange: Any) -> None:
    assert changes([{"applications": strange}], header(OLD)) == []
    assert changes([header(OLD)], {"applications": [strange, {"name": strange}]}) == []
    assert changes([header(OLD)], header({**OLD, "name": strange})) == []


def test_control_characters_do_not_reach_the_terminal() -> None:
    (text,) = changes([header(OLD)], header({**NEW, "package": "\x1b[2J", "exe": "/usr/\n"}))
    assert text.isprintable()


def test_a_profile_that_is_loaded_anew_is_compared_anew(tmp_path: Path) -> None:
    learned = []
    for number, entry in enumerate((OLD, NEW)):
        learner = Learner(depth=4)
        learner.begin_trace(f"trace {number}", "trace", segment(applications=[entry]).meta)
        learner.feed(0, events_of(normal_calls(50)))
        learner.end_trace()
        learner.finish().save(tmp_path / f"{number}.db")
        learned.append(Profile.load(tmp_path / f"{number}.db"))
    old, new = learned
    watched = Watched(1, "redis", "redis.db", old, Scorer(old), 1.0)
    engine = Engine([watched], everything=True, differences=differences)
    engine.feed(0, 0, segment(applications=[NEW]))
    assert [BEGIN in text for text in watched.warnings] == [True]
    engine.feed(0, 1, segment(applications=[NEW]))
    assert len(engine.take().notices) == 1
    engine.use_profile(watched, new)
    assert watched.warnings == []
    engine.use_profile(watched, old)
    assert [BEGIN in text for text in watched.warnings] == [True]


def run(program: str, *arguments: object) -> None:
    argv = [sys.executable, "-m", f"imsafe.cli.{program}", *map(str, arguments)]
    subprocess.run(argv, check=True, capture_output=True, env=ENVIRONMENT, timeout=240)


@linux
def test_a_real_program_that_is_changed(tmp_path: Path) -> None:
    program, trace, profile = tmp_path / "sort", tmp_path / "t.imt", tmp_path / "p.db"
    shutil.copy("/usr/bin/sort", program)
    run("trace", "-o", trace, "--", program, "/etc/passwd")
    run("learn", "-o", profile, trace)
    watch = ["-d", profile, "-t", 1, "--", program, "/etc/passwd"]
    assert BEGIN not in monitor(*watch).stderr

    with program.open("ab") as file:
        file.write(b"and more")
    recording = tmp_path / "again.imt"
    result = monitor("--record", recording, *watch)
    assert result.returncode == 0
    (line,) = [line for line in result.stderr.splitlines() if BEGIN in line]
    assert line.startswith(f"ims-monitor: sort: {BEGIN}{program.resolve()} was sha256 ")

    # The same of a recording, as JSON, once though it has two segments.
    run("trace", "-o", recording, "--append", "--", program, "/etc/passwd")
    result = monitor("-d", profile, "-t", 1, "--json", "--replay", recording)
    said = [json.loads(line) for line in result.stdout.splitlines()]
    (notice,) = [each for each in said if each["type"] == "notice" and BEGIN in each["text"]]
    assert not notice["error"]
    rows = [each["applications"] for each in said if each["type"] == "status"]
    assert any(BEGIN in text for (row,) in rows for text in row["warnings"])

    # Who learns the new program as well is told no more.
    run("learn", "-i", profile, "-o", profile, recording)
    assert BEGIN not in monitor(*watch).stderr
