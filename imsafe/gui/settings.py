# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window remembers: an ini file in the user's configuration folder."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QByteArray, QSettings
from PyQt6.QtWidgets import QWidget

from imsafe.files import exists
from imsafe.gui.configuration import Configuration

MOST_RECENT = 8


class Settings:
    """The remembered choices.

    Parameters
    ----------
    path
        The ini file; None for the user's own (``~/.config/imsafe/imsafe.ini``).
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self._store = QSettings(
                QSettings.Format.IniFormat, QSettings.Scope.UserScope, "imsafe", "imsafe"
            )
        else:
            self._store = QSettings(str(path), QSettings.Format.IniFormat)

    def text(self, key: str, default: str = "") -> str:
        """A remembered text."""
        value = self._store.value(key, default)
        return value if isinstance(value, str) else default

    def set_text(self, key: str, value: str) -> None:
        """Remember a text."""
        self._store.setValue(key, value)

    def texts(self, key: str) -> list[str]:
        """A remembered list of texts."""
        value = self._store.value(key, [])
        if isinstance(value, str):  # an ini file does not tell one entry from a list of one
            return [value] if value else []
        return [str(entry) for entry in value] if isinstance(value, list) else []

    def set_texts(self, key: str, values: list[str]) -> None:
        """Remember a list of texts."""
        self._store.setValue(key, values)

    @property
    def configuration(self) -> Configuration:
        """Monitor > Configure, as it was left."""
        return Configuration.from_json(self.text("monitor/configuration"))

    @configuration.setter
    def configuration(self, configuration: Configuration) -> None:
        self.set_text("monitor/configuration", configuration.to_json())

    def recent(self) -> list[str]:
        """Recent files that still exist, the latest first."""
        return [path for path in self.texts("recent/files") if exists(path)]

    def add_recent(self, path: str) -> None:
        """Put a file at the top of the recent ones."""
        others = [other for other in self.texts("recent/files") if other != path]
        self.set_texts("recent/files", [path, *others][:MOST_RECENT])

    def folder(self, purpose: str) -> str:
        """Where a file chooser for `purpose` starts."""
        return self.text(f"folders/{purpose}", str(Path.home()))

    def set_folder(self, purpose: str, path: str) -> None:
        """Remember the folder of a chosen file."""
        target = Path(path)
        self.set_text(f"folders/{purpose}", str(target if target.is_dir() else target.parent))

    def save_geometry(self, name: str, widget: QWidget) -> None:
        """Remember where a window is."""
        self._store.setValue(f"geometry/{name}", widget.saveGeometry())

    def restore_geometry(self, name: str, widget: QWidget) -> bool:
        """Put a window where it was; False when nothing is remembered."""
        value = self._store.value(f"geometry/{name}")
        return isinstance(value, QByteArray) and widget.restoreGeometry(value)

    def save_layout(self, state: QByteArray) -> None:
        """Remember the main window's panes."""
        self._store.setValue("geometry/panes", state)

    def layout(self) -> QByteArray | None:
        """The main window's panes as they were."""
        value = self._store.value("geometry/panes")
        return value if isinstance(value, QByteArray) else None

    def flush(self) -> None:
        """Write the file now."""
        self._store.sync()
