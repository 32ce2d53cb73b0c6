# SPDX-License-Identifier: GPL-3.0-or-later
"""The plot: looking around by mouse and keys, pointing, marks, legend, saving."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QColor, QImage, QPalette, QWheelEvent
from PyQt6.QtWidgets import QApplication, QMenu

from imsafe.gui.configuration import Configuration, WatchedApplication
from imsafe.gui.device import TraceDevice
from imsafe.gui.plot_axes import round_up
from imsafe.gui.plot_marks import count_places
from imsafe.gui.score_history import LiveHistory
from imsafe.gui.score_plot import ScorePlot
from imsafe.gui.time_range import SHORTEST_S, TimeRange
from imsafe.monitor.view_protocol import BUCKET, BUCKET_NS

START = 1_700_000_000
SECONDS = 4000
SPIKE_AT = 1000.0
LONG = 90_000


@pytest.fixture(scope="module")
def scores():
    """An hour of two applications; the first has a spike of 100 ms."""
    made = np.zeros(2 * SECONDS * 10, BUCKET)
    made["time_ns"] = START * 10**9 + np.tile(np.arange(SECONDS * 10), 2) * BUCKET_NS
    made["application"] = np.repeat([1, 2], SECONDS * 10)
    made["maximum"] = np.repeat([0.2, 0.4], SECONDS * 10)
    made["calls"], made["pid"], made["tid"], made["symbol"] = 50, 77, 78, (1 << 16) + 59
    made["maximum"][round(SPIKE_AT * 10)] = 0.95
    history = LiveHistory()
    history.add(made)
    return history


@pytest.fixture
def plot(qtbot, scores):
    made = ScorePlot(scores, live=True)
    qtbot.addWidget(made)
    made.set_applications({1: "ftpd", 2: "a & <b>"})
    made.resize(1000, 400)
    made.show()
    made.draw_now()
    return made


def scene_point(plot, seconds, score):
    view = plot._view
    return view.mapFromScene(view.box.mapViewToScene(QPointF(START + seconds, score)))


def span(plot):
    low, high = plot.times()
    return low - START, high - START


def key(qtbot, plot, key, modifier=Qt.KeyboardModifier.NoModifier):
    plot.activateWindow()
    plot.setFocus()
    qtbot.waitUntil(plot.hasFocus, timeout=5000)
    qtbot.keyClick(plot, key, modifier)
    plot.draw_now()


def test_the_newest_is_followed_until_one_looks_back(qtbot, plot):
    assert span(plot) == (pytest.approx(SECONDS - 60), pytest.approx(SECONDS, abs=1))
    key(qtbot, plot, Qt.Key.Key_Left)
    assert not plot.following
    assert span(plot)[0] == pytest.approx(SECONDS - 66)
    key(qtbot, plot, Qt.Key.Key_Plus)
    assert span(plot)[1] - span(plot)[0] == pytest.approx(48)
    key(qtbot, plot, Qt.Key.Key_Home)
    assert span(plot)[0] == pytest.approx(0)
    key(qtbot, plot, Qt.Key.Key_PageDown)
    assert span(plot)[0] == pytest.approx(0.9 * 48)
    key(qtbot, plot, Qt.Key.Key_End)
    assert plot.following
    assert plot._follow.isChecked()
    assert span(plot)[0] == pytest.approx(SECONDS - 48)
    key(qtbot, plot, Qt.Key.Key_0)
    assert span(plot)[0] == pytest.approx(0)
    assert plot._span.currentText() == "everything"


def test_wheel_and_scroll_bar(qtbot, plot):
    place = scene_point(plot, SECONDS - 30, 0.5)
    before = plot._view.moment(plot._view.mapToScene(place))[0]

    def wheel(notches, modifier=Qt.KeyboardModifier.NoModifier):
        viewport = plot._view.viewport()
        QApplication.sendEvent(
            viewport,
            QWheelEvent(
                QPointF(place), QPointF(viewport.mapToGlobal(place)), QPoint(),
                QPoint(0, 120 * notches), Qt.MouseButton.NoButton, modifier,
                Qt.ScrollPhase.NoScrollPhase, False,
            ),
        )  # fmt: skip
        plot.draw_now()

    wheel(3)
    low, high = span(plot)
    assert high - low == pytest.approx(60 / 1.25**3, rel=0.05)
    assert plot._view.moment(plot._view.mapToScene(place))[0] == pytest.approx(before, abs=0.5)
    wheel(1, Qt.KeyboardModifier.ShiftModifier)
    assert span(plot)[0] < low
    plot._scroll.setValue(0)
    plot.draw_now()
    assert span(plot)[0] == pytest.approx(0)
    plot._scroll.setValue(plot._scroll.maximum())
    assert plot.following


def test_a_spike_is_told_of_at_every_zoom(qtbot, plot):
    for width in (0.0, 2000.0, 60.0):
        plot.show_newest(width)
        plot.look_at(START + SPIKE_AT)
        plot.draw_now()
        place = scene_point(plot, SPIKE_AT, 0.9)
        qtbot.mouseMove(plot._view.viewport(), place + QPoint(2, 0))
        plot._hover(plot._view.mapToScene(place + QPoint(2, 0)))
        point = plot.point(START + SPIKE_AT + 0.01, 0.9)
        assert (point.time, point.score) == (START + SPIKE_AT, pytest.approx(0.95))
        said = plot._hover_box._label.text()
        assert "0.950" in said
        assert "execve" in said
        assert "a &amp; &lt;b&gt;" in said  # a name is no markup
        assert "execve" in plot.describe(START + SPIKE_AT + 0.01)
        assert "pid 77" in plot.describe(START + SPIKE_AT + 0.01)
    plot.set_comms({77: "vsftpd"})
    assert "vsftpd (77)" in plot.describe(START + SPIKE_AT)


def test_alerts_together_are_one_mark_and_each_click_is_the_next(qtbot, plot):
    newest = SECONDS - 20.0
    plot.set_alerts(
        [(1, START + newest, 0.8), (2, START + newest + 0.1, 0.9), (3, START + SPIKE_AT, 0.95)]
    )
    plot.draw_now()
    (mark,) = plot._view.marks.marks
    assert mark.ids == (2, 1)
    place = scene_point(plot, newest + 0.1, 1.08)
    clicked = []
    plot.alert_clicked.connect(clicked.append)
    for _ in range(3):
        qtbot.mouseClick(plot._view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.wait(10)
    assert clicked == [2, 1, 2]
    plot.zoom(1 / 60)
    plot.look_at(START + newest)
    plot.draw_now()
    key(qtbot, plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    key(qtbot, plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    key(qtbot, plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert plot._pointed == START + SPIKE_AT
    low, high = span(plot)
    assert low <= SPIKE_AT <= high


def test_a_click_on_the_line_asks_for_its_calls_and_so_does_the_keyboard(qtbot, plot):
    asked = []
    plot.point_clicked.connect(asked.append)
    qtbot.mouseClick(
        plot._view.viewport(), Qt.MouseButton.LeftButton, pos=scene_point(plot, SECONDS - 30, 0.21)
    )
    key(qtbot, plot, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    key(qtbot, plot, Qt.Key.Key_Return)
    assert [(point.application, point.tid) for point in asked[:1]] == [(1, 78)]
    assert asked[0].time == pytest.approx(START + SECONDS - 30, abs=0.2)
    assert len(asked) == 2
    assert "execve" in plot.accessibleDescription()
    key(qtbot, plot, Qt.Key.Key_Escape)
    assert plot._hover_box.isHidden()


def test_the_legend_hides_an_application_and_its_threshold(plot):
    plot.set_thresholds({1: 0.6, 2: 0.7})
    assert plot._view.shown.keys() == {1, 2}
    plot._legend.toggle(2)
    plot.draw_now()
    assert plot._view.shown.keys() == {1}
    assert plot._thresholds[1].isVisible()
    assert not plot._thresholds[2].isVisible()
    plot._legend.toggle(2)
    plot.draw_now()
    assert plot._view.shown.keys() == {1, 2}


def test_the_menu_has_our_words_and_nothing_dead(plot):
    menu = plot.menu(plot)
    texts = [action.text().replace("&", "") for action in menu.actions() if action.text()]
    assert "Save graph as..." in texts
    assert all(action.isEnabled() for action in menu.actions())
    assert not any("Export" in text or "Mouse Mode" in text for text in texts)
    menu.deleteLater()
    assert isinstance(plot.findChild(QMenu), QMenu)


def test_it_follows_the_desktop_from_light_to_dark(qtbot, plot):
    def corner():
        return QColor(plot._view.grab().toImage().pixel(2, 2)).lightness()

    assert corner() > 200
    dark = QPalette()
    dark.setColor(QPalette.ColorRole.Base, QColor(20, 20, 20))
    dark.setColor(QPalette.ColorRole.Text, QColor(230, 230, 230))
    plot.setPalette(dark)
    assert corner() < 60


def test_what_is_shown_is_saved(plot, tmp_path):
    plot.show_newest(10.0)
    for name in ("plot.png", "plot.svg", "plot.csv"):
        plot.save(str(tmp_path / name))
    assert QImage(str(tmp_path / "plot.png")).width() == 2 * plot._view.width()
    drawing = (tmp_path / "plot.svg").read_text()
    assert "ftpd" in drawing
    with (tmp_path / "plot.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["application"] for row in rows} == {"ftpd", "a & <b>"}
    assert len(rows) == pytest.approx(200, abs=4)
    assert rows[0]["call"] == "execve"


def test_any_point_of_a_running_monitor_shows_its_calls(qtbot, window, learned):
    window.configuration = Configuration([WatchedApplication("", str(learned[1]))])
    window._keep_configuration()
    window.watch.open_device(TraceDevice(str(learned[0])))
    window.menus.actions["start"].trigger()
    qtbot.waitUntil(
        lambda: (
            window.watch.status is not None
            and window.watch.status["calls"] > 0
            and all(source["finished"] for source in window.watch.status["sources"])
            and window.watch.history.span() is not None
        ),
        timeout=LONG,
    )
    plot, pane = window.plot, window.plot_desk.calls
    qtbot.waitUntil(lambda: bool(plot._view.shown), timeout=LONG)
    point = plot.point(window.watch.history.span()[1] - 0.5)
    assert point is not None
    plot.point_clicked.emit(point)
    qtbot.waitUntil(lambda: pane.model.rowCount() > 0, timeout=LONG)
    assert pane.isVisible()
    middle = pane.model.index(pane.model.middle, 1)
    assert middle.data() == window.watch.history.call(point.symbol)
    assert "memory" in pane.title.text()
    nowhere = type(point)(point.application, 5.0, 1, 1, point.symbol, 0.5)
    plot.point_clicked.emit(nowhere)
    qtbot.waitUntil(lambda: "kept no longer" in pane.words.text(), timeout=LONG)
    window.menus.actions["stop"].trigger()
    qtbot.waitUntil(lambda: window.watch.session is None, timeout=LONG)
    plot.point_clicked.emit(point)
    assert "has ended" in pane.words.text()


STEPS = st.one_of(
    st.tuples(st.just("move"), st.floats(-3, 3)),
    st.tuples(st.just("zoom"), st.floats(0.01, 100)),
    st.tuples(st.just("share"), st.floats(0, 1)),
    st.tuples(st.just("newest"), st.sampled_from([0.0, 60.0, 3600.0])),
    st.tuples(st.just("grow"), st.floats(0, 1e5)),
)


@given(st.lists(STEPS, max_size=30))
@settings(deadline=None)
def test_whatever_one_does_there_is_something_to_see(steps):
    view = TimeRange(60.0)
    view.first, view.end = 1e9, 1e9 + 100
    for what, value in steps:
        match what:
            case "move":
                view.move(value)
            case "zoom":
                view.zoom(value, view.low + view.shown / 3)
            case "share":
                view.look_at_share(value)
            case "newest":
                view.show_newest(value)
            case "grow":
                view.end += value
        assert view.high - view.low >= SHORTEST_S * 0.999
        assert view.low <= view.end
        assert view.high >= view.first
        assert 0 <= view.share() <= 1
        if view.following:
            assert view.high >= view.end


def test_the_axis_of_the_rate_does_not_jump_about():
    assert [round_up(value) for value in (0, 3, 10, 11, 499, 20_000, 20_001)] == [
        1, 5, 10, 20, 500, 20_000, 50_000,
    ]  # fmt: skip


def test_numbers_of_alert_marks_lie_over_nothing():
    # Two close together: the first one's to the left, the second one's to the right.
    assert count_places([100.0, 112.0], [16.0, 16.0], 500.0) == [76.0, 120.0]
    # A third one between them has no room for its own; it is told by pointing at it.
    assert count_places([100.0, 112.0, 124.0], [16.0, 16.0, 16.0], 500.0) == [76.0, None, 132.0]
    # At the end of the plot, to the left; one without a number takes the room of its triangle.
    assert count_places([300.0], [16.0], 310.0) == [276.0]
    assert count_places([285.0, 300.0], [0.0, 16.0], 310.0) == [None, None]
    # The number of the former one is not written over.
    assert count_places([100.0, 140.0, 152.0], [16.0, 16.0, 16.0], 500.0) == [108.0, None, 160.0]
