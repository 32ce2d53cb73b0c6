# SPDX-License-Identifier: GPL-3.0-or-later
"""Where streams come from: sensors, recorded traces, and the tracers themselves."""
