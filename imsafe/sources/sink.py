# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a tracer's items go: a file that it waits for, or a socket that it does not."""

from __future__ import annotations

from typing import Protocol

from imsafe.stream.items import Item


class Sink(Protocol):
    """Where a tracer's items go."""

    def write(self, item: Item) -> None:
        """Take an item; may wait, or lose calls and count them.

        Raises
        ------
        ImsafeError
            It cannot take any more: the recording ends here.
        """

    def tick(self) -> bool:
        """Called at least three times a second; False when nobody wants the calls any more.

        Raises
        ------
        ImsafeError
            As `write`.
        """

    def close(self, totals: dict[str, int]) -> None:
        """No item comes any more; called exactly once.

        Raises
        ------
        ImsafeError
            The last items could not be stored.
        """
