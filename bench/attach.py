# SPDX-License-Identifier: GPL-3.0-or-later
"""A service monitors while windows attach and detach: is an event lost, or an alert missing?

A real program is traced and watched by `ims-monitor`; it makes a known number of getppid calls, at
a pace, and now and then does what was never learned.  Windows (the view's client, and with --gui
real ones) attach, read for a while and leave, in the middle of whatever comes.  In the end every
call that was recorded has been scored, the program's own count is in the recording, and there are
as many alerts as there were attacks.

    .venv/bin/python bench/attach.py [SECONDS] [--times 20] [--gui]

What it prints goes with a statement such as "no event lost in ten minutes": SECONDS is 600 then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from imsafe.events import Kind
from imsafe.monitor.view_client import ViewClient
from imsafe.stream.traces import open_trace

GETPPID = 110
QUIET_S = 12.0
"""Event time after which an alert has closed, and the next attack is an alert of its own."""

PROGRAM = """
import os, sys, time
end, attacks = time.monotonic() + float(sys.argv[1]), int(sys.argv[2])
made, next_attack = 0, time.monotonic() + 2
while time.monotonic() < end or attacks:
    for _ in range(997):
        os.getppid()
    made += 997
    for _ in range(20):
        os.stat("/etc/hostname")
    if attacks and time.monotonic() >= next_attack:
        attacks -= 1
        next_attack += float(sys.argv[3])
        for _ in range(200):
            os.getsid(0); os.umask(0o22); os.getpgid(0); os.getgroups(); os.getresuid()
    time.sleep(0.02)
print(made)
"""


def program(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"imsafe.cli.{name}", *map(str, arguments)]


def watched(seconds: float, attacks: int) -> list[str]:
    return [sys.executable, "-S", "-c", PROGRAM, str(seconds), str(attacks), str(QUIET_S)]


def learn(folder: Path) -> Path:
    """A profile of the program's work without attacks."""
    profile = folder / "normal.db"
    for number in range(3):
        trace = folder / f"{number}.imt"
        subprocess.run(
            program("trace", "-o", trace, "--", *watched(6, 0)),
            check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    traces = [folder / f"{number}.imt" for number in range(3)]
    subprocess.run(program("learn", "-o", profile, *traces), check=True, stdout=subprocess.DEVNULL)
    return profile


def look(path: Path, seconds: float) -> int:
    """Attach as a window does, read, and leave without a word; the bytes that came."""
    client, received = ViewClient(), 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.fspath(path))
        connection.settimeout(0.1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                octets = connection.recv(1 << 18)
            except TimeoutError:
                continue
            received += len(octets)
            client.feed(octets)
    return received


def look_in_a_window(path: Path, seconds: float) -> int:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = program("imsafe", "--view", path)
    window = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    window.send_signal(random.choice([signal.SIGINT, signal.SIGKILL]))
    window.wait(timeout=60)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--gui", action="store_true")
    options = parser.parse_args()
    attacks = max(1, int((options.seconds - 4) / QUIET_S))
    look_at = look_in_a_window if options.gui else look
    with tempfile.TemporaryDirectory(prefix="imsafe-attach-") as name:
        folder = Path(name)
        profile = learn(folder)
        recording, view = folder / "recorded.imt", folder / "view"
        monitor = subprocess.Popen(
            program("monitor", "-d", profile, "-t", 0.6, "--json", "--boxes", folder / "boxes",
                    "--record", recording, "--view", view, "--alerts", folder / "alerts",
                    "--sensor", folder / "sensor"),
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        while not view.exists():
            time.sleep(0.1)
        sensor = subprocess.Popen(
            program("sensor", "-s", folder / "sensor", "--", *watched(options.seconds, attacks)),
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        began, received = time.monotonic(), 0
        each = options.seconds / options.times
        for turn in range(options.times):
            received += look_at(view, each * random.uniform(0.4, 0.9))
            time.sleep(max(0.0, began + (turn + 1) * each - time.monotonic()))
        made = int(sensor.communicate(timeout=120)[0])
        time.sleep(2)
        monitor.terminate()
        lines = monitor.communicate(timeout=120)[0].splitlines()
        end = json.loads(lines[-1])
        alerts = [json.loads(line) for line in lines if '"type": "alert"' in line]
        written = [json.loads(line)["type"] for line in (folder / "alerts").open()]
        calls = counted = 0
        for _, item in open_trace(recording):
            if isinstance(item, np.ndarray):
                is_call = item["kind"] == Kind.CALL
                calls += int(is_call.sum())
                counted += int((item["syscall"][is_call] == GETPPID).sum())
    told = "" if options.gui else f", {received:,} bytes sent"
    print(f"{options.seconds:.0f} s, {options.times} windows came and went{told}")
    print(f"getppid: made {made:,}, recorded {counted:,}")
    print(f"calls: recorded {calls:,}, scored {end['calls']:,}, lost {end['lost']:,}")
    print(f"attacks: {attacks}, alerts {len(alerts)}, in the file {written.count('alert')}")
    good = (
        made == counted
        and calls == end["calls"]
        and not end["lost"]
        and len(alerts) == written.count("alert") == attacks
    )
    print("nothing is missing" if good else "SOMETHING IS MISSING")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
