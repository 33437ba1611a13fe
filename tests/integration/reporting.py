"""For the tests of reports: a ledger with every kind of value, and readers of the files."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pypdfium2
from django.db import connection, transaction

from ledger import define_series, issue, void
from ledger.actions import explain
from ledger.models import Entry, Period, Series
from ledger.reports.formats import formats
from ledger.reports.report import Report, continuity_report
from tests.integration.queues import DAY, reserve

PINNED = datetime(2026, 11, 21, 12, tzinfo=UTC)


def number(code: str, on: date, **how: Any) -> Entry:
    with transaction.atomic():
        entry = issue(code, on=on, **how)
    return Entry.objects.get(pk=entry.pk)


def flagged(period: Period, cause: str = "not committed") -> Entry:
    """A gap at the next value, as the sweep would leave it."""
    reserve(period, on=min(max(DAY, period.starts_on), period.ends_on))
    period.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ledger_claim_gap(%s, %s, %s, %s, 'sweep', false)",
            [period.tenant, period.pk, period.last_value, cause],
        )
        assert cursor.fetchone() == ("flagged",)
    return Entry.objects.get(tenant=period.tenant, period=period, value=period.last_value)


def eventful(org: str = "shop") -> Series:
    """Values 1 to 8 of ``bill``: 1 and 2 issued, 3 and 4 gaps, 5 issued and void, 6 a gap, 7 reserved, 8 issued."""
    series = define_series(
        "bill", org=org, template="B{year}-{counter:03}", time_zone="Asia/Kolkata", allocation="reserved"
    )
    number("bill", date(2026, 1, 30), org=org, document="order:1")
    number("bill", date(2026, 1, 31), org=org, document="order:2")
    period = Period.objects.get(series=series)
    explain(flagged(period), explanation="card refused", by="ada")
    flagged(period)
    wrong = number("bill", date(2026, 2, 1), org=org, document="order:5")
    flagged(period)
    reserve(period, "order:7", on=date(2026, 2, 2))
    number("bill", date(2026, 2, 3), org=org, document="order:8")
    void(wrong, reason="wrong address", by="bea", replacement="order:8")
    return series


def rows(report: Report, name: str) -> list[Any]:
    (part,) = [part for part in report.parts if part.name == name]
    return list(part.rows())


def part_rows(name: str, **asked: Any) -> list[Any]:
    """The rows of a part of a report."""
    with continuity_report(**asked) as report:
        return rows(report, name)


def written(format_name: str, *, warnings: list[str] | None = None, **asked: Any) -> bytes:
    """A report as a file."""
    out = io.BytesIO()
    with continuity_report(**{"made_at": PINNED, **asked}) as report:
        formats()[format_name].write(report, out, (warnings if warnings is not None else []).append)
    return out.getvalue()


def csv_tables(file: bytes) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        return {
            name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
            for name in archive.namelist()
        }


def sheets(file: bytes) -> dict[str, str]:
    """The XML of each sheet of a workbook, by its name, with the styles as ``styles``."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        book = archive.read("xl/workbook.xml").decode()
        names = re.findall(r'<sheet name="([^"]+)"', book)
        found = {name: archive.read(f"xl/worksheets/sheet{at}.xml").decode() for at, name in enumerate(names, 1)}
        return found | {"styles": archive.read("xl/styles.xml").decode(), "book": book}


@contextmanager
def pdf(file: bytes) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(file)
    try:
        yield document
    finally:
        document.close()


def pdf_text(file: bytes) -> str:
    """The text of all pages."""
    return "\n".join(pdf_pages(file))


def pdf_pages(file: bytes) -> list[str]:
    """The text of each page."""
    with pdf(file) as document:
        texts = []
        for page in document:
            text_page = page.get_textpage()
            texts.append(text_page.get_text_bounded())
            text_page.close()
            page.close()
        return texts


@contextmanager
def unguarded() -> Iterator[Any]:
    """A cursor of somebody who switches the guards of the entries off, and on again."""
    guards = ("ledger_append_only_rows", "ledger_entry_fits")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER USER")
        try:
            yield cursor
        finally:
            for guard in guards:
                cursor.execute(f"ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER {guard}")
