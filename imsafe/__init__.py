# SPDX-License-Identifier: GPL-3.0-or-later
"""ImSafe learns how an application uses system calls, and tells when it stops doing so."""

__version__ = "1.0.0.dev0"
