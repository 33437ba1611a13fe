"""Numbers whose rows are gone: the sweep and the command name them, until somebody voids or explains them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client, override_settings
from django.urls import reverse

from ledger import define_series, issue, missing_documents, void
from ledger.actions import acknowledge
from ledger.checks import check_settings
from ledger.judging import State, judge
from ledger.models import Entry, FindingKind, FindingRaised, FindingResolved
from ledger.reconciliation import findings
from ledger.reports.report import continuity_report
from ledger.sweeps import run
from ledger.verification import verify
from tests.shop.audited import Audited
from tests.shop.keyed import ByUUID
from tests.shop.models import Order, Organization
from tests.shop.numbered import Contract, Coupon, Invoice, Paper, Passing, Ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def org() -> Organization:
    return Organization.objects.create(name="Shop")


def without_django(table: str, **which: Any) -> None:
    """As a program that doesn't know Django does it."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [which["id"]])


def swept() -> dict[str, int]:
    return dict(run("missing_documents").counts)


def named() -> list[tuple[str, str]]:
    return [(one.number, one.system) for one in findings(kind=FindingKind.NO_DOCUMENT)]


def command_output(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("ledger_documents", *arguments, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}", error.returncode
    return out.getvalue(), 0


class TestTheSweep:
    def test_names_what_sql_has_deleted_and_nothing_else(self, org: Organization) -> None:
        rows = [Invoice.objects.create(org=org) for _ in range(3)]
        assert swept() == {"raised": 0, "resolved": 0}
        without_django("shop_invoice", id=rows[1].pk)
        assert swept() == {"raised": 1, "resolved": 0}
        assert named() == [(rows[1].number, "shop.invoice")]
        raised = FindingRaised.objects.get()
        assert (raised.tenant, raised.document, raised.entry.document) == (  # type: ignore[union-attr]
            f"shop.organization:{org.pk}",
            f"shop.invoice:{rows[1].pk}",
            f"shop.invoice:{rows[1].pk}",
        )
        assert swept() == {"raised": 0, "resolved": 0}, "it is raised once"
        assert [alarm for alarm in verify() if alarm.table == "ledger_findingraised"] == []

    def test_what_keep_lets_go_is_named_too(self) -> None:
        row = Passing.objects.create()
        row.delete()
        swept()
        assert named() == [(row.number, "shop.passing")]

    def test_a_row_that_is_there_again_resolves_it(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org)
        without_django("shop_invoice", id=invoice.pk)
        swept()
        invoice.save(force_insert=True)
        assert swept() == {"raised": 0, "resolved": 1}
        without_django("shop_invoice", id=invoice.pk)
        assert swept() == {"raised": 1, "resolved": 0}
        assert FindingRaised.objects.latest("pk").occurrence == 2

    def test_a_void_resolves_it(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org)
        without_django("shop_invoice", id=invoice.pk)
        swept()
        void(Entry.objects.get(), reason="it was deleted")
        assert judge(sweeps=()).verdict.is_in_order, "at once"
        assert swept() == {"raised": 0, "resolved": 1}
        assert FindingResolved.objects.count() == 1

    def test_a_number_that_was_void_before_is_not_named(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org)
        void(Entry.objects.get(), reason="a test")
        invoice.delete()
        assert swept() == {"raised": 0, "resolved": 0}

    def test_tenants_are_kept_apart_in_batches_of_one(self, org: Organization) -> None:
        other = Organization.objects.create(name="Other")
        one, twin = Invoice.objects.create(org=org), Invoice.objects.create(org=other)
        without_django("shop_invoice", id=twin.pk)
        with override_settings(LEDGER={"SWEEPS": {"missing_documents": {"batch": 1}}}):
            assert swept() == {"raised": 1, "resolved": 0}
        assert one.number == twin.number
        assert FindingRaised.objects.get().tenant == f"shop.organization:{other.pk}"

    def test_children_are_rows_of_their_parent(self) -> None:
        contract = Contract.objects.create(title="a")
        assert swept()["raised"] == 0
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM shop_contract")
        without_django("shop_paper", id=contract.pk)
        swept()
        assert named() == [(contract.number, "shop.paper")]
        assert not Paper.objects.exists()

    def test_a_number_of_another_document_is_not_of_the_row(self) -> None:
        ticket = Ticket.objects.create(booking="A1")
        without_django("shop_ticket", id=ticket.pk)
        swept()
        assert named() == [(ticket.number, "shop.ticket")], "and not the receipt, which is for booking:A1"


class TestModelsThatAProjectNames:
    def test_are_watched(self, org: Organization) -> None:
        order = Order.objects.create(org=org)
        keyed = ByUUID.objects.create(id="550e8400-e29b-41d4-a716-446655440000")
        for document in (order, keyed, "order:17", "shop.order:17/copy", "shop.order:"):
            issue_for(document)
        order.delete()
        ByUUID.objects.all().delete()
        assert swept()["raised"] == 0
        with override_settings(LEDGER={"DOCUMENTS": ["shop.Order", "shop.byuuid"]}):
            assert swept() == {"raised": 2, "resolved": 0}
        assert {system for _, system in named()} == {"shop.order", "shop.byuuid"}

    @override_settings(LEDGER={"DOCUMENTS": ["shop.Ordre", "zzz"]})
    def test_a_misspelt_one_is_told_by_the_checks_and_stops_no_checkout(self) -> None:
        messages = [message for message in check_settings(None) if message.id == "ledger.E009"]
        assert [message.msg for message in messages] == [
            "LEDGER['DOCUMENTS'] names 'shop.Ordre' (shop.Order?), which is no installed model.",
            "LEDGER['DOCUMENTS'] names 'zzz', which is no installed model.",
        ]
        assert all(isinstance(message, checks.Error) for message in messages)
        issue_for("order:17")

    def test_a_table_that_is_not_there_stops_no_other_model(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org)
        order = Order.objects.create(org=org)
        issue_for(order)
        without_django("shop_invoice", id=invoice.pk)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE shop_order RENAME TO shop_order_away")
        try:
            with override_settings(LEDGER={"DOCUMENTS": ["shop.Order"]}):
                row = run("missing_documents")
            assert (row.counts["raised"], row.counts["failed"]) == (1, 1)
            assert "shop.order" in row.error
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE shop_order_away RENAME TO shop_order")


class TestWhoIsTold:
    @pytest.fixture
    def gone(self, org: Organization) -> Entry:
        invoice = Invoice.objects.create(org=org)
        without_django("shop_invoice", id=invoice.pk)
        return Entry.objects.get()

    def test_the_judge_until_it_is_explained(self, gone: Entry) -> None:
        swept()
        judgement = judge(sweeps=())
        assert judgement.verdict.state is State.UNEXPLAINED
        assert "1 number has lost its document" in str(judgement.verdict)
        assert judgement.of(gone.tenant, "invoice", gone.period.starts_on).state is State.UNEXPLAINED
        acknowledge(FindingRaised.objects.get(), reason="erased on request", by="ann")
        assert judge(sweeps=()).verdict.is_in_order

    def test_the_command(self, gone: Entry) -> None:
        out, code = command_output()
        assert code == 1
        assert gone.number in out
        assert gone.document in out
        assert "ledger_documents explain" in out
        assert command_output("look", "--tenant", "nobody")[1] == 2
        out, code = command_output("--json")
        listed = json.loads(out[: out.rindex("}") + 1])
        assert [one["number"] for one in listed["numbers"]] == [gone.number]
        assert "shop.invoice" in listed["watched"]

        reason = ("--reason", "erased on request", "--by", "ann", "--tenant", gone.tenant)
        out, code = command_output("explain", gone.number, "INV-9", *reason)
        assert (code, FindingRaised.objects.get().acknowledgements.count()) == (1, 0), "all of them or none"
        assert "'INV-9'" in out
        assert command_output("explain", gone.number.lower(), *reason) == (f"Explained {gone.number}.\n", 0)
        out, code = command_output()
        assert code == 0
        assert "erased on request" in out

    def test_the_page_of_findings_and_the_report(self, gone: Entry, admin_client: Client) -> None:
        swept()
        page = admin_client.get(reverse("ledger:findings"), {"tenant": gone.tenant}).content.decode()
        assert gone.number in page
        assert "its document is gone" in page
        with continuity_report(tenant=gone.tenant) as report:
            parts: dict[str, list[Any]] = {part.name: list(part.rows()) for part in report.parts}
        assert [(row.number, row.finding) for row in parts["findings"]] == [(gone.number, "its document is gone")]
        assert "confirmed" not in parts, "there is no accounting system"


class TestTextsOfTheirOwn:
    """Tickets have a second number, which is given to a text: ``booking:…``."""

    @pytest.fixture(autouse=True)
    def _named(self) -> Iterator[None]:
        with override_settings(LEDGER={"DOCUMENTS": ["shop.Ticket"]}):
            yield

    def test_a_number_that_no_row_bears_is_named_until_one_does(self) -> None:
        rows = [Ticket.objects.create(booking=name) for name in "abc"]
        rows[2].booking = "another"
        rows[2].save()
        assert swept() == {"raised": 0, "resolved": 0}
        without_django("shop_ticket", id=rows[0].pk)
        assert swept() == {"raised": 2, "resolved": 0}
        assert sorted(named()) == sorted((number, "shop.ticket") for number in (rows[0].number, rows[0].receipt))
        rows[0].save(force_insert=True)
        assert swept() == {"raised": 0, "resolved": 2}

    def test_a_void_resolves_it_and_rows_of_other_models_do_not(self, org: Organization) -> None:
        ticket, voucher = Ticket.objects.create(booking="a"), Audited.objects.create(org=org)
        assert voucher.receipt != ticket.receipt, "one series of two models"
        without_django("shop_ticket", id=ticket.pk)
        swept()
        assert voucher.receipt not in [number for number, _ in named()]
        for number in (ticket.number, ticket.receipt):
            void(number, reason="it was deleted")
        assert swept() == {"raised": 0, "resolved": 2}

    def test_the_number_of_another_tenant_hides_none(self, org: Organization) -> None:
        ticket = Ticket.objects.create(booking="a")
        with transaction.atomic():
            twin = issue("receipt", org=org, document="booking:a")
        assert str(twin) == ticket.receipt
        swept()
        assert [(one.tenant, one.number) for one in findings(kind=FindingKind.NO_DOCUMENT)] == [
            (f"shop.organization:{org.pk}", ticket.receipt)
        ]


class TestASeriesThatIsAFunction:
    """Neither the series nor the document shows whose number it is."""

    def test_is_watched_without_a_setting(self) -> None:
        define_series("coupon-a", template="A-{counter}", calendar="never")
        define_series("coupon-b", template="B-{counter}", calendar="never")
        rows = [Coupon.objects.create(kind=kind, code=code) for kind, code in (("coupon-a", "1"), ("coupon-b", "2"))]
        with transaction.atomic():
            issue("coupon-a", document="coupon:by hand")
        assert swept() == {"raised": 0, "resolved": 0}, "what was issued by hand has no row"
        without_django("shop_coupon", id=rows[1].pk)
        assert swept() == {"raised": 1, "resolved": 0}
        assert named() == [("B-1", "shop.coupon")]
        void("B-1", reason="it was deleted")
        assert swept() == {"raised": 0, "resolved": 1}

    def test_a_second_save_gets_the_same_number(self) -> None:
        define_series("coupon-a", template="A-{counter}", calendar="never")
        row = Coupon.objects.create(kind="coupon-a", code="1")
        without_django("shop_coupon", id=row.pk)
        assert Coupon.objects.create(kind="coupon-a", code="1").number == row.number


def issue_for(document: Any) -> Entry:
    with transaction.atomic():
        return issue("order", document=document)


def test_nothing_is_watched_without_a_model() -> None:
    assert set(missing_documents.watched()) >= {"shop.invoice", "shop.passing", "shop.paper", "shop.ticket"}
    assert "shop.order" not in missing_documents.watched()
