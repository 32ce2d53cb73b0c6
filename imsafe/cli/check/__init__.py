# SPDX-License-Identifier: GPL-3.0-or-later
"""imsafe check: what works on this machine, what is missing, and the command that mends it."""
