# SPDX-License-Identifier: GPL-3.0-or-later
"""The `imsafe` program: the window, and `imsafe check`."""

from __future__ import annotations

import sys

from imsafe.cli.common import Parser, run
from imsafe.errors import ImsafeError

EXAMPLES = """\
  imsafe                     the window, as it was left
  imsafe ftpd.db             the window, with this behaviour database
  imsafe week.imt            the window, to replay this trace
  imsafe scores.log          the plot of this score log
  imsafe --view /run/imsafe/monitor/vsftpd/view
                             the window of a monitor that runs as a service
  imsafe check               what works on this machine, and what is missing
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
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["check"]:
        from imsafe.cli.check.program import main as check  # noqa: PLC0415

        return check(arguments[1:])
    parser = Parser(
        "imsafe",
        "Watches what applications do, and tells when they stop behaving as learned.",
        EXAMPLES,
    )
    parser.usage = "imsafe [-h] [--version] [--view SOCKET] [FILE]\n       imsafe check [--json]"
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a behaviour database, a trace or a score log"
    )
    parser.add_argument(
        "--view", metavar="SOCKET", help="follow the monitor that serves its view there"
    )
    options = parser.parse_args(arguments)
    return run("imsafe", lambda: _show(options.file, options.view))


def _show(file: str | None, view: str | None) -> int:
    # Imported only now: --help, --version and check need no Qt.
    from imsafe.gui.file_kinds import file_kind  # noqa: PLC0415

    if file is not None:
        file_kind(file)  # said on the terminal, before there is a window
    try:
        from imsafe.gui.app import show_main_window  # noqa: PLC0415
    except ImportError as error:
        raise ImsafeError(
            f"The window needs PyQt6 and pyqtgraph: {error}; `imsafe check` says how to get them."
        ) from error
    return show_main_window(file, view)


if __name__ == "__main__":
    sys.exit(main())
