# SPDX-License-Identifier: GPL-3.0-or-later
"""Lost calls: shaded on the plot, counted in the status bar, marked in what is learned."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PyQt6.QtCore import QPointF

from imsafe.events import EVENT, Abi
from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.configure_dialog import ConfigureDialog
from imsafe.gui.device import TraceDevice
from imsafe.gui.tree_window import TreeWindow
from imsafe.profile.glance import glance
from imsafe.stream.items import Lost, ProcessInfo
from imsafe.stream.trace_file import TraceWriter

from .conftest import run

LONG = 90_000
SECOND = 1_000_000_000
START = 1_700_000_000
LOST_ON_THE_WAY, LOST_BY_THE_TRACER = 41, 59


@pytest.fixture(scope="module")
def lossy(tmp_path_factory):
    """Ten seconds of calls, with two holes: at 3 s told by a frame, at 6 s by the calls."""
    path = tmp_path_factory.mktemp("lossy") / "lossy.imt"
    meta = {
        "applications": [{"name": "worker"}], "tracer": "kernel", "follow_exec": True,
        "wall_ns": START * SECOND, "monotonic_ns": 0, "timed": True,
    }  # fmt: skip
    events = np.zeros(10_000, EVENT)
    events["time_ns"] = np.arange(10_000) * 1_000_000
    events["pid"] = events["tid"] = 100
    events["syscall"], events["abi"] = np.resize([0, 1, 1, 3], 10_000), Abi.X86_64
    first, second = events[:3000], events[3500:]
    second["aux"] = LOST_ON_THE_WAY
    second["aux"][second["time_ns"] >= 6.5 * SECOND] += LOST_BY_THE_TRACER
    second = second[(second["time_ns"] < 6 * SECOND) | (second["time_ns"] >= 6.5 * SECOND)]
    writer = TraceWriter.create(path, meta)
    writer.write(ProcessInfo(0, 100, 1, "worker", "/usr/bin/worker", 1))
    writer.write(first)
    writer.write(Lost(LOST_ON_THE_WAY, 3 * SECOND, 3 * SECOND + SECOND // 2))
    writer.write(second)
    writer.close({"calls": 9000 + LOST_ON_THE_WAY + LOST_BY_THE_TRACER})
    return path


@pytest.fixture(scope="module")
def profile(lossy):
    """What was learned from that."""
    path = lossy.with_name("lossy.db")
    run("learn", "-o", path, lossy)
    return path


def shade(plot, second):
    """The colour at the upper edge of the plot there, of most of a few pixels."""
    image = plot._view.grab().toImage()
    colours = Counter()
    for height in (0.86, 0.88, 0.91, 0.93):
        scene = plot._view.scores.vb.mapViewToScene(QPointF(START + second, height))
        point = plot._view.mapFromScene(scene)
        if not image.rect().contains(point):
            return None  # the plot has not come to there yet
        colours[image.pixelColor(point).name()] += 1
    return colours.most_common(1)[0][0]


def test_a_source_with_loss(qtbot, window, lossy, profile):
    lost = LOST_ON_THE_WAY + LOST_BY_THE_TRACER
    window.configuration = Configuration([WatchedApplication("", str(profile), 1.0)])
    window._keep_configuration()
    window.watch.open_device(TraceDevice(str(lossy)))
    window.menus.actions["start"].trigger()
    qtbot.waitUntil(
        lambda: window.watch.status is not None and window.watch.status["calls"] == 9000,
        timeout=LONG,
    )
    qtbot.waitUntil(lambda: window.watch.status["lost"] == lost, timeout=LONG)
    assert window.status_line.lost.text() == "100 lost"
    qtbot.waitUntil(lambda: len(window.watch.gaps) == 2, timeout=LONG)
    for (begin, end), second in zip(window.watch.gaps, (3.0, 6.0), strict=True):
        assert begin == pytest.approx(START + second, abs=0.01)
        assert end == pytest.approx(START + second + 0.5, abs=0.01)

    def shaded():
        lost, kept, also_lost, also_kept = (shade(window.plot, s) for s in (3.25, 4.75, 6.25, 8.75))
        return None not in (lost, kept) and lost == also_lost != kept == also_kept

    qtbot.waitUntil(shaded, timeout=LONG)
    assert window.alerts.rowCount() == 0


def test_what_is_learned_from_it_carries_the_mark(qtbot, window, settings, profile):
    lost = LOST_ON_THE_WAY + LOST_BY_THE_TRACER
    assert glance(profile).lost == lost
    assert f"{lost} calls were lost" in run("tree", profile).stdout
    tree = TreeWindow(str(profile), settings)
    qtbot.addWidget(tree)
    qtbot.waitUntil(lambda: tree.whole, timeout=LONG)
    assert f"{lost} calls were lost while recording" in tree._about.text()
    tree.close()
    window.menus.actions["configure"].trigger()
    (dialog,) = window.findChildren(ConfigureDialog)
    dialog.form.profile.set_path(str(profile))
    assert f"{lost} calls were lost while recording" in dialog.form.about.text()


def test_what_is_learned_without_loss_says_nothing_of_it(qtbot, settings, learned):
    tree = TreeWindow(str(learned[1]), settings)
    qtbot.addWidget(tree)
    qtbot.waitUntil(lambda: tree.whole, timeout=LONG)
    assert "lost" not in tree._about.text()
    tree.close()
