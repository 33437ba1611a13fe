"""PDF: a summary that can be signed, then every part as a table. For people; the other formats have all columns."""

from typing import IO

from ledger.reports.formats import Format, Warn, needs
from ledger.reports.report import Report


def write(report: Report, target: IO[bytes], warn: Warn) -> None:
    """The whole document; warns of scripts that no font of this machine has."""
    try:
        from ledger.reports.paper.document import draw
    except ModuleNotFoundError as error:
        raise needs("fpdf2, or uharfbuzz,") from error
    draw(report, target, warn)


FORMAT = Format("pdf", "PDF", ".pdf", "application/pdf", streams=False, write=write)
