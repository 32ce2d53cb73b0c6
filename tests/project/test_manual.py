# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents: Sphinx builds them without a warning; messages they explain are ImSafe's."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_QT = 'could not load the Qt platform plugin "xcb"'


def _texts() -> str:
    """Every text in ImSafe's source, what is put into it left out."""
    found = []
    for path in sorted((ROOT / "imsafe").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def _explained() -> list[str]:
    text = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    return re.findall(r"^\*\*(.+)\*\*(?: \(.+\))?\n: ", text, re.MULTILINE)


@pytest.fixture(scope="module")
def texts() -> str:
    return _texts()


@pytest.mark.parametrize("message", [text for text in _explained() if text != OF_QT])
def test_what_is_explained_is_said(texts, message) -> None:
    for piece in re.split(r"\.\.\.|\bN\b", message):
        words = piece.strip(" ,;:'")
        assert not words or words in texts, words


def test_there_is_much_to_explain() -> None:
    assert len(_explained()) > 30


def test_sphinx_has_nothing_to_complain_of(tmp_path) -> None:
    pytest.importorskip("sphinx", reason="Sphinx comes with pip install '.[docs]'")
    words = ["-W", "--keep-going", "-q", "-b", "html", ROOT / "docs", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "SunOS" in (tmp_path / "from-strace-and-stide.html").read_text("utf-8")
