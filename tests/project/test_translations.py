# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text of the window can be translated, and is; what is shipped is what the source says."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "imsafe" / "gui" / "translations"
FILES = sorted(FOLDER.glob("*.ts"))
WHOLE = [file for file in FILES if file.name != "imsafe_en.ts"]
SOURCES = sorted((ROOT / "imsafe").rglob("*.py"))

_PLACEHOLDER = re.compile(r"\{[^{}]*\}|%n|%L?\d")
_TAG = re.compile(r"<[^>]*>|&\w+;")


def messages(file):
    """Context, source, disambiguation, whether it has plurals, translations (one a plural form)."""
    for context in ElementTree.parse(file).getroot().findall("context"):
        name = context.findtext("name")
        for message in context.findall("message"):
            translation = message.find("translation")
            forms = [form.text or "" for form in translation.findall("numerusform")]
            yield (
                name,
                message.findtext("source"),
                message.findtext("comment") or "",
                message.get("numerus") == "yes",
                forms or [translation.text or ""],
                translation.get("type"),
            )


def the_tool():
    pytest.importorskip("PyQt6.lupdate", reason="needs pylupdate6, which pip's PyQt6 brings")
    spec = importlib.util.spec_from_file_location("translations", ROOT / "tools/translations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def calls_for_translation(path):
    """Each call of tr or translate, with the classes around it."""

    def walk(node, classes):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                name = getattr(child.func, "attr", None) or getattr(child.func, "id", None)
                if name in ("tr", "translate"):
                    yield child, name, classes
            inside = [*classes, child.name] if isinstance(child, ast.ClassDef) else classes
            yield from walk(child, inside)

    yield from walk(ast.parse(path.read_text("utf-8")), [])


def test_there_are_translations():
    assert {"imsafe_de.ts", "imsafe_en.ts"} <= {file.name for file in FILES}
    assert len(list(messages(FOLDER / "imsafe_de.ts"))) > 800


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_up_to_date_with_the_source(file, tmp_path):
    copy = tmp_path / file.name
    shutil.copy(file, copy)
    the_tool().update(copy)
    here, there = ({row[:4] for row in messages(one)} for one in (copy, file))
    assert here == there, "run `make translations`, and translate what is new"
    assert copy.read_text("utf-8") == file.read_text("utf-8"), "run `make translations`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_is_unfinished(file):
    left = [row[:3] for row in messages(file) if row[5] is not None or not all(row[4])]
    assert not left, "these want a translation, then `make translations`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_placeholders_and_markup_are_those_of_the_source(file):
    for context, source, _, _, forms, _ in messages(file):
        for form in forms:
            for what in (_PLACEHOLDER, _TAG):
                # As sets: a language may need a link twice, around the parts of a verb.
                wanted, found = set(what.findall(source)), set(what.findall(form))
                assert wanted == found, f"{context}: {source!r} / {form!r}"
            if _PLACEHOLDER.search(source):
                form.format(*range(9), **dict.fromkeys(re.findall(r"\{([a-z]+)", source), 0))


@pytest.mark.parametrize("file", WHOLE, ids=lambda file: file.stem)
def test_as_many_mnemonics_and_dots_as_the_source(file):
    for context, source, _, _, (form, *_), _ in messages(file):
        for what in (r"&(?![&\s]|\w+;)", r"\.\.\.$", r":$", r"\*\.\w+"):
            both = [re.findall(what, text) for text in (source, form)]
            assert both[0] == both[1], f"{context}: {source!r} / {form!r}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_window_loads_what_the_translators_wrote(file):
    """The .qm is made of this very .ts, so that no lrelease is needed to install."""
    from PyQt6.QtCore import QTranslator

    translator = QTranslator()
    assert translator.load(file.stem, str(FOLDER)), "run `make translations`"
    assert translator.language() == file.stem.partition("_")[2]
    for context, source, comment, has_plurals, forms, _ in messages(file):
        for n, form in zip((1, 2) if has_plurals else (-1,), forms, strict=True):
            found = translator.translate(context, source, comment, n)
            assert found == form, "run `make translations`"


def test_each_text_is_taken_up():
    """The forms of a call that pylupdate6 understands, and that find the text again."""
    wrong = []
    for path in SOURCES:
        if path.name == "words.py" and path.parent.name == "imsafe":
            continue
        for call, name, classes in calls_for_translation(path):
            where = f"{path.relative_to(ROOT)}:{call.lineno}"
            literal = call.args[: 2 if name == "tr" else 3]
            if not all(isinstance(one, ast.Constant) for one in literal) or call.keywords:
                wrong.append(f"{where}: context, text and disambiguation have to be literals")
            if name == "tr" and not classes:
                wrong.append(f"{where}: outside of a class use imsafe.words.translate")
    assert not wrong


def test_texts_of_a_base_class_are_found_by_its_children():
    """PyQt looks for tr()'s texts under the name of the object's own class only."""
    texts, bases = Counter(), {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [ast.unparse(one).rpartition(".")[2] for one in node.bases]
        for _, name, classes in calls_for_translation(path):
            if name == "tr" and classes:
                texts[classes[-1]] += 1
    inherited = [
        f"{base}, the base of {child}"
        for child, its in bases.items()
        for base in its
        if texts[base]
    ]
    assert not inherited, "their tr() has to be imsafe.words.translate"


def test_no_number_is_grouped_in_english_only():
    """Thousands are told apart by imsafe.words.grouped: 1,234 is a fraction in other languages."""
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if path.parent.name == "gui"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"\{[^{}]*:,[^{}]*\}", line)
    ]
    assert not found
