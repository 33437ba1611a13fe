"""Drafts that nobody used: listed at the end of the year, and cancelled there."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ledger import close_period, remote
from ledger.models import DraftCancelled, Entry, Period
from ledger.series import change_allocation
from tests.accounting.remote_pools import (
    Vendor,
    all_is_well,
    http_options,
    killed_worker,
    number,
    refill,
    vendor as vendor,
)
from tests.accounting.standins.server import Fault
from tests.drafts import remote_series
from workers.accounting import systems
from workers.accounting.base import State

pytestmark = pytest.mark.django_db(transaction=True)


class TestDraftsThatNobodyUsed:
    def run(self, action: str, **options: Any) -> Any:
        out = StringIO()
        call_command("ledger_drafts", action, "--json", system="books", stdout=out, **options)
        return json.loads(out.getvalue())

    def closed_with_three_left(self, vendor: Vendor) -> Period:
        remote_series()
        refill()
        assert number("order:1") == vendor.number(1)
        period = Period.objects.get()
        close_period(period, early=True)
        return period

    @pytest.fixture(autouse=True)
    def quickly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(systems, "shared", http_options)

    def test_at_years_end_they_are_listed_and_cancelled_once(self, vendor: Vendor) -> None:
        period = self.closed_with_three_left(vendor)
        listed = self.run("list", period=str(period.ends_on))
        assert [each["number"] for each in listed] == vendor.numbers(2, 3, 4)
        assert {each["cause"] for each in listed} == {"period closed"}
        assert self.run("list", period="1999-01-01") == []
        done = self.run("cancel", by="ada")
        assert [(each["number"], each["outcome"]) for each in done] == [
            (number, "cancelled") for number in vendor.numbers(2, 3, 4)
        ]
        assert vendor.drafts() == [vendor.number(1)], "the one that a document has is not touched"
        assert set(DraftCancelled.objects.values_list("actor", flat=True)) == {"ada"}
        asked = vendor.standin.count("PUT") + vendor.standin.count("POST")
        assert self.run("list") == self.run("cancel") == []
        assert vendor.standin.count("PUT") + vendor.standin.count("POST") <= asked + 1, "but for a token"
        assert Entry.objects.filter(kind="gap").count() == 3
        all_is_well()

    def test_one_that_was_taken_over_by_its_number_is_cancelled_and_not_just_noted(self, vendor: Vendor) -> None:
        """Its key isn't known, only its number."""
        series = remote_series()
        key = vendor.standin.add("" if vendor.name == "erpnext" else "OLD-1", date(2026, 1, 5), "", State.DRAFT)
        old = vendor.standin.documents[key].number
        claim = remote.claim(series)
        assert claim is not None
        [need, *_] = remote.needs(claim, least=1, most=1)
        assert remote.store(claim, need, ordinal=1, remote_id=old, number=old, borne="") == "stored"
        remote.release(claim)
        close_period(Period.objects.get(), early=True)
        assert [(each["number"], each["outcome"]) for each in self.run("cancel")] == [(old, "cancelled")]
        assert vendor.drafts() == []

    def test_one_that_somebody_uses_is_left_alone(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        key = vendor.key(vendor.number(3))
        vendor.standin.documents[key].state = State.POSTED
        with pytest.raises(CommandError, match="1 drafts were not cancelled") as raised:
            self.run("cancel")
        assert raised.value.returncode == 1
        assert vendor.standin.documents[key].state is State.POSTED
        assert [each["number"] for each in self.run("list")] == [vendor.number(3)]

    def test_one_that_is_gone_is_noted(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        vendor.standin.delete(vendor.key(vendor.number(3)))
        outcomes = {each["number"]: each["outcome"] for each in self.run("cancel")}
        assert outcomes[vendor.number(3)] == "gone"
        assert self.run("list") == []

    def test_a_stray_of_a_killed_worker_is_found_after_the_period_was_closed(self, vendor: Vendor) -> None:
        remote_series()
        killed_worker(vendor)
        close_period(Period.objects.get(), early=True)
        done = self.run("cancel")
        assert [each["number"] for each in done] == vendor.numbers(1, 2, 3)
        assert vendor.drafts() == []
        all_is_well()

    def test_a_stray_of_a_series_that_takes_its_numbers_otherwise_now(self, vendor: Vendor) -> None:
        remote_series()
        killed_worker(vendor)
        assert change_allocation("invoice", "serial") == 2
        assert [each["number"] for each in self.run("cancel")] == vendor.numbers(1, 2, 3)
        assert vendor.drafts() == []
        all_is_well()

    def test_without_a_connection_it_stops_and_can_be_run_again(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        vendor.standin.fail(*[Fault.ERROR_503] * 50)
        with pytest.raises(CommandError, match="503"):
            self.run("cancel")
        vendor.standin.faults.clear()
        assert len(self.run("cancel")) == 3
        assert self.run("list") == []

    def test_for_people(self, vendor: Vendor) -> None:
        self.closed_with_three_left(vendor)
        out = StringIO()
        call_command("ledger_drafts", "list", system="books", stdout=out)
        assert vendor.number(2) in out.getvalue()
        call_command("ledger_drafts", "cancel", system="books", stdout=out, stderr=StringIO())
        assert "3 drafts cancelled in books, 0 were gone before." in out.getvalue()
        with pytest.raises(CommandError) as raised:
            call_command("ledger_drafts", "list", system="nope", stdout=out)
        assert raised.value.returncode == 2
