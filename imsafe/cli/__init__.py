# SPDX-License-Identifier: GPL-3.0-or-later
"""The `ims-*` programs and `imsafe check`."""
