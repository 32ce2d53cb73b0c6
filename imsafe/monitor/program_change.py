# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells, in words, that a watched program is not the one that was learned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from imsafe.words import printable

Entry = dict[str, str]
"""What a stream's header says of one application, as far as it is text."""

_EVIDENCE = ("sha256", "build_id", "package_version")
"""What tells one program from another, the surest first."""

_TEXTS = ("name", "exe", "package", *_EVIDENCE)


def changes(learned: Iterable[dict[str, Any]], watched: dict[str, Any]) -> list[str]:
    """For each watched program that differs from all learned ones, what it was and is.

    Programs are held together that are called the same or lie in the same
    place.  Where either side does not know, nothing is said.

    Parameters
    ----------
    learned
        The headers of what was learned, the oldest first.
    watched
        The header of the stream.
    """
    known = [entry for meta in learned for entry in _entries(meta)]
    found = []
    for now in _entries(watched):
        kin = [entry for entry in known if _are_kin(entry, now)]
        same = [_is_same(entry, now) for entry in kin]
        # What nothing is known of may well be this one.
        if kin and all(answer is False for answer in same):
            found.append(_sentence(kin[-1], now))
    return found


def _entries(meta: dict[str, Any]) -> Iterator[Entry]:
    given = meta.get("applications", [])
    for entry in given if isinstance(given, list) else []:
        if isinstance(entry, dict):
            texts = ((key, entry.get(key)) for key in _TEXTS)
            yield {key: text for key, text in texts if isinstance(text, str) and text}


def _are_kin(one: Entry, other: Entry) -> bool:
    return any(key in one and one[key] == other.get(key) for key in ("exe", "name"))


def _is_same(one: Entry, other: Entry) -> bool | None:
    """Whether it is the same program, by the surest that both know; None: nobody can tell."""
    for key in _EVIDENCE:
        if key in one and key in other:
            return one[key] == other[key]
    return None


def _sentence(was: Entry, now: Entry) -> str:
    both: list[str] = [key for key in _EVIDENCE if key in was and key in now]
    differing = [key for key in both if was[key] != now[key]]
    # A hash says less to a person than what stands before it.
    said = [key for key in differing if key != "sha256"] or ["sha256"]
    exe = now.get("exe") or was.get("exe") or now["name"]
    text = f"{printable(exe, 300)} was {_words(was, said)}, is {_words(now, said)}"
    if "package_version" in both and "package_version" not in differing:
        package = now.get("package") or PurePosixPath(exe).name
        version = printable(now["package_version"], 80)
        text += f", though its package is still {printable(package, 80)} {version}"
    return f"The program changed since it was learned: {text}."


def _words(entry: Entry, said: list[str]) -> str:
    words = []
    if "package_version" in said:
        package = printable(entry.get("package", "version"), 80)
        words.append(f"{package} {printable(entry['package_version'], 80)}")
    if "build_id" in said:
        build = f"build-id {printable(entry['build_id'], 40)}"
        words.append(f"({build})" if words else build)
    if "sha256" in said:
        words.append(f"sha256 {printable(entry['sha256'], 16)}")
    return " ".join(words)
