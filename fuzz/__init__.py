# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzing of everything that reads foreign bytes: `make fuzz`, and in short with `make test`."""
