"""NumberField on a host's models: when the number comes, what keeps it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import checks, serializers
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter
from django.db.models.signals import post_save, pre_save
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext, isolate_apps

from ledger import close_period, define_series, errors as e, issue, open_period, void
from ledger.compat.number_field import NumberField, create_many
from ledger.models import Entry, NumberIssued
from ledger.verification import verify
from tests.allocations import ALL, DAY, default_allocation, expect_all_accounted_for, rolled_back
from tests.databases import database_alias, migrated_database
from tests.drafts import remote_series, stock
from tests.shop.models import Organization
from tests.shop.numbered import Contract, Delivery, Invoice, Keyless, Late, Offer, Paper, Return, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def org() -> Organization:
    return Organization.objects.create(name="Acme")


def entry_of(document: str) -> Entry:
    entry: Entry = NumberIssued.objects.get(document=document)
    return entry


class TestFirstSave:
    def test_the_number_is_that_of_the_ledger(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY, note="web")
        assert invoice.number == "INV-2026-000001"
        entry = entry_of(f"shop.invoice:{invoice.pk}")
        assert (entry.number, entry.tenant, entry.issued_on) == (invoice.number, f"shop.organization:{org.pk}", DAY)
        assert (entry.metadata, entry.actor) == ({"note": "web"}, "shop")
        assert Invoice.objects.get().number == invoice.number

    def test_each_tenant_has_its_own(self, org: Organization) -> None:
        other = Organization.objects.create(name="Other")
        made = [Invoice.objects.create(org=each, dated=DAY).number for each in (org, org, other)]
        assert made == ["INV-2026-000001", "INV-2026-000002", "INV-2026-000001"]

    def test_a_key_of_python_and_two_numbers(self) -> None:
        ticket = Ticket.objects.create(booking="B7")
        assert (ticket.number, ticket.receipt[:4]) == ("TKT-000001", "RCP-")
        assert str(entry_of(f"shop.ticket:{ticket.pk}")) == ticket.number
        assert str(entry_of("booking:B7")) == ticket.receipt

    def test_a_key_that_is_chosen(self, org: Organization) -> None:
        invoice = Invoice(pk=77, org=org, dated=DAY)
        invoice.save()
        assert str(entry_of("shop.invoice:77")) == invoice.number
        assert Invoice.objects.get(pk=77).number == invoice.number

    def test_signals_see_what_they_always_saw_and_the_number_too(self, org: Organization) -> None:
        seen: list[Any] = []

        def before(instance: Invoice, **kwargs: Any) -> None:
            seen.append((instance.pk, instance.number))

        def after(instance: Invoice, created: bool, **kwargs: Any) -> None:
            seen.append((created, instance.number, Invoice.objects.get(pk=instance.pk).number))

        pre_save.connect(before, sender=Invoice)
        post_save.connect(after, sender=Invoice)
        try:
            number = Invoice.objects.create(org=org, dated=DAY).number
        finally:
            pre_save.disconnect(before, sender=Invoice)
            post_save.disconnect(after, sender=Invoice)
        assert seen == [(None, ""), (True, number, number)]

    def test_three_statements(self, org: Organization) -> None:
        Invoice.objects.create(org=org, dated=DAY)
        with CaptureQueriesContext(connection) as asked:
            Invoice.objects.create(org=org, dated=DAY)
        assert [each["sql"].split()[0] for each in asked] == ["SELECT", "SELECT", "INSERT"]

    @pytest.mark.parametrize("allocation", ALL)
    def test_in_every_allocation(self, allocation: str) -> None:
        with default_allocation(allocation):
            papers = [Paper.objects.create(title=title) for title in "ab"]
            with rolled_back():
                Paper.objects.create(title="in vain")
            papers.append(Paper.objects.create(title="c"))
        stored = dict(Paper.objects.values_list("pk", "number"))
        assert stored == {paper.pk: paper.number for paper in papers}
        assert all(stored[paper.pk] == str(entry_of(f"shop.paper:{paper.pk}")) for paper in papers)
        expect_all_accounted_for()

    def test_numbers_of_an_accounting_system(self) -> None:
        stock(remote_series("order"), ["B-9"], day=issue("invoice").issued_on)
        assert Paper.objects.create(title="a").number == "B-9"
        with pytest.raises(e.PoolExhausted), transaction.atomic():
            Paper.objects.create(title="b")
        assert Paper.objects.count() == 1

    def test_get_or_create(self, org: Organization) -> None:
        first, made = Invoice.objects.get_or_create(org=org, note="x", defaults={"dated": DAY})
        again, made_again = Invoice.objects.get_or_create(org=org, note="x", defaults={"dated": DAY})
        assert (made, made_again, again.number) == (True, False, first.number)
        assert NumberIssued.objects.count() == 1


class TestKindsOfModels:
    def test_a_child_shares_its_parents_numbers(self) -> None:
        paper, contract = Paper.objects.create(title="a"), Contract.objects.create(title="b")
        assert contract.pk == paper.pk + 1
        assert [paper.number[-1], contract.number[-1]] == ["1", "2"]
        assert str(entry_of(f"shop.paper:{contract.pk}")) == contract.number
        Paper.objects.get(pk=contract.pk).save()
        contract.signed = True
        contract.save()
        assert Contract.objects.get(signed=True).number == contract.number
        assert NumberIssued.objects.count() == 2

    def test_a_child_added_to_its_parent(self) -> None:
        paper = Paper.objects.create(title="a")
        contract = Contract(paper_ptr=paper, title="a", number=paper.number)
        contract.save()
        assert Contract.objects.get().number == paper.number
        assert NumberIssued.objects.count() == 1

    def test_a_proxy(self) -> None:
        offer = Offer.objects.create(title="a")
        assert str(entry_of(f"shop.paper:{offer.pk}")) == offer.number

    def test_children_of_an_abstract_model(self) -> None:
        for code in ("delivery", "return"):
            define_series(code, template=f"{code}-{{counter}}", calendar="never")
        assert Delivery.objects.create().number == "delivery-1"
        assert Return.objects.create(reason="a").number == "return-1"
        assert Return.objects.create(reason="b").number == "return-2"


class TestLaterSaves:
    def test_the_number_stays(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        given = invoice.number
        invoice.note, invoice.number = "changed", "INV-2026-000099"
        invoice.save()
        invoice.save(update_fields=["number"])
        invoice = Invoice.objects.get()
        assert (invoice.note, invoice.number) == ("changed", given)
        assert NumberIssued.objects.count() == 1

    def test_a_row_without_a_number_gets_none_by_the_way(self) -> None:
        """It was there before the field was: whether, and of what date, is for its owner to say."""
        ticket = Ticket.objects.create(booking="old")
        Ticket.objects.update(receipt=None)
        ticket = Ticket.objects.get()
        ticket.save()
        assert Ticket.objects.get().receipt is None

    def test_a_row_that_is_saved_again_after_it_was_deleted(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        given, pk = invoice.number, invoice.pk
        Invoice.objects.all()._raw_delete("default")  # as SQL does, which asks nobody
        invoice.save()
        assert Invoice.objects.get(pk=pk).number == given
        assert NumberIssued.objects.count() == 1

    def test_a_copy_gets_its_own(self, org: Organization) -> None:
        invoice = Invoice.objects.create(org=org, dated=DAY)
        first = invoice.number
        invoice.pk, invoice._state.adding = None, True
        invoice.save()
        assert invoice.number != first
        assert NumberIssued.objects.count() == Invoice.objects.count() == 2
        read = Invoice.objects.get(number=first)
        read.pk, read._state.adding = None, True
        with pytest.raises(e.InvalidArgument, match="Leave number empty"), transaction.atomic():
            read.save()
        read.number = ""
        read.save()
        assert read.number.endswith("3")


class TestRetries:
    def test_a_row_that_is_refused_takes_its_number_along(self) -> None:
        define_series("return", template="R-{counter}", calendar="never")
        Return.objects.create(reason="torn")
        second = Return(reason="torn")
        with pytest.raises(IntegrityError), transaction.atomic():
            second.save()
        assert not second._is_pk_set(), "as after any INSERT that failed"  # type: ignore[attr-defined]
        second.reason = "too small"
        second.save()
        assert Return.objects.get(reason="too small").number == "R-2"
        expect_all_accounted_for()


@pytest.mark.django_db(transaction=True)
class TestTransactions:
    def test_a_save_outside_a_transaction_is_one(self) -> None:
        assert not connection.in_atomic_block
        Paper.objects.create(title="a")
        define_series("return", template="R-{counter}", calendar="never")
        Return.objects.create(reason="torn")
        with pytest.raises(IntegrityError):
            Return.objects.create(reason="torn")
        assert list(Return.objects.values_list("number", flat=True)) == ["R-1"]
        assert NumberIssued.objects.count() == 2, "the number went with its row"
        assert list(verify()) == []

    def test_what_post_save_raises_takes_the_row_and_its_number_along(self) -> None:
        def refuse(**kwargs: Any) -> None:
            raise RuntimeError("no mail server")

        post_save.connect(refuse, sender=Paper)
        try:
            with pytest.raises(RuntimeError):
                Paper.objects.create(title="a")
        finally:
            post_save.disconnect(refuse, sender=Paper)
        assert not Paper.objects.exists()
        assert not NumberIssued.objects.exists()

    @pytest.mark.parametrize("allocation", ALL)
    def test_the_number_of_a_try_that_was_rolled_back_is_not_kept(self, allocation: str) -> None:
        """The instance still bears it, and by now somebody else may."""
        with default_allocation(allocation):
            paper = Paper(title="a")
            with rolled_back():
                paper.save()
            first = paper.number
            Paper.objects.create(title="faster")
            paper.save()
        assert Paper.objects.get(title="a").number == paper.number == str(entry_of(f"shop.paper:{paper.pk}"))
        assert Paper.objects.get(title="faster").number != paper.number
        assert (paper.number == first) == (allocation == "reserved"), "which keeps it for the same document"


class TestAnotherDatabase:
    def test_the_number_is_of_the_ledger_beside_the_row(self, django_db_blocker: Any) -> None:
        with migrated_database("folio_second") as url, database_alias("second", url), django_db_blocker.unblock():
            paper = Paper(title="a")
            paper.save(using="second")
            [other, third] = create_many([Paper(title="b"), Paper(title="c")], using="second")
            stored = dict(Paper.objects.using("second").values_list("pk", "number"))
            assert stored == {each.pk: each.number for each in (paper, other, third)}
            entries = NumberIssued.objects.using("second").order_by("value")
            assert [str(entry) for entry in entries] == [paper.number, other.number, third.number]
            assert list(verify(using="second")) == []
        assert not NumberIssued.objects.exists()
        assert not Paper.objects.exists()


class TestWhatTheLedgerHasNotGiven:
    def test_a_number_that_somebody_made_up(self, org: Organization) -> None:
        with pytest.raises(e.InvalidArgument, match="'OLD-7', which the ledger has not given"), transaction.atomic():
            Invoice.objects.create(org=org, dated=DAY, number="OLD-7")
        assert not Invoice.objects.exists()
        assert not Entry.objects.exists()

    def test_another_documents_number(self, org: Organization) -> None:
        first = Invoice.objects.create(org=org, dated=DAY)
        with pytest.raises(e.InvalidArgument), transaction.atomic():
            Invoice.objects.create(org=org, dated=DAY, number=first.number)
        issue("invoice", org=org, document="shop.invoice:70", on=DAY)
        with pytest.raises(e.DocumentConflict, match="was given 'INV-2026-000002'"), transaction.atomic():
            Invoice.objects.create(pk=70, org=org, dated=DAY, number=first.number)

    def test_a_number_that_the_document_has_already(self, org: Organization) -> None:
        entry = issue("invoice", org=org, document="shop.invoice:70", on=DAY)
        Invoice.objects.create(pk=70, org=org, dated=DAY, number=entry.number)
        assert Invoice.objects.get().number == entry.number
        assert NumberIssued.objects.count() == 1

    def test_a_fixture_is_stored_as_it_is(self, org: Organization) -> None:
        """A fixture holds numbers that some ledger gave, or none: the ledger is loaded, or adopted, beside it."""
        invoice = Invoice.objects.create(org=org, dated=DAY)
        text = serializers.serialize("json", [invoice])
        Invoice.objects.all()._raw_delete("default")
        for loaded in serializers.deserialize("json", text.replace("000001", "000777")):
            loaded.save()
        [kept] = Invoice.objects.all()
        assert kept.number == "INV-2026-000777"
        assert NumberIssued.objects.count() == 1
        kept.save()
        assert Invoice.objects.get().number == "INV-2026-000777"


class TestRefusals:
    def test_what_the_series_refuses(self, org: Organization) -> None:
        series = define_series("invoice", org=org, template="INV-{year}-{counter:06}")
        close_period(open_period(series, DAY), early=True)
        invoice = Invoice(org=org, dated=DAY)
        with pytest.raises(e.PeriodClosed), transaction.atomic():
            invoice.save()
        assert invoice._state.adding
        assert not invoice.number
        assert not Invoice.objects.exists()

    def test_other_facts_of_the_same_document(self, org: Organization) -> None:
        issue("invoice", org=org, document="shop.invoice:70", on=DAY, metadata={"note": "shop"})
        with pytest.raises(e.DocumentConflict), transaction.atomic():
            Invoice.objects.create(pk=70, org=org, dated=DAY, note="web")

    def test_no_key(self) -> None:
        with pytest.raises(e.InvalidDocument, match=r"shop.Keyless has no key yet.*NumberField\(document=…\)"):
            create_many([Keyless()])
        with pytest.raises(e.InvalidDocument, match="shop.Late has no key yet"), transaction.atomic():
            Late.objects.create()
        assert Keyless.objects.create(id=7).number == str(entry_of("shop.keyless:7"))

    def test_a_number_longer_than_its_column(self) -> None:
        define_series("ticket", template="A-VERY-LONG-TICKET-{counter:06}", calendar="never")
        with pytest.raises(e.InvalidSeries, match="25 characters; shop.Ticket.number holds 20"), transaction.atomic():
            Ticket.objects.create(booking="a")
        assert not Entry.objects.exists()

    def test_an_unsaved_org(self) -> None:
        with pytest.raises(ValueError, match="unsaved related object"):
            Invoice(org=Organization(name="new"), dated=DAY).save()

    def test_a_table_without_a_sequence(self, org: Organization) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE shop_invoice ALTER COLUMN id DROP IDENTITY")
        with pytest.raises(e.InvalidDocument, match="'shop_invoice' has no sequence of its own for 'id'"):
            create_many([Invoice(org=org, dated=DAY)])


class TestMany:
    def test_bulk_create_says_what_to_call_instead(self, org: Organization) -> None:
        with pytest.raises(e.InvalidArgument, match="Call create_many"), transaction.atomic():
            Invoice.objects.bulk_create([Invoice(org=org, dated=DAY)])
        assert not Entry.objects.exists()

    def test_a_block_for_neighbours_of_one_kind(self, org: Organization) -> None:
        other = Organization.objects.create(name="Other")
        create_many([Invoice(org=each, dated=DAY) for each in (org, other)])
        with CaptureQueriesContext(connection) as asked:
            made = create_many([Invoice(org=each, dated=DAY) for each in (org, org, org, other, org)], batch_size=2)
        assert [invoice.number[-1] for invoice in made] == ["2", "3", "4", "2", "5"]
        told = [each["sql"] for each in asked]
        assert [len([sql for sql in told if what in sql]) for what in ("nextval", "_serial_many", "INSERT")] == [
            1,
            3,
            3,
        ]
        for invoice in Invoice.objects.all():
            assert str(entry_of(f"shop.invoice:{invoice.pk}")) == invoice.number
        assert Invoice.objects.count() == 7

    def test_rows_that_have_keys(self) -> None:
        made = create_many([Ticket(booking=f"B{n}") for n in range(3)])
        assert [ticket.number for ticket in made] == ["TKT-000001", "TKT-000002", "TKT-000003"]
        assert list(Ticket.objects.order_by("receipt").values_list("receipt", flat=True)) == [
            ticket.receipt for ticket in made
        ]

    def test_all_or_none(self) -> None:
        define_series("return", template="R-{counter}", calendar="never")
        with pytest.raises(IntegrityError), transaction.atomic():
            create_many([Return(reason="torn"), Return(reason="torn")])
        assert not Entry.objects.exists()
        again = [Return(reason="torn"), Return(reason="late")]
        assert [each.number for each in create_many(again)] == ["R-1", "R-2"]

    def test_a_retry_replaces_what_was_rolled_back(self) -> None:
        papers = [Paper(title=title) for title in "ab"]
        with rolled_back():
            create_many(papers)
        Paper.objects.create(title="faster")
        assert [paper.number[-1] for paper in create_many(papers)] == ["2", "3"]

    def test_one_model_at_a_time(self) -> None:
        assert create_many([]) == []
        with pytest.raises(e.InvalidArgument, match="was given shop.Keyless, shop.Paper"):
            create_many([Keyless(id=1), Paper(title="a")])

    def test_a_made_up_number(self) -> None:
        with pytest.raises(e.InvalidArgument, match="which the ledger has not given"):
            create_many([Paper(title="a", number="OLD-7")])


class TestForms:
    def test_a_form_does_not_have_it(self) -> None:
        assert "number" not in forms.modelform_factory(Ticket, fields="__all__").base_fields

    def test_a_form_that_shows_it_does_not_read_it(self) -> None:
        kind = forms.modelform_factory(Ticket, fields=["booking", "receipt"])
        form = kind({"booking": "B7", "receipt": "RCP-MINE"})
        assert "disabled" in str(form["receipt"])
        ticket = form.save()
        assert ticket.receipt == str(entry_of("booking:B7"))
        form = kind({"booking": "B7", "receipt": "RCP-MINE"}, instance=ticket)
        assert ticket.receipt in str(form["receipt"])
        form.save()
        assert Ticket.objects.get().receipt == ticket.receipt != "RCP-MINE"

    def test_the_admin_shows_it_to_be_read(self, admin_user: User) -> None:
        class TicketAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
            fields = ("booking", "number", "receipt")
            readonly_fields = ("number",)

        pages = TicketAdmin(Ticket, admin.AdminSite())
        request = RequestFactory().post("/", {"booking": "B7", "number": "TKT-MINE", "receipt": "RCP-MINE"})
        request.user = admin_user
        form = pages.get_form(request)(request.POST)
        assert form.is_valid(), form.errors
        assert list(form.fields) == ["booking", "receipt"]
        pages.save_model(request, form.save(commit=False), form, change=False)
        ticket = Ticket.objects.get()
        assert ticket.number == str(entry_of(f"shop.ticket:{ticket.pk}"))
        assert ticket.receipt == str(entry_of("booking:B7"))

    def test_validation_passes_without_a_number(self, org: Organization) -> None:
        Invoice.objects.create(org=org, dated=DAY)
        Invoice(org=org, dated=DAY).full_clean()


class TestDeclaration:
    def test_migrations_know_a_text_column(self) -> None:
        number = Invoice._meta.get_field("number")
        name, path, args, kwargs = number.deconstruct()
        assert (name, path, args) == ("number", "django.db.models.CharField", [])
        assert kwargs == {"blank": True, "editable": False, "max_length": 100}
        assert Ticket._meta.get_field("number").deconstruct()[3]["unique"] is True

    def test_taking_the_place_of_a_text_column_changes_no_table(self) -> None:
        """Later changes of how numbers are given change no table either, so migrations stay as they are."""
        for kind in (Invoice, Ticket, Paper):
            now = ModelState.from_model(kind)
            assert isinstance(now.fields["number"], NumberField)
            text, imported = MigrationWriter.serialize(now.fields["number"])
            assert (text.split("(")[0], imported) == ("models.CharField", {"from django.db import models"})
            before = now.clone()
            before.fields = {**now.fields}
            for name in ("number", "receipt"):
                if name in now.fields:
                    _, _, args, kwargs = now.fields[name].deconstruct()
                    before.fields[name] = models.CharField(*args, **kwargs)
            states = [ProjectState(), ProjectState()]
            for state, model in zip(states, (before, now), strict=True):
                state.add_model(ModelState.from_model(Organization))
                state.add_model(model)
            assert MigrationAutodetector(states[0], states[1])._detect_changes() == {}  # type: ignore[attr-defined]

    def test_a_copy_gives_the_same_numbers(self) -> None:
        for kind in (Invoice, Ticket, Paper):
            field = kind._meta.get_field("number")
            assert isinstance(field, NumberField)
            copy = field.clone()
            assert copy.deconstruct()[1:] == (field.deconstruct()[1:])
            assert (copy.series, copy.org, copy.document, copy.unique) == (
                field.series,
                field.org,
                field.document,
                field.unique,
            )

    @isolate_apps("tests.shop")
    def test_a_check_asks_for_a_constraint(self) -> None:
        class Bare(models.Model):  # noqa: DJ008
            org = models.CharField(max_length=20)
            number = NumberField(series="invoice", org=lambda self: self.org)

            class Meta:
                app_label = "shop"

        class Held(models.Model):  # noqa: DJ008
            org = models.CharField(max_length=20)
            number = NumberField(series="invoice", org=lambda self: self.org)

            class Meta:
                app_label = "shop"
                constraints = [models.UniqueConstraint(fields=["org", "number"], name="held")]

        [warning] = Bare.check()
        assert (warning.id, warning.level) == ("ledger.W020", checks.WARNING)
        assert Held.check() == []

    def test_the_shop_has_nothing_to_check(self) -> None:
        call_command("check", "shop")


def test_a_void_number_stays_with_its_row(org: Organization) -> None:
    invoice = Invoice.objects.create(org=org, dated=DAY)
    void(entry_of(f"shop.invoice:{invoice.pk}"), reason="payment reversed")
    invoice.save()
    assert Invoice.objects.get().number == invoice.number
