# SPDX-License-Identifier: GPL-3.0-or-later
"""Saving whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imsafe.errors import FileExistsRefused, ImsafeError
from imsafe.files import saved_whole


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
