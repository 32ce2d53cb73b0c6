# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that a user can cause or mend; anything else is a bug of ours.

Every message is one sentence or two: what happened, to which file or process,
and what to do about it.  The command line prints it on one line and ends with
status 2; the window shows it in a dialog.
"""

from __future__ import annotations

import os
from pathlib import Path

from imsafe.words import is_english, translate


class ImsafeError(Exception):
    """Something the user can cause or mend."""


class StreamError(ImsafeError):
    """Bytes that are not a stream, or a stream that breaks its own rules."""


class CutShort(StreamError):
    """A trace of which the last part could not be read; all that stands before was given."""


class ProfileError(ImsafeError):
    """A profile that cannot be opened, understood or saved."""


class SourceError(ImsafeError):
    """A source that cannot be opened, or that may not be trusted."""


class TraceeError(SourceError):
    """A program that cannot be started or attached to."""


class OutputError(ImsafeError, OSError):
    """Standard output that cannot be written: a full disk, say."""

    def __str__(self) -> str:
        return str(cannot("write", "standard output", self))


class FileExistsRefused(ImsafeError):
    """A file that exists and that nobody said may be replaced."""


class ChangedMeanwhile(ImsafeError):
    """A file that another program has changed since it was read."""


def reason(error: OSError) -> str:
    """The system's words for an `OSError`, without numbers or file names."""
    return error.strerror or str(error)


def cannot(verb: str, path: str | os.PathLike[str], error: OSError) -> ImsafeError:
    """Make the sentence for a failed operation: ``Cannot read X: permission denied.``.

    Parameters
    ----------
    verb
        ``read``, ``write`` or ``open``; of others the window's user reads English.
    """
    words = {
        "read": translate("errors", "Cannot read {0}: {1}."),
        "write": translate("errors", "Cannot write {0}: {1}."),
        "open": translate("errors", "Cannot open {0}: {1}."),
    }.get(verb, f"Cannot {verb} {{0}}: {{1}}.")
    # Not in languages whose nouns are capitals.
    why = reason(error).lower() if is_english() else reason(error)
    return ImsafeError(words.format(Path(path), why))
