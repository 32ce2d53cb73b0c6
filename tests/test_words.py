# SPDX-License-Identifier: GPL-3.0-or-later
from imsafe.words import number_of


def test_a_number_and_its_noun() -> None:
    assert number_of(0, "call") == "0 calls"
    assert number_of(1, "call") == "1 call"
    assert number_of(2000, "call") == "2,000 calls"
    assert number_of(1, "process", "processes") == "1 process"
    assert number_of(2, "call was lost", "calls were lost") == "2 calls were lost"
