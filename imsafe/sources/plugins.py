# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that other packages add, through the entry point group ``imsafe.sources``.

An entry point names something that is called with one text, what stands after
the source's name and a colon, and gives a `imsafe.sources.base.Source`.
docs/write-a-source.md has a whole one.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from imsafe.errors import ImsafeError, SourceError
from imsafe.sources.base import Source

GROUP = "imsafe.sources"


def plugin_names() -> list[str]:
    """The sources that installed packages add."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def plugin_source(text: str) -> Source:
    """The source that ``NAME`` or ``NAME:ARGUMENT`` names, not yet opened.

    Raises
    ------
    SourceError
        No package adds such a source, its package fails, or it refuses the argument.
    """
    name, _, argument = text.partition(":")
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if not points:
        known = plugin_names()
        there = f"there are {', '.join(known)}" if known else "no installed package adds one"
        raise SourceError(f"There is no source {name[:60]!r}: {there} (docs/write-a-source.md).")
    try:
        source = points[0].load()(argument)
    except ImsafeError:
        raise
    except Exception as error:
        raise SourceError(
            f"The source {name!r}, which {points[0].value} adds, fails:"
            f" {type(error).__name__}: {error}."
        ) from error
    if not isinstance(source, Source):
        raise SourceError(
            f"The source {name!r}, which {points[0].value} adds, lacks something that ImSafe asks"
            " of a source (imsafe/sources/base.py)."
        )
    return source
