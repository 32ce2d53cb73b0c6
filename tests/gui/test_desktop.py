# SPDX-License-Identifier: GPL-3.0-or-later
"""The program itself on a display of its own, worked by keys and mouse, as a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.virtual_display import display

from .conftest import SERVICE
from .test_life import descendants

needed = ("Xvfb", "xauth", "xdotool")
pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in needed), reason=f"needs {', '.join(needed)}"
)
LONG = 90.0


def wait_for(true, what):
    end = time.monotonic() + LONG
    while not (found := true()):
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.1)
    return found


class Person:
    """Somebody before the screen."""

    def __init__(self, folder):
        self.folder = folder
        self.said = folder / "stderr"
        with self.said.open("wb") as said:
            self.program = subprocess.Popen(
                [sys.executable, "-m", "imsafe.cli.imsafe"], stdin=subprocess.DEVNULL,
                stdout=said, stderr=said, cwd=folder,
            )  # fmt: skip

    def end(self):
        self.program.kill()
        self.program.wait()

    def xdotool(self, *words):
        done = subprocess.run(
            ["xdotool", *map(str, words)], capture_output=True, text=True, check=False
        )
        return done.stdout.split()

    def windows(self, name):
        return self.xdotool("search", "--onlyvisible", "--name", f"^{name}( — ImSafe)?$")

    def look(self, name):
        """Turn to a window: there is no window manager that would."""
        wait_for(lambda: self.windows(name) or self.program.poll() is not None, f"window {name}")
        assert self.program.poll() is None, self.said.read_text()
        window = self.windows(name)[-1]
        wait_for(lambda: self.focused(window), f"the focus of {name}")
        return window

    def focused(self, window):
        self.xdotool("windowfocus", window)
        time.sleep(0.1)
        return self.xdotool("getwindowfocus") == [window]

    def press(self, *keys):
        for key in keys:
            self.xdotool("key", key)
            time.sleep(0.1)

    def type(self, text):
        self.press("ctrl+a")
        self.xdotool("type", "--delay", "5", text)
        time.sleep(0.2)

    def gone(self, name):
        wait_for(lambda: not self.windows(name), f"the end of {name}")


@pytest.fixture
def person(short_folder, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    compiled = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    monkeypatch.setenv("XDG_CACHE_HOME", compiled)
    monkeypatch.setenv("HOME", str(short_folder))
    with display(short_folder, "1400x1000"):
        made = Person(short_folder)
        try:
            made.look("ImSafe")
            yield made
        finally:
            made.end()


def test_from_nothing_to_an_alert_by_keyboard(person, short_folder):
    script = short_folder / "service"
    script.write_text(SERVICE)
    files = short_folder / "files"

    person.press("ctrl+g")
    person.look("First steps")
    person.type(f"sh {script} {short_folder}")
    person.press("alt+k")
    person.type(str(files))
    person.press("alt+n")
    person.press("alt+r")
    wait_for((files / "sh.imt").is_file, "the recording")
    time.sleep(8)
    person.press("alt+t")
    time.sleep(1.5)
    person.press("alt+n")
    wait_for((files / "sh.db").is_file, "the profile")
    person.press("Escape")
    person.gone("First steps")

    socket, log = short_folder / "socket", short_folder / "scores.log"
    person.look("ImSafe")
    person.press("ctrl+e")
    person.look("Connect to sensor")
    person.type(str(socket))
    person.press("Return")
    person.gone("Connect to sensor")
    person.look("ImSafe")
    person.press("ctrl+comma")
    person.look("Configure the monitor")
    person.press("alt+d")
    person.type(str(files / "sh.db"))
    person.press("alt+l")
    person.type(str(log))
    person.press("Return")
    person.gone("Configure the monitor")

    window = person.look("ImSafe")
    person.press("ctrl+r")
    wait_for(socket.exists, "the monitor")
    sensor = subprocess.Popen(
        [sys.executable, "-m", "imsafe.cli.sensor", "-s", str(socket), "--", "sh", str(script),
         str(short_folder)],
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: log.is_file() and log.read_text().count("\n") > 20, "the scores")
        (short_folder / "attack").touch()
        boxes = Path(os.environ["XDG_STATE_HOME"]) / "imsafe"
        wait_for(lambda: list(boxes.rglob("*.imt")), "the black box of an alert")
        # The mouse: zoom and drag the plot, open a menu and leave it.
        for words in (
            ("mousemove", "--window", window, 500, 250), ("click", 4), ("click", 5),
            ("mousedown", 1), ("mousemove_relative", 80, 0), ("mouseup", 1),
            ("mousemove", "--window", window, 20, 10), ("click", 1), ("key", "Escape"),
        ):  # fmt: skip
            person.xdotool(*words)
            time.sleep(0.1)
        person.press("F1")
        person.look("ImSafe manual")
        person.press("ctrl+w")
        person.gone("ImSafe manual")
        person.look("ImSafe")
        person.press("ctrl+t")
        wait_for(lambda: not socket.exists(), "the end of the monitor")
    finally:
        (short_folder / "end").touch()
        sensor.wait(60)
    person.press("ctrl+q")
    assert person.program.wait(LONG) == 0
    assert person.said.read_text() == ""


def test_quit_while_a_program_is_watched(person, short_folder):
    socket = short_folder / "socket"
    person.press("ctrl+e")
    person.look("Connect to sensor")
    person.type(str(socket))
    person.press("alt+p", "Tab")
    person.type("sleep 1000")
    person.press("Return")
    person.gone("Connect to sensor")
    person.look("ImSafe")
    person.press("ctrl+s")
    person.look("Trace to file")
    person.press("alt+t")
    person.type(str(short_folder / "sleep.imt"))
    person.press("alt+r")
    wait_for(lambda: "sleep 1000" in str(descendants(person.program.pid)), "the program")
    before = descendants(person.program.pid)
    person.look("ImSafe")
    person.press("ctrl+q")
    assert person.program.wait(LONG) == 0
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before), "the end of all")
    assert not socket.exists()
    assert (short_folder / "sleep.imt").stat().st_size > 100
    assert person.said.read_text() == ""
