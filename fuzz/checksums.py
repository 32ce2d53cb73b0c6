# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts right the checksums and lengths of a mutated stream, so that what is behind them is reached.

A fuzzer that flips a byte of a frame would otherwise test the checksum and nothing else.
"""

from __future__ import annotations

import struct
import zlib

from imsafe.stream.frames import HEADER_SIZE, MAGIC, MAX_PAYLOAD, SEGMENT_HEADER_SIZE


def with_checksums(octets: bytes) -> bytes:
    """The same bytes; each header and frame has the checksum of what it holds.

    A length that points beyond the end becomes what is left.
    """
    data = bytearray(octets)
    at = 0
    while at < len(data):
        if data[at] == MAGIC[0]:
            fixed, size = at + len(MAGIC), SEGMENT_HEADER_SIZE
        else:
            fixed, size = at, HEADER_SIZE
        end = at + size
        if end > len(data):
            break
        # Both end with a length and a checksum of 4 bytes each, over `fixed` up to the checksum.
        (length,) = struct.unpack_from("<I", data, end - 8)
        if length > len(data) - end and length <= MAX_PAYLOAD:
            length = len(data) - end
            struct.pack_into("<I", data, end - 8, length)
        payload = bytes(data[end : end + length])
        checksum = zlib.crc32(payload, zlib.crc32(data[fixed : end - 4]))
        struct.pack_into("<I", data, end - 4, checksum)
        at = end + length
    return bytes(data)
