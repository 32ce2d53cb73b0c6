# SPDX-License-Identifier: GPL-3.0-or-later
"""Traces from pipes that give a few bytes at a time: recognised as files are, never read twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from imsafe.errors import ImsafeError
from imsafe.events import EVENT
from imsafe.stream.codec import encode
from imsafe.stream.frames import segment_header
from imsafe.stream.traces import TraceReader, open_trace

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")

Opener = Callable[..., TraceReader]


@pytest.fixture
def slowly(tmp_path: Path) -> Iterator[Opener]:
    """Open a pipe that gives these pieces one by one."""
    with ExitStack() as stack:

        def open_pieces(*pieces: bytes) -> TraceReader:
            path = tmp_path / "pipe"
            os.mkfifo(path)

            def write() -> None:
                with path.open("wb", 0) as pipe:
                    for piece in pieces:
                        pipe.write(piece)
                        time.sleep(0.05)

            thread = threading.Thread(target=write)
            thread.start()
            stack.callback(thread.join)
            reader = open_trace(path)
            stack.callback(reader.close)
            return reader

        yield open_pieces


def _events(reader: TraceReader) -> np.ndarray:
    return np.concatenate([item for _, item in reader if isinstance(item, np.ndarray)])


@pytest.mark.parametrize(
    ("pieces", "expected", "numbers"),
    [
        ((b"12 5\n", b"12 6\n", b"13 7\n"), "unm", [5, 6, 7]),
        ((b"1", b"2 5\n1", b"2 6\n"), "unm", [5, 6]),
        ((b"12 5", b" 6 7"), "adfa", [12, 5, 6, 7]),
        ((b"12 ope", b'n("a") = 3\n12 ', b"close(3) = 0\n"), "strace", [2, 3]),
    ],
)
def test_recognised_by_enough_of_it(
    slowly: Opener, pieces: tuple[bytes, ...], expected: str, numbers: list[int]
) -> None:
    reader = slowly(*pieces)
    assert reader.format == expected
    assert _events(reader)["syscall"].tolist() == numbers


def test_a_live_recording_is_recognised_by_its_first_bytes(slowly: Opener) -> None:
    batch = np.zeros(1, EVENT)
    header = segment_header({})
    reader = slowly(header[:3], header[3:], *[encode(batch)] * 40)
    assert reader.format == "imsafe"
    assert reader.position < len(header) + len(encode(batch))
    assert len(_events(reader)) == 40


def test_a_pipe_is_read_once_or_says_so(slowly: Opener) -> None:
    reader = slowly(b"1 2 3 ", b"4 5 6")
    assert len(_events(reader)) == 6
    with pytest.raises(ImsafeError, match="cannot be read a second time"):
        _events(reader)
    with pytest.raises(ImsafeError, match="cannot be read a second time"):
        _ = reader.identity


def test_identified_first_it_can_be_read_as_often_as_wanted(slowly: Opener, tmp_path: Path) -> None:
    reader = slowly(b"1 2 3 ", b"4 5 6")
    assert len(reader.identity) == 64
    assert len(_events(reader)) == len(_events(reader)) == 6
