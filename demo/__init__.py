# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: a real web server is recorded, learned, watched and attacked."""
