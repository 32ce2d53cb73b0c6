# SPDX-License-Identifier: GPL-3.0-or-later
"""Every window and dialog, light and dark, at 100 % and 150 %: `python -m demo.screenshots`.

They are filled with what the demonstration has left: its profile, score log and recording.  All
go to a folder to be looked at; those that the manual shows are copied to docs/images.  In another
language (`--language de`) they are taken light, at 100 %, and only to be looked at.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from itertools import product
from pathlib import Path
from typing import Any

from demo.steps import ROOT, say, tool, visit, workplace
from demo.virtual_display import display
from demo.web_server import DemoError, new_site

IMAGES = ROOT / "docs" / "images"
SCHEMES = ("light", "dark")
SCALES = ("100", "150")
MANUAL = "en"
"""The manual's language."""
SCREEN = "2600x1900"
PATIENCE_S = 1200
_FRESH = 1000  # the seed of a visit that no other run has


def main() -> int:
    """Run the program; returns 0, or 2 after an error."""
    parser = argparse.ArgumentParser(prog="python -m demo.screenshots", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "demo-output", metavar="FOLDER")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "screenshots", metavar="FOLDER"
    )
    parser.add_argument("--language", default=MANUAL, metavar="LANGUAGE")
    parser.add_argument("--one", nargs=2, metavar=("SCHEME", "SCALE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    try:
        if args.one:
            _one(args.data.absolute(), args.output.absolute(), args.one[0], args.language)
        else:
            _all(args.data.absolute(), args.output.absolute(), args.language)
    except DemoError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 2
    return 0


def _all(data: Path, output: Path, language: str) -> None:
    for name in ("web.db", "scores.log", "watched.imt"):
        if not (data / name).is_file():
            raise DemoError(f"{data / name} is missing; run `make demo` first.")
    with tempfile.TemporaryDirectory(prefix="imsafe-shots-") as folder:
        # Paths that a reader of the manual does not wonder about.
        home = Path(folder) / "imsafe"
        home.mkdir()
        for name in ("web.db", "scores.log", "watched.imt"):
            shutil.copy(data / name, home / name)
        _learn_another(home)
        _record_normal(home)
        action = home / "tell-me"
        action.write_text('#!/bin/sh\necho "To root: $IMSAFE_APPLICATION scored $IMSAFE_SCORE"\n')
        action.chmod(0o755)
        with display(Path(folder), SCREEN):
            of_manual = language == MANUAL
            for scheme, scale in product(SCHEMES, SCALES) if of_manual else [("light", "100")]:
                target = output / (f"{scheme}-{scale}" if of_manual else language)
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir(parents=True)
                environment = os.environ | {
                    "QT_SCALE_FACTOR": f"{int(scale) / 100:g}",
                    "XDG_CONFIG_HOME": f"{folder}/config-{scheme}-{scale}",
                    "XDG_STATE_HOME": f"{folder}/state-{scheme}-{scale}",
                }
                command = [sys.executable, "-m", "demo.screenshots", "--one", scheme, scale]
                command += ["--data", str(home), "--output", str(target), "--language", language]
                done = subprocess.run(
                    command, env=environment, cwd=ROOT, check=False, stdin=subprocess.DEVNULL,
                    timeout=PATIENCE_S,
                )  # fmt: skip
                if done.returncode:
                    raise DemoError(f"The windows in {scheme} at {scale} % were not all shown.")
                say(f"{len(list(target.glob('*.png')))} pictures in {target}")
    if of_manual:
        _copy_to_manual(output / f"{SCHEMES[0]}-{SCALES[0]}")


def _learn_another(home: Path) -> None:
    """A second profile, to compare with: of what was watched, the attack included."""
    subprocess.run(
        [tool("ims-learn"), "-o", str(home / "watched.db"), str(home / "watched.imt")],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _record_normal(home: Path) -> None:
    """A run without an attack that was not learned yet, to be added to the profile."""
    with workplace() as folder:
        tracer = [tool("ims-trace"), "-o", str(home / "normal.imt"), "--"]
        visit(new_site(folder, seed=_FRESH), tracer, _FRESH)


def _copy_to_manual(pictures: Path) -> None:
    shown: set[str] = set()
    for chapter in (*ROOT.glob("docs/*.md"), ROOT / "README.md"):
        shown |= set(re.findall(r"images/([\w-]+\.png)", chapter.read_text(encoding="utf-8")))
    IMAGES.mkdir(exist_ok=True)
    for name in sorted(shown):
        if not (pictures / name).is_file():
            raise DemoError(f"The manual shows {name}, and no window makes it.")
        shutil.copy(pictures / name, IMAGES / name)
    for old in IMAGES.glob("*.png"):
        if old.name not in shown:
            old.unlink()
    size = sum(path.stat().st_size for path in IMAGES.glob("*.png"))
    say(f"{len(shown)} pictures in {IMAGES}, {size:,} bytes")


def _one(data: Path, output: Path, scheme: str, language: str) -> None:
    """Take all pictures in this process, which was given the scale by its environment."""
    # Qt is imported only where there is a display.
    from PyQt6.QtWidgets import QApplication  # noqa: PLC0415

    from demo.pictures import Pictures  # noqa: PLC0415
    from demo.window import Play, Until  # noqa: PLC0415
    from imsafe.gui.language import speak  # noqa: PLC0415

    application = QApplication(sys.argv[:1])
    application.setApplicationName("imsafe")
    application.setStyle("Fusion")
    speak(application, [language])
    if scheme == "dark":
        application.setPalette(_dark_palette())
    pictures = Pictures(data, output)

    def script() -> Generator[Until, None, None]:
        yield from pictures.take()
        QApplication.quit()

    play = Play(script())
    application.exec()
    play.stop()
    pictures.close()
    application.processEvents()
    if play.error is not None:
        raise play.error


def _dark_palette() -> Any:
    """Fusion's own colours on a dark desktop; a display in memory has no desktop to ask."""
    from PyQt6.QtGui import QColor, QPalette  # noqa: PLC0415

    window, text, grey = QColor(50, 50, 50), QColor(240, 240, 240), QColor(130, 130, 130)
    palette = QPalette(window, window)
    role, disabled = QPalette.ColorRole, QPalette.ColorGroup.Disabled
    faint = QColor(text)
    faint.setAlpha(128)
    for which, colour in (
        (role.Light, window.lighter(150)),
        (role.Mid, window.darker(130)),
        (role.Dark, window.darker(150)),
        (role.Base, window.darker(140)),
        (role.Midlight, window.darker(130).lighter(110)),
        (role.Shadow, window.darker(150).darker(135)),
        (role.AlternateBase, window.darker(140).lighter(110)),
        (role.ToolTipBase, QColor(60, 60, 60)),
        (role.ToolTipText, text),
        (role.Highlight, QColor(48, 140, 198)),
        (role.HighlightedText, QColor(255, 255, 255)),
        (role.Link, QColor(48, 140, 198)),
        (role.PlaceholderText, faint),
    ):
        palette.setColor(which, colour)
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(which, text)
        palette.setColor(disabled, which, grey)
    palette.setColor(disabled, role.Base, window)
    return palette


if __name__ == "__main__":
    sys.exit(main())
