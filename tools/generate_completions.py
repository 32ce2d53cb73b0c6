# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes packaging/completions from the programs' own parsers, by shtab.

Run it when an option is new: make completions
"""

from __future__ import annotations

import argparse
import importlib
import tomllib
from pathlib import Path

import shtab

from imsafe.cli.common import Parser

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "packaging" / "completions"
FILES = {"bash": "{}", "zsh": "_{}", "fish": "{}.fish"}
DIRECTORIES = {"DIR", "--cgroup"}
NO_FILES = {
    "T", "NAME", "PID", "S", "F", "USER", "GROUP", "SECONDS", "BYTES", "N", "DEPTH", "UNIT",
    "ADDRESS", "NAME:WHAT",
}  # fmt: skip
LICENCE = "# SPDX-License-Identifier: GPL-3.0-or-later\n"


class _Captured(Exception):
    """The parser that a program was about to use."""


def parser_of(module: str) -> argparse.ArgumentParser:
    """The parser of a program, from its `main`."""

    def capture(self: Parser, *_: object) -> None:
        raise _Captured(self)

    before = Parser.parse_args
    Parser.parse_args = capture
    try:
        importlib.import_module(module).main([])
    except _Captured as captured:
        (parser,) = captured.args
    finally:
        Parser.parse_args = before
    return parser


def with_files(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Say of each argument whether it is a file."""
    for action in parser._actions:
        if action.choices or action.nargs == 0 or action.metavar is None:
            continue
        if action.metavar in NO_FILES:
            continue
        is_folder = DIRECTORIES & {action.metavar, *action.option_strings}
        action.complete = shtab.DIRECTORY if is_folder else shtab.FILE
    return parser


def programs() -> dict[str, str]:
    """The module of each program."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {name: entry.partition(":")[0] for name, entry in project["scripts"].items()}


def main() -> None:
    for name, module in programs().items():
        parser = with_files(parser_of(module))
        for shell, pattern in FILES.items():
            text = shtab.complete(parser, shell)
            first, newline, rest = text.partition("\n")
            # zsh wants its own word first.
            text = first + newline + LICENCE + rest if shell == "zsh" else LICENCE + text
            path = FOLDER / shell / pattern.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n")


if __name__ == "__main__":
    main()
