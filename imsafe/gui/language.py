# SPDX-License-Identifier: GPL-3.0-or-later
"""The language of the window: that of the desktop where there is a translation, else English."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from imsafe import words

FOLDER = Path(__file__).parent / "translations"

_ENGLISH = "en"
"""Has the plural forms only: texts are written in English."""


def speak(application: QCoreApplication, languages: Sequence[str] | None = None) -> str:
    """Translate ImSafe's texts and Qt's own from now on.

    Parameters
    ----------
    languages
        Such as ``de-AT``, the best one first; None for those of the desktop, as
        ``LANGUAGE``, ``LC_ALL``, ``LC_MESSAGES`` and ``LANG`` tell.

    Returns
    -------
    str
        The language, such as ``de``; empty where not even the English plurals are there.
    """
    for former in application.findChildren(_Translator):
        application.removeTranslator(former)
        former.deleteLater()
    wanted = QLocale.system().uiLanguages() if languages is None else languages
    for language in (*wanted, _ENGLISH):
        known = language.replace("_", "-").partition("-")[0]
        own = _Translator(application)
        if own.load(f"imsafe_{known}", str(FOLDER)):
            qt = _Translator(application)
            folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
            # Buttons such as Cancel, the dialogs for files.  Some installations lack it.
            if qt.load(f"qtbase_{known}", folder):
                application.installTranslator(qt)
            application.installTranslator(own)
            words.use(QCoreApplication.translate)
            return known
    words.use(None)
    return ""


class _Translator(QTranslator):
    """One of those that `speak` has put in."""
