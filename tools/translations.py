# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the translations up to date: `make translations`, or LANGUAGES=fr for a new one.

The texts of the source go into `imsafe/gui/translations/imsafe_*.ts` (by
pylupdate6, which PyQt6 brings), and each of those becomes the `.qm` that the
window loads (by lrelease: Debian's qt6-l10n-tools).  Both are kept.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from PyQt6.lupdate.lupdate import lupdate

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "imsafe" / "gui" / "translations"
PLURALS_ONLY = "imsafe_en.ts"
"""English is what the source says already, but for its singulars."""


def update(file: Path) -> None:
    """Take up the texts of the source; what nobody says any more is dropped."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "imsafe").rglob("*.py"))
    lupdate(sources, [str(file)], no_obsolete=True)
    tree = ElementTree.parse(file)
    root = tree.getroot()
    root.set("language", file.stem.partition("_")[2])
    root.set("sourcelanguage", "en")
    for context in root.findall("context"):
        for message in context.findall("message"):
            # Numbers of lines would change with every change of the source.
            for location in message.findall("location"):
                message.remove(location)
            if file.name == PLURALS_ONLY and message.get("numerus") != "yes":
                context.remove(message)
        if context.find("message") is None:
            root.remove(context)
    ElementTree.indent(root, space="    ")
    text = ElementTree.tostring(root, encoding="unicode")
    file.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{text}\n', "utf-8")


def unfinished(file: Path) -> int:
    """How many texts have no translation yet."""
    found = ElementTree.parse(file).iter("translation")
    return sum(translation.get("type") == "unfinished" for translation in found)


def release(lrelease: str, file: Path) -> None:
    """Make the `.qm`."""
    subprocess.run([lrelease, "-silent", str(file)], check=True)


def main() -> None:
    """Update and release all of them, and those that are named."""
    files = {*FOLDER.glob("*.ts"), *(FOLDER / f"imsafe_{name}.ts" for name in sys.argv[1:])}
    lrelease = shutil.which("lrelease", path="/usr/lib/qt6/bin:/usr/lib64/qt6/bin")
    lrelease = lrelease or shutil.which("lrelease6") or shutil.which("lrelease")
    for file in sorted(files):
        update(file)
        missing = unfinished(file)
        print(f"{file.relative_to(ROOT)}: " + (f"{missing} to translate" if missing else "whole"))
        if lrelease is not None:
            release(lrelease, file)
    if lrelease is None:
        sys.exit("There is no lrelease to make the .qm files: install qt6-l10n-tools (Debian).")


if __name__ == "__main__":
    main()
