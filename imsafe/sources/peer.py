# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a UNIX socket, and sockets that only the right ones can reach."""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import socket
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imsafe.errors import SourceError, reason
from imsafe.sources.procfs import user_name

_UCRED = struct.Struct("=iII")
_SO_PEERGROUPS = 59
_PATH_LIMIT = 107
_GROUPS_LIMIT = 1024  # bytes; Python's getsockopt allows no more


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end, as the kernel vouches for it.

    Attributes
    ----------
    pid, uid
        Of the process that connected, or of the one that listens.
    groups
        All its groups.
    """

    pid: int
    uid: int
    groups: frozenset[int]

    def __str__(self) -> str:
        return f"process {self.pid} of user {user_name(self.uid)}"


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end of a connected socket."""
    answer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(answer)
    try:
        packed = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, _GROUPS_LIMIT)
    except OSError:
        packed = b""  # in more than 256 groups: only its primary one counts
    groups = struct.unpack(f"={len(packed) // 4}I", packed)
    return Peer(pid, uid, frozenset((gid, *groups)))


def received_from(connection: socket.socket, size: int, flags: int = 0) -> tuple[bytes, int]:
    """What has arrived, and the pid of the process that sent it, as the kernel vouches for it.

    The pid is 0 unless SO_PASSCRED was set when it was sent, or if it has no number here.
    """
    octets, ancillary, _, _ = connection.recvmsg(size, socket.CMSG_SPACE(_UCRED.size), flags)
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return octets, _UCRED.unpack(content)[0]
    return octets, 0


@dataclass(frozen=True, slots=True)
class Allowed:
    """Who may be at the other end: the same user, root, and these.

    Attributes
    ----------
    users, groups
        Numbers.
    """

    users: frozenset[int] = frozenset()
    groups: frozenset[int] = frozenset()

    @classmethod
    def named(cls, users: Iterable[str] = (), groups: Iterable[str] = ()) -> Allowed:
        """From names or numbers, as they are given on a command line.

        Raises
        ------
        SourceError
            There is no such user or group.
        """
        return cls(
            frozenset(_user_number(name) for name in users),
            frozenset(_group_number(name) for name in groups),
        )

    def admits(self, peer: Peer) -> bool:
        """Whether that peer may be there."""
        return (
            peer.uid in (os.geteuid(), 0)
            or peer.uid in self.users
            or not self.groups.isdisjoint(peer.groups)
        )


def _who_may(path: str) -> str:
    """Who may connect to a socket that refused us, to follow the words "permission denied"."""
    try:
        made = Path(path).stat()
    except OSError:
        return ""
    who = user_name(made.st_uid)
    if made.st_mode & stat.S_IWGRP:
        try:
            group = grp.getgrgid(made.st_gid).gr_name
        except KeyError:
            group = str(made.st_gid)
        who += f" and the members of the group {group}"
    return f"; only {who} may"


def _user_number(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise SourceError(f"There is no user {name} on this system.") from None


def _group_number(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise SourceError(f"There is no group {name} on this system.") from None


class PrivateListener:
    """A listening UNIX socket that is private from its first moment.

    It is created under a umask that leaves it to its user alone, or opens it
    to a group or to all where others are to be admitted.  Its name appears
    when all that is done and it listens, so that nobody who finds it is refused
    for coming early; until then it has another one (`ss` shows that).

    Parameters
    ----------
    path
        Where; a stale socket of one's own is replaced, anything else refused.
    allowed
        Who is to be admitted; checking each peer is the caller's business.

    Raises
    ------
    SourceError
        In words.
    """

    def __init__(self, path: str, allowed: Allowed) -> None:
        if len(os.fsencode(path)) > _PATH_LIMIT:
            raise SourceError(
                f"Cannot listen on {path}: a socket's path may have at most {_PATH_LIMIT} bytes."
            )
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            self._make_way()
            self._appear(allowed)
        except OSError as error:
            self.socket.close()
            raise SourceError(f"Cannot listen on {path}: {reason(error).lower()}.") from error
        except SourceError:
            self.socket.close()
            raise

    def _make_way(self) -> None:
        """Remove a stale socket of one's own; refuse whatever else is there."""
        try:
            there = os.lstat(self.path)
        except FileNotFoundError:
            return
        kind = _KINDS.get(stat.S_IFMT(there.st_mode), "something")
        if not stat.S_ISSOCK(there.st_mode):
            raise SourceError(
                f"Cannot listen on {self.path}: there is {kind} of that name, not a socket;"
                " choose another name or remove it."
            )
        if there.st_uid != os.geteuid():
            raise SourceError(
                f"Cannot listen on {self.path}: it is a socket of user"
                f" {user_name(there.st_uid)}; choose another name."
            )
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
            try:
                probe.connect(self.path)
            except ConnectionRefusedError:
                Path(self.path).unlink()
                return
            except BlockingIOError:
                pass  # it listens, and its queue is full
        raise SourceError(
            f"Cannot listen on {self.path}: another program listens there already;"
            " close it or choose another name."
        )

    def _appear(self, allowed: Allowed) -> None:
        """Listen under a name that nobody knows, then take the right one if it is still free."""
        folder, name = os.path.split(self.path)
        # A file has one group: more than that, or another user, can only be let in by
        # opening the socket to all, as each peer is checked.
        others = len(allowed.groups) > 1 or not allowed.users <= {0, os.geteuid()}
        there = os.open(folder or ".", os.O_PATH | os.O_DIRECTORY)
        unknown = f".{name}.{secrets.token_hex(8)}"
        try:
            self._bind(
                folder, unknown, there, 0o111 if others else 0o117 if allowed.groups else 0o177
            )
            try:
                if allowed.groups and not others:
                    (group,) = allowed.groups
                    os.chown(unknown, -1, group, dir_fd=there, follow_symlinks=False)
                self.socket.listen(64)
                made = os.lstat(unknown, dir_fd=there)
                self._made = (made.st_dev, made.st_ino)
                # Unlike a renaming, this replaces nothing.
                os.link(unknown, name, src_dir_fd=there, dst_dir_fd=there, follow_symlinks=False)
            finally:
                os.unlink(unknown, dir_fd=there)
        except FileExistsError:
            raise SourceError(
                f"Cannot listen on {self.path}: another program has just taken that name;"
                " choose another one."
            ) from None
        finally:
            os.close(there)

    def _bind(self, folder: str, name: str, there: int, mask: int) -> None:
        path = str(Path(folder, name))
        if len(os.fsencode(path)) > _PATH_LIMIT:
            path = f"/proc/self/fd/{there}/{name}"
        before = os.umask(mask)
        try:
            self.socket.bind(path)
        finally:
            os.umask(before)

    def close(self) -> None:
        """Stop listening, and remove the socket if it is still the one that was made."""
        self.socket.close()
        try:
            there = os.lstat(self.path)
            if (there.st_dev, there.st_ino) == self._made:
                Path(self.path).unlink()
        except OSError:
            # Gone, or in a folder that may no longer be read: nothing of ours is left to remove.
            return


_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def connect_checked(path: str, allowed: Allowed) -> socket.socket:
    """Connect to a listener, and make sure whose it is before anything is sent.

    Returns
    -------
    socket
        Non-blocking.

    Raises
    ------
    FileNotFoundError, ConnectionRefusedError, BlockingIOError
        Nobody listens there, or its queue is full: try again later.
    SourceError
        The listener is not to be trusted, or the path cannot be connected to.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        if len(os.fsencode(path)) > _PATH_LIMIT:
            raise SourceError(
                f"Cannot connect to {path}: a socket's path may have at most {_PATH_LIMIT} bytes."
            )
        connection.connect(path)
        listener = peer_of(connection)
        if not allowed.admits(listener):
            raise SourceError(
                f"Nothing was sent to {path}: there listens {listener}, neither you nor root;"
                f" if that is right, say --allow-user {user_name(listener.uid)}."
            )
    except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
        connection.close()
        raise
    except OSError as error:
        connection.close()
        denied = _who_may(path) if isinstance(error, PermissionError) else ""
        raise SourceError(f"Cannot connect to {path}: {reason(error).lower()}{denied}.") from error
    except SourceError:
        connection.close()
        raise
    return connection
