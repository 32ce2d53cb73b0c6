# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the manual as HTML: `make docs`, into build/docs."""

from __future__ import annotations

import imsafe

project = "ImSafe"
author = "The ImSafe developers"
release = version = imsafe.__version__

extensions = ["myst_parser"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
# Names of code blocks in stream-format.md, which a test reads, are not all names of languages.
suppress_warnings = ["misc.highlighting_failure"]
exclude_patterns = [
    "README.md"
]  # the list of these files for those who read them in the repository

html_theme = "furo"
html_title = f"ImSafe {version}"
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False
