"""The authority's reference of a number: once for each authority, never changed, asked for by rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ledger import add_reference, define_series, issue, issue_many, void
from ledger.errors import RegistrationError
from ledger.models import Entry, NumberRegistered, Series
from ledger.references import Reference, add_references
from ledger.reports.report import continuity_report
from ledger.reports.rules import report
from ledger.rules import Outcome
from ledger.verification import verify
from tests.integration.adopting import Write
from tests.integration.reporting import rows
from tests.integration.test_exports import workbook

pytestmark = pytest.mark.django_db(transaction=True)

KSEF, DIGEST = "PL KSeF", "0" * 63 + "a"
HEADER = "number,reference"


@pytest.fixture
def numbers() -> list[str]:
    """Three committed numbers of five days ago."""
    define_series("invoice", template="F{year}-{counter}", time_zone="UTC", rules="PL,PL-KSeF")
    with transaction.atomic():
        issue_many("invoice", documents=["a", "b", "c"], on=timezone.now().date() - timedelta(days=5))
    return list(Entry.objects.order_by("value").values_list("number", flat=True))


def ask(*arguments: Any) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("ledger_references", *map(str, arguments), "--authority", KSEF, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def finding() -> Any:
    (one,) = report()
    (found,) = [each for each in one.findings if each.check == "registration"]
    return found


class TestTheEvent:
    def test_says_what_by_whom_and_when(self, numbers: list[str]) -> None:
        event = add_reference(numbers[0].lower(), authority=KSEF, reference="K-1", digest=DIGEST, by="ada")
        assert (event.entry.number, event.authority, event.reference) == (numbers[0], KSEF, "K-1")
        assert (event.digest, event.actor) == (DIGEST, "ada")
        assert abs(event.registered_at - timezone.now()) < timedelta(minutes=1)
        assert not list(verify())

    def test_the_same_again_is_the_first_one(self, numbers: list[str]) -> None:
        first = add_reference(numbers[0], authority=KSEF, reference="K-1")
        assert add_reference(Entry.objects.get(number=numbers[0]), authority=KSEF, reference="K-1", by="bob") == first
        assert NumberRegistered.objects.get().actor == ""

    def test_what_was_said_never_changes(self, numbers: list[str]) -> None:
        add_reference(numbers[0], authority=KSEF, reference="K-1")
        for other in ({"reference": "K-2"}, {"reference": "K-1", "digest": DIGEST}):
            with pytest.raises(RegistrationError, match="registered already, under 'K-1'"):
                add_reference(numbers[0], authority=KSEF, **other)
        add_reference(numbers[0], authority="other", reference="K-1")
        for change in (NumberRegistered.objects.update, lambda **_: NumberRegistered.objects.all().delete()):
            with pytest.raises(DatabaseError, match="append-only|never|refuse|cannot"):
                change(reference="K-9")

    def test_one_reference_is_of_one_number(self, numbers: list[str]) -> None:
        add_reference(numbers[0], authority=KSEF, reference="K-1")
        with pytest.raises(RegistrationError, match="Two numbers would have one reference"):
            add_reference(numbers[1], authority=KSEF, reference="K-1")

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"number": "F1-1"}, "has no number 'F1-1'"),
            ({"authority": ""}, "The authority"),
            ({"authority": "x" * 61}, "The authority"),
            ({"reference": " "}, "The reference of"),
            ({"digest": "abc"}, "SHA-256"),
        ],
    )
    def test_what_is_refused(self, numbers: list[str], change: dict[str, str], why: str) -> None:
        asked = {"number": numbers[0], "authority": KSEF, "reference": "K-1", **change}
        with pytest.raises(RegistrationError, match=why):
            add_reference(asked.pop("number"), **asked)
        assert not NumberRegistered.objects.exists()

    def test_a_gap_or_a_strangers_number_has_none(self, numbers: list[str]) -> None:
        entry = Entry.objects.get(number=numbers[0])
        with pytest.raises(RegistrationError, match="has no number"):
            add_reference(numbers[0], authority=KSEF, reference="K-1", org="acme")
        with pytest.raises(IntegrityError, match="not an issued number of tenant"), connection.cursor() as cursor:
            cursor.execute(
                "SELECT ledger_add_references('acme', ARRAY[%s]::bigint[], 'x', ARRAY['y'], ARRAY[''], '')", [entry.pk]
            )

    def test_many_are_all_or_none(self, numbers: list[str]) -> None:
        some = [Reference(number, f"K-{number}") for number in numbers]
        with pytest.raises(RegistrationError):
            add_references([*some, Reference("F1-1", "K-9")], authority=KSEF)
        assert not NumberRegistered.objects.exists()
        assert add_references(some, authority=KSEF) == 3
        assert add_references(some, authority=KSEF) == 0


class TestTheCommand:
    def test_takes_a_file_and_can_take_it_twice(self, write: Write, numbers: list[str]) -> None:
        path = write(*(f"{number},K-{number}" for number in numbers), header=HEADER)
        assert ask(path) == (0, f"3 numbers registered with {KSEF}; 0 of 3 were known already.\n")
        assert json.loads(ask(path, "--json")[1]) == {"authority": KSEF, "rows": 3, "added": 0}

    def test_columns_have_other_names(self, write: Write, numbers: list[str]) -> None:
        path = write(f"K-1;{numbers[0]};{DIGEST.upper()}", header="Irn;DocNo;Hash")
        columns = ["--number-column=DocNo", "--reference-column=Irn", "--digest-column=Hash", "--delimiter=;"]
        assert ask(path, *columns)[0] == 0
        assert NumberRegistered.objects.get().digest == DIGEST

    def test_a_workbook_with_lines_above_the_header(self, tmp_path: Path, numbers: list[str]) -> None:
        path = tmp_path / "ksef.xlsx"
        path.write_bytes(workbook(KSeF=[["Report of March"], [], ["number", "reference"], [numbers[0], "K-1"]]))
        assert ask(path) == (0, f"1 number registered with {KSEF}; 0 of 1 were known already.\n")

    @pytest.mark.parametrize(
        ("lines", "header", "why"),
        [
            (["F1-1,K-1"], HEADER, "has no number 'F1-1'"),
            (["F1-1,K-1"], "number,irn", "has no column 'reference'"),
            (["{0},K-1", "{1}"], HEADER, "The reference of"),
            (["{0},K-1", "{1},K-1"], HEADER, "Two numbers would have one reference"),
        ],
    )
    def test_refuses_all_of_a_bad_file(
        self, write: Callable[..., Path], numbers: list[str], lines: list[str], header: str, why: str
    ) -> None:
        code, told = ask(write(*(line.format(*numbers) for line in lines), header=header))
        assert (code, why in told) == (1, True), told
        assert not NumberRegistered.objects.exists()


class TestWhereItIsShown:
    def test_in_the_report(self, numbers: list[str]) -> None:
        with continuity_report(tenant="") as told:
            assert "registered" not in {part.name for part in told.parts}
        add_reference(numbers[1], authority=KSEF, reference="K-1", by="ada")
        with continuity_report(tenant="") as told:
            (row,) = rows(told, "registered")
        assert (row.number, row.authority, row.reference, row.registered_by) == (numbers[1], KSEF, "K-1", "ada")

    def test_on_the_numbers_page_and_in_the_admin(self, root: Client, numbers: list[str]) -> None:
        event = add_reference(numbers[1], authority=KSEF, reference="K-1")
        page = root.get(reverse("ledger:number", args=(event.entry.period_id, event.entry.value)))
        assert f"Registered with {KSEF}" in page.content.decode()
        assert "K-1" in root.get(reverse("admin:ledger_numberregistered_changelist")).content.decode()


class TestRulesThatAskForIt:
    def test_after_so_many_days(self, numbers: list[str]) -> None:
        assert finding().outcome is Outcome.FAILED
        assert finding().told == f"3 of 3 numbers have no reference of {KSEF}, such as {numbers[0]!r}."
        for number in numbers[:2]:
            add_reference(number, authority=KSEF, reference=f"K-{number}")
        assert "1 of 3" in finding().told
        void(numbers[2], reason="wrong")
        assert finding().outcome is Outcome.PASSED

    def test_not_before(self) -> None:
        define_series("invoice", template="F{year}-{counter}", time_zone="UTC", rules="PL-KSeF")
        with transaction.atomic():
            issue("invoice", on=timezone.now().date() - timedelta(days=4))
            issue("invoice", on=date(2026, 1, 31))
        assert finding().told == f"All 0 numbers have a reference of {KSEF}."

    def test_a_doubtful_rule_warns(self, numbers: list[str]) -> None:
        Series.objects.update(rules="IN-einvoice")
        with transaction.atomic():
            issue("invoice", on=timezone.now().date() - timedelta(days=31))
        assert finding().outcome is Outcome.WARNED
