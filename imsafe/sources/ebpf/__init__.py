# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel tracer: a small root process that loads `kernel/tracer.c` and streams calls.

It is started by `imsafe.sources.kernel`; nothing else imports from here.
"""
