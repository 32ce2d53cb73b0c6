# SPDX-License-Identifier: GPL-3.0-or-later
"""Plot graph and ims-plot: the whole history of a log, also one that is being written."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import pytest
from PyQt6.QtGui import QImage

from imsafe.gui.log_history import read_history
from imsafe.gui.log_window import LogWindow
from imsafe.gui.settings import Settings
from imsafe.monitor.score_log import LogLine, ScoreLog

START = 1_700_000_000


def line(step, score, *, application="ftpd", threshold=0.6, tid=12, lost=0):
    return LogLine(
        time_ns=START * 10**9 + step * 10**8, score=score, threshold=threshold,
        application=application, pid=11, tid=tid, call="openat", probability=0.01,
        reading="burst", lost=lost,
    )  # fmt: skip


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "scores.log"
    writer = ScoreLog(path)
    writer.write(line(step, 0.2 + 0.001 * (step % 100)) for step in range(3000))
    writer.write([line(3000, 0.91), line(3001, 0.7), line(3050, 0.2, lost=40)])
    writer.write(line(step, 0.3, application="httpd", threshold=None) for step in range(3100, 3200))
    writer.flush()
    yield path
    writer.close()


def run_plot(*arguments):
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment.pop("QT_QPA_PLATFORM", None)
    return subprocess.run(
        [sys.executable, "-m", "imsafe.cli.plot", *map(str, arguments)],
        capture_output=True, text=True, env=environment, timeout=60, check=False,
    )  # fmt: skip


def test_history_keeps_spike_thresholds_gaps_and_alerts(log):
    history = read_history(log)
    assert history.names() == {1: "ftpd", 2: "httpd"}
    assert history.thresholds() == {1: 0.6}
    start, end = history.span()
    assert (start, round(end - start, 1)) == (START, 320.0)
    band = history.band(1, start, end, 60)
    assert len(band) <= 61
    assert band.maximum.max() == pytest.approx(0.91)
    assert history.call(int(band.bins["symbol"][0])) == "openat"
    (gap,) = history.gaps
    assert gap[1] == pytest.approx(START + 305.0)
    ((_, time, peak),) = history.crossings()
    assert time == pytest.approx(START + 300.0)
    assert peak == pytest.approx(0.91)


def test_image_without_display(log, tmp_path):
    image = tmp_path / "plot.png"
    done = run_plot(log, "-o", image)
    assert (done.returncode, done.stderr) == (0, "")
    picture = QImage(str(image))
    assert picture.width() >= 1000
    colours = {picture.pixel(x, y) for x in range(0, picture.width(), 7)
               for y in range(0, picture.height(), 7)}  # fmt: skip
    assert len(colours) > 10  # axes, band, line, threshold: not a blank page
    again = run_plot(log, "-o", image)
    assert again.returncode == 2
    assert "exists already" in again.stderr
    assert run_plot(log, "-o", image, "--force").returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit is what makes the disk too small")
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_disk_that_is_too_small_is_told_of_the_image(log, tmp_path, ending):
    image = tmp_path / f"plot.{ending}"
    words = [sys.executable, "-m", "imsafe.cli.plot", str(log), "-o", str(image)]
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *words],
        capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        2,
        f"ims-plot: Cannot write {image}: file too large.\n",
    )
    assert [path for path in tmp_path.iterdir() if "plot" in path.name] == []


def test_drawing_and_values(log, tmp_path):
    assert run_plot(log, "-o", tmp_path / "plot.svg").returncode == 0
    assert "<svg" in (tmp_path / "plot.svg").read_text()
    assert run_plot(log, "-o", tmp_path / "plot.csv").returncode == 0
    with (tmp_path / "plot.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3103
    assert max(float(row["score"]) for row in rows) == 0.91


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"some text\n", "not a score log"), (b"", "not a score log"), (None, "no such file")],
)
def test_bad_logs_are_one_line(tmp_path, content, words):
    path = tmp_path / "bad.log"
    if content is not None:
        path.write_bytes(content)
    done = run_plot(path, "-o", tmp_path / "x.png")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not (tmp_path / "x.png").exists()


def test_no_display_and_no_image_is_said(log):
    done = run_plot(log)
    assert done.returncode == 2
    assert "no display" in done.stderr


def test_window_follows_a_growing_log(qtbot, tmp_path):
    path = tmp_path / "grows.log"
    writer = ScoreLog(path)
    writer.write([line(0, 0.1), line(1, 0.2)])
    writer.flush()
    window = LogWindow(str(path), Settings(tmp_path / "s.ini"))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: "2 lines" in window._about.text(), timeout=8000)
    drawn = pytest.approx(START + 0.3, abs=1)
    qtbot.waitUntil(lambda: window.plot.times()[1] == drawn, timeout=8000)
    writer.write([line(2, 0.95)])
    writer.flush()
    qtbot.waitUntil(lambda: "3 lines" in window._about.text(), timeout=8000)
    assert [alert[2] for alert in window.history.crossings()] == [0.95]
    writer.close()
    window.save(str(tmp_path / "g.png"))
    assert QImage(str(tmp_path / "g.png")).width() > 500
    window.close()


def test_window_says_what_is_no_log(qtbot, tmp_path):
    (tmp_path / "bad.log").write_text("nothing of the kind\n")
    window = LogWindow(str(tmp_path / "bad.log"), Settings(tmp_path / "s.ini"))
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: "not a score log" in window.plot.empty_text(), timeout=5000)
    window.close()
