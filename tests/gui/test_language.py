# SPDX-License-Identifier: GPL-3.0-or-later
"""The window in the language of the desktop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from PyQt6.QtCore import QCoreApplication, Qt
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QMenu, QWidget

from imsafe import words
from imsafe.errors import cannot
from imsafe.gui.calls_pane import CallsPane
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import TraceDevice, check_socket
from imsafe.gui.device_dialogs import SensorDialog, TraceOpenDialog
from imsafe.gui.driver_dialog import DriverDialog
from imsafe.gui.fields import ThresholdField
from imsafe.gui.language import speak
from imsafe.gui.learn_dialog import LearnDialog
from imsafe.gui.log_window import LogWindow
from imsafe.gui.plot_items import rarity
from imsafe.gui.process_list import ProcessList
from imsafe.gui.record_dialog import RecordDialog
from imsafe.gui.status_line import source_state
from imsafe.gui.tree_window import TreeWindow
from imsafe.gui.what_if_dialog import WhatIfDialog

from .conftest import run

LANGUAGES = ["en", "de"]
SPEAK = """
from PyQt6.QtCore import QCoreApplication, Qt
from imsafe import words
from imsafe.gui.language import speak
application = QCoreApplication([])
print(speak(application), words.translate("menus", "&File"))
"""


@pytest.fixture
def german(qapp):
    """Tests of the same process speak English again afterwards."""
    assert speak(qapp, ["de-AT", "en"]) == "de"
    yield
    speak(qapp, ["en"])


@pytest.fixture(params=LANGUAGES)
def language(qapp, request):
    """Each language that there is a translation for."""
    assert speak(qapp, [request.param]) == request.param
    yield request.param
    speak(qapp, ["en"])


def key(text):
    """The letter that Alt is pressed with, if any."""
    text = text.replace("&&", "")
    return text[text.index("&") + 1].casefold() if "&" in text else ""


def twice(texts):
    """Texts that share their letter with another one."""
    texts = list(texts)
    count = Counter(filter(None, map(key, texts)))
    return [text for text in texts if count[key(text)] > 1]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LANG": "C.UTF-8"}, "en &File"),
        ({"LANG": "de_AT.UTF-8"}, "de &Datei"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, "de &Datei"),
        ({"LANG": "fr_FR.UTF-8"}, "en &File"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "en"}, "en &File"),
    ],
)
def test_the_desktop_decides(environment, said):
    others = {
        key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))
    }
    done = subprocess.run(
        [sys.executable, "-c", SPEAK], capture_output=True, text=True, timeout=60, check=True,
        env=others | environment,
    )  # fmt: skip
    assert done.stdout.strip() == said


def test_a_german_window(german, window, tmp_path):
    bar = window.menuBar()
    assert [action.text() for action in bar.actions()] == [
        "&Datei", "&Überwachung", "&Werkzeuge", "&Ansicht", "&Hilfe"
    ]  # fmt: skip
    assert (
        window.menus.actions["start"].toolTip().endswith("Wählen Sie zuerst unter Datei ein Gerät.")
    )
    assert window.status_line.state.text() == "Keine Überwachung"
    # Sentences of modules that know no Qt.
    window.watch.open_device(TraceDevice(str(tmp_path / "a.imt")))
    assert window.status_line.source.text() == "Aufzeichnung a.imt"
    assert "Gerät: Aufzeichnung a.imt" in window.messages.toPlainText()
    window.start_monitor()
    box = window.findChildren(QDialog)[-1]
    assert "Wählen Sie eine Verhaltensdatenbank" in box.text()
    box.close()


def test_sentences_without_qt(german, tmp_path):
    assert check_socket("x").text == "x ist kein voller Pfad: Er muss mit / beginnen."
    assert rarity(0.5) == "1 von 1\u202f000"
    assert source_state("replaying, 12 %") == "spielt ab, 12 %"
    assert source_state("2 sensors") == "2 Sensoren"
    assert source_state("something new") == "something new"
    error = cannot("read", "/x", OSError(13, "Keine Berechtigung"))
    assert str(error) == "/x kann nicht gelesen werden: Keine Berechtigung."


def test_plural_forms(qapp, language):
    one, two = (words.translate("status_line", "{0} sensors", "", n) for n in (1, 2))
    assert one != two
    assert words.plural(1) == 1
    # Qt takes 32 bits; languages look at the last two digits.
    assert words.plural(10**12 + 21) == 1_000_021
    assert words.translate("status_line", "{0} sensors", "", words.plural(10**12)) == two


def test_programs_speak_english():
    """Nobody puts a translator in but the window's process."""
    program = "from imsafe.gui.device import check_socket; print(check_socket('x').text)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True,
        env=os.environ | {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"},
    )  # fmt: skip
    assert done.stdout == "x is not a full path: it has to start with /.\n"


def test_a_picture_of_a_program_is_english(tmp_path, learned):
    trace, profile = learned
    log, picture = tmp_path / "scores.log", tmp_path / "scores.svg"
    run("monitor", "-d", profile, "-t", "1", "--replay", trace, "-l", log)
    subprocess.run(
        [sys.executable, "-m", "imsafe.cli.plot", str(log), "-o", str(picture)],
        timeout=60, check=True, env=os.environ | {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"},
    )  # fmt: skip
    assert "1 in 1,000" in picture.read_text()


def test_buttons_of_qt_itself(german, qtbot):
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    assert box.buttons()[0].text().replace("&", "") == "Abbrechen"


def test_a_threshold_is_typed_with_point_or_comma(german, qtbot):
    field = ThresholdField(0.5)
    qtbot.addWidget(field)
    assert field.text() == "0.500"
    for typed in ("0.667", "0,667"):
        field.setValue(0.0)
        field.selectAll()
        qtbot.keyClicks(field, typed)
        field.interpretText()
        assert field.value() == 0.667
        assert field.text() == "0.667"


def test_each_letter_once_in_a_menu(language, window, settings, learned, tmp_path, qtbot):
    log = tmp_path / "log"
    log.write_text("# ImSafe score log 1\n")
    others = [TreeWindow(str(learned[1]), settings), LogWindow(str(log), settings)]
    for other in others:
        qtbot.addWidget(other)
    menus = [window.menuBar(), *window.findChildren(QMenu)]
    for other in others:
        menus += [other.menuBar(), *other.findChildren(QMenu)]
    assert len(menus) > 10
    for menu in menus:
        assert not twice(action.text() for action in menu.actions())
    for other in others:
        other.close()


def test_each_letter_once_in_a_dialog(language, window, settings, learned, qtbot):
    profile = str(learned[1])
    for dialog in (
        ConfigureDialog(settings, window.configuration, window),
        DriverDialog(settings, window),
        SensorDialog(settings, window),
        TraceOpenDialog(settings, window),
        LearnDialog(settings, window),
        RecordDialog(settings, window.watch, window),
        WhatIfDialog(settings, profile, "", 0.5, parent=window),
    ):
        texts = []
        for widget in dialog.findChildren(QWidget):
            if isinstance(widget, QLabel) and widget.buddy() is None:
                continue
            text = getattr(widget, "text", None) or getattr(widget, "title", None)
            if callable(text) and not widget.objectName().startswith("qt_"):
                texts.append(text())
        assert sum(bool(key(text)) for text in texts) >= 2, type(dialog)
        assert not twice(texts), type(dialog)
        dialog.close()


def test_english_again(german, qapp):
    speak(qapp, ["en"])
    assert QCoreApplication.translate("menus", "&File") == "&File"
    assert words.grouped(1234567) == "1,234,567"
    assert words.is_english()


def test_titles_of_columns_fit(language, window, settings, learned, qtbot):
    tree = TreeWindow(str(learned[1]), settings)
    qtbot.addWidget(tree)
    qtbot.waitUntil(lambda: tree.whole, timeout=10_000)
    panes = window.desk.list, window.findChild(ProcessList), window.findChild(CallsPane)
    tables = panes[0].view, panes[1].view, panes[2].table, window.desk.detail.calls, tree.view
    for table in tables:
        header = getattr(table, "horizontalHeader", None) or table.header
        header, model = header(), table.model()
        for column in range(model.columnCount() - 1):  # the last one takes what is left
            title = model.headerData(column, Qt.Orientation.Horizontal)
            table.setColumnHidden(column, False)
            needed = header.fontMetrics().horizontalAdvance(title)
            assert table.columnWidth(column) > needed, title
    tree.close()


def test_a_long_message_ends_in_dots_where_the_fields_begin(window, qtbot):
    qtbot.waitUntil(lambda: window.status_line.source.x() > 0, timeout=2_000)
    window.add_message("word " * 1000)
    shown = window.statusBar().currentMessage()
    assert shown.startswith("word word")
    assert shown.endswith("\u2026")

    def fits() -> bool:
        bar = window.statusBar()
        width = bar.fontMetrics().horizontalAdvance(bar.currentMessage())
        return 0 < width < window.status_line.source.x()

    assert fits()
    window.resize(window.minimumSizeHint().width(), window.height())
    qtbot.waitUntil(lambda: window.width() < 1000 and fits(), timeout=2_000)
