# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket is private from its first moment, and nothing of anybody else's is touched."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

import pytest

from imsafe.errors import SourceError
from imsafe.sources.peer import Allowed, PrivateListener, connect_checked, peer_of
from imsafe.sources.sensor import SensorSource

from .running import AS_NOBODY, NOBODY, eventually

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


def refusal(path) -> str:
    source = SensorSource(str(path))
    with pytest.raises(SourceError) as raised:
        source.open()
    source.close()
    message = str(raised.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_what_is_in_the_way_is_left_alone(tmp_path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    assert "there is a file of that name" in refusal(path)
    assert path.read_text() == "precious"
    path.unlink()

    path.mkdir()
    assert "there is a folder of that name" in refusal(path)
    path.rmdir()

    os.mkfifo(path)
    assert "there is a named pipe of that name" in refusal(path)
    path.unlink()

    target = tmp_path / "target"
    path.symlink_to(target)
    assert "there is a symbolic link of that name" in refusal(path)
    target.write_text("precious")
    assert "there is a symbolic link of that name" in refusal(path)
    assert target.read_text() == "precious"
    path.unlink()


def test_one_listener_at_a_time(tmp_path) -> None:
    path = tmp_path / "s"
    first = SensorSource(str(path))
    first.open()
    assert "another program listens there already" in refusal(path)
    assert path.is_socket()
    first.close()
    assert not path.exists()


def test_a_queue_that_is_full_is_not_stale(tmp_path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as client:
        busy.bind(str(path))
        busy.listen(0)
        client.connect(str(path))
        assert "another program listens there already" in refusal(path)


def test_a_stale_socket_of_our_own_is_replaced(tmp_path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    source = SensorSource(str(path))
    source.open()
    source.close()


@needs_root
def test_a_stale_socket_of_another_user_is_refused(open_folder) -> None:
    path = open_folder / "s"
    bind = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
    subprocess.run([*AS_NOBODY, sys.executable, "-c", bind, path], check=True)
    assert "it is a socket of user nobody" in refusal(path)
    assert path.is_socket()


@needs_root
@pytest.mark.parametrize(
    ("groups", "who"), [((), "root"), ((1,), "root and the members of the group daemon")]
)
def test_who_is_refused_is_told_who_may(open_folder, groups, who) -> None:
    path = open_folder / "s"
    listener = PrivateListener(str(path), Allowed(groups=frozenset(groups)))
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        with pytest.raises(SourceError) as raised:
            connect_checked(str(path), Allowed())
    finally:
        os.seteuid(0)
        os.setegid(0)
        listener.close()
    assert str(raised.value) == f"Cannot connect to {path}: permission denied; only {who} may."


def test_folders_and_names_that_cannot_be(tmp_path) -> None:
    assert "no such file or directory" in refusal(tmp_path / "missing" / "s")
    assert "at most 107 bytes" in refusal(tmp_path / ("x" * 120))
    with pytest.raises(SourceError, match="at most 107 bytes"):
        connect_checked(str(tmp_path / ("x" * 120)), Allowed())


def test_removed_only_while_it_is_ours(tmp_path) -> None:
    path = tmp_path / "s"
    source = SensorSource(str(path))
    source.open()
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        source.close()
        assert path.is_socket()


@pytest.mark.parametrize(
    ("allowed", "mode"),
    [
        (Allowed(), 0o600),
        (Allowed(users=frozenset({0, os.geteuid()})), 0o600),
        (Allowed(groups=frozenset({os.getegid()})), 0o660),
        (Allowed(users=frozenset({12345})), 0o666),
        (Allowed(groups=frozenset({12345, 12346})), 0o666),
    ],
)
@pytest.mark.parametrize("mask", [0, 0o077])
def test_mode_from_the_first_moment(tmp_path, allowed, mode, mask, monkeypatch) -> None:
    path = tmp_path / "s"
    seen = []
    real_bind = socket.socket.bind

    class Watched(socket.socket):
        def bind(self, address) -> None:
            real_bind(self, address)
            (made,) = tmp_path.iterdir()
            seen.append(stat.S_IMODE(made.lstat().st_mode))

    monkeypatch.setattr(socket, "socket", Watched)
    before = os.umask(mask)
    try:
        listener = PrivateListener(str(path), allowed)
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert seen == [mode]
    assert stat.S_IMODE(path.lstat().st_mode) == mode
    assert list(tmp_path.iterdir()) == [path]
    listener.close()
    assert list(tmp_path.iterdir()) == []


def test_who_finds_the_socket_can_connect(tmp_path) -> None:
    path = tmp_path / "s"
    over = threading.Event()
    outcomes: Counter[str] = Counter()

    def come() -> None:
        while not over.is_set():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as client:
                try:
                    client.connect(str(path))
                except FileNotFoundError:
                    continue
                except ConnectionRefusedError:
                    outcomes["refused"] += 1
                except BlockingIOError:
                    outcomes["had to wait"] += 1
                else:
                    outcomes["connected"] += 1

    visitor = threading.Thread(target=come)
    visitor.start()
    kept = []
    try:
        for _ in range(200):
            before = outcomes.total()
            kept.append(PrivateListener(str(path), Allowed()))
            eventually(lambda n=before: outcomes.total() > n, "the visitor has found it")
            path.unlink()
    finally:
        over.set()
        visitor.join()
        for listener in kept:
            listener.close()
    assert outcomes["connected"] >= 200
    assert outcomes["refused"] == 0


@pytest.mark.parametrize("longer", [0, 1, 20])
def test_a_path_as_long_as_can_be(longer) -> None:
    """The name before the name may need more room than there is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as short:  # a test's own folder may be too deep
        folder = Path(short) / ("x" * (106 - len(short) - 21 - longer))
        folder.mkdir()
        path = folder / ("s" * (1 + longer))
        listener = PrivateListener(str(path), Allowed())
        connect_checked(str(path), Allowed()).close()
        assert list(folder.iterdir()) == [path]
        listener.close()
        assert list(folder.iterdir()) == []


def test_a_name_in_the_current_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    listener = PrivateListener("s", Allowed())
    assert (tmp_path / "s").is_socket()
    listener.close()
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_meanwhile(tmp_path, monkeypatch) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        monkeypatch.setattr(PrivateListener, "_make_way", lambda _: None)  # just before
        assert "another program has just taken that name" in refusal(path)
        connect_checked(str(path), Allowed()).close()
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_nothing(open_folder) -> None:
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(NOBODY)  # who may not give a file to any group
    try:
        with pytest.raises(SourceError, match="operation not permitted"):
            PrivateListener(str(open_folder / "s"), Allowed(groups=frozenset({12345})))
    finally:
        if was_root:
            os.seteuid(0)
    assert list(open_folder.iterdir()) == []


def test_who_is_there() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        peer = peer_of(ours)
    assert (peer.pid, peer.uid) == (os.getpid(), os.geteuid())
    assert peer.groups >= {os.getegid(), *os.getgroups()}
    assert Allowed().admits(peer)


def test_names_of_users_and_groups() -> None:
    assert Allowed.named(["root", "4711"], ["root"]) == Allowed(
        frozenset({0, 4711}), frozenset({0})
    )
    with pytest.raises(SourceError, match="There is no user no-such-user"):
        Allowed.named(["no-such-user"])
    with pytest.raises(SourceError, match="There is no group no-such-group"):
        Allowed.named([], ["no-such-group"])
