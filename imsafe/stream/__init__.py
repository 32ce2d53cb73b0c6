# SPDX-License-Identifier: GPL-3.0-or-later
"""The stream format: one for sockets and for disk, and the importers that lead into it."""
