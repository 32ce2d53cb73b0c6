# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel tracer is asked to follow: its command line, and nothing else.

The tracer runs as root and takes its request from whoever started it, so the
request has one form only, the words of a command line, and one check, here:
for the dialog, for `ims-trace --driver`, for the tracer itself, and for the
words that a client sends to a tracer that listens.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from imsafe.errors import SourceError
from imsafe.words import translate

TargetKind = Literal["name", "path", "pid", "unit", "cgroup"]
_OPTIONS: dict[str, TargetKind] = {f"--{kind}": kind for kind in get_args(TargetKind)}

MAX_APPLICATIONS = 250
"""The kernel marks a thread with one byte; a few values of it are not applications."""
MAX_TARGETS = 1000
LONGEST_NAME = 255
LONGEST_PATH = 255
"""Bytes; what the kernel program compares in one piece."""
MIN_RING, MAX_RING = 1 << 16, 1 << 30


def ring_for(processors: int) -> int:
    """The ring that a machine of so many processors needs: 4 MiB for each, up to 64 MiB.

    That is 524,288 calls; a processor that does nothing but system calls makes three to seven
    million a second: the tracer may be late by 75 ms.
    """
    return min(4 << 20 << (processors - 1).bit_length(), 64 << 20)


DEFAULT_RING = ring_for(os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Target:
    """One way to say which processes are meant.

    Attributes
    ----------
    kind
        ``name``: base name of the executable, of the script, or comm; ``path``:
        the executable's full path; ``pid``; ``unit``: a systemd unit; ``cgroup``:
        a folder below /sys/fs/cgroup (version 2).
    value
        The name, path, number (decimal) and so on.
    """

    kind: TargetKind
    value: str

    def __post_init__(self) -> None:
        if problem := _problem(self.kind, self.value):
            raise SourceError(problem)

    @property
    def application(self) -> str:
        """The name of the application that the processes belong to."""
        if self.kind in ("path", "cgroup"):
            return Path(self.value).name or self.value
        if self.kind == "unit":
            return self.value.removesuffix(".service")
        return f"process {self.value}" if self.kind == "pid" else self.value

    def __str__(self) -> str:
        return self.value if self.kind == "name" else f"{self.kind} {self.value}"


def _problem(kind: TargetKind, value: str) -> str:
    if not value.isprintable():
        return translate(
            "kernel_request", "The {0} to trace holds characters that cannot be printed."
        ).format(kind)
    size = len(value.encode("utf-8", "surrogateescape"))
    if kind == "pid":
        if not (_is_number(value, 7) and value[0] != "0" and int(value) < 1 << 22):
            return translate("kernel_request", "{0} is not a process number.").format(
                repr(value[:40])
            )
    elif kind in ("name", "unit"):
        if "/" in value or value in ("", ".", "..", ".service"):
            return translate(
                "kernel_request", "{0} is not the {1} of a program: give its base name."
            ).format(repr(value[:60]), kind)
        if size > LONGEST_NAME:
            return translate("kernel_request", "The {0} {1}... is longer than {2} bytes.").format(
                kind, value[:40], LONGEST_NAME
            )
    elif not value.startswith("/"):
        return translate(
            "kernel_request", "{0} is not a full path: it has to start with /."
        ).format(repr(value[:60]))
    elif {".", ".."} & set(value.split("/")) or not Path(value).name:
        return translate(
            "kernel_request", "{0} is not a full path: give it without . and .., to the last name."
        ).format(repr(value[:60]))
    elif kind == "path" and value.endswith("/"):
        return translate("kernel_request", "{0} is a folder: give the path of a program.").format(
            repr(value[:60])
        )
    elif size > LONGEST_PATH:
        return translate("kernel_request", "The {0} {1}... is longer than {2} bytes.").format(
            "path", value[:40], LONGEST_PATH
        )
    return ""


def _is_number(text: str, digits: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= digits


@dataclass(frozen=True, slots=True)
class KernelRequest:
    """What the kernel tracer shall do.

    Attributes
    ----------
    targets
        At least one; those of the same application name are one application.
    follow_exec
        Whether a process that loads a new program stays in its application.
    not_yet_started
        Leave processes alone that run already.
    ring_size
        Bytes of the buffer between kernel and tracer, a power of two.
    simulate_loss
        Lose about one call in so many, and count it, to see what happens; 0: none.
    recording
        Nobody looks at the calls as they come: fewer and larger batches, which disturb less.
    """

    targets: tuple[Target, ...]
    follow_exec: bool = True
    not_yet_started: bool = False
    ring_size: int = DEFAULT_RING
    simulate_loss: int = 0
    recording: bool = False

    def __post_init__(self) -> None:
        if not self.targets:
            words = translate(
                "kernel_request", "Say which application the kernel tracer shall follow."
            )
            raise SourceError(words)
        if len(self.targets) > MAX_TARGETS or len(self.applications) > MAX_APPLICATIONS:
            words = translate(
                "kernel_request",
                "The kernel tracer follows at most {0} applications at once, named in at most {1}"
                " ways.",
            )
            raise SourceError(words.format(MAX_APPLICATIONS, MAX_TARGETS))
        if self.not_yet_started and all(target.kind == "pid" for target in self.targets):
            words = translate(
                "kernel_request", "A process that is named by its number has started already."
            )
            raise SourceError(words)
        size = self.ring_size
        if not MIN_RING <= size <= MAX_RING or size & (size - 1):
            raise SourceError(
                f"A ring of {size} bytes is not possible: give a power of two"
                f" from {MIN_RING >> 10}K to {MAX_RING >> 30}G."
            )
        if self.simulate_loss < 0 or self.simulate_loss == 1 or self.simulate_loss >= 1 << 32:
            raise SourceError("To simulate loss give N from 2 on: one call in N is then lost.")

    @property
    def applications(self) -> list[str]:
        """Names of the applications, each once; number N is item N - 1."""
        return list(dict.fromkeys(target.application for target in self.targets))

    def application_of(self, target: Target) -> int:
        """The number, from 1, of the application that a target belongs to."""
        return self.applications.index(target.application) + 1

    def words(self) -> list[str]:
        """The request as words of a command line."""
        words = [f"--{target.kind}={target.value}" for target in self.targets]
        if not self.follow_exec:
            words.append("--no-follow-exec")
        if self.not_yet_started:
            words.append("--not-yet-started")
        if self.ring_size != DEFAULT_RING:
            words.append(f"--ring-size={self.ring_size}")
        if self.simulate_loss:
            words.append(f"--simulate-loss={self.simulate_loss}")
        if self.recording:
            words.append("--recording")
        return words

    @classmethod
    def from_words(cls, words: Sequence[str]) -> KernelRequest:
        """The request that these words make.

        Raises
        ------
        SourceError
            A word is not one of those that `words` writes, or its value is wrong.
        """
        targets: list[Target] = []
        flags = {"--no-follow-exec": False, "--not-yet-started": False, "--recording": False}
        numbers = {"--ring-size": DEFAULT_RING, "--simulate-loss": 0}
        for word in words:
            option, _, value = word.partition("=")
            if option in _OPTIONS:
                targets.append(Target(_OPTIONS[option], value))
            elif word in flags:
                flags[word] = True
            elif option in numbers:
                if not _is_number(value, 11):
                    raise SourceError(f"The value of {option} is not a number.")
                numbers[option] = int(value)
            else:
                raise SourceError(f"The kernel tracer knows no {word[:60]!r}.")
        return cls(
            tuple(targets),
            follow_exec=not flags["--no-follow-exec"],
            not_yet_started=flags["--not-yet-started"],
            ring_size=numbers["--ring-size"],
            simulate_loss=numbers["--simulate-loss"],
            recording=flags["--recording"],
        )
