# SPDX-License-Identifier: GPL-3.0-or-later
"""Which programs a profile takes for those of its application."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsafe.errors import ProfileError
from imsafe.profile.glance import glance
from imsafe.profile.learner import Learner
from imsafe.profile.part import Part
from imsafe.profile.profile import Profile
from imsafe.profile.programs import MOST_PROGRAMS, ProgramCounts, Programs, in_words
from tests.profile.making import calls

Trace = dict[str, int]
"""How many processes ran a program; it begins with the first."""


def meta(trace: Trace) -> dict[str, object]:
    return {"programs": [[name, f"{name}.bin", count] for name, count in trace.items()]}


def run(learner: Learner, number: int, trace: Trace) -> None:
    """Learn a trace in which every process makes the same 400 calls."""
    learner.begin_trace(f"trace {number}", "made up", {"tracer": "ptrace", "follow_exec": True})
    pid = 0
    for name, count in trace.items():
        for _ in range(count):
            pid += 1
            learner.runs(name, f"/usr/bin/{name}.bin")
            learner.feed(0, calls([0, 1, 3, 1] * 100, pid))
    learner.end_trace()


def learned(*traces: Trace) -> Profile:
    learner = Learner(depth=4)
    for number, trace in enumerate(traces):
        run(learner, number, trace)
    return learner.finish()


NAMES = st.sampled_from(["sh", "tar", "wc", "gzip", "nginx", "id"])
TRACES = st.lists(
    st.dictionaries(NAMES, st.integers(1, 4), min_size=1, max_size=5), min_size=1, max_size=4
)


@given(TRACES, st.integers(1, 5000), st.floats(0, 1))
def test_the_chance_is_that_of_good_and_turing(
    traces: list[Trace], units: int, unseen: float
) -> None:
    programs = Programs(map(meta, traces), units, unseen)
    own = {next(iter(trace)) for trace in traces}
    ran = {name: sum(trace.get(name, 0) for trace in traces) for trace in traces for name in trace}
    once = sum(count == 1 for name, count in ran.items() if name not in own)
    twice = sum(count == 2 for name, count in ran.items() if name not in own)
    prior = max(0.01, 100 * unseen**2)
    expected = min(1.0, (once + 1.96 * math.sqrt(once + 2 * twice) + prior) / units)
    assert programs.chance == pytest.approx(expected)
    assert programs.score == pytest.approx(min(1.0, -math.log10(expected) / 6))
    assert set(programs.learned) == set(ran)
    shuffled = Programs(map(meta, reversed(traces)), units, unseen)
    assert (shuffled.chance, set(shuffled.learned)) == (programs.chance, set(programs.learned))


def test_a_program_goes_by_the_name_that_loading_it_gives() -> None:
    counts = ProgramCounts()
    for _ in range(3):
        counts.add("sh", "/bin/busybox")
        # This one ran before it was recorded, and had renamed itself.
        counts.add("master process", "/opt/a-program-with-a-long-name (deleted)")
    programs = Programs([counts.as_meta()], 1000, 0.001)
    assert programs.score_of("wget") == programs.score == pytest.approx(5 / 6)
    for name in ("sh", "busybox", "a-program-with-", "master process", ""):
        assert programs.score_of(name) == 0.0
    assert programs.score_of("a-program-with-a-long-name") > 0  # a comm is never so long
    assert programs.learned == ("sh", "master process")


@pytest.mark.parametrize(
    "stored",
    [
        None,
        7,
        "sh",
        [],
        ["sh"],
        [["sh", "sh"]],
        [["sh", "sh", 0]],
        [["sh", "sh", "1"]],
        [["sh", 1, 1]],
        [["sh", "sh", 1]] * (MOST_PROGRAMS + 1),
    ],
)
def test_where_one_trace_does_not_tell_another_program_means_nothing(stored: object) -> None:
    metas = [meta({"sh": 9}), {"programs": stored}]
    programs = Programs(metas, 1000, 0.001)
    assert programs.score_of("id") == 0.0
    assert Programs([], 0, 0.001).score_of("id") == 0.0


def test_a_profile_knows_what_its_traces_ran(tmp_path: Path) -> None:
    profile = learned({"sh": 30, "tar": 30})
    assert profile.saturation.is_enough
    assert profile.programs.learned == ("sh", "tar")
    assert profile.programs.chance == pytest.approx(0.01 / 60)
    profile.save(tmp_path / "a.db")
    again = Learner.from_profile(Profile.load(tmp_path / "a.db"))
    run(again, 7, {"sh": 30, "wc": 1})
    more = again.finish().programs
    assert set(more.learned) == {"sh", "tar", "wc"}
    # One that a single process ran: another such has to be expected.
    assert more.chance == pytest.approx((1 + 1.96 + 0.01) / 91)
    # Until wc, too, has been run often, or is what is recorded.
    assert learned({"sh": 30, "tar": 30}, {"wc": 1}).programs.chance == pytest.approx(0.01 / 61)


def test_what_is_said_of_them_is_the_same_at_a_glance(tmp_path: Path) -> None:
    profile = learned({"sh": 30, "tar": 30})
    profile.save(tmp_path / "a.db")
    seen = glance(tmp_path / "a.db").programs
    assert (seen.learned, seen.score) == (profile.programs.learned, profile.programs.score)
    assert str(seen) == "Programs: sh, tar; another one scores 0.630."
    names = [f"p{number}" for number in range(10)]
    assert in_words(names, 0.0) == (
        "Programs: p0, p1, p2, p3, p4, p5, p6, p7 and 2 more; another one does not raise the score"
        " yet."
    )


def test_parts_are_added_in_any_order() -> None:
    traces: Sequence[Trace] = ({"sh": 20, "tar": 3}, {"sh": 20, "wc": 2})
    parts = []
    for number, trace in enumerate(traces):
        helper = Learner(depth=4)
        run(helper, number, trace)
        parts.append(Part.from_bytes(helper.take_part().to_bytes()))
    chances = set()
    for order in (parts, parts[::-1]):
        learner = Learner(depth=4)
        for part in order:
            learner.add_part(part)
        chances.add(learner.finish().programs.chance)
    assert chances == {learned(*traces).programs.chance}


def test_the_header_of_a_trace_does_not_tell_what_its_processes_run() -> None:
    learner = Learner(depth=4)
    learner.begin_trace("lies", "lies", meta({"id": 60}))
    learner.begin_segment(0, meta({"id": 60}))
    learner.runs("sh", "/bin/sh")
    learner.feed(0, calls([0, 1] * 2000))
    learner.end_trace()
    assert learner.finish().programs.learned == ("sh",)


def test_an_application_that_runs_anything_is_left_alone() -> None:
    learner = Learner(depth=4)
    learner.begin_trace("many", "many")
    for number in range(MOST_PROGRAMS + 1):
        learner.runs(f"program-{number}", "")
        learner.runs(f"program-{number}", "")
    learner.feed(0, calls([0, 1] * 2000))
    learner.end_trace()
    programs = learner.finish().programs
    assert programs.learned == ()
    assert programs.score_of("id") == 0.0


def test_this_was_normal_and_its_end(tmp_path: Path) -> None:
    profile = learned({"sh": 60})
    assert profile.programs.score_of("id") > 0
    mark = profile.mark_normal([calls([0, 1, 3])], programs=["id", "", "id"])
    profile.save(tmp_path / "a.db")
    profile = Profile.load(tmp_path / "a.db")
    assert profile.marks[0].programs == ("id",)
    assert profile.programs.score_of("id") == 0.0
    assert profile.programs.score_of("ls") > 0
    profile.undo_normal(mark)
    assert profile.programs.score_of("id") > 0


@pytest.mark.parametrize("stored", ["", "[]", '{"1": "id"}', '{"1": [7]}'])
def test_marked_programs_that_are_none(tmp_path: Path, stored: str) -> None:
    profile = learned({"sh": 60})
    path = tmp_path / "a.db"
    profile.save(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE profile SET value = ? WHERE key = 'marked_programs'", (stored,))
    connection.close()
    with pytest.raises(ProfileError, match="damaged: what a mark says of programs"):
        Profile.load(path)


def test_a_profile_of_an_earlier_version_has_none_of_it(tmp_path: Path) -> None:
    learner = Learner(depth=4)
    learner.begin_trace("old", "old")
    learner.feed(0, calls([0, 1] * 2000))
    learner.end_trace()
    path = tmp_path / "a.db"
    learner.finish().save(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM profile WHERE key = 'marked_programs'")
    connection.close()
    programs = Profile.load(path).programs
    assert (programs.learned, programs.score) == ((), 0.0)
