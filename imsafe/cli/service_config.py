# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file of a monitor: TOML, every key of it checked.

A file says what the options of `ims-monitor` say, and becomes such options,
so that there is one meaning of each.
"""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imsafe.cli import common
from imsafe.errors import ImsafeError, cannot
from imsafe.files import mode_of

SYSTEM_FOLDER = Path("/etc/imsafe")

_LONGEST = 1 << 20
_Words = list[str]
_Value = Any


@dataclass(frozen=True, slots=True)
class _Context:
    """Where a value stands, for messages and for paths."""

    file: Path
    table: str = ""

    def error(self, text: str) -> ImsafeError:
        return ImsafeError(f"{self.file}: {text}")

    def key(self, name: str) -> str:
        return f"{self.table}.{name}" if self.table else name

    def path(self, value: str) -> str:
        """Relative to the file's own folder; a service has no other that one could expect."""
        return os.path.normpath(self.file.parent / value)


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a value has to be, in words, and how it becomes the text of an option."""

    words: str
    text: Callable[[_Value, _Context], str | None]
    """None when the value is not of this kind."""


def _of_text(value: _Value, _: _Context) -> str | None:
    usable = isinstance(value, str) and value and value.isprintable()
    return value if usable else None


def _of_word(value: _Value, _: _Context) -> str | None:
    """A word of a command: anything that a program can be given."""
    return value if isinstance(value, str) and "\0" not in value else None


def _of_path(value: _Value, context: _Context) -> str | None:
    text = _of_text(value, context)
    return None if text is None else context.path(text)


def _of_program(value: _Value, context: _Context) -> str | None:
    text = _of_text(value, context)
    return context.path(text) if text is not None and os.sep in text else text


def _of_device(value: _Value, context: _Context) -> str | None:
    return "auto" if value == "auto" else _of_path(value, context)


def _of_syslog(value: _Value, context: _Context) -> str | None:
    if not isinstance(value, str) or not value.startswith(("/", "udp:")):
        return None
    return _of_text(value, context)


def _number(value: _Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _of_threshold(value: _Value, _: _Context) -> str | None:
    return repr(float(value)) if _number(value) and 0 <= value <= 1 else None


def _of_speed(value: _Value, _: _Context) -> str | None:
    if value in ("full", "recorded"):
        return str(value)
    return repr(value) if _number(value) and 0 < value < float("inf") else None


def _of_size(value: _Value, _: _Context) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if not isinstance(value, str):
        return None
    try:
        return str(common.size(value))
    except argparse.ArgumentTypeError:
        return None


def _of_pid(value: _Value, _: _Context) -> str | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 22
    return str(value) if usable else None


def _of_count(value: _Value, _: _Context) -> str | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31
    return str(value) if usable else None


def _of_flag(value: _Value, _: _Context) -> str | None:
    return str(value) if isinstance(value, bool) else None


_TEXT = _Kind("a text", _of_text)
_WORD = _Kind("a text", _of_word)
_PATH = _Kind("the path of a file", _of_path)
_SOCKET = _Kind("the path of a socket", _of_path)
_PROGRAM = _Kind("the path of a program", _of_program)
_DEVICE = _Kind('"auto" or the path of a socket', _of_device)
_SYSLOG = _Kind("the full path of a socket, or udp:HOST:PORT", _of_syslog)
_THRESHOLD = _Kind("a number from 0 to 1", _of_threshold)
_SPEED = _Kind('"full", "recorded" or a number above 0', _of_speed)
_SIZE = _Kind('a number of bytes, such as 1000000 or "1G"', _of_size)
_PID = _Kind("a process number", _of_pid)
_COUNT = _Kind("a number of parts, 1 or more", _of_count)
_FLAG = _Kind("true or false", _of_flag)


@dataclass(frozen=True, slots=True)
class _Key:
    """One key: what it may be, and the option that it becomes.

    Attributes
    ----------
    option
        Without a value where the key is true or false; empty: handled by its table.
    many
        A list of such values.
    inverted
        The option is given when the key is false.
    """

    kind: _Kind
    option: str = ""
    many: bool = False
    inverted: bool = False


_APPLICATION = {"profile": _Key(_PATH), "threshold": _Key(_THRESHOLD)}

_TOP = {
    "application": _Key(_TEXT),
    **_APPLICATION,
    "log": _Key(_PATH, "--log"),
    "log-size": _Key(_SIZE, "--log-size"),
    "log-keep": _Key(_COUNT, "--log-keep"),
    "record": _Key(_PATH, "--record"),
    "record-max-size": _Key(_SIZE, "--max-size"),
    "boxes": _Key(_PATH, "--boxes"),
}

_FOLLOW = {"follow-exec": _Key(_FLAG, "--no-follow-exec", inverted=True)}

_SOURCES = {
    "driver": {
        "name": _Key(_TEXT, "--driver", many=True),
        "path": _Key(_PATH, "--path", many=True),
        "unit": _Key(_TEXT, "--unit", many=True),
        "cgroup": _Key(_PATH, "--cgroup", many=True),
        "pid": _Key(_PID, "--driver-pid", many=True),
        "device": _Key(_DEVICE, "--device"),
        "ring-size": _Key(_SIZE, "--ring-size"),
        "not-yet-started": _Key(_FLAG, "--not-yet-started"),
        **_FOLLOW,
    },
    "sensor": {
        "socket": _Key(_SOCKET, "--sensor", many=True),
        "users": _Key(_TEXT, "--allow-user", many=True),
        "groups": _Key(_TEXT, "--allow-group", many=True),
    },
    "replay": {
        "trace": _Key(_PATH, "--replay"),
        "speed": _Key(_SPEED, "--speed"),
    },
    "command": {
        "command": _Key(_WORD, many=True),
        "full": _Key(_FLAG, "--full"),
        **_FOLLOW,
    },
}

_TABLES = {
    "actions": {"execute": _Key(_PROGRAM, "--execute")},
    "outputs": {
        "journal": _Key(_FLAG, "--journal"),
        "syslog": _Key(_SYSLOG, "--syslog"),
        "json": _Key(_PATH, "--alerts"),
        "metrics": _Key(_PATH, "--metrics"),
    },
    "view": {
        "socket": _Key(_SOCKET, "--view"),
        "users": _Key(_TEXT, "--view-user", many=True),
        "groups": _Key(_TEXT, "--view-group", many=True),
    },
}


@dataclass(frozen=True, slots=True)
class Application:
    """One application of the file.

    Attributes
    ----------
    name
        Empty: the only one, by which everything is judged that comes.
    threshold
        None: the one that the profile suggests.
    """

    name: str
    profile: str
    threshold: float | None

    def words(self) -> _Words:
        """The options of `ims-monitor` for it."""
        given = self.threshold is not None
        if not self.name:
            return [f"--profile={self.profile}", *([f"--threshold={self.threshold}"] * given)]
        return [f"--app={self.name}={self.profile}" + f":{self.threshold}" * given]


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A configuration file that was checked.

    Attributes
    ----------
    options
        All else that it says, as options of `ims-monitor`.
    command
        A command to start and watch; empty where the source is another.
    """

    path: Path
    applications: list[Application]
    options: _Words
    command: _Words = field(default_factory=list)

    @property
    def name(self) -> str:
        """The monitor's name: that of the file."""
        return self.path.stem

    def words(self) -> _Words:
        """The options that say the same, all but the command."""
        return [word for one in self.applications for word in one.words()] + self.options

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ServiceConfig:
        """Read and check a file.

        Raises
        ------
        ImsafeError
            It cannot be read, is no TOML, has a key that there is not, or a value of another
            kind; one sentence that names the file, the key and what is allowed.
        """
        file = Path(path).absolute()
        try:
            with file.open("rb") as opened:
                text = opened.read(_LONGEST + 1)  # a device has no end
            if len(text) > _LONGEST:
                raise ImsafeError(f"{file} is no configuration: it is longer than 1 MiB.")
            values = tomllib.loads(text.decode())
        except OSError as error:
            raise cannot("read", file, error) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ImsafeError(f"{file} is not TOML: {error}.") from error
        return _checked(file, values)


def found_file(name: str) -> Path:
    """The file that `name` means: a path, or the name of a user's or the system's configuration.

    Raises
    ------
    ImsafeError
        There is none of that name.
    """
    if os.sep in name or name.endswith(".toml"):
        return Path(name)
    base = os.environ.get("XDG_CONFIG_HOME", "")
    user = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    places = [user / "imsafe" / f"{name}.toml", SYSTEM_FOLDER / f"{name}.toml"]
    for place in places:
        if mode_of(place):
            return place
    raise ImsafeError(f"There is no configuration {name}: neither {places[0]} nor {places[1]}.")


def _checked(file: Path, values: Mapping[str, _Value]) -> ServiceConfig:
    context = _Context(file)
    known = [*_TOP, "applications", "source", *_TABLES]
    _check_names(context, values, known)
    tables = {name: _table(context, values, name) for name in ("applications", "source", *_TABLES)}
    if "source" not in values:
        raise context.error("there is no table [source], which says what is watched.")
    top = {name: value for name, value in values.items() if name in _TOP}
    applications = _applications(context, top, tables["applications"])
    options = _options(context, {n: v for n, v in top.items() if _TOP[n].option}, _TOP)
    if "record" in top:
        options.append("--append")  # a service is started again
    from_source, command = _source(_Context(file, "source"), tables["source"])
    options += from_source
    for name, keys in _TABLES.items():
        options += _options(_Context(file, name), tables[name], keys)
    return ServiceConfig(file, applications, options, command)


def _table(context: _Context, values: Mapping[str, _Value], name: str) -> dict[str, _Value]:
    value = values.get(name, {})
    if not isinstance(value, dict):
        raise context.error(f"{context.key(name)} has to be a table, not {_shown(value)}.")
    return value


def _check_names(context: _Context, values: Mapping[str, _Value], known: list[str]) -> None:
    for name in values:
        if name not in known:
            where = f"[{context.table}]" if context.table else "the file"
            raise context.error(
                f"there is no key {name!r} in {where}; allowed are {', '.join(known)}."
            )


def _shown(value: _Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _text_of(context: _Context, name: str, key: _Key, value: _Value) -> str:
    text = key.kind.text(value, context)
    if text is None:
        raise context.error(f"{context.key(name)} has to be {key.kind.words}, not {_shown(value)}.")
    return text


def _options(
    context: _Context, values: Mapping[str, _Value], keys: Mapping[str, _Key]
) -> list[str]:
    """Check a table's values; the options that they become."""
    _check_names(context, values, list(keys))
    words = []
    for name, value in values.items():
        key = keys[name]
        if key.kind is _FLAG:
            _text_of(context, name, key, value)
            if value != key.inverted:
                words.append(key.option)
            continue
        listed = value if key.many and isinstance(value, list) else [value]
        if not listed:
            raise context.error(f"{context.key(name)} is an empty list.")
        texts = [_text_of(context, name, key, one) for one in listed]
        if key.option:
            words += [f"{key.option}={text}" for text in texts]
    return words


def _applications(
    context: _Context, top: Mapping[str, _Value], table: Mapping[str, _Value]
) -> list[Application]:
    if table:
        for name in ("application", "profile", "threshold"):
            if name in top:
                raise context.error(
                    f"{name} stands beside [applications]; say it for each application there."
                )
        return [
            _application(_Context(context.file, f"applications.{name}"), name, table[name])
            for name in table
        ]
    values = {name: top[name] for name in _APPLICATION if name in top}
    name = top.get("application", "")
    if "application" in top:
        _text_of(context, "application", _TOP["application"], name)
    return [_application(context, name, values)]


def _application(context: _Context, name: str, values: _Value) -> Application:
    if not isinstance(values, dict):
        raise context.error(f"{context.table} has to be a table, not {_shown(values)}.")
    if "=" in name or not name.isprintable():
        raise context.error(f"{_shown(name)} cannot be the name of an application.")
    _options(context, values, _APPLICATION)
    if "profile" not in values:
        raise context.error(f"{context.key('profile')} is missing: the database to judge by.")
    threshold = values.get("threshold")
    return Application(
        name,
        context.path(values["profile"]),
        None if threshold is None else float(threshold),
    )


def _source(context: _Context, values: dict[str, _Value]) -> tuple[_Words, _Words]:
    """The options of the source, and its command."""
    kind = values.get("kind")
    if not isinstance(kind, str) or kind not in _SOURCES:
        told = "is missing" if kind is None else f"cannot be {_shown(kind)}"
        raise context.error(f"source.kind {told}; allowed are {', '.join(_SOURCES)}.")
    keys = _SOURCES[kind]
    given = {name: value for name, value in values.items() if name != "kind"}
    known = {"kind": _Key(_TEXT), **keys}
    _check_names(context, values, list(known))
    options = _options(context, given, keys)
    what = {"driver": ("name", "path", "unit", "cgroup", "pid"), "sensor": ("socket",),
            "replay": ("trace",), "command": ("command",)}[kind]  # fmt: skip
    if not any(name in given for name in what):
        raise context.error(f"a source of kind {kind} needs {' or '.join(what)}.")
    command = given.get("command", [])
    return options, [command] if isinstance(command, str) else list(command)
