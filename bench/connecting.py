# SPDX-License-Identifier: GPL-3.0-or-later
"""How long from File > Connect to driver and Start Monitor to a window that monitors.

A program runs and makes calls.  The window's dialog is given its name within three seconds; the
clock runs from its OK, at once followed by Start Monitor, until the monitor says that it traces,
and until the first score is in the window's plot.  The tracer is started anew each time, as root;
a password's time is not in it.

    sudo xvfb-run -a .venv/bin/python bench/connecting.py [TIMES]

The goal: monitoring within 1 s, median of the times; a tracer of at most 40 MB.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QCoreApplication, QEventLoop
from PyQt6.QtWidgets import QApplication

from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.driver_dialog import DriverDialog
from imsafe.gui.main_window import MainWindow
from imsafe.gui.settings import Settings

BIN = Path(sys.executable).parent
PATIENCE_S = 60.0
FILLED_IN_S = 3.0
"""So long somebody fills in the dialog."""
SCRIPT = "while :; do cat /etc/hostname >/dev/null; sleep 0.01; done"


def awaited(condition: Callable[[], object], what: str) -> float:
    """Run the window until it is so; the moment."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        time.sleep(0.001)
        if time.monotonic() > end:
            sys.exit(f"bench/connecting.py: it did not happen: {what}")
    return time.monotonic()


def tracer_of(parent: int) -> int:
    """The kernel tracer below the window's monitor."""
    for line in subprocess.check_output(["ps", "-eo", "pid,ppid,args"], text=True).splitlines():
        pid, above, words = line.split(None, 2)
        if above == str(parent) and "sources.ebpf.tracer" in words:
            return int(pid)
    sys.exit("bench/connecting.py: there is no tracer")


def connected(window: MainWindow, name: str) -> tuple[float, float, float]:
    """Seconds to the tracing monitor and to the first score; the tracer's MB."""
    window.menus.actions["driver"].trigger()
    dialog = window.findChildren(DriverDialog)[-1]
    dialog.kind.setCurrentIndex(dialog.kind.findData("name"))
    dialog._field("name").setText(name)
    begin = time.monotonic()
    awaited(lambda: time.monotonic() > begin + FILLED_IN_S, "time passes")
    begin = time.monotonic()
    dialog.accept()
    window.menus.actions["start"].trigger()

    def traces() -> bool:
        sources = (window.watch.status or {}).get("sources", [])
        return any(source["state"] == "tracing" for source in sources)

    tracing = awaited(traces, "it traces")
    scored = awaited(lambda: window.watch.history.span() is not None, "a score")
    monitor = window.watch.session.child.pid
    status = Path(f"/proc/{tracer_of(monitor)}/status").read_text()
    (memory,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
    window.menus.actions["stop"].trigger()
    awaited(lambda: window.watch.session is None, "it ends")
    window.menus.actions["close"].trigger()
    return tracing - begin, scored - begin, int(memory) / 1000


def main() -> None:
    """Measure and print."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        os.environ["XDG_STATE_HOME"] = os.environ["XDG_CONFIG_HOME"] = place
        program = folder / f"service-{os.getpid()}"
        shutil.copy("/bin/sh", program)
        command = [str(program), "-c", SCRIPT]
        subprocess.run(
            [BIN / "ims-trace", "-o", folder / "n.imt", "--duration", "3", "--", *command[:2],
             SCRIPT.replace("while :", "for i in $(seq 150)")],
            check=True,
        )  # fmt: skip
        subprocess.run(
            [BIN / "ims-learn", "-o", folder / "p.db", folder / "n.imt"],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        application = QApplication(sys.argv[:1])
        service = subprocess.Popen(command)
        window = MainWindow(Settings(folder / "settings.ini"))
        window.show()
        window.configuration = Configuration([WatchedApplication("", str(folder / "p.db"), 0.99)])
        window._keep_configuration()
        try:
            found = [connected(window, program.name) for _ in range(times)]
        finally:
            service.kill()
            service.wait()
            window.close()
            window.deleteLater()
            application.processEvents()
    tracing, scored, memory = zip(*found, strict=True)
    for what, seconds in (("it traces", tracing), ("the first score is plotted", scored)):
        sys.stdout.write(
            f"{what}: median {statistics.median(seconds):.2f} s, at most {max(seconds):.2f} s"
            f" ({times} times)\n"
        )
    sys.stdout.write(f"memory of the tracer: at most {max(memory):.1f} MB\n")


if __name__ == "__main__":
    main()
