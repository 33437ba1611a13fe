"""The document's own month in a number, beside a counter that runs for longer; and labels of explicit periods."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from ledger import close_period, define_series, issue, issue_many, open_period, preview, sql
from ledger.adoption import adopt
from ledger.errors import AdoptionError, InvalidSeries, InvalidTemplate, PeriodConflict
from ledger.gaps import flagged_gaps, sweep
from ledger.models import Entry, Reservation, Slot
from ledger.reports.report import continuity_report
from ledger.rules import Outcome
from ledger.spreadsheets import Layout
from ledger.verification import verify
from tests.allocations import ALL, rolled_back
from tests.integration.adopting import Write
from tests.integration.queues import pooled
from tests.integration.reporting import rows, unguarded

pytestmark = pytest.mark.django_db(transaction=True)

NOVEMBER, DECEMBER = date(2026, 11, 30), date(2026, 12, 1)
BILLS: dict[str, Any] = {"template": "BILL/{year}/{doc_month}/{counter:04}", "time_zone": "UTC"}


def take(code: str = "bill", on: date = NOVEMBER, document: str | None = None) -> str:
    """The number that a committed checkout gets."""
    with transaction.atomic():
        entry = issue(code, on=on, document=document)
    return Entry.objects.get(pk=entry.pk).number


@pytest.mark.parametrize("allocation", ALL)
def test_the_month_is_the_documents_and_the_counter_is_the_years(allocation: str) -> None:
    define_series("bill", **BILLS, allocation=allocation)
    assert preview("bill", on=DECEMBER) == "BILL/2026/12/0001"
    numbers = [take(on=on) for on in (NOVEMBER, DECEMBER, NOVEMBER)]
    with transaction.atomic():
        issue_many("bill", documents=["a", "b"], on=DECEMBER)
    assert numbers == ["BILL/2026/11/0001", "BILL/2026/12/0002", "BILL/2026/11/0003"]
    assert [entry.number for entry in Entry.objects.order_by("value")][3:] == ["BILL/2026/12/0004", "BILL/2026/12/0005"]
    assert not list(verify())


def test_a_counter_for_ever_may_show_the_whole_date() -> None:
    define_series("bill", template="{doc_year}{doc_month}{doc_day}-{counter}", calendar="never", time_zone="UTC")
    assert [take(on=NOVEMBER), take(on=DECEMBER)] == ["20261130-1", "20261201-2"]


def test_the_periods_own_tokens_stay_required() -> None:
    with pytest.raises(InvalidTemplate, match="two periods would render the same number"):
        define_series("bill", template="{doc_year}-{doc_month}-{counter}", calendar="year")
    with pytest.raises(
        InvalidTemplate, match="tokens .doc_year., .doc_month., .doc_day. are those of the document's own date"
    ):
        define_series("bill", template="{year}-{month}-{counter}", calendar="year")
    with pytest.raises(InvalidTemplate, match="renders the text {doc_month}"):
        define_series("bill", template="{year}{{doc_month}}{counter}", calendar="year")


def test_the_length_limit_counts_digits_and_not_tokens() -> None:
    series = define_series("bill", **BILLS, max_length=17)
    assert open_period(series, NOVEMBER).max_value == 9999


def test_a_gap_shows_the_month_of_its_reservation() -> None:
    define_series("bill", **BILLS, allocation="reserved")
    with rolled_back():
        issue("bill", on=NOVEMBER)
    assert Reservation.objects.get().value == 1
    take(on=DECEMBER)
    sweep(grace=timedelta(0))
    (gap,) = flagged_gaps()
    assert gap.number == "BILL/2026/11/0001"
    with continuity_report(tenant="") as report:
        assert [row.start_number for row in rows(report, "gaps")] == ["BILL/2026/11/0001"]
    assert not list(verify())


def test_a_gap_without_a_reservation_shows_hyphens() -> None:
    period = pooled("bill", **{**BILLS, "template": "BILL/{year}/{doc_month}/{counter:04}"})
    Entry.objects.create(
        tenant="",
        series=period.series,
        period=period,
        value=2,
        kind="issued",
        number="BILL/2026/12/0002",
        issued_on=DECEMBER,
    )
    Slot.objects.filter(value=2).delete()
    assert period.number_of(2) == "BILL/2026/12/0002", "that of its entry"
    assert period.number_of(3) == "BILL/2026/--/0003", "no document has it yet"
    close_period(period, early=True)
    assert [gap.number for gap in flagged_gaps()] == ["BILL/2026/--/0001"]
    assert not list(verify())


def test_a_number_of_another_month_is_tampered_with() -> None:
    define_series("bill", **BILLS)
    take()
    with unguarded() as cursor:
        cursor.execute("UPDATE ledger_entry SET number = 'BILL/2026/10/0001'")
    assert {alarm.check for alarm in verify()} == {"wrong-number"}


class TestFormatsThatCollide:
    @pytest.mark.parametrize(
        ("template", "meets"),
        [
            ("BILL/2026/11/{counter:04}", True),
            ("BILL/2026/{doc_day}/{counter:04}", True),
            ("bill/2026/1{counter}/0001", True),
            ("BILL/2026/{counter}", False),
            ("BILL/2026/1x/{counter:04}", False),
            ("BILL/2027/{doc_month}/{counter:04}", True),  # next year's period
            ("BILL/2020/{doc_month}/{counter:04}", False),
        ],
    )
    @pytest.mark.parametrize("first", ["bill", "other"])
    def test_another_series_that_could_give_out_the_same_number(self, template: str, meets: bool, first: str) -> None:
        wanted = {"bill": BILLS, "other": {"template": template, "calendar": "never", "time_zone": "UTC"}}
        open_period(define_series(first, **wanted.pop(first)), NOVEMBER)
        ((second, settings),) = wanted.items()
        if not meets:
            open_period(define_series(second, **settings), NOVEMBER)
            return
        with pytest.raises(InvalidSeries, match="could give out a number"):
            define_series(second, **settings)

    @pytest.mark.parametrize(
        ("prefix", "meets"), [("BILL/2026/11/", True), ("bill/2026/12/", True), ("BILL/2027/", False)]
    )
    def test_the_period_is_found_from_either_side(self, prefix: str, meets: bool) -> None:
        """This includes periods that nobody could foresee when the series was defined, such as one decades later."""
        ours, theirs = "BILL/2026/{doc_month}/", prefix
        for opened, asked in ((ours, theirs), (theirs, ours)):
            with connection.cursor() as cursor, transaction.atomic():
                template = f"{opened}{{counter:04}}"
                open_period(define_series("opened", template=template, calendar="never", time_zone="UTC"), NOVEMBER)
                cursor.execute("SELECT ledger_colliding_period('', %s, 4, '', 1, 9999, NULL, NULL)", [asked])
                assert (cursor.fetchone()[0] is not None) is meets
                transaction.set_rollback(True)


class TestAdoption:
    def test_a_history_of_such_numbers(self, write: Write) -> None:
        path = write("BILL/2026/11/0001,2026-11-05", "BILL/2026/12/0003,2026-12-05")
        adopt(path, series="bill", settings=BILLS)
        assert take(on=DECEMBER) == "BILL/2026/12/0004"
        assert not list(verify())

    def test_another_months_number_is_kept_with_its_date(self, write: Write) -> None:
        result = adopt(write("BILL/2026/10/0001,2026-11-05"), series="bill", settings=BILLS)
        assert (result.contradicting, result.examples) == (1, ("the number BILL/2026/10/0001 is dated 2026-11-05",))
        assert take(on=DECEMBER) == "BILL/2026/12/0002"
        assert not list(verify())

    def test_a_number_that_such_a_series_may_still_give_out(self, write: Write) -> None:
        open_period(define_series("bill", **BILLS), NOVEMBER)
        told: list[Any] = []
        old = {"template": "OLD-{counter}", "calendar": "never", "time_zone": "UTC"}
        with pytest.raises(AdoptionError):
            adopt(
                write("BILL/2026/12/0007,2026-11-05"),
                series="old",
                settings=old,
                on_bad_row=told.append,
                layout=Layout(pattern=r"^BILL/2026/12/(?P<counter>\d+)$"),
            )
        assert "one that a series of the tenant may still give out" in str(told[0])


def test_gstr1_has_one_run_over_the_days_of_a_month() -> None:
    template = "B{year:2}/{doc_day}/{counter:04}"
    define_series("bill", template=template, time_zone="Asia/Kolkata", rules="IN")
    for on in (date(2026, 4, 6), date(2026, 4, 7), date(2026, 4, 7)):
        take(on=on)
    out = StringIO()
    options = ["--month=2026-04", "--gstin=27AAPFU0939F1ZV", "--map=bill=1"]
    call_command("ledger_declare", "gstr1", *options, stdout=out, stderr=StringIO())
    (document,) = json.loads(out.getvalue())["doc_issue"]["doc_det"]
    assert [(row["from"], row["to"], row["totnum"]) for row in document["docs"]] == [("B26/06/0001", "B26/07/0003", 3)]


def test_rules_judge_a_number_of_some_date() -> None:
    series = define_series("bill", template="B{year:2}{doc_month}/{counter:04}", time_zone="UTC", rules="IN-einvoice")
    assert {finding.outcome for finding in series.rule_findings()} == {Outcome.PASSED}


class TestLabels:
    NEPAL: dict[str, Any] = {"template": "B{label}-{counter:03}", "calendar": "explicit", "time_zone": "UTC"}
    YEAR: dict[str, Any] = {"starts_on": date(2025, 7, 17), "ends_on": date(2026, 7, 16)}

    def test_an_explicit_period_has_a_label_of_its_own(self) -> None:
        series = define_series("bill", **self.NEPAL)
        period = open_period(series, **self.YEAR, label="2082/83")
        assert period == open_period(series, **self.YEAR, label="2082/83")
        assert take(on=date(2026, 1, 1)) == "B2082/83-001"
        assert not list(verify())

    def test_two_periods_cannot_share_one(self) -> None:
        series = define_series("bill", **self.NEPAL)
        open_period(series, **self.YEAR, label="2082/83")
        with pytest.raises(PeriodConflict, match="could repeat the numbers"):
            open_period(series, starts_on=date(2026, 7, 17), ends_on=date(2027, 7, 16), label="2082/83")

    @pytest.mark.parametrize("label", [None, "", "{doc_day}", "a\nb", " a", "x" * 21, "\u200b"])
    def test_invalid_labels(self, label: str | None) -> None:
        series = define_series("bill", **self.NEPAL)
        with pytest.raises(InvalidTemplate, match="A period of the template"):
            open_period(series, **self.YEAR, label=label)
        arguments = ["", "bill", *self.YEAR.values(), 1, "", label]
        with pytest.raises(IntegrityError, match="has no such label"), connection.cursor() as cursor:
            cursor.execute(sql.OPEN_EXPLICIT, arguments)

    def test_only_explicit_templates_have_a_label(self) -> None:
        with pytest.raises(InvalidTemplate, match="no period of the calendar 'year' has"):
            define_series("bill", template="B{year}{label}-{counter}")
        series = define_series("bill", template="B{year}-{counter}", calendar="explicit", time_zone="UTC")
        with pytest.raises(InvalidTemplate, match="has no place for '2082/83'"):
            open_period(series, **self.YEAR, label="2082/83")

    def test_the_command(self) -> None:
        define_series("bill", **self.NEPAL)
        out = StringIO()
        dates = ["--starts-on", "2025-07-17", "--ends-on", "2026-07-16"]
        call_command("ledger_period", "open", "bill", *dates, "--label", "2082/83", stdout=out)
        assert "first number B2082/83-001" in out.getvalue()
