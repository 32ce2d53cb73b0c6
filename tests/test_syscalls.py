# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of system calls, against the system's own headers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsafe._syscall_table import NAMES
from imsafe.errors import ImsafeError
from imsafe.events import OUT_OF_RANGE, Abi
from imsafe.syscalls import alphabet, name, number, symbol_of

HEADERS = Path("/usr/include/x86_64-linux-gnu/asm")
DEFINITION = re.compile(r"^#define __NR_(\w+) (?:\(__X32_SYSCALL_BIT \+ )?(\d+)\)?$", re.MULTILINE)


@pytest.mark.parametrize(
    ("abi", "header"),
    [(Abi.X86_64, "unistd_64.h"), (Abi.I386, "unistd_32.h"), (Abi.X32, "unistd_x32.h")],
)
def test_agrees_with_the_headers(abi: Abi, header: str) -> None:
    path = HEADERS / header
    if not path.exists():
        pytest.skip(f"{path} is not here (package linux-libc-dev)")
    defined = {call: int(n) for call, n in DEFINITION.findall(path.read_text())}
    assert len(defined) > 300, "the header's layout is not understood"
    ours = {call: number(abi, call) for call in defined}
    assert ours == defined
    suffix = "" if abi is Abi.X86_64 else f"@{abi.name.lower()}"
    assert {call: name(abi << 16 | n) for call, n in defined.items()} == {
        call: call + suffix for call in defined
    }


def test_every_abi_of_the_issue_has_a_table() -> None:
    for abi in (Abi.X86_64, Abi.I386, Abi.X32, Abi.AARCH64, Abi.ARM):
        assert alphabet(abi) == len(NAMES[abi]) > 250
    assert alphabet(Abi.UNKNOWN) == alphabet(Abi.FOREIGN) == 512
    assert name(Abi.AARCH64 << 16 | 56) == "openat@aarch64"
    assert name(Abi.ARM << 16 | 5) == "open@arm"


def test_all_names_of_all_tables_are_distinct_and_lead_back() -> None:
    known = [abi << 16 | n for abi, table in NAMES.items() for n in table]
    names = [name(symbol) for symbol in known]
    assert len(set(names)) == len(names)
    assert [symbol_of(text) for text in names] == known


@given(st.sampled_from(list(Abi)), st.integers(0, 0xFFFF))
def test_a_name_leads_back_to_its_symbol(abi: Abi, n: int) -> None:
    symbol = abi << 16 | n
    assert symbol_of(name(symbol)) == symbol


@given(st.tuples(*[st.tuples(st.sampled_from(list(Abi)), st.integers(0, 0xFFFF))] * 2))
def test_two_symbols_never_share_a_name(pair: tuple[tuple[Abi, int], tuple[Abi, int]]) -> None:
    (abi, n), (other_abi, other) = pair
    same = name(abi << 16 | n) == name(other_abi << 16 | other)
    assert same == ((abi, n) == (other_abi, other))


def test_unknown_numbers_stay_two_and_out_of_range_is_none_of_them() -> None:
    assert name(Abi.X86_64 << 16 | 999) == "syscall_999"
    assert name(Abi.X86_64 << 16 | 1000) == "syscall_1000"
    assert name(Abi.I386 << 16 | 999) == "syscall_999@i386"
    assert name(Abi.X86_64 << 16 | OUT_OF_RANGE) == "syscall_out_of_range"
    assert number(Abi.X86_64, "syscall_out_of_range") == OUT_OF_RANGE
    assert number(Abi.X86_64, "syscall_65535") is None


def test_the_same_number_is_another_call_in_another_abi() -> None:
    assert name(Abi.X86_64 << 16 | 1) == "write"
    assert name(Abi.I386 << 16 | 1) == "exit@i386"
    assert symbol_of("open") != symbol_of("open@i386") != symbol_of("open@x32")


@pytest.mark.parametrize(
    "text", ["", "opne", "open@", "open@vax", "@i386", "syscall_65535", "syscall_99999999999999999"]
)
def test_what_is_no_call_is_refused_in_words(text: str) -> None:
    with pytest.raises(ImsafeError, match="No system call is called"):
        symbol_of(text)


def test_a_call_that_one_abi_has_and_another_has_not() -> None:
    assert number(Abi.X86_64, "waitpid") is None
    assert number(Abi.I386, "waitpid") == 7


def test_the_table_is_what_the_generator_writes(tmp_path: Path) -> None:
    pytest.importorskip("system_calls", reason="the extra `generate` is not installed")
    import importlib.metadata
    import importlib.util

    root = Path(__file__).resolve().parent.parent
    spec = importlib.util.spec_from_file_location("generate", root / "tools/generate_syscalls.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    committed = generator.TARGET.read_text()
    if f"system-calls {importlib.metadata.version('system-calls')}," not in committed:
        pytest.skip("another version of system-calls is installed than the table was made from")
    generator.TARGET = tmp_path / "table.py"
    generator.main()
    assert generator.TARGET.read_text() == committed
