# SPDX-License-Identifier: GPL-3.0-or-later
"""The `ims-plot` program: a score log as a plot, in a window or as an image."""

from __future__ import annotations

import sys

from imsafe.cli.common import OK, Parser, a_file, run
from imsafe.errors import ImsafeError

EXAMPLES = """\
  ims-plot scores.log                 in a window, also while it is still being written
  ims-plot scores.log -o scores.png   as an image; needs no display
  ims-plot scores.log -o scores.svg   as a drawing
"""


def main(argv: list[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    argv
        Arguments without the program's name; None for those of the process.

    Returns
    -------
    int
        0, or 2 after an error.
    """
    parser = Parser("ims-plot", "Plots the whole history in a score log of ims-monitor.", EXAMPLES)
    parser.add_argument("log", metavar="LOG", help="the score log")
    parser.add_argument(
        "-o",
        "--output",
        metavar="IMAGE",
        type=a_file,
        help="write a .png or .svg file (or .csv), no window",
    )
    parser.add_argument("--force", action="store_true", help="replace IMAGE if it exists")
    options = parser.parse_args(argv)
    return run("ims-plot", lambda: _plot(options.log, options.output, force=options.force))


def _plot(log: str, image: str | None, *, force: bool) -> int:
    try:
        from imsafe.gui.app import show_log, write_log_image  # noqa: PLC0415
    except ImportError as error:
        raise ImsafeError(
            f"Plotting needs PyQt6 and pyqtgraph: {error}; `imsafe check` says how to get them."
        ) from error
    if image is None:
        return show_log(log)
    write_log_image(log, image, replace=force)
    return OK


if __name__ == "__main__":
    sys.exit(main())
