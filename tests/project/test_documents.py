# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents say what is true: options, links, make targets."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from imsafe.cli import service_config
from imsafe.monitor.processes import MOST_PROCESSES, MOST_ROWS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROGRAMS: dict[str, str] = {
    name: entry.removesuffix(":main") for name, entry in PROJECT["project"]["scripts"].items()
}
DOCUMENTS = [path for path in ROOT.glob("**/*.md") if not {".venv", "build"} & set(path.parts)]
OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")


def page(program: str) -> str:
    """The manual page without its markup."""
    text = (ROOT / "man" / f"{program}.1").read_text(encoding="utf-8")
    return text.replace("\\-", "-").replace("\\fI", "").replace("\\fR", "").replace("\\fP", "")


@functools.cache
def options_of_help(program: str, *words: str) -> frozenset[str]:
    process = subprocess.run(
        [sys.executable, "-m", PROGRAMS[program], *words, "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=100,
    )
    assert process.stderr == ""
    usage = process.stdout.partition("examples:")[0]
    lines = [line for line in usage.splitlines() if re.match(r" {2}-", line)]
    return frozenset(
        option for line in lines for option in OPTION.findall(re.split(r" {2,}", line[2:])[0])
    )


def options_of_page(program: str) -> set[str]:
    """Those that stand in the tags of its lists, but for the examples' command lines."""
    body = page(program).partition(".SH EXAMPLES")[0]
    tags = re.findall(r"^\.TP\n(.*)", body, flags=re.MULTILINE)
    return {option for tag in tags for option in OPTION.findall(re.sub(r'[",]', " ", tag))}


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_manual_page_know_the_same_options(program):
    in_help = options_of_help(program)
    if program == "imsafe":
        in_help |= options_of_help(program, "check")
    assert len(in_help) > 2
    assert options_of_page(program) == in_help


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_has_examples_that_begin_with_the_program(program):
    process = subprocess.run(
        [sys.executable, "-m", PROGRAMS[program], "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    examples = process.stdout.partition("examples:\n")[2]
    assert re.search(rf"^ +{program} ", examples, flags=re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS)
def test_manual_page_has_what_a_reader_looks_for(program):
    text = page(program)
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
        assert f".SH {section}\n" in text, section
    assert f"\n{program} - " in text
    named = set(re.findall(r"\b(ims(?:afe|-[a-z]+)) \(1\)", text)) - {program}
    assert named <= set(PROGRAMS)


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("program", PROGRAMS)
def test_manual_page_is_clean(program):
    command = ["mandoc", "-T", "lint", "-W", "warning", f"man/{program}.1"]
    process = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert process.stdout + process.stderr == ""


def test_the_page_of_the_configuration_has_every_key():
    text = (ROOT / "man" / "imsafe.toml.5").read_text(encoding="utf-8").replace("\\-", "-")
    parts = dict(re.findall(r"^\.S[SH] (.+)\n((?:(?!\.S[SH] ).*\n)*)", text, flags=re.MULTILINE))
    wanted = {f"kind = {kind}": keys for kind, keys in service_config._SOURCES.items()}
    wanted |= {f"TABLE [{table}]": keys for table, keys in service_config._TABLES.items()}
    for title, keys in wanted.items():
        tags = " ".join(re.findall(r"^\.TP\n\.BR? (.+)", parts[title], flags=re.MULTILINE))
        assert set(re.sub(r'[",]', " ", tags).split()) == set(keys), title


def test_the_window_of_a_service_is_where_the_help_looks():
    unit = (ROOT / "packaging" / "systemd" / "imsafe-monitor@.service").read_text("utf-8")
    folder = re.search(r"^RuntimeDirectory=(.*)/%i$", unit, flags=re.MULTILINE)[1]
    process = subprocess.run(
        [sys.executable, "-m", PROGRAMS["imsafe"], "--help"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert re.search(rf" --view /run/{folder}/\w+/view\n", process.stdout)


def test_as_many_processes_are_shown_as_the_documents_say():
    for name in ("limits", "reliability", "security"):
        text = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if f"{MOST_PROCESSES:,}" in line]
        assert not any(f"{MOST_PROCESSES:,} shown" in line for line in lines), name
        assert f"{MOST_ROWS:,}" in text, name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith(("https://", "mailto:")):
            assert (document.parent / target).exists(), target


@functools.cache
def headings(document: Path) -> frozenset[str]:
    """The anchors that GitHub and Sphinx give to a document's headings."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.*)", text, flags=re.MULTILINE)
    return frozenset(re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_anchors_lead_to_a_heading(document):
    text = document.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)", text):
        assert anchor in headings(document.parent / target if target else document), anchor


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_that_are_named_exist(document):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_every_make_target_is_explained_by_make_help():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)", makefile, flags=re.MULTILINE)[1].split())
    told = subprocess.run(["make", "help"], capture_output=True, text=True, check=True, cwd=ROOT)
    assert targets - {"help", "setup-test", "setup-demo"} == set(
        re.findall(r"^make ([a-z-]+)", told.stdout, flags=re.MULTILINE)
    )


def test_pictures_are_small():
    for picture in (ROOT / "docs" / "images").glob("*.png"):
        assert picture.stat().st_size < 300_000, picture.name


def test_every_module_begins_with_its_licence_and_a_sentence():
    modules = [
        path
        for folder in ("imsafe", "demo", "bench", "tools")
        for path in (ROOT / folder).rglob("*.py")
    ]
    assert len(modules) > 50
    start = re.compile(r'(#!.*\n)?# SPDX-License-Identifier: GPL-3\.0-or-later\n+"""[A-Z`i]')
    wrong = [path for path in modules if not start.match(path.read_text(encoding="utf-8"))]
    assert wrong == []
