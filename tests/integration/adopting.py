"""For tests of adoption: the real file, and files that a test writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger.adoption import AdoptionResult, BadRow, adopt
from ledger.errors import AdoptionError, TableError
from ledger.spreadsheets import Layout

REAL_FILE = Path(__file__).resolve().parents[1] / "demo" / "data" / "online-retail-invoices.csv"
REAL_PATTERN = r"^(?P<kind>[CA]?)(?P<counter>\d+)$"
REAL_SERIES = {"template": "{counter}", "calendar": "never", "time_zone": "Europe/London"}

#: A plain yearly series.
YEARLY: dict[str, Any] = {"template": "INV-{year}-{counter:04}", "calendar": "year", "time_zone": "Europe/Berlin"}

Write = Callable[..., Path]


def adopt_real_file(**options: Any) -> AdoptionResult:
    layout = Layout(pattern=REAL_PATTERN, customer_column="customer", keep_columns=("country",))
    return adopt(REAL_FILE, series="invoice", layout=layout, settings=REAL_SERIES, **options)


def refused(path: Path, **options: Any) -> tuple[list[BadRow], AdoptionError | TableError]:
    """The bad rows of a file that is refused, and the error."""
    rows: list[BadRow] = []
    try:
        adopt(path, series="invoice", on_bad_row=rows.append, **{"settings": YEARLY, **options})
    except (AdoptionError, TableError) as error:
        return rows, error
    raise AssertionError("the file was adopted")
