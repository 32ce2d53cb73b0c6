# SPDX-License-Identifier: GPL-3.0-or-later
"""The pane of processes: thousands of rows, hostile names, freeze, sort, search, ageing."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QPersistentModelIndex, Qt
from PyQt6.QtWidgets import QDockWidget

from imsafe.gui.device import SensorDevice, SensorProgram
from imsafe.gui.process_model import (
    CALLS,
    COMMAND,
    KNOWN,
    LATELY,
    PID,
    POINTS,
    PROGRAM,
    RATE,
    SCORE,
    USER,
    ProcessModel,
)
from imsafe.gui.sparkline import SPARK_ROLE
from imsafe.monitor.view_protocol import ENDED, PROCESS

from .test_alerts import HOSTILE, assert_plain
from .test_monitoring import LONG, calls, configured, start, stop  # noqa: F401

DOWN, UP = Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder


def rows(count, **columns):
    made = np.zeros(count, PROCESS)
    made["stream"], made["pid"] = 1, 1000 + np.arange(count)
    made["application"] = made["threads"] = 1
    made["score"] = made["highest"] = np.arange(count) / max(count, 1)
    made["known"] = 1.0
    for name, values in columns.items():
        made[name] = values
    return made


def who(pid, comm="worker", **more):
    return {
        "stream": 1, "pid": pid, "parent": 1, "comm": comm, "exe": f"/usr/bin/{comm}",
        "argv": [comm, "--serve"], "user": "daemon", "started": 1e9, **more,
    }  # fmt: skip


def column(model, number):
    return [model.index(row, number).data() for row in range(model.rowCount())]


@pytest.fixture
def model(qapp):
    return ProcessModel()


def test_rows_that_change_come_and_go(model, qtmodeltester):
    qtmodeltester.check(model)
    model.introduce([who(1000), who(1001, "helper")])
    model.set_rows(rows(3, rate=[10, 2500, 0], known=[0.9999, 0.5, 1], calls=[10, 2000, 3]))
    model.sort(PID, UP)
    assert column(model, PROGRAM) == ["worker", "helper", "?"]
    assert column(model, KNOWN) == ["99.9%", "50.0%", "100.0%"], "never rounded up to all"
    assert column(model, CALLS) == ["10", "2,000", "3"]
    chosen = [QPersistentModelIndex(model.index(row, 0)) for row in range(3)]
    model.set_rows(rows(5)[[1, 2, 4]])
    assert column(model, PID) == ["1001", "1002", "1004"]
    assert [index.row() if index.isValid() else None for index in chosen] == [None, 0, 1]
    model.sort(SCORE, DOWN)
    assert column(model, PID) == ["1004", "1002", "1001"]
    assert chosen[1].row() == 2
    model.set_rows(rows(0))
    assert model.rowCount() == 0


def test_threads_search_and_freeze(qtbot, window):
    model, pane = window.processes, window.process_list
    made = np.concatenate([rows(3), rows(2, pid=1001, tid=[1001, 1005], score=[0.1, 0.9])])
    made["threads"][1] = 2
    window.watch.identities.emit([who(1000), who(1001, "helper"), who(1002, "cron", user="root")])
    window.watch.processes.emit(made)
    assert column(model, PID) == ["1002", "1001", "1000"]
    assert pane._count.text() == "3 processes"
    pane.threads.click()
    assert column(model, PID) == ["1001/1005", "1002", "1001/1001", "1000"]
    for words, found in (("HELP", 2), ("1005", 1), ("root cron", 1), ("--serve", 4), ("no", 0)):
        pane.search.setText(words)
        assert model.rowCount() == found, words
    assert pane._nothing.isVisibleTo(pane)
    pane.search.clear()
    pane.threads.click()
    pane.freeze.click()
    window.watch.processes.emit(rows(1))
    assert model.rowCount() == 3
    assert "Frozen at" in pane.freeze.text().replace("&", "")
    model.sort(PID, UP)
    assert column(model, PID) == ["1000", "1001", "1002"], "what is frozen can be sorted"
    pane.freeze.click()
    assert model.rowCount() == 1


def test_one_that_has_ended_says_so_and_leaves(window):
    window.watch.processes.emit(rows(2, state=[0, ENDED]))
    assert sorted(column(window.processes, RATE)) == ["0", "ended"]
    assert window.process_list._count.text() == "1 process, 1 just ended"
    window.watch.processes.emit(rows(1))
    assert window.process_list._count.text() == "1 process"


def test_the_small_plot_keeps_a_minute_of_the_right_process(model):
    model.set_rows(rows(2, highest=[0.1, 0.9]))
    model.set_rows(rows(1, highest=[-1]))
    model.set_rows(rows(2, highest=[0.3, 0.2]))
    model.sort(PID, UP)
    first, second = (model.index(row, LATELY).data(SPARK_ROLE) for row in range(2))
    assert len(first) == POINTS
    assert first[-3:].tolist() == pytest.approx([0.1, -1, 0.3])
    assert second[-3:].tolist() == pytest.approx([-1, -1, 0.2]), "another process of that number"
    for _ in range(POINTS):
        model.set_rows(rows(1, highest=[0.5]))
    assert model.index(0, LATELY).data(SPARK_ROLE).tolist() == [0.5] * POINTS


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_are_plain_text(window, text):
    window.watch.identities.emit([who(1000, text, exe=text, argv=[text, text], user=text)])
    window.watch.processes.emit(rows(1))
    for number in (PROGRAM, USER, COMMAND):
        assert_plain(column(window.processes, number)[0], 1100)
    shown = window.processes.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "<b onload" not in shown
    assert shown.replace("<br>", "").isprintable()


def test_ten_thousand_rows(qtbot, window):
    """Every kind of change on a list as long as a busy machine's, painted."""
    random = np.random.default_rng(1)
    pane, model = window.process_list, window.processes
    window.findChild(QDockWidget, "processes").raise_()
    window.watch.identities.emit([who(1000 + n, f"p{n % 97}") for n in range(10_000)])
    for step in range(6):
        made = rows(10_000, score=random.random(10_000), rate=random.random(10_000))
        window.watch.processes.emit(made[random.random(10_000) < 0.98] if step % 2 else made)
        pane.view.grab()
    assert model.rowCount() == pytest.approx(9_800, abs=200)
    scores = [float(text) for text in column(model, SCORE)[:500]]
    assert scores == sorted(scores, reverse=True)
    model.sort(COMMAND, UP)
    pane.search.setText("p13")
    assert model.rowCount() == pytest.approx(101, abs=8)
    pane.view.doubleClicked.emit(model.index(0, 0))
    assert window.alert_list.search.text() == f"pid:{model.pid(0)}"


def test_real_processes_and_threads(qtbot, configured, short_folder, service_argv):  # noqa: F811
    window = configured
    window.watch.open_device(
        SensorDevice((str(short_folder / "s"),), SensorProgram(argv=service_argv))
    )
    start(qtbot, window)
    model = window.processes
    qtbot.waitUntil(lambda: calls(window) > 2000, timeout=LONG)
    # The service's own commands live for milliseconds, and are told all the same.
    qtbot.waitUntil(lambda: "ended" in column(model, RATE), timeout=LONG)
    programs = column(model, PROGRAM)
    assert "sh" in programs
    shell = programs.index("sh")
    assert column(model, COMMAND)[shell].startswith("sh -c '")
    assert column(model, USER)[shell]
    assert {"cat", "sleep"} & set(programs)
    assert float(column(model, KNOWN)[shell].rstrip("%")) > 50
    (short_folder / "end").touch()
    stop(qtbot, window)
    assert model.rowCount() == 0
