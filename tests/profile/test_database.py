# SPDX-License-Identifier: GPL-3.0-or-later
"""The `.db`: what is saved is loaded, and nothing that a stranger puts into one does harm."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imsafe.cli.tree import main as tree
from imsafe.errors import FileExistsRefused, ImsafeError, ProfileError
from imsafe.gui.device import SensorDevice
from imsafe.gui.mode_check import mode_difference
from imsafe.profile.glance import glance
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer
from tests.profile.making import calls, daemon, learned


@pytest.fixture(scope="module")
def profile() -> Profile:
    rng = np.random.default_rng(6)
    made = learned([daemon(rng, 4000, pid) for pid in range(1, 21)], depth=5)
    made.mark_normal([calls([1, 2, 3])], "mine")
    return made


@pytest.fixture
def saved(profile: Profile, tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    profile.save(path)
    return path


def test_what_is_saved_is_loaded(profile: Profile, saved: Path) -> None:
    loaded = Profile.load(saved)
    for name in ("parent", "symbol", "count", "processes"):
        assert np.array_equal(getattr(loaded.tree, name), getattr(profile.tree, name))
    assert loaded.calibration == profile.calibration
    assert loaded.sets == profile.sets
    assert loaded.traces == profile.traces
    assert loaded.marks[0].note == "mine"
    assert loaded.alphabets == profile.alphabets
    for key, unit in profile.knowledge.sample.units.items():
        assert np.array_equal(loaded.knowledge.sample.units[key].rows, unit.rows)
    events = daemon(np.random.default_rng(1), 1000)
    assert np.array_equal(Scorer(loaded).feed(0, events), Scorer(profile).feed(0, events))


def test_it_is_readable_with_the_sqlite3_shell_and_documented(saved: Path) -> None:
    document = Path(__file__).parents[2] / "docs" / "detection-model.md"
    query = document.read_text("utf-8").split("```sql")[1].split("```")[0]
    with sqlite3.connect(saved) as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    assert ("epoll_wait", "read") in {row[:2] for row in rows}


def test_no_file_is_overwritten_unasked(profile: Profile, saved: Path) -> None:
    with pytest.raises(FileExistsRefused):
        profile.save(saved)
    profile.save(saved, replace=True)


def test_a_folder_that_does_not_exist(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(ImsafeError, match="Cannot write"):
        profile.save(tmp_path / "no" / "a.db")


@pytest.mark.parametrize(
    "content", [b"", b"hello\n", b"SQLite format 3\0", b"SQLite format 3\0" + b"\0" * 4096]
)
def test_other_files_are_no_profiles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    for opening in (Profile.load, glance):
        with pytest.raises(ProfileError):
            opening(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "no.db", tmp_path):
        with pytest.raises(ImsafeError, match="Cannot read"):
            Profile.load(path)


def test_a_database_of_something_else(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE nodes (node)")
    connection.close()
    with pytest.raises(ProfileError, match="something else"):
        Profile.load(tmp_path / "a.db")


def test_files_cut_short_or_scribbled_on_never_do_more_than_fail(saved: Path) -> None:
    whole = saved.read_bytes()
    rng = np.random.default_rng(3)
    for size in rng.integers(0, len(whole), 30).tolist():
        saved.write_bytes(whole[:size])
        with pytest.raises(ProfileError):
            Profile.load(saved)
    for _ in range(60):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 40).tolist():
            damaged[place] = int(rng.integers(0, 256))
        saved.write_bytes(damaged)
        try:
            Scorer(Profile.load(saved)).feed(0, calls([232, 0, 1]))
        except ProfileError:
            continue


HOSTILE = {
    "a cycle": "UPDATE nodes SET parent = node + 1 WHERE node = 3",
    "its own parent": "UPDATE nodes SET parent = node WHERE node = 3",
    "a parent beyond": "UPDATE nodes SET parent = 99999999 WHERE node = 5",
    "text for a number": "UPDATE nodes SET count = 'many' WHERE node = 3",
    "a blob": "UPDATE nodes SET symbol = x'00' WHERE node = 3",
    "nothing": "UPDATE nodes SET count = NULL WHERE node = 3",
    "a fraction": "UPDATE nodes SET count = 1.5 WHERE node = 3",
    "a negative count": "UPDATE nodes SET count = -5 WHERE node = 3",
    "a zero count": "UPDATE nodes SET count = 0 WHERE node = 3",
    "a huge count": "UPDATE nodes SET count = 9223372036854775807 WHERE node = 3",
    "an impossible call": "UPDATE nodes SET symbol = 99999999 WHERE node = 3",
    "more processes than calls": "UPDATE nodes SET processes = count + 1 WHERE node = 3",
    "no nodes": "DELETE FROM nodes",
    "a missing node": "DELETE FROM nodes WHERE node = 3",
    "counts that do not add up": "UPDATE nodes SET count = 1, processes = 1 WHERE node = 1",
    "no suffix": "UPDATE nodes SET symbol = symbol + 400"
    " WHERE node = (SELECT max(node) FROM nodes)",
    "a huge depth": "UPDATE profile SET value = '1000000' WHERE key = 'depth'",
    "a small depth": "UPDATE profile SET value = '2' WHERE key = 'depth'",
    "a senseless depth": "UPDATE profile SET value = 'deep' WHERE key = 'depth'",
    "no depth": "DELETE FROM profile WHERE key = 'depth'",
    "endless digits for a depth": "UPDATE profile"
    " SET value = replace(hex(zeroblob(2500)), '0', '9') WHERE key = 'depth'",
    "no traces": "DELETE FROM traces",
    "traces of nothing": "UPDATE traces SET units = 0",
    "no calibration": "DELETE FROM profile WHERE key = 'calibration'",
    "a calibration that is none": "UPDATE profile SET value = '[1]' WHERE key = 'calibration'",
    "deep JSON": "UPDATE profile SET value = replace(hex(zeroblob(50000)), '0', '[')"
    " WHERE key = 'calibration'",
    "no scale": "UPDATE profile SET value = json_set(value, '$.scale', json('[0,0,0]'))"
    " WHERE key = 'calibration'",
    "an infinite tail": "UPDATE profile SET value = json_set(value, '$.tail_excess', 1e999)"
    " WHERE key = 'calibration'",
    "falling knots": "UPDATE profile SET value = json_set(value, '$.knots', json('[2,1]'),"
    " '$.scores', json('[0,0]')) WHERE key = 'calibration'",
    "equal knots": "UPDATE profile SET value = json_set(value, '$.knots', json('[1,1]'),"
    " '$.scores', json('[0,0]')) WHERE key = 'calibration'",
    "an alphabet of nothing": "UPDATE alphabets SET calls = 0",
    "an unknown ABI": "INSERT INTO alphabets VALUES (300, 5)",
    "a set without calls": "UPDATE repertoire SET after = ''",
    "a set with impossible calls": "UPDATE repertoire SET after = '1 99999999999999999999'",
    "a shrinking set": "UPDATE repertoire SET before = '1 2 3', after = '1'",
    "an unknown checkpoint": "UPDATE repertoire SET checkpoint = 17",
    "a damaged unit": "UPDATE sample SET rows = x'00'",
    "a bomb": "UPDATE sample SET rows = zeroblob(100)",
    "a unit of nothing": "UPDATE sample SET calls = 0",
    "a negative beginning": "UPDATE sample SET preceding = -1",
    "a total below zero": "UPDATE traces SET units = -1",
    "a header that is none": "UPDATE traces SET meta = 'x'",
    "a mark's damaged events": "UPDATE marked SET events = x'0102'",
    "a mark's endless events": "UPDATE marked SET records = 1000000000",
    "a mark's damaged state": "UPDATE marked SET state = '{\"threads\": 3}'",
    "a mark's endless weight": "UPDATE marks SET weight = 1 << 60",
    "a view": "CREATE VIEW v AS SELECT * FROM nodes",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON nodes BEGIN SELECT 1; END",
    "a virtual table": "CREATE VIRTUAL TABLE f USING fts5(x)",
    "another table in place": "DROP TABLE marks; CREATE TABLE marks (a, b AS (hex(a)))",
    "a future format": "PRAGMA user_version = 327680",
    "a write-ahead log": "PRAGMA journal_mode = WAL",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_profile_is_one_clear_error(saved: Path, what: str) -> None:
    connection = sqlite3.connect(saved)
    connection.executescript(HOSTILE[what])
    connection.close()
    with pytest.raises(ProfileError) as caught:
        Profile.load(saved)
    assert str(saved) in str(caught.value)
    assert "\n" not in str(caught.value)
    with contextlib.suppress(ProfileError):  # it does not look at everything
        glance(saved)


@pytest.mark.parametrize("what", ["no traces", "endless digits for a depth"])
def test_neither_is_one_at_a_glance(saved: Path, what: str) -> None:
    with contextlib.closing(sqlite3.connect(saved)) as connection:
        connection.executescript(HOSTILE[what])
    with pytest.raises(ProfileError, match="is damaged"):
        glance(saved)


def test_a_name_that_cannot_be_printed_is_escaped(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meta = json.dumps({"applications": [{"name": "a\ud800\x1b"}]})
    with contextlib.closing(sqlite3.connect(saved, isolation_level=None)) as connection:
        connection.execute("UPDATE traces SET meta = ?", (meta,))
    assert tree([str(saved)]) == 0
    assert "Application: a\\ud800\\x1b\n" in capsys.readouterr().out


def test_a_later_minor_version_is_read(saved: Path) -> None:
    with sqlite3.connect(saved) as connection:
        connection.execute("CREATE TABLE invented_later (a, b)")
        connection.execute("PRAGMA user_version = 262149")
    connection.close()
    assert Profile.load(saved).calls > 0


def test_a_table_of_a_later_version_is_not_computed(saved: Path) -> None:
    with sqlite3.connect(saved) as connection:
        # It fails where it is computed, and could take minutes as well.
        connection.execute("CREATE TABLE invented_later (a, b NOT NULL AS (hex(zeroblob(a))))")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("INSERT INTO invented_later (a) VALUES (10)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, 'zeroblob(a)', 'zeroblob(a << 40)')"
        )
        connection.execute("PRAGMA user_version = 262149")
    connection.close()
    assert Profile.load(saved).calls > 0


def test_a_newer_format_asks_to_update(saved: Path) -> None:
    with sqlite3.connect(saved) as connection:
        connection.execute("PRAGMA user_version = 327680")
    connection.close()
    for opening in (Profile.load, glance):
        with pytest.raises(ProfileError, match=r"newer ImSafe.*5\.0.*update ImSafe"):
            opening(saved)


def test_an_earlier_format_is_to_be_learned_again(saved: Path) -> None:
    with sqlite3.connect(saved) as connection:
        connection.execute("PRAGMA user_version = 131072")
    connection.close()
    with pytest.raises(ProfileError, match=r"earlier ImSafe.*2\.0.*learn it again from its traces"):
        Profile.load(saved)


def test_a_locked_database_is_not_called_damaged(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imsafe.profile.opening._PATIENCE_S", 0.1)
    connection = sqlite3.connect(saved, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(ProfileError, match="another program"):
            Profile.load(saved)
    finally:
        connection.close()


def test_the_same_knowledge_is_the_same_bytes(profile: Profile, tmp_path: Path) -> None:
    profile.save(tmp_path / "a.db")
    Profile.load(tmp_path / "a.db").save(tmp_path / "b.db")
    assert (tmp_path / "a.db").read_bytes() == (tmp_path / "b.db").read_bytes()


def test_a_glance_needs_no_number_crunching(saved: Path) -> None:
    program = (
        "import sys; from imsafe.profile.glance import glance, read_tree;"
        f"print(glance({str(saved)!r}).calls); read_tree({str(saved)!r});"
        "assert 'numba' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("80000\n", "")


def test_a_glance_sees_how_each_segment_was_recorded(tmp_path: Path) -> None:
    learner = Learner()
    # As `ims-trace` writes it: a header of its own, then the segments of the kernel tracer.
    own = {"tracer": "ims-trace", "applications": [{"name": "a"}]}
    learner.begin_trace("a", "a", own)
    kernel = {"tracer": "kernel", "follow_exec": False, "applications": [{"name": "b"}]}
    learner.begin_segment(0, own)
    learner.begin_segment(1, kernel)
    learner.feed(1, calls([1, 2, 3]))
    learner.end_trace()
    profile = learner.finish()
    profile.save(tmp_path / "a.db")
    seen = glance(tmp_path / "a.db")
    assert seen.modes == (("ims-trace", None), ("kernel", False)) == tuple(profile.modes)
    assert seen.applications == ("a", "b") == tuple(profile.applications)
    words = "learned with the driver, and the device is a sensor"
    assert words in mode_difference(seen, SensorDevice())


@pytest.mark.parametrize("writable", [True, False])
def test_an_unwritable_cache_folder_is_coped_with(
    saved: Path, tmp_path: Path, writable: bool
) -> None:
    program = (
        "from imsafe.profile.compiled import cache_folder; f = cache_folder();"
        "print(f, oct(f.stat().st_mode & 0o777))"
    )
    home = tmp_path / "home"
    home.mkdir()
    if not writable:
        (home / ".cache").write_text("in the way")
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": str(home), "TMPDIR": str(tmp_path), "PATH": ""},
    )
    assert done.stderr == ""
    name, mode = done.stdout.split()
    folder = Path(name)
    assert mode == "0o700"
    assert folder.is_relative_to(home) == writable
    assert folder.exists() == writable  # a passing folder goes with its program
