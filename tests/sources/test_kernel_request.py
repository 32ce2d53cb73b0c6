# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer's request: words and back again, and nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imsafe.errors import SourceError
from imsafe.sources.kernel_request import (
    DEFAULT_RING,
    LONGEST_NAME,
    LONGEST_PATH,
    MAX_APPLICATIONS,
    MAX_RING,
    MAX_TARGETS,
    MIN_RING,
    KernelRequest,
    Target,
    ring_for,
)

PRINTABLE = st.characters(exclude_categories=("Cs",)).filter(str.isprintable)
NAMES = st.text(PRINTABLE.filter(lambda c: c != "/"), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..", ".service")
)
PATHS = (
    st.lists(NAMES, min_size=1, max_size=4)
    .map(lambda names: "/" + "/".join(names))
    .filter(lambda path: len(path.encode()) <= LONGEST_PATH)
)
PIDS = st.integers(1, (1 << 22) - 1).map(str)
TARGETS = st.one_of(
    st.builds(Target, st.sampled_from(["name", "unit"]), NAMES),
    st.builds(Target, st.sampled_from(["path", "cgroup"]), PATHS),
    st.builds(Target, st.just("pid"), PIDS),
)
NOT_PIDS = TARGETS.filter(lambda target: target.kind != "pid")


@st.composite
def requests(draw: st.DrawFn) -> KernelRequest:
    not_yet_started = draw(st.booleans())
    targets = draw(st.lists(TARGETS, min_size=1, max_size=8))
    if not_yet_started:
        targets.append(draw(NOT_PIDS))
    return KernelRequest(
        tuple(targets),
        follow_exec=draw(st.booleans()),
        not_yet_started=not_yet_started,
        ring_size=1 << draw(st.integers(16, 30)),
        simulate_loss=draw(st.just(0) | st.integers(2, (1 << 32) - 1)),
        recording=draw(st.booleans()),
    )


def said(*words: str) -> str:
    """The sentence with which these words are refused: one line that a terminal can show."""
    with pytest.raises(SourceError) as refused:
        KernelRequest.from_words(words)
    sentence = str(refused.value)
    assert sentence.isprintable()
    assert sentence.endswith(".")
    assert len(sentence) < 200
    return sentence


@given(requests())
def test_words_and_back(request):
    words = request.words()
    assert KernelRequest.from_words(words) == request
    assert KernelRequest.from_words(words).words() == words


@given(requests())
def test_every_target_has_an_application(request):
    numbers = [request.application_of(target) for target in request.targets]
    assert sorted(set(numbers)) == list(range(1, len(request.applications) + 1))
    for target, number in zip(request.targets, numbers, strict=True):
        assert request.applications[number - 1] == target.application
    for name in request.applications:
        assert name.isprintable()
        assert name not in ("", ".", "..")
        assert "/" not in name


WORDS = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}={}".format,
        st.sampled_from(
            ["--name", "--path", "--pid", "--unit", "--cgroup", "--ring-size", "--simulate-loss"]
        ),
        st.text(max_size=40) | NAMES | PATHS | st.integers().map(str),
    ),
    st.sampled_from(["--no-follow-exec", "--not-yet-started", "--recording", "--name", "--name=x"]),
)


@given(st.lists(WORDS, max_size=6))
@example(["--name=x", "--ring-size=" + "9" * 5000])
@example(["--pid=" + "1" + "0" * 5000])
@example(["--name=\udcff"])
def test_any_words_are_a_request_or_a_sentence(words):
    sentence = ""
    try:
        request = KernelRequest.from_words(words)
        assert KernelRequest.from_words(request.words()) == request
    except SourceError as error:
        sentence = str(error)
    assert sentence.isprintable()
    assert len(sentence) < 1000


def test_what_is_not_said_is_left_as_it_is():
    request = KernelRequest.from_words(["--name=redis-server"])
    assert request == KernelRequest((Target("name", "redis-server"),))
    assert request.words() == ["--name=redis-server"]
    assert (request.follow_exec, request.not_yet_started) == (True, False)
    assert not request.recording
    assert (request.ring_size, request.simulate_loss) == (DEFAULT_RING, 0)


def test_the_ring_follows_the_processors():
    sizes = [ring_for(number) >> 20 for number in (1, 2, 3, 4, 8, 12, 16, 256)]
    assert sizes == [4, 8, 16, 16, 32, 64, 64, 64]


def test_a_value_may_hold_whatever_a_name_may():
    words = ["--name=--name=a b", "--path=/opt/=x/ü -y", "--unit=getty@tty1.service"]
    request = KernelRequest.from_words(words)
    assert [target.value for target in request.targets] == [
        "--name=a b",
        "/opt/=x/ü -y",
        "getty@tty1.service",
    ]
    assert request.applications == ["--name=a b", "ü -y", "getty@tty1"]


def test_applications_of_the_same_name_are_one():
    request = KernelRequest.from_words(
        ["--name=nginx", "--pid=7", "--path=/usr/sbin/nginx", "--unit=nginx.service"]
    )
    assert request.applications == ["nginx", "process 7"]
    assert [request.application_of(target) for target in request.targets] == [1, 2, 1, 1]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("--name=", "is not the name of a program: give its base name"),
        ("--name", "is not the name of a program"),
        ("--name=..", "is not the name of a program"),
        ("--name=/usr/bin/x", "is not the name of a program"),
        ("--name=" + "x" * (LONGEST_NAME + 1), f"is longer than {LONGEST_NAME} bytes"),
        ("--name=" + "ü" * 128, f"is longer than {LONGEST_NAME} bytes"),
        ("--unit=system.slice/x.service", "is not the unit of a program"),
        ("--unit=.service", "is not the unit of a program"),
        ("--path=", "it has to start with /"),
        ("--path=bin/x", "it has to start with /"),
        ("--path=/", "to the last name"),
        ("--path=//", "to the last name"),
        ("--path=/usr/../etc/x", "without . and .."),
        ("--path=/usr/bin/..", "without . and .."),
        ("--path=/usr/./bin/x", "without . and .."),
        ("--path=/usr/bin/", "is a folder"),
        ("--path=/" + "x" * LONGEST_PATH, f"is longer than {LONGEST_PATH} bytes"),
        ("--cgroup=x", "it has to start with /"),
        ("--cgroup=/", "to the last name"),
        ("--cgroup=/sys/fs/cgroup/..", "without . and .."),
    ],
)
def test_what_no_process_can_be_called(word, sentence):
    assert sentence in said(word)


@pytest.mark.parametrize("kind", ["name", "path", "pid", "unit", "cgroup"])
@pytest.mark.parametrize(
    "character", ["\n", "\r", "\0", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800"]
)
def test_what_would_disturb_a_terminal_is_refused(kind, character):
    value = "/x" if kind in ("path", "cgroup") else "7"
    assert "cannot be printed" in said(f"--{kind}={value}{character}{value}")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1_0",
        "0x1",
        "1e3",
        "1.0",
        "007",
        "٣",
        "²",
        "１２",
        "self",
        str(1 << 22),
        str((1 << 32) + 1),
        "0" * 10 + "1",
        "00000000019999999",
        "9" * 100_000,
    ],
)
def test_what_is_not_a_process_number(value):
    assert "is not a process number" in said(f"--pid={value}")


def test_the_highest_process_number():
    KernelRequest.from_words([f"--pid={(1 << 22) - 1}"])


@pytest.mark.parametrize("option", ["--ring-size", "--simulate-loss"])
@pytest.mark.parametrize("value", ["", "-2", "+2", " 2", "2K", "0x10000", "٣", "²", "9" * 100_000])
def test_what_is_not_a_number(option, value):
    assert said("--name=x", f"{option}={value}") == f"The value of {option} is not a number."


@pytest.mark.parametrize(
    "size", [0, 1, MIN_RING - 1, MIN_RING >> 1, 3 * MIN_RING, MAX_RING << 1, 99999999999]
)
def test_no_ring_of_that_size(size):
    assert "give a power of two from 64K to 1G" in said("--name=x", f"--ring-size={size}")


@pytest.mark.parametrize("count", [1, 1 << 32])
def test_no_such_loss(count):
    assert "give N from 2 on" in said("--name=x", f"--simulate-loss={count}")


@pytest.mark.parametrize(
    "word",
    [
        "",
        "x",
        "--",
        "-p",
        "--names=x",
        "--name x",
        "--Name=x",
        "--listen=/x",
        "--help",
        "\n",
        "--no-follow-exec=no",
        "--not-yet-started=",
        "--ring",
        "\x1b[2J",
        "--\udcff",
        "x" * 100_000,
    ],
)
def test_an_unknown_word(word):
    assert said("--name=x", word).startswith("The kernel tracer knows no ")


def test_nothing_to_follow():
    assert said() == "Say which application the kernel tracer shall follow."
    assert said("--no-follow-exec") == said()


def test_as_many_as_there_are_numbers_for():
    names = [f"--name=x{number}" for number in range(MAX_APPLICATIONS)]
    request = KernelRequest.from_words([*names, *names])
    assert request.application_of(request.targets[-1]) == MAX_APPLICATIONS
    assert "at most 250 applications" in said(*names, "--name=one-more")
    assert "at most 1000 ways" in said(*["--name=x"] * (MAX_TARGETS + 1))
    KernelRequest.from_words(["--name=x"] * MAX_TARGETS)


def test_a_process_that_runs_has_started():
    assert "has started already" in said("--pid=7", "--pid=8", "--not-yet-started")
    KernelRequest.from_words(["--pid=7", "--name=x", "--not-yet-started"])
