"""What becomes of a number when its row is deleted: by Django in every way that it has, and behind its back."""

from __future__ import annotations

import pickle
from datetime import date
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.utils import NestedObjects, get_deleted_objects
from django.db import IntegrityError, models, transaction
from django.test.utils import isolate_apps

from ledger import define_series, errors as e, issue, void
from ledger.compat.number_field import KEEP, PROTECT, NumberField, create_many, renumber
from ledger.models import Entry
from tests.shop.models import Organization
from tests.shop.numbered import Contract, Delivery, Invoice, Offer, Paper, Passing, Slip, Ticket

pytestmark = pytest.mark.django_db

DAY = date(2026, 6, 1)


@pytest.fixture
def org() -> Organization:
    return Organization.objects.create(name="Shop")


def voided(number: str, org: Any = None) -> None:
    void(number, org=org, reason="a test")


class TestProtect:
    def test_a_row_with_a_valid_number_stays(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        with pytest.raises(e.NumberProtected) as refused:
            invoice.delete()
        told = str(refused.value)
        assert invoice.number in told
        assert "void(number, reason=…)" in told
        assert "on_delete=KEEP" in told
        assert isinstance(refused.value, models.RestrictedError | IntegrityError)
        assert refused.value.restricted_objects == {invoice}  # type: ignore[attr-defined]
        assert str(pickle.loads(pickle.dumps(refused.value))) == told  # noqa: S301
        assert Invoice.objects.get() == invoice

    def test_a_void_one_goes(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        voided(invoice.number, org)
        invoice.delete()
        assert not Invoice.objects.exists()
        assert Entry.objects.count() == 1

    def test_a_void_number_that_was_replaced_protects_again(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        voided(invoice.number, org)
        renumber(invoice)
        with pytest.raises(e.NumberProtected, match=invoice.number):
            invoice.delete()

    def test_a_void_number_of_another_tenant_frees_no_row(self, org: Organization) -> None:
        other = Organization.objects.create(name="Other")
        one, twin = (Invoice.objects.create(org=each, dated=DAY) for each in (org, other))
        assert one.number == twin.number
        voided(one.number, org)
        with pytest.raises(e.NumberProtected):
            twin.delete()
        one.delete()

    def test_in_a_query_set_nothing_is_deleted(self, org: Organization) -> None:
        rows = create_many([Invoice(org=org, dated=DAY) for _ in range(5)])
        for row in rows[:4]:
            voided(row.number, org)
        with pytest.raises(e.NumberProtected, match=rows[4].number):
            Invoice.objects.all().delete()
        assert Invoice.objects.count() == 5
        assert Invoice.objects.exclude(pk=rows[4].pk).delete()[0] == 4

    def test_many_are_named_by_three(self, org: Organization) -> None:
        rows = create_many([Invoice(org=org, dated=DAY) for _ in range(5)])
        with pytest.raises(e.NumberProtected, match=f"{rows[2].number} and 2 more"):
            Invoice.objects.all().delete()

    def test_by_a_cascade(self) -> None:
        paper = Paper.objects.create(title="a")
        slip = Slip.objects.create(paper=paper)
        voided(paper.number)
        with pytest.raises(e.NumberProtected, match=f"shop.Slip.*{slip.number}.*on_delete=KEEP"):
            paper.delete()
        with pytest.raises(e.NumberProtected):
            Paper.objects.all().delete()
        voided(slip.number)
        paper.delete()
        assert not Slip.objects.exists()

    def test_in_the_admin_the_row_is_named_before_anything_is_deleted(self, rf: Any, admin_user: Any) -> None:
        paper = Paper.objects.create(title="a")
        slip = Slip.objects.create(paper=paper)
        voided(paper.number)
        collector = NestedObjects(using="default", origin=paper)
        collector.collect([paper])
        assert collector.protected == {slip}
        request = rf.get("/")
        request.user = admin_user
        *_, protected = get_deleted_objects([slip], request, site)
        assert len(protected) == 1

    @pytest.mark.parametrize("kind", [Paper, Offer, Contract])
    def test_of_children_and_proxies(self, kind: Any) -> None:
        row = kind.objects.create(title="a")
        for call in (row.delete, kind.objects.all().delete, Paper.objects.all().delete):
            with pytest.raises(e.NumberProtected, match=row.number):
                call()
        voided(row.number)
        row.delete()
        assert not Paper.objects.exists()

    def test_of_children_of_an_abstract_model(self) -> None:
        define_series("delivery", template="D{counter}", calendar="never")
        with pytest.raises(e.NumberProtected):
            Delivery.objects.create().delete()

    def test_each_of_two_numbers_protects(self) -> None:
        ticket = Ticket.objects.create(booking="A1")
        voided(ticket.number)
        with pytest.raises(e.NumberProtected, match=str(ticket.receipt)):
            ticket.delete()
        voided(str(ticket.receipt))
        ticket.delete()

    def test_a_row_without_a_number_goes(self) -> None:
        ticket = Ticket.objects.create(booking="old")
        voided(ticket.number)
        Ticket.objects.update(receipt=None)
        Ticket.objects.get().delete()

    def test_in_the_transaction_that_gave_the_number(self, org: Organization) -> None:
        with transaction.atomic(), pytest.raises(e.NumberProtected):
            Invoice.objects.create(org=org).delete()

    def test_django_s_own_look_at_the_model_is_as_before(self) -> None:
        names = [field.name for field in Invoice._meta.fields]
        assert names == ["id", "org", "dated", "note", "number"]
        assert all(model.check() == [] for model in (Invoice, Contract, Offer, Slip))


class TestKeep:
    def test_the_row_goes_and_its_number_stays(self) -> None:
        row = Passing.objects.create()
        row.delete()
        assert not Passing.objects.exists()
        assert Entry.objects.get().number == row.number

    @pytest.mark.parametrize("wrong", [models.CASCADE, models.SET_NULL, None, "keep"])
    def test_nothing_else_is_meant(self, wrong: Any) -> None:
        with pytest.raises(e.InvalidArgument, match="neither PROTECT nor KEEP"):
            NumberField(series="invoice", on_delete=wrong)

    @isolate_apps("tests.shop")
    def test_a_copy_keeps_what_was_chosen(self) -> None:
        assert Passing._meta.get_field("number").clone().on_delete is KEEP
        assert Invoice._meta.get_field("number").clone().on_delete is PROTECT


class TestRenumber:
    def test_a_row_whose_number_is_void_gets_another_one(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY, note="web")
        first = Entry.objects.get()
        void(first, reason="wrong address")
        assert renumber(invoice) == invoice.number == "INV-2026-000002"
        second = Entry.objects.get(number=invoice.number)
        assert (second.replaces, second.document, second.metadata) == (first, first.document, {"note": "web"})
        invoice.save()
        assert Invoice.objects.get().number == invoice.number

    def test_twice_and_of_a_valid_number_changes_nothing(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        assert renumber(invoice) == invoice.number
        void(Entry.objects.get(), reason="wrong address")
        assert renumber(invoice) == renumber(Invoice.objects.get()) == "INV-2026-000002"
        assert Entry.objects.count() == 2

    def test_what_was_replaced_elsewhere_is_taken_over(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        void(Entry.objects.get(), reason="wrong address")
        again = issue("invoice", org=org, document=invoice, on=DAY, replaces=invoice.number)
        assert renumber(invoice) == again.number

    def test_of_a_child_and_of_a_second_number(self) -> None:
        contract = Contract.objects.create(title="a")
        voided(contract.number)
        assert renumber(contract) == Paper.objects.get().number != contract.title
        ticket = Ticket.objects.create(booking="A1")
        voided(str(ticket.receipt))
        assert renumber(ticket, "receipt") == Ticket.objects.get().receipt == ticket.receipt

    def test_a_row_is_not_inserted_again_with_a_void_number(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        given, pk = invoice.number, invoice.pk
        voided(given, org)
        invoice.delete()
        invoice.pk = pk
        with pytest.raises(e.DocumentVoided, match=given), transaction.atomic():
            invoice.save()
        issue("invoice", org=org, document=f"shop.invoice:{pk}", on=DAY, replaces=given)
        invoice.save()
        assert Invoice.objects.get().number == "INV-2026-000002"
