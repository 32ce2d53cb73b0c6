# SPDX-License-Identifier: GPL-3.0-or-later
"""What is normal: the prefix tree, learning, scoring, calibration, and the `.db`."""
