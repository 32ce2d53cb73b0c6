# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer as a source of the monitor: permission, refusal, the end, the mode."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imsafe.monitor.modes import differences
from imsafe.monitor.view_client import NoticeMessage, StatusMessage
from imsafe.monitor.watched import Watched
from imsafe.profile.learner import Learner
from imsafe.profile.profile import Profile
from imsafe.profile.scorer import Scorer

from ..sources.kernel_tracer import needs_the_kernel
from ..sources.running import AS_NOBODY, eventually
from .conftest import events_of, normal_calls, segment
from .test_ims_monitor import ENVIRONMENT, command, linux
from .test_view_server import Window

SUDO = """#!/bin/sh
while [ ! -e "$IMSAFE_TEST/answered" ]; do sleep 0.05; done
echo "sudo: a password is required" >&2
exit 1
"""


def learned(path: Path, *headers: dict[str, object]) -> Watched:
    """An application whose profile was learned from traces with these headers."""
    learner = Learner(depth=4)
    for number, header in enumerate(headers):
        learner.begin_trace(f"trace {number}", f"trace {number}", segment(**header).meta)
        learner.feed(number, events_of(normal_calls(50, seed=number)))
        learner.end_trace()
    learner.finish().save(path)
    profile = Profile.load(path)
    return Watched(1, "worker", "worker.db", profile, Scorer(profile), 0.5)


def said(watched: Watched, **header: object) -> list[str]:
    return differences(watched, segment(**header).meta)


def test_a_profile_watched_in_another_mode(tmp_path: Path) -> None:
    kernel = learned(tmp_path / "k.db", {"tracer": "kernel"})
    assert said(kernel, tracer="kernel") == []
    (text,) = said(kernel, tracer="ptrace-seccomp")
    assert text.startswith("learned with the kernel tracer, watched with the ptrace tracer;")
    (text,) = said(kernel, tracer="kernel", follow_exec=False)
    assert text == "learned following exec, watched not following exec"
    assert len(said(kernel, tracer="ptrace-full", follow_exec=False)) == 2

    ptrace = learned(tmp_path / "p.db", {"tracer": "ptrace-full"}, {"tracer": "ims-trace"})
    (text,) = said(ptrace, tracer="kernel")
    assert text.startswith("learned with the ptrace tracer at two stops a call (--full), watched")
    assert said(ptrace, tracer="ptrace-full") == []
    assert said(ptrace, tracer="ims-trace") == []
    assert said(ptrace, tracer="ims-monitor") == []

    both = learned(tmp_path / "b.db", {"tracer": "kernel"}, {"tracer": "ptrace-seccomp"})
    assert said(both, tracer="kernel") == said(both, tracer="ptrace-seccomp") == []


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that a user without rights can use."""
    folder = Path(tempfile.mkdtemp(prefix="imsmon-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@linux
@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.usefixtures("open_checkout")
def test_a_user_is_asked_and_refused(profile_path: Path, public_folder: Path) -> None:
    folder = public_folder
    (folder / "bin").mkdir()
    (folder / "bin" / "sudo").write_text(SUDO)
    (folder / "bin" / "sudo").chmod(0o755)
    profile = Path(shutil.copy(profile_path, folder / "worker.db"))
    profile.chmod(0o644)
    environment = {
        key: value for key, value in ENVIRONMENT.items() if key not in ("DISPLAY", "HOME")
    } | {
        "PATH": f"{folder}/bin:/usr/bin:/bin", "IMSAFE_TEST": str(folder), "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }  # fmt: skip
    monitor = subprocess.Popen(
        [*AS_NOBODY, *command("-d", profile, "-t", 1, "--view", folder / "view", "--stay")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd="/",
    )  # fmt: skip
    try:
        serves = (folder / "view").exists
        eventually(lambda: serves() or monitor.poll() is not None, "it serves its view", 240)
        assert serves(), monitor.communicate()[1]
        with Window(folder / "view") as window:
            source = {"kind": "driver", "words": ["--name=nginx"]}
            began = time.monotonic()
            assert window.ask("add-source", source=source).ok
            assert time.monotonic() - began < 5, "nobody waits for a password"
            window.until(
                lambda m: (
                    isinstance(m, StatusMessage)
                    and [s["state"] for s in m.status["sources"]] == ["waiting for permission"]
                    and m.status["state"] == "waiting"
                )
            )
            (folder / "answered").touch()
            words = "No permission to start the kernel tracer: sudo refused"
            notice = window.until(
                lambda m: isinstance(m, NoticeMessage) and m.text.startswith(words)
            )
            assert isinstance(notice, NoticeMessage)
            assert notice.error
            assert "a password is required" in notice.text
            window.until(
                lambda m: (
                    isinstance(m, StatusMessage)
                    and [(s["state"], s["problem"]) for s in m.status["sources"]]
                    == [("failed", notice.text)]
                    and m.status["state"] == "idle"
                )
            )
            assert window.ask("add-source", source=source).ok, "one may try again"
            assert window.ask("close-source").ok
            assert window.ask("stop").ok
        _, errors = monitor.communicate(timeout=60)
        assert errors.startswith("ims-monitor: No permission")
        assert "Traceback" not in errors
        assert monitor.returncode == 2
    finally:
        if monitor.poll() is None:
            monitor.kill()
            monitor.communicate()


def in_kernel() -> pytest.MarkDecorator:
    (mark,) = needs_the_kernel()
    return mark


@in_kernel()
def test_what_was_made_before_the_end_is_taken_in(profile_path: Path, tmp_path: Path) -> None:
    program = tmp_path / "ims2copies"
    shutil.copy("/bin/dd", program)
    view = tmp_path / "view"
    monitor = subprocess.Popen(
        command(
            "-d", profile_path, "-t", 1, "--json", "--boxes", tmp_path / "b", "--view", view,
            "--driver", program.name,
        ),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=ENVIRONMENT,
    )  # fmt: skip
    try:
        eventually(view.exists, "the monitor serves its view", 60)
        with Window(view) as window:
            window.until(lambda m: isinstance(m, StatusMessage) and m.status["state"] == "watching")
        subprocess.run(
            [program, "if=/dev/zero", "of=/dev/null", "bs=1", "count=50021"],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        monitor.send_signal(signal.SIGTERM)
        output, errors = monitor.communicate(timeout=60)
    finally:
        if monitor.poll() is None:
            monitor.kill()
            monitor.communicate()
    assert errors == ""
    objects = [json.loads(line) for line in output.splitlines()]
    end = objects[-1]
    assert (end["type"], end["lost"]) == ("end", 0)
    assert 2 * 50021 < end["calls"] < 2 * 50021 + 500
