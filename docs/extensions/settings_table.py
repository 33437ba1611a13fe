"""The directives ``sweep-times`` and ``default-series``: the defaults of ``LEDGER`` in ledger/conf.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ledger import conf


class SweepTimes(SphinxDirective):
    """A table of each sweep with its times in seconds."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        rows = [(name, f"{times['every']:g}", f"{times['limit']:g}") for name, times in conf.SWEEPS.items()]
        return [_table(("sweep", "every (s)", "limit (s)"), rows)]


class DefaultSeries(SphinxDirective):
    """A table of the series that Folio creates at their first use."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        rows = [(code, each["template"], each["calendar"]) for code, each in conf.DEFAULT_SERIES.items()]
        return [_table(("series", "template", "calendar"), rows)]


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> nodes.table:
    titles = list(header)
    group = nodes.tgroup("", *[nodes.colspec(colwidth=1) for _ in titles], cols=len(titles))
    group += nodes.thead("", nodes.row("", *[nodes.entry("", nodes.paragraph(text=title)) for title in titles]))
    body = nodes.tbody()
    for row in rows:
        cells = [nodes.entry("", nodes.paragraph("", "", nodes.literal(text=cell))) for cell in row]
        body += nodes.row("", *cells)
    group += body
    return nodes.table("", group)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("sweep-times", SweepTimes)
    app.add_directive("default-series", DefaultSeries)
    return {"parallel_read_safe": True}
