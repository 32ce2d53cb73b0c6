# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources and profiles in; scores, alerts, logs and a view for windows out."""
