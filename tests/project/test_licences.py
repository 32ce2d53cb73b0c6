# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed with ImSafe: licences go with the GPL, the tests' versions are pinned."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[2]

GO_WITH_THE_GPL = re.compile(
    r"\b(0?BSD|MIT|Apache|MPL|Mozilla Public|PSF|Python Software Foundation|Zlib|CC0|LGPL|GPL|"
    r"GNU General Public|GNU Lesser|Public Domain|ISC|Unlicense)\b",
    re.IGNORECASE,
)
KEEP_AWAY = re.compile(
    r"\b(Proprietary|Commercial|SSPL|BUSL|Commons Clause|GPL-2\.0-only|CC-BY-NC|JSON)\b", re.I
)
SAID_ELSEWHERE = {"atheris": "Apache-2.0"}
"""What a package's own file says, where its metadata says nothing."""


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _wanted(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return _name(match[0])


def _installed() -> dict[str, metadata.Distribution]:
    return {_name(found.metadata["Name"]): found for found in metadata.distributions()}


def _needed() -> Iterator[str]:
    """What ImSafe needs to run, to be tested and to be built, as far as it is installed."""
    installed, seen = _installed(), {"imsafe"}
    waiting = ["imsafe"]
    while waiting:
        for requirement in installed[waiting.pop()].requires or []:
            name = _wanted(requirement)
            if name in installed and name not in seen:
                seen.add(name)
                waiting.append(name)
                yield name


NEEDED = sorted(_needed())


def test_the_list_is_not_empty() -> None:
    assert {"numpy", "numba", "pyqt6", "pyqtgraph", "pytest"} <= set(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
def test_a_licence_goes_with_the_gpl(name: str) -> None:
    about = _installed()[name].metadata
    said = [
        about.get("License-Expression") or "",
        (about.get("License") or "").partition("\n")[0],
        *(c for c in about.get_all("Classifier") or [] if c.startswith("License ::")),
        SAID_ELSEWHERE.get(name, ""),
    ]
    text = " | ".join(filter(None, said))
    assert GO_WITH_THE_GPL.search(text), f"{name} has no licence that is known: {text!r}"
    assert not KEEP_AWAY.search(text), f"{name}: {text}"


def test_the_environment_of_the_tests_is_pinned() -> None:
    """After a change of the dependencies: `tools/setup lock`."""
    lock = (ROOT / "tools" / "requirements-test.txt").read_text(encoding="utf-8")
    pinned = {_name(name) for name in re.findall(r"(?m)^([\w.-]+)==", lock)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["test"], *extras["lint"], *extras["docs"]]
    assert {_wanted(requirement) for requirement in wanted} <= pinned
    assert lock.count("--hash=sha256:") >= len(pinned)


def test_the_oldest_python_can_have_what_is_pinned() -> None:
    """Debian 12 has Python 3.11.2: one version that wants 3.11.5 undoes all pins there."""
    lock = (ROOT / "tools" / "requirements-test.txt").read_text(encoding="utf-8")
    pinned = {_name(name): at for name, at in re.findall(r"(?m)^([\w.-]+)==([^ ;]+)", lock)}
    wanted = {
        name: SpecifierSet(found.metadata.get("Requires-Python") or "")
        for name, found in _installed().items()
        if pinned.get(name) == found.version
    }
    assert wanted, "nothing of what is pinned is installed"
    assert [name for name, pythons in wanted.items() if "3.11.0" not in pythons] == []
