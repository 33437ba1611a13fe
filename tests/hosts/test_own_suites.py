"""django-invoicing and django-plans: their own tests under Folio, each that doesn't pass named; and its invoices."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.hosts import installation
from tests.hosts.own_suites import compare, results

pytestmark = pytest.mark.live

HERE = Path(__file__).parent
TESTING = ("pytest", "pytest-django", "freezegun", "psycopg[binary]")

#: The tests that only pass without Folio, by their names, and why.
INVOICING = {
    "TestSequenceGeneratorFillGaps::test_get_next_sequence_forwards_fill_gaps": "gives freed numbers again",
    "TestSequenceGeneratorFillGaps::test_save_honours_instance_attribute": "gives freed numbers again",
    "TestInvoice::test_get_next_sequence_daily": "wants days, where the series has years",
    "TestInvoice::test_get_next_sequence_monthly": "wants months, where the series has years",
}

PLANS = {
    "TestInvoice::test_invoice_number_annually": "wants PLANS_INVOICE_NUMBER_FORMAT, where the series has its template",
    "TestInvoice::test_invoice_number_custom": "wants a function's counters, where the series counts by its calendar",
    "TestInvoice::test_invoice_number_daily": "wants days, whose own form gives a number twice: refused",
}

PACKAGES = {
    "plans": ("django-plans", "Pillow", "model_bakery", "django-concurrent-test-helper"),
    "invoicing": ("django-invoicing", "django-outputs", "django-gm2m", "requests-futures"),
}


def environment(host: str) -> str:
    try:
        return installation.python(host, HERE / f"{host}-constraints.txt", *PACKAGES[host], *TESTING)
    except installation.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize(("host", "reasons"), [("invoicing", INVOICING), ("plans", PLANS)])
def test_own_suite(host: str, reasons: dict[str, str], tmp_path: Path) -> None:
    python = environment(host)
    chosen = ("-o", "python_files=test*.py", "--pyargs", f"{host}.tests")
    asked = (python, f"tests.hosts.{host}_settings", tmp_path, *chosen)
    without, under = (results(*asked, with_folio=folio) for folio in (False, True))
    figures, worse = compare(without, under)
    assert set(worse) == set(reasons), figures
    assert list(under.values()).count("passed") > 100, figures


def test_invoices_of_django_plans(tmp_path: Path) -> None:
    python = environment("plans")
    cases = shutil.copy(HERE / "plans_cases.py", tmp_path)  # away from the fixtures of our own tests
    outcomes = results(python, "tests.hosts.plans_settings", tmp_path, str(cases), with_folio=True)
    assert len(outcomes) == 6
    assert set(outcomes.values()) == {"passed"}, (tmp_path / "tests.hosts.plans_settings-True.txt").read_text()
