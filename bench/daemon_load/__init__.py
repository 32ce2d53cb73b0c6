# SPDX-License-Identifier: GPL-3.0-or-later
"""Real daemons for `bench/daemons.py`: a place of their own, normal load, attacks."""
