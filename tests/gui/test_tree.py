# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of a behaviour database: rows, boxes, search, comparison, export."""

from __future__ import annotations

import json
import sqlite3

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QMessageBox

from imsafe.gui.sequence_tree import ROOT, ComparedTree, SequenceTree
from imsafe.gui.tree_export import forms
from imsafe.gui.tree_model import TreeModel
from imsafe.gui.tree_window import TreeWindow
from imsafe.profile.comparison import compare
from imsafe.profile.glance import read_tree
from tests.gui.conftest import run

LONG = 90_000


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The profile of a program that is not the small service."""
    folder = tmp_path_factory.mktemp("other")
    run("trace", "-o", folder / "ls.imt", "--", "ls", "-l", "/usr/bin")
    run("learn", "-o", folder / "ls.db", folder / "ls.imt")
    return folder / "ls.db"


@pytest.fixture
def tree_window(qtbot, settings, learned):
    window = TreeWindow(str(learned[1]), settings)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: window.whole, timeout=LONG)
    yield window
    window.close()


def test_rows_are_those_of_ims_tree(window, qtbot, learned):
    window.show_tree(str(learned[1]))
    tree_window = window.windows[-1]
    qtbot.waitUntil(lambda: tree_window.whole, timeout=LONG)
    model = tree_window.model
    first = model.index(0, 0)
    done = run("tree", learned[1], "--json", "--prefix", first.data())
    node = json.loads(done.stdout.splitlines()[0])
    assert node["sequence"] == [first.data()]
    assert model.index(0, 1).data() == f"{node['count']:,}"
    assert model.tree.probability(model.node(first)) == pytest.approx(node["probability"])
    tree_window.close()


def test_the_first_level_is_that_of_the_whole_tree(learned):
    firsts = []
    whole, alphabets = read_tree(learned[1], first=lambda *first: firsts.append(first))
    tree, first_alphabets = firsts[0]
    assert first_alphabets == alphabets
    assert len(tree) == whole.first_child[1]
    begun, full = SequenceTree(tree, alphabets), SequenceTree(whole, alphabets)
    for node in range(1, len(tree)):
        assert begun.path(node) == full.path(node)
        assert begun.count(node) == full.count(node)
        assert begun.probability(node) == full.probability(node)


@pytest.mark.parametrize(
    "change",
    ["symbol = -1", "symbol = 'x'", "count = 0", "parent = 'x'", "node = -5", "count = 9e99"],
)
def test_a_damaged_first_level_is_said(qtbot, settings, learned, tmp_path, change):
    path = tmp_path / "damaged.db"
    path.write_bytes(learned[1].read_bytes())
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE nodes SET {change} WHERE node = 2")
    connection.close()
    window = TreeWindow(str(path), settings)
    qtbot.addWidget(window)
    qtbot.waitUntil(lambda: "damaged" in window._words.text(), timeout=LONG)
    window.close()


def test_search_as_typed(tree_window):
    model, says = tree_window.model, tree_window.statusBar().currentMessage
    tree_window.search.setText("openat, read")
    assert model.tree.path(tree_window.current()) == ["openat", "read"]
    assert "seen" in says()
    tree_window.copy_path()
    assert QGuiApplication.clipboard().text() == "openat, read"
    tree_window.search.setText("opena")
    assert model.tree.path(tree_window.current()) == ["openat"]
    tree_window.search.setText("openat, nosuchcall")
    assert says() == "Never seen: nosuchcall after openat"
    # Longer than the tree is deep: each stretch counts.
    node = ROOT
    while len(model.tree.children(node)):
        node = int(model.tree.children(node)[0])
    path = model.tree.path(node)
    assert len(path) == model.tree.depth
    longer = next(
        [*path, model.tree.call(last)]
        for last in map(int, model.tree.children(model.tree.find(path[1:])[0]))
    )
    tree_window.search.setText(", ".join(longer))
    assert "Each stretch of 8 calls" in says()
    tree_window.search.setText(", ".join([*longer, "nosuchcall"]))
    assert says().startswith("Never seen: nosuchcall after")


def test_minimum_count_keeps_the_place(tree_window):
    model = tree_window.model
    tree_window.search.setText("openat, read")
    before = model.rowCount()
    tree_window.least.setValue(model.tree.count(tree_window.current()))
    assert model.tree.path(tree_window.current()) == ["openat", "read"]
    assert model.rowCount() < before
    tree_window.least.setValue(1_000_000_000)
    assert model.rowCount() == 0
    assert "Nothing is left to show" in tree_window._about.text()
    tree_window.least.setValue(1)
    assert model.rowCount() == before


def test_model_is_consistent(learned, other, qtmodeltester):
    here, there = read_tree(learned[1]), read_tree(other)
    for tree in (SequenceTree(*here), ComparedTree(compare(here[0], there[0]), here, there)):
        model = TreeModel(tree)
        total = sum(len(tree.children(node)) for node in range(len(tree) + 1))
        assert total == len(tree)
        for node in range(1, len(tree) + 1):
            index = model.index_of(node)
            assert int(tree.children(tree.parent(node))[tree.rank(node)]) == node
            assert model.node(model.parent(index)) == tree.parent(node)
        model.refilter(lambda tree=tree: tree.show_seen(500))
        qtmodeltester.check(model)


def test_boxes_by_mouse_and_keyboard(qtbot, tree_window):
    tree_window.boxes_action.trigger()
    boxes, tree = tree_window.boxes.boxes, tree_window.model.tree
    boxes.resize(800, 500)
    drawn = [box for box in boxes.boxes() if not box.rarer]
    (start,) = [box for box in drawn if box.node == ROOT]
    assert start.area.height() == 500
    for box in drawn:
        if box.node != ROOT:
            assert box.area.height() == pytest.approx(500 * tree.count(box.node) / tree.calls)
    heaviest = int(tree.children(ROOT)[0])
    (box,) = [box for box in drawn if box.node == heaviest]
    qtbot.mouseClick(boxes, Qt.MouseButton.LeftButton, pos=box.area.center().toPoint())
    assert boxes.focus == boxes.current == heaviest
    assert f"<b>{tree.call(heaviest)}</b>" in tree_window.boxes.crumbs.text()
    key = Qt.Key
    qtbot.keyClick(boxes, key.Key_Right)
    second = boxes.current
    assert tree.parent(second) == heaviest
    qtbot.keyClick(boxes, key.Key_Down)
    assert tree.parent(boxes.current) == heaviest
    qtbot.keyClick(boxes, key.Key_Up)
    assert boxes.current == second
    qtbot.keyClick(boxes, key.Key_Return)
    assert boxes.focus == second
    qtbot.keyClick(boxes, key.Key_Backspace)
    assert boxes.focus == ROOT
    tree_window.boxes.crumbs.linkActivated.emit(str(second))
    assert boxes.focus == second
    qtbot.keyClick(boxes, key.Key_Home)
    assert boxes.focus == boxes.current == ROOT
    # The rows go along.
    boxes.choose(second)
    tree_window.rows_action.trigger()
    assert tree_window.model.node(tree_window.view.currentIndex()) == second


def test_comparison(qtbot, tree_window, learned, other):
    tree_window.compare_with(str(other))
    qtbot.waitUntil(tree_window.end_action.isEnabled, timeout=LONG)
    tree, model = tree_window.model.tree, tree_window.model
    assert isinstance(tree, ComparedTree)
    lines = run("tree", learned[1], "--diff", other).stdout.splitlines()
    for line in (line for line in lines if line.startswith("+")):
        _, count, _, *path = line.split()
        node, known = tree.find(path)
        assert known == len(path)
        assert (tree.count(node), tree.count_there(node)) == (0, int(count))
    tree_window.which.setCurrentIndex(2)
    shown = [model.index(row, 3).data() for row in range(model.rowCount())]
    assert "only there" in shown
    assert "only here" not in shown
    tree_window.boxes_action.trigger()
    assert not tree_window.grab().isNull()
    tree_window.end_action.trigger()
    assert not isinstance(model.tree, ComparedTree)
    assert model.columnCount() == 4


def test_comparison_with_what_is_no_profile(qtbot, tree_window, tmp_path):
    (tmp_path / "text.db").write_text("no profile")
    tree_window.compare_with(str(tmp_path / "text.db"))
    qtbot.waitUntil(lambda: len(tree_window.findChildren(QMessageBox)) == 1, timeout=LONG)
    assert "is not a profile" in tree_window.findChildren(QMessageBox)[0].text()
    assert tree_window.compare_action.isEnabled()
    assert not isinstance(tree_window.model.tree, ComparedTree)


@pytest.mark.parametrize("form", [forms()[0], forms()[2]], ids=lambda form: form.ending)
def test_export_is_what_ims_tree_writes(qtbot, tree_window, learned, tmp_path, form):
    output = tmp_path / f"tree{form.ending}"
    tree_window.least.setValue(100)
    tree_window.export(form, str(output))
    qtbot.waitUntil(tree_window.exports[0].isEnabled, timeout=LONG)
    assert "Written" in tree_window.statusBar().currentMessage()
    least = () if form.whole else ("--min-count", "100")
    assert output.read_text() == run("tree", learned[1], *form.options, *least).stdout


def test_export_where_nothing_can_be_written(qtbot, tree_window):
    tree_window.export(forms()[0], "/no/such/folder/tree.dot")
    qtbot.waitUntil(lambda: len(tree_window.findChildren(QMessageBox)) == 1, timeout=LONG)
    assert "/no/such/folder" in tree_window.findChildren(QMessageBox)[0].text()


def test_what_is_no_profile_is_said(qtbot, settings, tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    window = TreeWindow(str(path), settings)
    qtbot.addWidget(window)
    qtbot.waitUntil(lambda: "database of something else" in window._words.text(), timeout=LONG)
    window.close()


def test_root_of_the_tree_is_the_empty_sequence(learned):
    tree = SequenceTree(*read_tree(learned[1]))
    assert tree.path(ROOT) == []
    assert tree.find(["not a call"]) == (ROOT, 0)
