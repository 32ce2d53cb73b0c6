# SPDX-License-Identifier: GPL-3.0-or-later
"""`imsafe check` tells what works here, and what does not where we break it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from imsafe.cli import distribution
from imsafe.cli.check import machine, window
from imsafe.cli.distribution import QT_LIBRARIES, Distribution, install_for_python
from imsafe.gui.device import DEFAULT_SOCKET

ROOT = Path(__file__).resolve().parents[2]


def check(*args: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in {"DISPLAY", "WAYLAND_DISPLAY"}}
    return subprocess.run(
        [sys.executable, "-m", "imsafe.cli.imsafe", "check", *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
    )


def findings(process: subprocess.CompletedProcess[str]) -> dict[str, dict[str, str]]:
    found = [json.loads(line) for line in process.stdout.splitlines()]
    return {finding["check"]: finding for finding in found}


@pytest.fixture(scope="module")
def here() -> subprocess.CompletedProcess[str]:
    return check("--json")


def test_everything_needed_works_where_these_tests_run(here):
    assert here.stderr == ""
    states = {name: finding["state"] for name, finding in findings(here).items()}
    assert "missing" not in states.values(), here.stdout
    assert here.returncode == 0
    for name in ("Kernel", "Trace a command", "... with --full", "Trace a running process"):
        assert states[name] == "works"
    assert states["Window"] == "works"


def test_it_really_traced(here):
    found = findings(here)
    fast, full = found["Trace a command"], found["... with --full"]
    calls = [int(f["detail"].split(";")[1].split()[0]) for f in (fast, full)]
    assert calls[0] == calls[1] > 50  # the same command, both ways


def test_whatever_does_not_work_comes_with_what_mends_it(here):
    for finding in findings(here).values():
        assert finding["state"] in {"works", "missing", "note"}
        assert finding["detail"]
        assert bool(finding["mend"]) == (finding["state"] != "works")


@pytest.mark.skipif(sys.platform != "linux", reason="sockets are Linux's")
def test_sockets_are_where_a_sensor_looks_for_them(tmp_path, monkeypatch):
    """Not where temporary files are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = {finding.check: finding for finding in machine.folders()}
    assert found["Sockets"].detail.startswith(f"{Path(DEFAULT_SOCKET).parent} ")


def test_words_and_json_say_the_same(here):
    words = check()
    assert words.returncode == 0
    for name, finding in findings(here).items():
        assert any(
            line.startswith(f"{finding['state']:8} {name}") for line in words.stdout.splitlines()
        )
    assert words.stdout.endswith("Everything that is needed works.\n")


def test_a_display_that_does_not_answer_is_missing():
    process = check("--json", DISPLAY=":59999", QT_QPA_PLATFORM="xcb")
    window = findings(process)["Window"]
    assert window["state"] == "missing"
    assert "Qt does not start" in window["detail"]
    assert process.returncode == 1
    assert check(DISPLAY=":59999", QT_QPA_PLATFORM="xcb").stdout.endswith("1 missing.\n")


def test_no_folder_for_compiled_code_is_told_and_nothing_is_left_behind(tmp_path):
    process = check("--json", XDG_CACHE_HOME="/proc", TMPDIR=str(tmp_path))
    finding = findings(process)["Compiled code"]
    assert finding["state"] == "note"
    assert "compiles it again" in finding["detail"]
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_compiled_code_that_is_kept_stays_wherever_it_is(tmp_path):
    (tmp_path / "thesis").write_text("precious")
    process = check(
        "--json", TMPDIR=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )  # fmt: skip
    finding = findings(process)["Compiled code"]
    assert finding["state"] == "works"
    assert str(tmp_path / "cache") in finding["detail"]
    assert (tmp_path / "thesis").read_text() == "precious"
    assert list((tmp_path / "cache" / "imsafe").iterdir())


def test_a_wrong_option_is_one_line_and_status_2():
    process = check("--jason")
    assert process.returncode == 2
    assert process.stdout == ""
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("family", "command"),
    [
        ("debian", "sudo apt-get install libxcb-cursor0 libegl1"),
        ("fedora", "sudo dnf install xcb-util-cursor libglvnd-egl"),
        ("arch", "sudo pacman -S xcb-util-cursor libglvnd"),
        ("", "install libxcb-cursor.so.0 libEGL.so.1 as this distribution does"),
    ],
)
def test_packages_by_distribution(family, command):
    assert Distribution("X", family).install(["libxcb-cursor.so.0", "libEGL.so.1"]) == command


def test_a_package_that_holds_two_libraries_is_named_once():
    command = Distribution("X", "fedora").install(["libxcb-randr.so.0", "libxcb-shape.so.0"])
    assert command == "sudo dnf install libxcb"


def test_setup_installs_every_library_that_check_looks_for():
    setup = (ROOT / "tools" / "setup").read_text(encoding="utf-8")
    packages = setup.partition("run_packages=(")[2].partition(")")[0].split()
    wanted = Distribution("Debian", "debian").install(QT_LIBRARIES).split()[3:]
    assert set(wanted) <= set(packages)


def test_libraries_that_are_not_there_are_named(monkeypatch):
    none = "libimsafe-is-no-library.so.1"
    monkeypatch.setitem(distribution._PACKAGES, none, ("its-package",) * 3)
    monkeypatch.setattr(window, "QT_LIBRARIES", ["libc.so.6", none])
    monkeypatch.setattr(window, "_START_QT", "raise ImportError('no such library')")
    found = window.window()
    assert found.detail.endswith(f"no such library; these libraries are not installed: {none}")
    assert found.mend.endswith("its-package") or not distribution.this_distribution().family


@pytest.mark.parametrize(("display", "state"), [("", "note"), (":1", "missing")])
def test_a_server_does_without_qt(monkeypatch, display, state):
    def version(name):
        raise machine.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(machine.metadata, "version", version)
    monkeypatch.setattr(window, "find_spec", lambda name: None)
    states = {finding.check: finding.state for finding in machine.libraries()}
    assert states == {"numpy": "missing", "numba": "missing", "PyQt6": state, "pyqtgraph": state}
    found = window.window()
    assert (found.state, found.detail) == (state, "it needs PyQt6 and pyqtgraph")


def test_the_distributions_own_python_is_left_to_it(tmp_path, monkeypatch):
    ours = f"{sys.executable} -m pip install --upgrade PyQt6 pyqtgraph"
    assert install_for_python(["PyQt6", "pyqtgraph"]) == ours
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(distribution.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(distribution, "this_distribution", lambda: Distribution("X", "debian"))
    assert install_for_python(["PyQt6"]) == ours.removesuffix(" pyqtgraph")  # .venv is not its own
    monkeypatch.setattr(distribution.sys, "prefix", sys.base_prefix)
    command = "sudo apt-get install python3-pyqt6 python3-pyqt6.qtsvg python3-pyqtgraph"
    assert install_for_python(["PyQt6", "pyqtgraph"]) == command
