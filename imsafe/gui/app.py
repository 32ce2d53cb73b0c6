# SPDX-License-Identifier: GPL-3.0-or-later
"""The window's process: the application object, signals, the first window, a clean end."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pyqtgraph as pg
from PyQt6.QtCore import QSize, QTimer
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import QApplication

import imsafe
from imsafe.errors import ImsafeError
from imsafe.files import saved_whole
from imsafe.gui import crash, last_crash
from imsafe.gui.file_kinds import file_kind
from imsafe.gui.language import speak
from imsafe.gui.log_history import LogHistory, read_history, save_csv
from imsafe.gui.log_window import LogWindow
from imsafe.gui.main_window import MainWindow
from imsafe.gui.score_plot import ScorePlot
from imsafe.gui.settings import Settings
from imsafe.gui.timers import timer
from imsafe.words import translate

DESKTOP_ID = "org.imsafe.ImSafe"
"""Name of the desktop file, by which a desktop knows whose window it is."""

IMAGE_SIZE = QSize(1200, 600)


def window_icon() -> QIcon:
    """ImSafe's icon, in all its sizes."""
    icon = QIcon()
    for path in sorted((Path(__file__).parent / "icons").glob("*.png")):
        icon.addFile(str(path))
    return icon


def has_display() -> bool:
    """Whether a window can be shown."""
    if sys.platform in ("darwin", "win32") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _application(languages: list[str] | None = None) -> QApplication:
    pg.setConfigOptions(antialias=False)
    if os.environ.get("LC_ALL") in {"C", "POSIX"}:
        # Qt goes over to this anyway, and says so in three lines.
        os.environ["LC_ALL"] = "C.UTF-8"
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("imsafe")
    application.setApplicationDisplayName("ImSafe")
    application.setApplicationVersion(imsafe.__version__)
    application.setDesktopFileName(DESKTOP_ID)
    application.setWindowIcon(window_icon())
    speak(application, languages)
    return application


def _need_display(program: str, instead: str) -> None:
    if not has_display():
        raise ImsafeError(f"There is no display to show {program} on; {instead}")


def show_main_window(file: str | None = None, view: str | None = None) -> int:
    """Show the main window until it is closed.

    Parameters
    ----------
    file
        A profile, trace or log to open.
    view
        The view socket of a running monitor to follow.
    """
    _need_display("the window", "use ims-monitor, ims-learn and ims-trace, or ssh -X.")
    application = _application()
    crash.install()
    left = last_crash.begin()
    window = MainWindow(Settings())
    # Python sees a signal only when it runs: an idle Qt loop has to wake now and then.
    awake = timer(application, 300, lambda: None)
    awake.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not at once: a window that is closed before it is shown would stay.
        signal.signal(number, lambda *_: QTimer.singleShot(0, window.close))
    window.show()
    if file is not None:
        window.open_file(file)
    elif view is None:
        window.restore_session()
    if view is not None:
        window.watch.attach(view)
    if left:
        crash.show_last(left, window)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        window.add_message(
            translate("app", "You run the window as root; it needs no rights: run it as yourself.")
        )
    status = application.exec()
    awake.stop()
    # What still lives is destroyed while the application object does.
    window.deleteLater()
    application.processEvents()
    last_crash.end()
    return status


def show_log(path: str) -> int:
    """Show a score log in a window until it is closed."""
    if file_kind(path) != "log":
        raise ImsafeError(f"{path} is not a score log of ImSafe.")
    _need_display("the plot", "write an image with -o IMAGE.")
    application = _application()
    crash.install()
    window = LogWindow(path, Settings())
    window.show()
    awake = timer(application, 300, lambda: None)
    awake.start()
    signal.signal(signal.SIGINT, lambda *_: QTimer.singleShot(0, window.close))
    status = application.exec()
    awake.stop()
    window.deleteLater()
    application.processEvents()
    return status


def write_log_image(log: str, image: str, *, replace: bool) -> None:
    """Plot a whole score log into a PNG or SVG file (or its values into a CSV file).

    Raises
    ------
    ImsafeError
        The log cannot be read, or the image not written.
    """
    ending = Path(image).suffix.lower()
    if ending not in (".png", ".svg", ".csv"):
        raise ImsafeError(f"{image} has to end in .png, .svg or .csv.")
    history = read_history(log)
    if history.span() is None:
        raise ImsafeError(f"{log} holds no score yet, so there is nothing to plot.")
    with saved_whole(image, replace=replace) as beside:
        if ending == ".csv":
            save_csv(log, beside)
        else:
            _draw(history, beside, ending)


def _draw(history: LogHistory, path: Path, ending: str) -> None:
    if not has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    application = _application(["en"])  # it is a program's output, as its messages are
    plot = ScorePlot(history, live=False)
    plot.show_log(history)
    plot.resize(IMAGE_SIZE)
    plot.grab()  # lays it out without a window
    plot.draw_now()
    application.processEvents()
    written = plot.save_image(str(path), ending)
    plot.close()
    plot.deleteLater()
    application.processEvents()
    if not written:
        raise ImsafeError(f"Cannot write {path}.")
