# SPDX-License-Identifier: GPL-3.0-or-later
"""Surprise, -log2 of a probability, as a whole number of 2^-32 bits.

Window sums of whole numbers are exact, so no chunking of the input can change
a score.  The logarithm is made of nothing but IEEE multiplications: libraries
differ in the last bit of theirs, and a recording must replay to the same
scores on every machine.
"""

from __future__ import annotations

import math

from imsafe.profile.compiled import inlined

UNIT_BITS = 32
BIT = 1 << UNIT_BITS
"""One bit of surprise."""


@inlined
def surprise(probability: float) -> int:
    """-log2(`probability`) in units of 2^-32 bit, rounded to nearest; 0 < probability <= 1.

    The binary digits of log2 of the mantissa by repeated squaring: squaring
    doubles the logarithm, whose whole part is then the next digit.
    """
    mantissa, exponent = math.frexp(probability)
    mantissa *= 2.0
    exponent -= 1
    digits = 0
    for _ in range(UNIT_BITS + 1):  # one more, to round
        mantissa *= mantissa
        digits <<= 1
        if mantissa >= 2.0:
            mantissa *= 0.5
            digits |= 1
    return max(-(exponent << UNIT_BITS) - ((digits + 1) >> 1), 0)
