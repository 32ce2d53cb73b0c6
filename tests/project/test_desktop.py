# SPDX-License-Identifier: GPL-3.0-or-later
"""What a desktop and a shell are given: validated by the tools that they come with."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.project.test_documents import options_of_help

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
NAME = "org.imsafe.ImSafe"
DESKTOP = PACKAGING / "desktop" / f"{NAME}.desktop"
METAINFO = PACKAGING / "desktop" / f"{NAME}.metainfo.xml"
MIME = PACKAGING / "desktop" / f"{NAME}.mime.xml"
ICONS = ROOT / "imsafe" / "gui" / "icons"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROGRAMS = list(PROJECT["project"]["scripts"])
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
PAGES = sorted((ROOT / "man").glob("*.[1-8]"))


def tool(name: str, *words: object, **options: object) -> subprocess.CompletedProcess[str]:
    if not shutil.which(name):
        pytest.skip(f"{name} is not here")
    return subprocess.run(
        [name, *map(str, words)], capture_output=True, text=True, check=False, **options
    )


def test_the_desktop_file_is_valid():
    done = tool("desktop-file-validate", DESKTOP)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_metainfo_is_valid():
    done = tool("appstreamcli", "validate", "--no-net", METAINFO)
    assert done.returncode == 0, done.stdout
    root = ElementTree.fromstring(METAINFO.read_text(encoding="utf-8"))
    assert root.findtext("id") == NAME
    assert sorted(one.text for one in root.iter("binary")) == sorted(PROGRAMS)


def test_the_window_the_desktop_file_and_the_types_have_the_same_names():
    pytest.importorskip("PyQt6")
    from imsafe.gui import app

    assert app.DESKTOP_ID == NAME
    text = DESKTOP.read_text(encoding="utf-8")
    assert f"\nIcon={NAME}\n" in text
    types = set(re.search(r"^MimeType=(.*);$", text, flags=re.MULTILINE)[1].split(";"))
    names = "{http://www.freedesktop.org/standards/shared-mime-info}"
    root = ElementTree.fromstring(MIME.read_text(encoding="utf-8"))
    assert {one.get("type") for one in root.iter(f"{names}mime-type")} == types
    metainfo = ElementTree.fromstring(METAINFO.read_text(encoding="utf-8"))
    assert {one.text for one in metainfo.iter("mediatype")} == types


def test_icons_have_the_size_that_their_folder_says():
    from PyQt6.QtGui import QImage

    shared = WHEEL["shared-data"]
    sizes = [int(path.stem) for path in ICONS.glob("*.png")]
    assert {16, 32, 48, 128, 256} <= set(sizes)
    for size in sizes:
        assert shared[f"imsafe/gui/icons/{size}.png"].startswith(
            f"share/icons/hicolor/{size}x{size}/apps/{NAME}"
        )
        image = QImage(str(ICONS / f"{size}.png"))
        assert (image.width(), image.height()) == (size, size)
        assert image.hasAlphaChannel()
    ElementTree.fromstring((ICONS / f"{NAME}.svg").read_text(encoding="utf-8"))


def test_everything_that_is_shared_exists():
    for source in WHEEL["shared-data"]:
        assert (ROOT / source).exists(), source
    pages = {Path(source).name for source in WHEEL["shared-data"] if source.startswith("man/")}
    assert pages == {page.name for page in PAGES}


def test_the_example_of_a_source_is_shared_where_its_chapter_says():
    folder = "share/doc/imsafe/examples/auditd"
    example = ROOT / "examples" / "auditd"
    shared = {target for source, target in WHEEL["shared-data"].items() if "auditd" in source}
    tracked = [path for path in example.iterdir() if path.suffix in (".py", ".toml")]
    assert shared == {f"{folder}/{path.name}" for path in tracked}
    assert folder in (ROOT / "docs" / "write-a-source.md").read_text(encoding="utf-8")


def test_the_metainfo_has_one_licence():
    text = METAINFO.read_text(encoding="utf-8")
    licence = ElementTree.fromstring(text).findtext("metadata_license")
    assert f"SPDX-License-Identifier: {licence} " in text


def test_files_are_known_by_their_content(tmp_path):
    """By the real database of types, whatever the file's name is."""
    for name in ("update-mime-database", "gio"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not here")
    packages = tmp_path / "mime" / "packages"
    packages.mkdir(parents=True)
    shutil.copy(MIME, packages)
    common = Path("/usr/share/mime/packages/freedesktop.org.xml")
    if common.exists():
        shutil.copy(common, packages)
    done = tool("update-mime-database", tmp_path / "mime")
    assert done.returncode == 0
    from imsafe.monitor.score_log import ScoreLog
    from imsafe.profile.schema import APPLICATION_ID
    from imsafe.stream.trace_file import TraceWriter

    TraceWriter.create(tmp_path / "a trace", {}).close({})
    ScoreLog(tmp_path / "a log").close()
    for name, number in (("a profile", APPLICATION_ID), ("another database", 7)):
        connection = sqlite3.connect(tmp_path / name)
        connection.execute(f"PRAGMA application_id = {number}")
        connection.execute("CREATE TABLE t (x)")
        connection.commit()
        connection.close()
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "XDG_DATA_DIRS": "/nonexistent"}
    found = {}
    for name in ("a trace", "a log", "a profile", "another database"):
        done = tool("gio", "info", "-a", "standard::content-type", tmp_path / name, env=environment)
        found[name] = re.search(r"content-type: (.*)", done.stdout)[1]
    assert found.pop("another database") != "application/x-imsafe-profile"
    assert found == {
        "a trace": "application/x-imsafe-trace",
        "a log": "text/x-imsafe-scores",
        "a profile": "application/x-imsafe-profile",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_man_shows_the_page(page):
    environment = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    done = tool("man", "--warnings", "-l", page, env=environment)
    if "This system has been minimized" in done.stdout:
        pytest.skip("man is a stand-in here")
    assert (done.returncode, done.stderr) == (0, "")
    assert page.stem in done.stdout.replace("\u2010", "-")
    if page.suffix == ".1":
        assert "OVERHEAD" in done.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_completions_know_every_option(program):
    options = {option for option in options_of_help(program) if option.startswith("--")}
    assert len(options) > 2
    shells = {"bash": program, "zsh": f"_{program}", "fish": f"{program}.fish"}
    for shell, name in shells.items():
        text = (PACKAGING / "completions" / shell / name).read_text(encoding="utf-8")
        for option in options:
            written = f"-l {option[2:]}" if shell == "fish" else option
            assert re.search(rf"(?<![\w-]){re.escape(written)}(?![\w-])", text), (
                f"{shell}: {option}; run tools/generate_completions.py"
            )


def test_bash_completes():
    """As a person would: a word begun, and tab."""
    script = """
        source "$1"
        COMP_WORDS=(ims-learn --fo) COMP_CWORD=1 COMPREPLY=()
        _shtab_ims_learn
        printf '%s\\n' "${COMPREPLY[@]}"
        COMP_WORDS=(ims-learn --format st) COMP_CWORD=2 COMPREPLY=()
        _shtab_ims_learn
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    file = PACKAGING / "completions" / "bash" / "ims-learn"
    done = tool("bash", "-c", script, "bash", file)
    assert done.stdout.split() == ["--force", "--format", "strace"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_read_by_their_shell(shell):
    for file in (PACKAGING / "completions" / shell).iterdir():
        done = tool(shell, "-n", file)
        assert (done.returncode, done.stderr) == (0, ""), file
