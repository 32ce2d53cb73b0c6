# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program was traced: hash, build-id, package; as much as can be told in a moment."""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import time
from pathlib import Path
from typing import Any, BinaryIO

_PT_NOTE, _NT_GNU_BUILD_ID = 4, 3
_HASH_SECONDS = 2.0
_PACKAGE_SECONDS = 2.0
_PIECE = 1 << 20
_SEARCH = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def describe(path: str) -> dict[str, Any]:
    """What a stream's header says about an executable.

    Parameters
    ----------
    path
        Of the file; ``/proc/PID/exe`` is read through, so that a program
        replaced on disk since it started is still the one that is described.

    Returns
    -------
    dict
        ``sha256``, ``build_id``, ``package``, ``package_version``: those that
        could be found out.
    """
    found: dict[str, Any] = {}
    try:
        with Path(path).open("rb") as file:
            build = _build_id(file)
            file.seek(0)
            if digest := _sha256(file):
                found["sha256"] = digest
    except OSError:  # may be executable and yet not readable
        return found
    if build:
        found["build_id"] = build
    return found


def _sha256(file: BinaryIO) -> str:
    """The hash of a file; empty when reading it takes long: a sparse one has any size."""
    digest, end = hashlib.sha256(), time.monotonic() + _HASH_SECONDS
    while piece := file.read(_PIECE):
        if time.monotonic() > end:
            return ""
        digest.update(piece)
    return digest.hexdigest()


def package_of(path: str) -> dict[str, str]:
    """The installed package that a file belongs to: ``package`` and ``package_version``."""
    if shutil.which("dpkg-query", path=_SEARCH["PATH"]):
        return _debian(path)
    if shutil.which("rpm", path=_SEARCH["PATH"]):
        answer = _ask("rpm", "-q", "--qf", "%{NAME}\t%{VERSION}-%{RELEASE}\n", "-f", path)
        name, tab, version = answer.partition("\n")[0].partition("\t")
        return {"package": name, "package_version": version} if tab else {}
    return {}


def _debian(path: str) -> dict[str, str]:
    # Files moved by the merge of / and /usr are still registered under their old names.
    names = [path, path.removeprefix("/usr")] if path.startswith("/usr/") else [path]
    for name in names:
        owner, colon, _ = _ask("dpkg-query", "-S", name).partition("\n")[0].rpartition(": ")
        package = owner.partition(",")[0]
        if colon and not package.startswith("diversion "):
            version = _ask("dpkg-query", "-W", "-f", "${Version}\n", package).partition("\n")[0]
            return {"package": package.partition(":")[0], "package_version": version}
    return {}


def _ask(*argv: str) -> str:
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_SEARCH,
            timeout=_PACKAGE_SECONDS,
            check=False,
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _build_id(file: BinaryIO) -> str:
    """The GNU build-id of an ELF file, in hexadecimal; empty when it has none."""
    ident = file.read(16)
    if len(ident) < 16 or ident[:4] != b"\x7fELF" or ident[5] not in (1, 2):
        return ""
    wide, order = ident[4] == 2, "<" if ident[5] == 1 else ">"
    header = struct.Struct(order + ("HHIQQQIHHH" if wide else "HHIIIIIHHH"))
    try:
        fields = header.unpack(file.read(header.size))
        offset, size, count = fields[4], fields[8], fields[9]
        segment = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
        for index in range(min(count, 256)):
            file.seek(offset + index * size)
            entry = segment.unpack(file.read(segment.size))
            if entry[0] != _PT_NOTE:
                continue
            file.seek(entry[2] if wide else entry[1])
            found = _build_id_note(file.read(min(entry[5] if wide else entry[4], 65536)), order)
            if found:
                return found
    except (struct.error, OSError, OverflowError, ValueError):
        # Not a well-formed ELF file: the system may run it, or refuse it, all the same.
        return ""
    return ""


def _build_id_note(notes: bytes, order: str) -> str:
    at = 0
    while at + 12 <= len(notes):
        name_size, content_size, kind = struct.unpack_from(order + "III", notes, at)
        name = notes[at + 12 : at + 12 + name_size]
        content = at + 12 + (name_size + 3 & ~3)
        if kind == _NT_GNU_BUILD_ID and name == b"GNU\0":
            return notes[content : content + min(content_size, 64)].hex()
        at = content + (content_size + 3 & ~3)
    return ""
