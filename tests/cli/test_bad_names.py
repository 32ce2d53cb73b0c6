# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files that cannot be opened, as users give them: a sentence and status 2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from imsafe.errors import ImsafeError
from imsafe.stream.traces import find_traces, open_trace
from tests.cli.test_cut_traces import trace
from tests.profile.making import daemon

ROOT = Path(__file__).resolve().parents[2]
AS_A_USER = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search",
     "--inh-caps=-dac_override,-dac_read_search"]
    if sys.platform == "linux" and os.geteuid() == 0
    else []
)  # fmt: skip
"""What makes root someone to whom a folder can be closed."""


PLACES = {
    "learn": "learn -o new.db NAME",
    "learn -o": "learn -o NAME whole.imt",
    "monitor --replay": "monitor -d web.db --replay NAME",
    "monitor --boxes": "monitor -d web.db --replay whole.imt --boxes NAME",
    "monitor -x": "monitor -d web.db --replay whole.imt -x NAME",
    "monitor --config": "monitor --config NAME",
    "trace --replay": "trace -o new.imt --replay NAME",
    "trace --": "trace -o new.imt -- NAME",
    "evaluate --normal": "evaluate -d web.db --attack whole.imt --normal NAME",
}
"""Where a program looks at a file before it opens it, or instead."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    rng = np.random.default_rng(1)
    batches = [daemon(rng, 3000, pid) for pid in range(1, 31)]
    whole = trace(folder / "whole.imt", *batches)
    assert run(["learn", "-o", "web.db", str(whole)], folder).returncode == 0
    return folder


def run(
    words: list[str], folder: Path, *, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    program, *rest = words
    return subprocess.run(
        [*prefix, sys.executable, "-m", f"imsafe.cli.{program}", *rest],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def sentence_of(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 2, process.stderr
    assert process.stdout == ""
    assert process.stderr.count("\n") == 1, process.stderr
    return process.stderr.strip()


def refused_at(place: str, name: Path, folder: Path, *, prefix: Sequence[str] = ()) -> str:
    words = [str(name) if word == "NAME" else word for word in PLACES[place].split()]
    process = run(words, folder, prefix=prefix)
    return sentence_of(process)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are a matter of POSIX")
@pytest.mark.parametrize("place", PLACES)
def test_in_a_folder_that_is_closed(place: str, folder: Path, tmp_path: Path) -> None:
    if AS_A_USER and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    name = tmp_path / "x.imt"
    shutil.copy(folder / "whole.imt", name)
    name.chmod(0o755)
    tmp_path.chmod(0)
    try:
        said = refused_at(place, name, folder, prefix=AS_A_USER)
    finally:
        tmp_path.chmod(0o700)
    assert str(name) in said
    assert "is not a file" in said if place == "monitor -x" else "permission denied" in said


@pytest.mark.parametrize("place", PLACES)
def test_longer_than_a_name_can_be(place: str, folder: Path) -> None:
    said = refused_at(place, folder / ("a" * 300), folder)
    assert "is not a file" in said if place == "monitor -x" else "file name too long" in said


def test_a_folder_is_not_offered_to_be_replaced(folder: Path, tmp_path: Path) -> None:
    for words in ("trace -o NAME --replay whole.imt", "tree web.db -o NAME"):
        process = run([str(tmp_path) if w == "NAME" else w for w in words.split()], folder)
        assert sentence_of(process).endswith(f": Cannot write {tmp_path}: is a directory.")


@pytest.mark.skipif(sys.platform != "linux", reason="a file that gives an error when it is read")
def test_a_trace_that_cannot_be_read_at_all() -> None:
    with pytest.raises(ImsafeError, match=r"^Cannot read /proc/self/mem: "):
        open_trace("/proc/self/mem")


@pytest.mark.skipif(sys.platform != "linux", reason="there is no such device")
def test_a_configuration_without_end_is_refused(tmp_path: Path) -> None:
    process = run(["monitor", "--config", "/dev/zero"], tmp_path)
    assert sentence_of(process).endswith("is no configuration: it is longer than 1 MiB.")


def test_standard_input_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").mkdir()
    assert find_traces(["-"]) == [Path("-")]


@pytest.mark.parametrize(
    "words",
    [
        "learn --force -o whole.imt whole.imt",
        "learn --force -o sub/../whole.imt sub/.. ",
        "tree web.db --force -o web.db",
        "tree other.db --diff web.db --force -o web.db",
    ],
)
def test_nothing_is_written_over_what_is_read(words: str, folder: Path) -> None:
    (folder / "sub").mkdir(exist_ok=True)
    shutil.copy(folder / "web.db", folder / "other.db")
    kept = {name: (folder / name).read_bytes() for name in ("whole.imt", "web.db")}
    done = run(words.split(), folder)
    assert done.returncode == 2
    assert "choose another file" in done.stderr
    assert {name: (folder / name).read_bytes() for name in kept} == kept


@pytest.mark.parametrize(
    "words",
    [
        "learn -o - whole.imt", "tree web.db -o -", "plot x.log -o -",
        "monitor -d web.db --replay whole.imt -l -",
        "monitor -d web.db --replay whole.imt --record -",
        "monitor -d web.db --replay whole.imt --alerts -",
    ],
)  # fmt: skip
def test_a_file_is_never_called_dash(words: str, folder: Path) -> None:
    done = run(words.split(), folder)
    assert done.returncode == 2
    assert "name a file" in done.stderr
    assert not (folder / "-").exists()


def test_a_trace_whose_name_is_no_text_is_learned(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "whole.imt", os.fsencode(tmp_path) + b"/b\xff.imt")
    done = run(["learn", "-o", str(tmp_path / "x.db"), str(tmp_path)], folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "x.db").exists()


def test_an_output_that_lacks_a_letter_shows_which(folder: Path, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/x\xff.db")
    done = subprocess.run(
        [sys.executable, "-m", "imsafe.cli.learn", "-o", name, str(folder / "whole.imt")],
        env={**os.environ, "PYTHONIOENCODING": "latin-1:strict"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "x\\udcff.db" in done.stdout


def test_a_filter_holds_all_calls_or_is_refused(folder: Path) -> None:
    for more in (["--min-count", "5"], ["--prefix", "read"]):
        done = run(["tree", "web.db", "--export", "systemd", *more], folder)
        assert done.returncode == 2
        assert "do not go with it" in done.stderr
