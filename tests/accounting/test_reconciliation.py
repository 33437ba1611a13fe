"""Reconciliation from end to end: a system's own server, its adapter, the mirror, the findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from inspect import signature
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from ledger import issue
from ledger.models import Entry, ExpectedDocument, FindingRaised, RemoteReading, SweepRun
from ledger.reconciliation import count_confirmed, findings
from ledger.sweeps import find_sweep, registered, registry, run as run_sweep
from tests.accounting.reconciling import DAY, KINDS, configured, expected, http_options, open_findings, sell
from tests.accounting.standins.odoo import OdooStandIn
from tests.accounting.standins.planting import _planted, keep, plant
from tests.accounting.standins.server import Fault
from tests.accounting.standins.xero import XeroStandIn
from tests.broker.waiting import until
from tests.worker import worker
from workers import tasks
from workers.accounting import errors
from workers.reconciliation import reconcile
from workers.system_sweeps import register_sweeps

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def xero(settings: Any) -> Iterator[XeroStandIn]:
    with XeroStandIn() as books:
        settings.LEDGER_ACCOUNTING = configured("xero", books)
        yield books


@pytest.fixture
def odoo(settings: Any) -> Iterator[OdooStandIn]:
    with OdooStandIn() as books:
        settings.LEDGER_ACCOUNTING = configured("odoo", books)
        yield books


@pytest.fixture(autouse=True)
def own_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps that a test registers are removed after it."""
    monkeypatch.setattr(registry, "_sweeps", dict(registry._sweeps))


class TestXero:
    def test_every_planted_discrepancy_is_found_and_nothing_else(self, xero: XeroStandIn) -> None:
        planted = plant(xero, sell())
        done = reconcile("books", http_options=http_options())
        assert done.pages >= 4
        assert done.compared is not None
        assert done.compared.full
        assert {KINDS[each.kind] for each in planted} >= set(KINDS.values()) - {"duplicate"}
        assert open_findings() == expected(planted)
        again = reconcile("books", http_options=http_options())
        assert not again.full_reading
        assert again.compared is not None
        assert (again.compared.raised, again.compared.resolved) == ({}, {})

    def test_what_is_set_right_is_resolved(self, xero: XeroStandIn) -> None:
        issued = sell()
        keys = keep(xero, issued)
        xero.renumber(keys[issued[0].number], "X-1")
        reconcile("books", http_options=http_options())
        assert open_findings() == {("other-number", issued[0].number)}
        xero.renumber(keys[issued[0].number], issued[0].number)
        done = reconcile("books", http_options=http_options())
        assert done.compared is not None
        assert done.compared.resolved == {"other-number": 1}
        assert open_findings() == set()
        assert count_confirmed(system="books") == 12

    def test_a_change_that_shows_late_is_within_the_overlap(self, xero: XeroStandIn) -> None:
        issued = sell()
        keys = keep(xero, issued)
        reconcile("books", http_options=http_options())
        # Dated by when it began, which was before the last reading.
        xero.now -= timedelta(minutes=4)
        xero.void(keys[issued[0].number])
        reconcile("books", http_options=http_options())
        assert open_findings() == {("void-there", issued[0].number)}


class TestOdoo:
    """Odoo shows deletions only by absence."""

    def test_by_changes_first_and_then_by_what_is_not_there(self, odoo: OdooStandIn) -> None:
        issued = sell()
        keys = keep(odoo, issued)
        reconcile("books")
        assert open_findings() == set()
        planted = list(_planted(odoo, issued, keys))
        reconcile("books")
        # Of the void one that lives there again, no change is dated; and a dead number seems to be there twice.
        gone = {each.number for each in planted if each.kind in ("missing there", "deleted there", "used again there")}
        shown = {found for found in expected(planted) if found[1] not in gone}
        reused = next(each.number for each in planted if each.kind == "used again there")
        assert open_findings() == shown | {("duplicate", reused)}
        done = reconcile("books", full=True)
        assert done.full_reading
        assert open_findings() == expected(planted, missing_there="deleted")


def describe_100(entry: Entry) -> dict[str, Any]:
    """The hook in the settings; it knows nothing of the second number."""
    if entry.number.endswith("2"):
        raise KeyError(entry.document)
    return {"customer": "7", "total": Decimal("100.00"), "currency": "EUR"}


class TestTrusted:
    def test_an_amount_that_describe_does_not_know_is_told(self, odoo: OdooStandIn, settings: Any) -> None:
        settings.LEDGER_ACCOUNTING["SYSTEMS"]["books"]["describe"] = f"{__name__}:describe_100"
        keys = keep(odoo, sell(4))
        for key, total in zip(keys.values(), (100.0, 115.0, 115.0, 115.0), strict=True):
            odoo.documents[key].body["amount_total"] = total
        reconcile("books")
        assert open_findings() == {("other-amount", "INV-2026-003")}
        assert ExpectedDocument.objects.count() == 3
        odoo.documents[keys["INV-2026-003"]].body["amount_total"] = 100.0
        odoo.touch(keys["INV-2026-003"])
        reconcile("books")
        assert open_findings() == set()

    def test_a_user_who_sees_less_raises_nothing(self, odoo: OdooStandIn) -> None:
        keep(odoo, sell())
        reconcile("books")
        hidden, odoo.documents = odoo.documents, {}
        out = StringIO()
        with pytest.raises(CommandError, match="found 0 documents; 12 of the 12 known") as caught:
            call_command("ledger_reconcile", "--system", "books", "--full", stdout=out)
        assert caught.value.returncode == 3
        row = RemoteReading.objects.get()
        assert (row.needs_person, row.begun_at, row.cursor) == (True, None, "")
        assert row.error.startswith("LostDocuments: ")
        assert FindingRaised.objects.count() == 0
        odoo.documents = hidden
        reconcile("books", full=True)
        assert (RemoteReading.objects.get().error, open_findings()) == ("", set())

    def test_a_series_whose_kind_is_not_read_is_told_and_not_compared(self, odoo: OdooStandIn) -> None:
        keep(odoo, sell())
        with transaction.atomic():
            issue("order", document="cart:1", on=DAY)
        done = reconcile("books", full=True)
        assert done.compared is not None
        assert done.compared.unread == {"order": "order"}
        assert open_findings() == set()
        out = StringIO()
        call_command("ledger_reconcile", "--system", "books", stdout=out)
        assert "Not compared, since books isn't read for such documents: order (order)." in out.getvalue()

    def test_the_settings_may_say_of_what_kind_a_series_is(self, odoo: OdooStandIn, settings: Any) -> None:
        keep(odoo, sell())
        with transaction.atomic():
            issue("order", document="cart:1", on=DAY)
        settings.LEDGER_ACCOUNTING["SYSTEMS"]["books"]["series"] = {"invoice": "invoice", "order": "invoice"}
        reconcile("books")
        assert {kind for kind, _ in open_findings()} == {"missing"}

    def test_references_that_are_not_ours_may_be_ignored(self, odoo: OdooStandIn, settings: Any) -> None:
        keys = keep(odoo, sell())
        odoo.documents[keys["INV-2026-001"]].reference = "PO 4711"
        reconcile("books")
        assert open_findings() == {("other-document", "INV-2026-001")}
        settings.LEDGER_ACCOUNTING["SYSTEMS"]["books"]["references"] = "ignore"
        reconcile("books", full=True)
        assert open_findings() == set()

    def test_the_difference_of_two_spellings_is_shown(self, odoo: OdooStandIn) -> None:
        keys = keep(odoo, sell())
        odoo.renumber(keys["INV-2026-001"], "INV-2026-001\u00a0")
        odoo.documents[keys["INV-2026-001"]].reference = ""
        out = StringIO()
        with pytest.raises(CommandError, match="1 other-spelling"):
            call_command("ledger_reconcile", "--system", "books", stdout=out)
        [finding] = findings(system="books")
        assert finding.there == "posted “INV-2026-001\\u00a0” of 2026-03-05 over 0 EUR"
        assert "\\u00a0" in out.getvalue()


class TestFaults:
    def test_the_next_run_goes_on_behind_the_last_page(self, odoo: OdooStandIn) -> None:
        keep(odoo, sell())
        odoo.fail_when(lambda request: ["id", ">", 6] in request.json["domain"], Fault.WRONG_SHAPE)
        with pytest.raises(errors.UnexpectedAnswer):
            reconcile("books")
        row = RemoteReading.objects.get()
        assert row.error.startswith("UnexpectedAnswer: ")
        assert (row.needs_person, row.read_from, row.compared_at) == (False, None, None)
        assert (row.pages, row.documents) == (2, 6)
        before = odoo.count()
        done = reconcile("books")
        assert (done.pages, done.documents, odoo.count() - before) == (4, 12, 2)
        assert open_findings() == set()
        assert RemoteReading.objects.get().error == ""

    def test_a_cursor_that_is_refused_is_given_up(self, odoo: OdooStandIn) -> None:
        keep(odoo, sell())
        reconcile("books")
        RemoteReading.objects.update(begun_at=RemoteReading.objects.get().read_from, cursor="3")
        odoo.fail_when(lambda request: True, *[Fault.WRONG_SHAPE] * 9)
        with pytest.raises(errors.UnexpectedAnswer):
            reconcile("books")
        assert (RemoteReading.objects.get().begun_at, RemoteReading.objects.get().cursor) == (None, "")
        odoo.stop_failing()
        reconcile("books")
        assert RemoteReading.objects.get().error == ""

    def test_what_needs_a_person_says_so(self, odoo: OdooStandIn, settings: Any) -> None:
        odoo.accepts = "another key"
        with pytest.raises(errors.AuthenticationFailed):
            reconcile("books")
        row = RemoteReading.objects.get()
        assert (row.error.partition(":")[0], row.needs_person) == ("AuthenticationFailed", True)
        settings.LEDGER_ACCOUNTING["SYSTEMS"]["books"]["adapter"] = "odooo"
        with pytest.raises(errors.Misconfigured):
            reconcile("books")
        row = RemoteReading.objects.get()
        assert (row.error.partition(":")[0], row.needs_person) == ("Misconfigured", True)
        assert odoo.secret not in row.error

    def test_inside_a_transaction_nothing_is_asked(self, odoo: OdooStandIn) -> None:
        with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
            reconcile("books")


class TestSweeps:
    def test_one_that_fails_keeps_no_other_one_waiting(self, odoo: OdooStandIn, settings: Any) -> None:
        keep(odoo, sell())
        good = settings.LEDGER_ACCOUNTING["SYSTEMS"]["books"]
        bad = {**good, "credentials": {"key": "wrong"}}
        settings.LEDGER_ACCOUNTING = {"SYSTEMS": {"bad": bad, "books": good}}
        names = register_sweeps()
        assert names == [f"{sort}:{name}" for sort in ("refill_remote_pools", "reconcile") for name in ("bad", "books")]
        assert {"reconcile:bad", "reconcile:books"} <= {sweep.name for sweep in registered()}
        assert find_sweep("reconcile:books").every == timedelta(hours=1)
        out = StringIO()
        with pytest.raises(CommandError, match="These sweeps failed: reconcile:bad"):
            call_command("ledger_sweep", "reconcile:bad", "reconcile:books", json=True, stdout=out)
        failed, done = json.loads(out.getvalue())
        assert "AuthenticationFailed" in failed["error"]
        assert (done["counts"]["documents"], done["counts"]["raised"]) == (12, 0)
        assert "AuthenticationFailed" in SweepRun.objects.get(sweep="reconcile:bad").error
        assert run_sweep("reconcile:books").counts["resolved"] == 0

    def test_a_worker_sends_itself_one_message_for_each_system(
        self, odoo: OdooStandIn, settings: Any, redis_url: str
    ) -> None:
        keep(odoo, sell())
        odoo.add("FOREIGN-1", DAY)
        good = settings.LEDGER_ACCOUNTING["SYSTEMS"]["books"]
        systems = {"bad": {**good, "credentials": {"key": "wrong"}}, "books": good}
        with worker(redis_url, TEST_ACCOUNTING=json.dumps({"SYSTEMS": systems})) as client:
            client.send_task("ledger.reconcile")
            runs = {name: wait_for_run(f"reconcile:{name}") for name in systems}
        assert "AuthenticationFailed" in runs["bad"].error
        assert runs["books"].error == ""
        assert runs["books"].counts["raised"] == 1
        assert open_findings() == {("unknown", "FOREIGN-1")}

    def test_no_credential_stands_in_a_message(self) -> None:
        assert list(signature(tasks.reconcile.run).parameters) == ["system"]


def wait_for_run(sweep: str) -> SweepRun:
    rows = SweepRun.objects.filter(sweep=sweep, finished_at__isnull=False)
    until(rows.exists, f"{sweep} has not run")
    return rows.earliest("pk")


class TestCommand:
    def run(self, *arguments: str) -> tuple[int, Any]:
        out = StringIO()
        try:
            call_command("ledger_reconcile", *arguments, "--json", stdout=out)
        except CommandError as error:
            return error.returncode, json.loads(out.getvalue()) if out.getvalue() else str(error)
        return 0, json.loads(out.getvalue())

    def test_from_a_finding_to_an_acknowledged_one(self, odoo: OdooStandIn) -> None:
        keep(odoo, sell())
        assert self.run("findings", "--system", "books")[0] == 1  # never compared
        code, told = self.run("--system", "books")
        assert (code, told["findings"], told["confirmed"]) == (0, [], 12)
        assert told["run"]["reading"] == {"full": True, "pages": 4, "documents": 12}
        odoo.add("FOREIGN-1", DAY)
        code, told = self.run("--system", "books")
        assert (code, told["run"]["compared"]["raised"]) == (1, {"unknown": 1})
        [finding] = told["findings"]
        assert (finding["number"], finding["facts"]["there"][0]["state"]) == ("FOREIGN-1", "posted")
        code, told = self.run("acknowledge", str(finding["id"]), "--reason", "a test", "--by", "ada")
        assert (code, told[0]["finding"]) == (0, finding["id"])
        code, told = self.run("findings", "--system", "books")
        assert (code, told["findings"][0]["reason"]) == (0, "a test")
        assert self.run("run", "--system", "books", "--full")[0] == 0
        code, told = self.run("--system", "books", "--since", "2026-03-01")
        assert (code, told["run"]["reading"]["full"], told["run"]["reading"]["documents"]) == (0, False, 13)
        assert FindingRaised.objects.count() == 1

    def test_codes_of_what_can_not_be_answered(self, odoo: OdooStandIn) -> None:
        assert self.run()[0] == 2
        assert self.run("--system", "bokos")[0] == 2
        assert self.run("--system", "books", "--full", "--since", "2026-03-01")[0] == 2
        with pytest.raises(CommandError, match="--since"):
            call_command("ledger_reconcile", "--system", "books", "--since", "yesterday")
        assert self.run("acknowledge", "77", "--reason", "x")[0] == 1
        odoo.accepts = "another key"
        code, told = self.run("--system", "books")
        assert code == 3
        assert "credential" in told

    def test_a_table_for_people(self, odoo: OdooStandIn) -> None:
        keep(odoo, sell())
        out = StringIO()
        call_command("ledger_reconcile", system="books", stdout=out)
        assert out.getvalue().splitlines() == [
            "12 documents on 4 pages read (everything).",
            "12 numbers are confirmed by books.",
            "Nothing differs.",
        ]
        with transaction.atomic():
            number = issue("invoice", document="order:99", on=DAY).number
        out = StringIO()
        with pytest.raises(CommandError, match="1 findings are unresolved \\(1 missing\\)"):
            call_command("ledger_reconcile", system="books", stdout=out)
        assert number in out.getvalue()
        assert "missing there" in out.getvalue()
