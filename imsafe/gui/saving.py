# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks where to save something that can be written in several forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QFileDialog, QWidget


def ask_to_save(
    window: QWidget, title: str, place: str, filters: str, save: Callable[[str], None]
) -> None:
    """Ask for a file; a name without an ending gets that of the form that is chosen.

    Parameters
    ----------
    place
        The folder, or a file in it, to begin with.
    filters
        As Qt wants them, each with one ending: ``"JSON (*.json);;CSV (*.csv)"``.
    save
        Gets the path.
    """
    path = Path(place)
    folder, name = (str(path.parent), path.name) if path.suffix else (place, "")
    dialog = QFileDialog(window, title, folder, filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)

    def choose(form: str) -> None:
        dialog.setDefaultSuffix(form.rpartition("*.")[2].rstrip(")"))

    choose(filters.partition(";;")[0])
    dialog.filterSelected.connect(choose)
    if name:
        dialog.selectFile(name)
    dialog.fileSelected.connect(save)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
