"""What packages make of a NumberField: a copy on another model is a plain column, which gives and refuses nothing."""

import copy
from typing import Any

import pytest
from django.core import checks
from django.db import models
from django.db.migrations.state import ModelState, ProjectState
from django.test.utils import isolate_apps
from simple_history.utils import bulk_create_with_history

from ledger import errors as e, void
from ledger.compat.number_field import NumberField, create_many, number_fields
from ledger.models import NumberIssued
from tests.shop.audited import Audited, Voucher
from tests.shop.models import Organization
from tests.shop.numbered import Contract, Delivery, Invoice, Paper

pytestmark = pytest.mark.django_db

# The package makes them, so no type checker knows them.
HISTORY: Any = Audited.history.model


@pytest.fixture
def org() -> Organization:
    return Organization.objects.create(name="Shop")


class TestDjangoSimpleHistory:
    def test_every_change_of_a_row_keeps_its_number_and_none_is_given_for_it(self, org: Organization) -> None:
        row = Audited.objects.create(org=org)
        for note in ("paid", "sent", "sent"):
            row.note = note
            row.save()
        kept = list(HISTORY.objects.order_by("history_id").values_list("number", "receipt", "note"))
        assert kept == [(row.number, row.receipt, note) for note in ("", "paid", "sent", "sent")]
        assert NumberIssued.objects.count() == 2, "the row's two numbers"

    def test_the_copies_are_text_columns(self) -> None:
        for name in ("number", "receipt"):
            field = HISTORY._meta.get_field(name)
            assert (type(field), field.unique, field.max_length) == (models.CharField, False, 100)
        assert number_fields(HISTORY) == []
        assert [field.name for field in number_fields(Audited)] == ["number", "receipt"]
        assert [message for model in (Audited, HISTORY) for message in model.check()] == []
        assert not hasattr(HISTORY, "_ledger_numbers_on_save")

    def test_a_deleted_row_can_be_brought_back_with_its_number(self, org: Organization) -> None:
        row = Audited.objects.create(org=org)
        number = row.number
        Audited.objects.all()._raw_delete("default")  # as SQL does, which asks nobody
        HISTORY.objects.first().instance.save(force_insert=True)
        assert Audited.objects.get().number == number
        assert NumberIssued.objects.count() == 2

    def test_history_written_in_bulk(self, org: Organization) -> None:
        rows = create_many([Audited(org=org), Audited(org=org)])
        Audited.history.bulk_history_create(rows)
        assert set(HISTORY.objects.values_list("number", flat=True)) == {row.number for row in rows}
        with pytest.raises(e.InvalidArgument, match="Call create_many"):
            bulk_create_with_history([Audited(org=org)], Audited)

    def test_a_history_that_children_of_an_abstract_model_inherit(self) -> None:
        voucher = Voucher.objects.create()
        voucher.save()
        kept: Any = Voucher.history.all()
        assert [each.number for each in kept] == [voucher.number] * 2
        assert NumberIssued.objects.count() == 1

    def test_a_voided_number_stays_in_the_history(self, org: Organization) -> None:
        row = Audited.objects.create(org=org)
        void(NumberIssued.objects.get(number=row.number), reason="payment reversed")
        row.save()
        assert set(HISTORY.objects.values_list("number", flat=True)) == {row.number}


class TestOtherCopies:
    def _model(self, field: Any, name: str = "Other", base: type[models.Model] = models.Model) -> Any:
        meta = type("Meta", (), {"app_label": "shop"})
        return type(name, (base,), {"number": field, "Meta": meta, "__module__": __name__})

    @isolate_apps("tests.shop")
    @pytest.mark.parametrize("made", [copy.copy, copy.deepcopy, lambda field: field.clone()])
    @pytest.mark.parametrize("model", [Invoice, Paper, Delivery])
    def test_whatever_made_the_copy(self, model: Any, made: Any) -> None:
        """As an audit table or a ``through`` model would: it gives no numbers, and has no unique constraint."""
        field = made(model._meta.get_field("number"))
        other = self._model(field)
        assert (type(field), field.unique, field.model) == (models.CharField, False, other)
        row = other(number="INV-2026-000001")
        assert field.pre_save(row, True) == "INV-2026-000001"
        assert other.check() == []
        assert number_fields(model), "the original goes on"

    @isolate_apps("tests.shop")
    def test_a_copy_of_a_copy_is_plain_as_well(self) -> None:
        field = copy.copy(Invoice._meta.get_field("number"))
        self._model(field)
        again = copy.copy(field)
        self._model(again, "Another")
        assert type(again) is models.CharField

    @isolate_apps("tests.shop")
    def test_the_models_of_a_migration_give_no_numbers(self) -> None:
        state = ProjectState()
        for model in (Organization, Invoice):
            state.add_model(ModelState.from_model(model))
        made: Any = state.apps.get_model("shop", "Invoice")
        assert number_fields(made) == []
        assert made(number="X")._meta.get_field("number").pre_save(made(number="X"), True) == "X"

    def test_children_number_as_before(self) -> None:
        assert [each.name for each in number_fields(Contract)] == ["number"]
        assert [each.name for each in number_fields(Delivery)] == ["number"]
        assert isinstance(Delivery._meta.get_field("number"), NumberField)

    @isolate_apps("tests.shop")
    def test_a_field_of_its_own_numbers_wherever_it_stands(self) -> None:
        number = NumberField(series="invoice")
        model = self._model(number)
        assert number_fields(model) == [number]
        assert number.unique
        assert [message for message in model.check() if isinstance(message, checks.Error)] == []
