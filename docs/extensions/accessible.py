"""Adds to each written page what the theme lacks for keyboards and screen readers.

The browser test (tests/browser/test_docs_site.py) fails when a new version of the theme needs less of it, or more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_REPAIRS = (
    # A caption of the navigation is a heading, so it needs a level.
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    # Two landmarks of one kind need names.
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="This page">'),
    ('<aside class="toc-drawer no-toc">', '<aside class="toc-drawer no-toc" aria-label="This page">'),
    # The parameters of a long signature, one on each line: a list with only definitions is no definition list.
    ("<dl>\n<dd>", '<dl role="presentation">\n<dd>'),
    # What scrolls sideways on a phone must also scroll by keyboard.
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper ', '<div tabindex="0" class="table-wrapper '),
)


def _repair(app: Sphinx, failure: Exception | None) -> None:
    if failure is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for before, after in _REPAIRS:
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.connect("build-finished", _repair)
    return {"parallel_read_safe": True}
