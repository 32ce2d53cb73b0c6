# SPDX-License-Identifier: GPL-3.0-or-later
"""What if: a recording's scores under a threshold that is moved."""

from __future__ import annotations

import pytest

from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.what_if_dialog import WhatIfDialog
from tests.gui.conftest import run

LONG = 90_000


def test_a_trace_is_scored_and_the_threshold_taken(qtbot, window, learned, tmp_path):
    log = tmp_path / "scores.log"
    run("monitor", "-d", learned[1], "-t", "1", "--replay", learned[0], "-l", log)
    window.open_file(str(learned[1]))
    window.menus.actions["configure"].trigger()
    (configure,) = window.findChildren(ConfigureDialog)
    configure.log.set_path(str(log))
    configure.form.what_if.click()
    (dialog,) = configure.findChildren(WhatIfDialog)
    qtbot.waitUntil(lambda: dialog.scores is not None, timeout=LONG)  # the last log, at once
    from_log = dialog.scores
    assert len(from_log)
    dialog.scores = None
    dialog.path.set_path(str(learned[0]))
    dialog.go.click()
    qtbot.waitUntil(lambda: dialog.scores is not None, timeout=LONG)
    assert dialog.scores.highest == from_log.highest
    dialog.threshold.setValue(0.0)
    assert f"{dialog.scores.alerts(0.0):,} alert" in dialog.words.text()
    dialog._line.setValue(1.0)
    assert dialog.threshold.value() == 1.0
    assert "no alert" in dialog.words.text()
    dialog.threshold.setValue(0.77)
    assert dialog._line.value() == pytest.approx(0.77)
    dialog.use.click()
    assert configure.form.value().threshold == pytest.approx(0.77)


def test_what_cannot_be_scored_is_said(qtbot, settings, learned, tmp_path):
    dialog = WhatIfDialog(settings, str(learned[1]), "", 0.5)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.use.isEnabled()
    dialog.path.set_path("/no/such.imt")
    assert "no file" in dialog.problem.text()
    assert not dialog.go.isEnabled()
    dialog.path.set_path(str(learned[1]))
    dialog.go.click()
    assert "behaviour database" in dialog.problem.text()
    (tmp_path / "junk").write_bytes(b"\x00\x01\x02 no trace at all\n" * 9)
    dialog.path.set_path(str(tmp_path / "junk"))
    dialog.go.click()
    qtbot.waitUntil(lambda: not dialog._busy(), timeout=LONG)
    assert "junk" in dialog.problem.text()
    assert dialog.scores is None
    dialog.close()


def test_what_is_wrong_with_one_file_is_not_said_of_the_next(qtbot, settings, learned, tmp_path):
    cut, log = tmp_path / "cut.imt", tmp_path / "scores.log"
    octets = learned[0].read_bytes()
    cut.write_bytes(octets[: len(octets) // 2])
    run("monitor", "-d", learned[1], "-t", "1", "--replay", learned[0], "-l", log)
    dialog = WhatIfDialog(settings, str(learned[1]), "", 0.5)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.path.set_path(str(cut))
    dialog.go.click()
    qtbot.waitUntil(lambda: dialog.scores is not None, timeout=LONG)
    assert "cut.imt" in dialog.problem.text()
    dialog.scores = None
    dialog.path.set_path(str(log))
    dialog.go.click()
    qtbot.waitUntil(lambda: dialog.scores is not None, timeout=LONG)
    assert dialog.problem.text() == ""
    dialog.close()
