# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from imsafe.errors import ChangedMeanwhile, FileExistsRefused, ImsafeError
from imsafe.files import saved_whole, state_of

IS_ROOT = sys.platform != "win32" and os.geteuid() == 0


def _save(path: Path, content: bytes, *, replace: bool) -> None:
    with saved_whole(path, replace=replace) as beside:
        beside.write_bytes(content)


def test_a_new_file_is_private_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    _save(target, b"new", replace=False)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_refused_untouched(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    target.write_bytes(b"old")
    with pytest.raises(FileExistsRefused, match=r"a\.db exists already"):
        _save(target, b"new", replace=False)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_replacing_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    target.write_bytes(b"old")
    target.chmod(0o640)
    _save(target, b"new", replace=True)
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(not IS_ROOT, reason="only root can give files away")
def test_replacing_keeps_the_owner_and_the_group(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    target.write_bytes(b"old")
    os.chown(target, 65533, 65532)
    target.chmod(0o640)
    _save(target, b"new", replace=True)
    assert target.read_bytes() == b"new"
    status = target.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (65533, 65532, 0o640)


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "a.db"
    target.write_bytes(b"old")
    (tmp_path / "folder" / "current").symlink_to("a.db")
    link = tmp_path / "link"
    link.symlink_to("folder/current")
    _save(link, b"new", replace=True)
    assert link.is_symlink()
    assert not target.is_symlink()
    assert target.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.db", "current", "folder", "link"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_link_to_nothing_is_refused_before_the_work(tmp_path: Path, replace: bool) -> None:
    link = tmp_path / "link"
    link.symlink_to("nowhere.db")
    with (
        pytest.raises(ImsafeError, match=r"link is a link to .*nowhere\.db, which does not exist"),
        saved_whole(link, replace=replace),
    ):
        pytest.fail("the work has begun")
    assert list(tmp_path.iterdir()) == [link]


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
@pytest.mark.parametrize("what", ["pipe", "device", "link to a pipe"])
def test_what_is_no_regular_file_is_refused_before_the_work(tmp_path: Path, what: str) -> None:
    there = tmp_path / "there"
    if what == "device":
        if not IS_ROOT:
            pytest.skip("only root can make a device")
        os.mknod(there, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
    else:
        os.mkfifo(there)
    path = there
    if what.startswith("link"):
        path = tmp_path / "link"
        path.symlink_to(there)
    before = there.lstat()
    with (
        pytest.raises(ImsafeError, match=f"{path.name} is a device, pipe or socket"),
        saved_whole(path, replace=True),
    ):
        pytest.fail("the work has begun")
    assert there.lstat() == before
    assert {there, path} == set(tmp_path.iterdir())


def test_links_that_go_round_in_a_ring_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(ImsafeError, match=r"^Cannot write .*a: too many levels of symbolic links"):
        _save(tmp_path / "a", b"", replace=True)


def test_a_name_as_long_as_may_be(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 125 + "12345")
    _save(target, b"new", replace=False)
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_what_another_program_has_changed_meanwhile_is_not_replaced(
    tmp_path: Path, how: str
) -> None:
    target = tmp_path / "a.db"
    target.write_bytes(b"read")
    state = state_of(target)

    def save() -> None:
        with saved_whole(target, replace=True, instead_of=state) as beside:
            beside.write_bytes(b"ours")
            if how == "removed":
                target.unlink()
            else:
                _save(target, b"theirs", replace=True)

    with pytest.raises(ChangedMeanwhile, match=r"a\.db was changed by another program meanwhile"):
        save()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"] * (how == "replaced")
    target.write_bytes(b"theirs")
    with saved_whole(target, replace=True, instead_of=state_of(target)) as beside:
        beside.write_bytes(b"ours")
    assert target.read_bytes() == b"ours"


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    target.write_bytes(b"old")

    def fail() -> None:
        with saved_whole(target, replace=True) as beside:
            beside.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "a.db"

    def save() -> None:
        with saved_whole(target, replace=False) as beside:
            beside.write_bytes(b"ours")
            target.write_bytes(b"theirs")

    with pytest.raises(FileExistsRefused, match="another program"):
        save()
    assert target.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "a.db"
    with pytest.raises(ImsafeError, match=r"^Cannot write .*a\.db: no such file or directory\.$"):
        _save(target, b"", replace=False)


def test_a_path_below_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ImsafeError, match=r"not a directory\.$"):
        _save(tmp_path / "file" / "a.db", b"", replace=True)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_killed_in_the_middle_the_old_file_stays(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    target.write_bytes(b"old")
    program = (
        "import os, signal, sys\n"
        "from imsafe.files import saved_whole\n"
        "with saved_whole(sys.argv[1], replace=True) as beside:\n"
        "    beside.write_bytes(b'half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(target)], check=False, timeout=60)
    assert ended.returncode == -9
    assert target.read_bytes() == b"old"


def test_readers_see_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "a.db"
    _save(target, b"0" * 100_000, replace=False)
    with target.open("rb") as reader:
        _save(target, b"1" * 100_000, replace=True)
        assert reader.read() == b"0" * 100_000
    assert target.read_bytes() == b"1" * 100_000
