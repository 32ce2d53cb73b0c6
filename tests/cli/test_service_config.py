# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files: what they say, and what is said of wrong ones."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imsafe.cli import service_config as keys
from imsafe.cli.monitor import _parser
from imsafe.cli.service_config import Application, ServiceConfig, _checked, found_file
from imsafe.errors import ImsafeError

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "packaging" / "imsafe.toml"

WHOLE = """
application = "web server"
profile = "web.db"
threshold = 0.7
log = "/var/log/web.log"
log-size = "1M"
log-keep = 7
record = "web.imt"
record-max-size = "1G"
boxes = "boxes"

[source]
kind = "driver"
name = ["nginx", "php"]
path = "/usr/sbin/lighttpd"
unit = "ssh.service"
pid = 17
device = "/run/imsafe/tracer"
follow-exec = false
not-yet-started = true

[actions]
execute = "./mail"

[outputs]
journal = true
syslog = "/dev/log"
json = "alerts.jsonl"
metrics = "web.prom"

[view]
socket = "view"
users = ["alice"]
groups = "imsafe"
"""


def load(folder: Path, text: str) -> ServiceConfig:
    path = folder / "web.toml"
    path.write_text(text)
    return ServiceConfig.load(path)


def test_a_file_says_what_the_options_say(tmp_path):
    config = load(tmp_path, WHOLE)
    assert config.name == "web"
    assert config.applications == [Application("web server", f"{tmp_path}/web.db", 0.7)]
    args = _parser().parse_args(config.words())
    given = {name: value for name, value in vars(args).items() if value not in (None, [], False)}
    assert given == {
        "app": [f"web server={tmp_path}/web.db:0.7"],
        "log": "/var/log/web.log",
        "log_size": 1 << 20,
        "log_keep": 7,
        "record": f"{tmp_path}/web.imt",
        "append": True,
        "max_size": 1 << 30,
        "boxes": f"{tmp_path}/boxes",
        "driver": ["nginx", "php"],
        "path": ["/usr/sbin/lighttpd"],
        "unit": ["ssh.service"],
        "driver_pid": ["17"],
        "device": "/run/imsafe/tracer",
        "no_follow_exec": True,
        "not_yet_started": True,
        "execute": f"{tmp_path}/mail",
        "journal": True,
        "syslog": "/dev/log",
        "alerts": f"{tmp_path}/alerts.jsonl",
        "metrics": f"{tmp_path}/web.prom",
        "view": f"{tmp_path}/view",
        "view_user": ["alice"],
        "view_group": ["imsafe"],
        "speed": "full",
        "format": "auto",
    }


def test_several_applications_and_the_other_sources(tmp_path):
    config = load(
        tmp_path,
        "[applications.nginx]\nprofile = 'nginx.db'\n"
        "[applications.php]\nprofile = '/php.db'\nthreshold = 1\n"
        "[source]\nkind = 'sensor'\nsocket = ['a', 'b']\ngroups = ['web']\n",
    )
    assert config.words() == [
        f"--app=nginx={tmp_path}/nginx.db",
        "--app=php=/php.db:1.0",
        f"--sensor={tmp_path}/a",
        f"--sensor={tmp_path}/b",
        "--allow-group=web",
    ]
    replay = load(tmp_path, "profile='a'\n[source]\nkind='replay'\ntrace='t'\nspeed=2.5")
    assert replay.words() == [f"--profile={tmp_path}/a", f"--replay={tmp_path}/t", "--speed=2.5"]
    command = load(
        tmp_path, "profile='a'\n[source]\nkind='command'\ncommand=['ls', \"-l\\n\"]\nfull=true"
    )
    assert command.words() == [f"--profile={tmp_path}/a", "--full"]
    assert command.command == ["ls", "-l\n"]


SOURCE = "\n[source]\nkind = 'sensor'\nsocket = 's'\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "there is no table [source]"),
        ("profile = 'a'", "there is no table [source]"),
        (SOURCE, "profile is missing: the database to judge by"),
        ("profil = 'a'" + SOURCE, "there is no key 'profil' in the file; allowed are application,"),
        ("profile = 7" + SOURCE, "profile has to be the path of a file, not 7"),
        ("profile = ''" + SOURCE, "profile has to be the path of a file, not ''"),
        ('profile = "a\\nb"' + SOURCE, "profile has to be the path of a file, not 'a\\nb'"),
        ("profile = 'a'\nthreshold = '0.5'" + SOURCE, "threshold has to be a number from 0 to 1"),
        ("profile = 'a'\nthreshold = 1.01" + SOURCE, "a number from 0 to 1, not 1.01"),
        ("profile = 'a'\nthreshold = nan" + SOURCE, "a number from 0 to 1, not nan"),
        ("profile = 'a'\nthreshold = true" + SOURCE, "a number from 0 to 1, not True"),
        ("profile = 'a'\napplication = 'x=y'" + SOURCE, "cannot be the name of an application"),
        ("profile = 'a'\nlog-keep = 0" + SOURCE, "log-keep has to be a number of parts, 1 or"),
        ("profile = 'a'\nrecord-max-size = 'much'" + SOURCE, "a number of bytes"),
        ("profile = 'a'\nsource = 7", "source has to be a table, not 7"),
        ("profile = 'a'\n[source]", "source.kind is missing; allowed are driver, sensor,"),
        ("profile = 'a'\n[source]\nkind = 'tape'", "source.kind cannot be 'tape'; allowed are"),
        ("profile = 'a'\n[source]\nkind = ['driver']", "source.kind cannot be ['driver']"),
        ("profile = 'a'\n[source]\nkind = 'driver'", "of kind driver needs name or path or unit"),
        ("profile = 'a'\n[source]\nkind = 'sensor'\nname = 'x'", "no key 'name' in [source]"),
        ("profile = 'a'\n[source]\nkind = 'sensor'\nsocket = []", "source.socket is an empty list"),
        ("profile = 'a'\n[source]\nkind = 'driver'\npid = ['x']", "source.pid has to be a process"),
        ("profile = 'a'" + SOURCE + "[outputs]\njournal = 1", "outputs.journal has to be true or"),
        ("profile = 'a'" + SOURCE + "[outputs]\nsyslog = 'x'", "outputs.syslog has to be the full"),
        ("profile = 'a'" + SOURCE + "[outputs]\nmail = 'x'", "no key 'mail' in [outputs]; allowed"),
        ("profile = 'a'" + SOURCE + "[view]\ngroups = [1]", "view.groups has to be a text, not 1"),
        ("profile = 'a'" + SOURCE + "[applications.a]\nprofile = 'b'", "beside [applications]"),
        ("[applications]\na = 1" + SOURCE, "applications.a has to be a table, not 1"),
        ("[applications.a]" + SOURCE, "applications.a.profile is missing"),
        ("[applications.a]\nprofile='a'\nlog='b'" + SOURCE, "no key 'log' in [applications.a]"),
        ("profile = ", "is not TOML: Invalid value (at end of document)"),
        ("profile = 'a'\nprofile = 'b'", "is not TOML: Cannot overwrite a value"),
    ],
)
def test_a_mistake_is_a_sentence_with_file_and_key(tmp_path, text, words):
    with pytest.raises(ImsafeError) as raised:
        load(tmp_path, text)
    told = str(raised.value)
    assert told.startswith(f"{tmp_path / 'web.toml'}")
    assert words in told
    assert told.endswith(".")
    assert "\n" not in told


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "web.toml"
    path.write_bytes(b"profile = '\xff'")
    with pytest.raises(ImsafeError, match="is not TOML"):
        ServiceConfig.load(path)
    with pytest.raises(ImsafeError, match="Cannot read"):
        ServiceConfig.load(tmp_path / "none.toml")


_VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), st.text(), st.dates()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=4,
)
_NAMES = st.sampled_from(
    ["application", "applications", "profile", "threshold", "log", "record", "source", "actions",
     "outputs", "view", "kind", "name", "socket", "users", "x"]
)  # fmt: skip


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_NAMES, st.one_of(_VALUES, st.dictionaries(_NAMES, _VALUES))))
def test_nothing_that_a_file_may_hold_is_more_than_an_error(values):
    with contextlib.suppress(ImsafeError):
        config = _checked(Path("/etc/imsafe/web.toml"), values)
        _parser().parse_args(config.words())


def test_a_name_is_looked_for_with_the_user_first(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(ImsafeError, match=r"no configuration web: neither .*/imsafe/web.toml nor"):
        found_file("web")
    (tmp_path / "imsafe").mkdir()
    (tmp_path / "imsafe" / "web.toml").touch()
    assert found_file("web") == tmp_path / "imsafe" / "web.toml"
    assert found_file("./web") == Path("web")
    assert found_file("web.toml") == Path("web.toml")


def test_the_example_is_right_and_the_page_explains_every_key(tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    assert ServiceConfig.load(EXAMPLE).options
    # So is what stands there in comments, in place of what does not.
    everything = load(tmp_path, re.sub(r"^#(?=[a-z-]+ = )", "", text, flags=re.MULTILINE))
    assert len(everything.words()) > 10
    page = (ROOT / "man" / "imsafe.toml.5").read_text(encoding="utf-8").replace("\\-", "-")
    known = {*keys._TOP, *(k for table in keys._TABLES.values() for k in table)}
    for kind, source in keys._SOURCES.items():
        assert f"kind = {kind}" in page
        known |= source.keys()
    for key in known:
        assert re.search(rf"^\.BR? {key}\b", page, flags=re.MULTILINE), key
