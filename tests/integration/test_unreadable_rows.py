"""Constraints and triggers refuse rows that pages, exports or sweeps could never read, on every way in."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from ledger import issue, open_period
from ledger.errors import InvalidMetadata
from ledger.models import Entry, Period, Series

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 2)
DEEP = json.loads("[" * 31 + "]" * 31)


@pytest.fixture
def entry() -> Entry:
    return issue("invoice", document="order:1", on=DAY)


def run(statement: str, arguments: Any = None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, arguments)


@pytest.mark.parametrize(
    "metadata",
    [
        "[1]",
        "1",
        "null",
        '"text"',
        json.dumps({"large": "x" * 65_536}),
        json.dumps({"deep": [DEEP]}),
        '{"deep": ' + "[" * 3000 + "]" * 3000 + "}",
        '{"digits": ' + "1" * 100_000 + "}",
        '{"digits": 0.' + "1" * 1_000 + "}",
    ],
    ids=["array", "number", "null", "text", "large", "deep", "deeper", "long number", "long fraction"],
)
class TestMetadata:
    def test_in_an_entry(self, entry: Entry, metadata: str) -> None:
        arguments = ["", "invoice", DAY, None, "order:2", "", metadata, None]
        with pytest.raises(DatabaseError, match="its metadata are no JSON object, or too large"):
            run("SELECT ledger_issue_serial(%s, %s, %s, %s, %s, %s, %s, %s)", arguments)

    def test_in_an_adoption(self, entry: Entry, metadata: str) -> None:
        with pytest.raises(DatabaseError, match="ledger_adoption_readable"):
            run(
                "INSERT INTO ledger_adoption (tenant, series_id, source, digest, rows, options, actor)"
                " VALUES ('', %s, 'x', '', 0, %s, '')",
                [entry.series_id, metadata],
            )


@pytest.mark.parametrize(
    "metadata",
    [{"large": "x" * 65_600}, {"deep": [DEEP]}, {"digits": 10**1000}, {"digits": [-(10**999)]}],
    ids=["large", "deep", "long number", "negative"],
)
def test_python_says_it_first(metadata: Any) -> None:
    with pytest.raises(InvalidMetadata, match="stays readable for ever"):
        issue("invoice", metadata=metadata)


@pytest.mark.parametrize(
    "metadata",
    [{"deep": DEEP}, {"text": "9" * 2_000}, {"digits": 10**998}, {"large": "ä" * 30_000}, {"many": [{}] * 99}],
)
def test_what_can_be_read_is_kept(metadata: Any) -> None:
    assert Entry.objects.get(pk=issue("invoice", metadata=metadata).pk).metadata == metadata


@pytest.mark.parametrize(
    "moment", ["infinity", "-infinity", "0044-03-15 BC", "1899-12-31 23:59:59+00", "3000-01-01+00"]
)
class TestMoments:
    def test_of_an_adopted_number(self, entry: Entry, moment: str) -> None:
        Period.objects.update(last_value=9)
        with pytest.raises(DatabaseError, match="its time is not in the years 1900 to 2999"):
            run(
                "INSERT INTO ledger_entry (tenant, series_id, period_id, value, kind, number, document, issued_on,"
                " issued_at, actor, metadata) VALUES ('', %s, %s, 5, 'adopted', 'OLD-5', '', %s, %s, '', '{}')",
                [entry.series_id, entry.period_id, DAY, moment],
            )

    @pytest.mark.parametrize(
        ("table", "columns", "values", "when"),
        [
            ("numbervoided", "entry_id, reason, replacement, actor", "{entry}, 'x', '', ''", "voided_at"),
            ("reservation", "series_id, period_id, value, document, issued_on, actor, checkout_transaction_id",
             "{series}, {period}, 7, '', '2026-03-02', '', 1", "reserved_at"),
            ("holereported", "period_id, value", "{period}, 7", "reported_at"),
            ("findingraised", "system, kind, subject, occurrence, number, document, facts",
             "'b', 'missing', 'X', 1, 'X', '', '{{}}'", "raised_at"),
        ],
    )  # fmt: skip
    def test_of_voids_and_explanations(
        self, entry: Entry, moment: str, table: str, columns: str, values: str, when: str
    ) -> None:
        Period.objects.update(last_value=9)
        told = values.format(entry=entry.pk, series=entry.series_id, period=entry.period_id)
        with pytest.raises(DatabaseError, match=f"ledger_{table}_readable"):
            run(f"INSERT INTO ledger_{table} (tenant, {columns}, {when}) VALUES ('', {told}, %s)", [moment])


@pytest.mark.parametrize("text", ["a\x01b", "a\u202eb", " a", "a\u00a0b", "e\u0301", "x" * 201, "a\nb"])
class TestTexts:
    def test_of_an_entry(self, entry: Entry, text: str) -> None:
        for document, actor in ((text, ""), ("order:2", text)):
            arguments = ["", "invoice", DAY, None, document, actor, "{}", None]
            with pytest.raises(DatabaseError, match="does not fit"):
                run("SELECT ledger_issue_serial(%s, %s, %s, %s, %s, %s, %s, %s)", arguments)

    def test_of_a_void(self, entry: Entry, text: str) -> None:
        with pytest.raises(DatabaseError, match="ledger_numbervoided_readable"):
            run("SELECT ledger_void('', %s, 'x', '', %s)", [entry.pk, text])

    def test_of_a_series(self, text: str) -> None:
        settings = json.dumps({"template": "X-{counter}", "calendar": "never", "time_zone": "UTC"})
        for tenant, code in ((text, "invoice"), ("", text)):
            with pytest.raises(DatabaseError, match="can't be a key"):
                run("SELECT ledger_define_series(%s, %s, %s, '')", [tenant, code, settings])


def test_a_reason_may_have_lines_and_nothing_else_hidden(entry: Entry) -> None:
    with pytest.raises(DatabaseError, match="ledger_numbervoided_readable"):
        run("SELECT ledger_void('', %s, %s, '', '')", [entry.pk, "x\x07"])
    with pytest.raises(DatabaseError, match="ledger_numbervoided_readable"):
        run("SELECT ledger_void('', %s, %s, '', '')", [entry.pk, "x" * 1001])
    run("SELECT ledger_void('', %s, %s, '', '')", [entry.pk, "one\n\ttwo"])


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"calendar": "lunar"}, "calendar is unknown"),
        ({"allocation": "lottery"}, "allocation is unknown"),
        ({"time_zone": "Mars/Olympus"}, "time zone"),
        ({"start_value": -1}, "start value is negative"),
        ({"max_length": 0}, "length limit"),
        ({"template": "no counter"}, "counter"),
        ({"template": "X-{century}-{counter}"}, "unknown token"),
        ({"allocation": "pooled", "chronological": True}, "order of dates"),
        ({"allocation": "remote"}, "names its system"),
        ({"colour": "red"}, "no setting colour"),
    ],
)
def test_a_series_that_nobody_could_work_with(settings: dict[str, Any], problem: str) -> None:
    whole = {"template": "X-{counter}", "calendar": "never", "time_zone": "UTC"} | settings
    with pytest.raises(DatabaseError, match=problem):
        run("SELECT ledger_define_series('', 'odd', %s, '')", [json.dumps(whole)])
    assert not Series.objects.exists()


def test_dates_without_end(entry: Entry) -> None:
    run("UPDATE ledger_series SET max_days_ahead = 400")
    with connection.cursor() as cursor:
        for day in ("infinity", "5000-01-01", "0044-03-15 BC"):
            cursor.execute("SELECT ledger_issue_serial('', 'invoice', %s, NULL, 'order:9', '', '{}')", [day])
            assert cursor.fetchone()[0][0] in ("too_far", "no_period")
        for day in ("infinity", "5000-01-01"):
            cursor.execute("SELECT ledger_open_period('', 'invoice', %s)", [day])
            assert cursor.fetchone()[0] == "too_far"
    for day in ("-infinity", "0044-03-15 BC"):
        with pytest.raises(DatabaseError):
            run("SELECT ledger_open_period('', 'invoice', %s)", [day])
    assert Period.objects.count() == 1
    assert open_period(Series.objects.get(), DAY).pk == entry.period_id
