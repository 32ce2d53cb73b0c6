# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs ``imsafe``, ``ims-*`` and ``imsafe check``."""

import signal
import sys
from pathlib import Path

# While one of them is being loaded Ctrl-C ends it as it ends any program, without a traceback;
# from `common.run` on it is caught.  Whoever else imports this keeps what is set.
if (sys.argv[:1] == ["-m"] or Path(*sys.argv[:1]).name.startswith("ims")) and signal.getsignal(
    signal.SIGINT
) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
