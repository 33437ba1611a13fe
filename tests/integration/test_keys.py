"""One row is one document and one tenant, however it was loaded, and however its primary key was written."""

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from hypothesis import given, settings, strategies as st

from ledger import issue, sql
from ledger.compat.django_sequence import next_sequence
from ledger.compat.moving.history import History
from ledger.compat.sequence_model import Sequence
from ledger.instances import find_row
from ledger.keys import document_key, tenant_key
from ledger.models import NumberIssued
from ledger.texts import flaw, is_key_sql
from tests.shop import inherited, keyed
from tests.shop.keyed import ByUUID

pytestmark = pytest.mark.django_db

ONE = "550E8400-E29B-41D4-A716-446655440000"
LIVING = Path(str(sql.__file__)).parent / "functions" / "ledger_is_key.sql"


def ways(made: models.Model, *classes: type[models.Model]) -> list[models.Model]:
    """One row, as it is and as each of these classes and its deferred rows have it."""
    loaded = [row for each in classes for row in (each._base_manager.get(), each._base_manager.only("pk").get())]
    return [made, *loaded]


class TestInheritance:
    def test_a_sale_that_a_payment_leads_to(self) -> None:
        """Django gives the parent when it follows the key, and Python has the child where the sale was made."""
        sale = inherited.WebSale.objects.create(address="a")
        inherited.Payment.objects.create(sale=sale)
        lazily = inherited.Payment.objects.get().sale
        joined = inherited.Payment.objects.select_related("sale__websale").get().sale
        numbers = {str(issue("invoice", document=each)) for each in (sale, lazily, joined, joined.websale)}
        assert len(numbers) == NumberIssued.objects.count() == 1
        assert NumberIssued.objects.get().document == f"shop.sale:{sale.pk}"

    def test_an_organisation_of_two_classes_counts_once(self) -> None:
        shop = inherited.PhoneSale.objects.create()
        orgs = [shop, inherited.Sale.objects.get()]
        assert [issue("invoice", org=org, on=date(2026, 3, 1)).value for org in orgs] == [1, 2]

    @pytest.mark.parametrize(
        ("model", "facts", "above"),
        [
            (inherited.WebSale, {}, [inherited.Sale, inherited.WebSale, inherited.FlashSale]),
            (inherited.GiftSale, {}, [inherited.Sale, inherited.WebSale, inherited.FlashSale, inherited.GiftSale]),
            (inherited.PhoneSale, {}, [inherited.Sale, inherited.PhoneSale]),
            (inherited.CodedSale, {"code": "C-1"}, [inherited.Sale, inherited.CodedSale]),
            (inherited.CodedGift, {"code": "C-1"}, [inherited.Sale, inherited.CodedSale, inherited.CodedGift]),
            (inherited.Express, {}, [inherited.Parcel, inherited.Express]),
            (inherited.RentedAndSold, {}, [inherited.Thing, inherited.Rented, inherited.Sold, inherited.RentedAndSold]),
            (inherited.Dog, {"name": "Rex"}, [inherited.Animal, inherited.Dog]),
        ],
    )
    def test_each_class_that_a_row_can_come_as(
        self, model: Any, facts: dict[str, str], above: list[type[models.Model]]
    ) -> None:
        made = model.objects.create(**facts)
        top = above[0]._meta
        root = above[0]._base_manager.get()
        assert {document_key(row) for row in ways(made, *above)} == {f"{top.label_lower}:{root.pk}"}
        for each in above:
            found = find_row(each, document_key(made))
            assert found is not None
            assert found.pk == each._base_manager.get().pk

    def test_polymorphic_rows_come_as_the_class_that_they_were_made_with(self) -> None:
        dog = inherited.Dog.objects.create(name="Rex")
        inherited.Adoption.objects.create(animal=dog)
        adoptions = inherited.Adoption.objects
        rows = [inherited.Animal.objects.get(), inherited.Animal.objects.non_polymorphic().get()]
        rows += [each.get().animal for each in (adoptions, adoptions.select_related("animal"))]
        assert {type(row) for row in rows} == {inherited.Animal, inherited.Dog}
        assert {document_key(row) for row in rows} == {f"shop.animal:{dog.pk}"}

    def test_a_number_of_the_childs_table_is_the_sales(self) -> None:
        sale: Any = inherited.NumberedSale.objects.create()
        assert sale.number == str(issue("order", document=sale)) == str(issue("order", document=sale.sale_ptr))
        assert NumberIssued.objects.get().document == f"shop.sale:{sale.pk}"


AS_TEXT: Any = "t"

READ_BACK: list[tuple[Callable[[], Any], str]] = [
    (lambda: keyed.ByNumber(id="07"), "7"),
    (lambda: keyed.ByUUID(id=ONE), ONE.lower()),
    (lambda: keyed.ByDecimal(id="1"), "1.00"),
    (lambda: keyed.ByDecimal(id=Decimal("0.125")), "0.13"),
    (lambda: keyed.ByDecimal(id=Decimal("-2.675")), "-2.68"),
    (lambda: keyed.ByDecimal(id="-0"), "0.00"),
    (lambda: keyed.ByDate(id="2026-3-1"), "2026-03-01"),
    (
        lambda: keyed.ByMoment(id=datetime(2026, 3, 1, 15, tzinfo=timezone(timedelta(hours=5, minutes=30)))),
        "2026-03-01 09:30:00+00:00",
    ),
    (lambda: keyed.ByMoment(id="2026-03-01T09:30:00.5+02:00"), "2026-03-01 07:30:00.500000+00:00"),
    (lambda: keyed.ByDuration(id="25:00:00"), "1 day, 1:00:00"),
    (lambda: keyed.ByTruth(id=AS_TEXT), "True"),
    (lambda: keyed.ByCode(id=keyed.ByCode.Code.RED), "red"),
    (lambda: keyed.ByCode(id=7), "7"),
    (lambda: keyed.ByBytes(id=b"\x00\xff"), "AP8="),
    (lambda: keyed.ByAddress(id="2001:DB8::0:1"), "2001:db8::1"),
]


class TestFreshAndReadBack:
    @pytest.mark.parametrize(("make", "text"), READ_BACK)
    def test_have_one_key(self, make: Callable[[], Any], text: str) -> None:
        fresh = make()
        before = document_key(fresh)
        fresh.save(force_insert=True)
        [kept] = type(fresh).objects.all()
        assert {before, document_key(fresh), document_key(kept)} == {f"{type(fresh)._meta.label_lower}:{text}"}

    def test_keys_that_are_foreign_keys(self) -> None:
        ByUUID.objects.create(id=ONE)
        fresh = [keyed.Keeper(of_id=ONE), keyed.KeeperOfKeeper(of_id=ONE)]
        before = [document_key(each) for each in fresh]
        for each in fresh:
            each.save()
        kept = [keyed.Keeper.objects.get(), keyed.KeeperOfKeeper.objects.get()]
        assert before == [document_key(each) for each in kept]
        assert before == [f"shop.keeper:{ONE.lower()}", f"shop.keeperofkeeper:{ONE.lower()}"]

    def test_a_composite_key(self) -> None:
        owner = ByUUID.objects.create(id=ONE)
        fresh = keyed.Line(owner_id=ONE, position="07", currency="a,b\\c")
        before = document_key(fresh)
        fresh.save()
        assert before == document_key(keyed.Line.objects.get()) == f"shop.line:{ONE.lower()},7,a\\,b\\\\c"
        assert find_row(keyed.Line, before) == keyed.Line.objects.get()
        assert document_key(keyed.Line(owner=owner, position=7, currency="a")) != before

    def test_a_fresh_instance_and_the_row_get_one_number(self) -> None:
        fresh = ByUUID(id=ONE)
        number = issue("invoice", document=fresh)
        fresh.save()
        assert issue("invoice", document=ByUUID.objects.get()) == number
        assert tenant_key(fresh) == tenant_key(ByUUID.objects.get())


class TestTheRuleOfTheDatabase:
    def test_stands_in_its_file_as_python_writes_it(self) -> None:
        text = LIVING.read_text(encoding="utf-8")
        assert text.endswith(f"AS $$ BEGIN\nRETURN {is_key_sql('p_text')};\nEND $$;\n")

    def test_holds_for_each_character(self) -> None:
        """Except for a character that the older of the two sides doesn't know, and takes to be in NFC."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT n FROM generate_series(1, 1114111) n WHERE n NOT BETWEEN 55296 AND 57343"
                " AND NOT ledger_is_key(chr(n))"
            )
            refused = {n for (n,) in cursor.fetchall()}
        here = {n for n in range(1, 0x110000) if not 0xD800 <= n <= 0xDFFF and flaw(chr(n))}
        assert {chr(n) for n in refused ^ here if "normal form" not in str(flaw(chr(n)))} == set()
        assert len(refused & here) > 5000

    # Characters that Unicode has had since before PostgreSQL 15 (but U+0897), with those that matter more often.
    ODD = st.sampled_from(list(" \t\u00a0\u200b\u0301\u0327e\u00e9\u212b\u1100\u1161\u11a8\uac00\u0344\u0958\ufe0f,:"))
    OLD = st.characters(max_codepoint=0x2FFF, exclude_categories=["Cs", "Cn"], exclude_characters="\0\u0897")
    TEXTS = st.text(ODD | OLD | st.characters(max_codepoint=0x7E, exclude_characters="\0"), max_size=12)

    @settings(max_examples=400)
    @given(text=TEXTS | st.integers(195, 205).map("x".__mul__) | st.integers(195, 205).map("é".__mul__))
    def test_is_the_rule_of_python(self, text: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_is_key(%s)", [text])
            assert cursor.fetchone() == (flaw(text) is None,)

    def test_null_is_for_not_null_to_refuse(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_is_key(NULL)")
            assert cursor.fetchone() == (None,)

    def test_is_asked_by_a_call(self) -> None:
        """An SQL function's text would be put into each constraint, and parsed anew for each reservation."""
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN VERBOSE SELECT ledger_is_key(tenant) FROM ledger_series")
            plan = " ".join(row[0] for row in cursor.fetchall())
        assert "ledger_is_key" in plan
        assert "IS NFC NORMALIZED" not in plan


class TestTheDropIns:
    def test_a_content_type_of_a_child_names_its_parents_row(self) -> None:
        sale: Any = inherited.WebSale.objects.create()
        kind = ContentType.objects.get_for_model(inherited.WebSale)
        number = next_sequence("invoice", org=sale)
        [found] = Sequence.objects.filter(scope="invoice", org_content_type=kind, org_id=f"0{sale.pk}")
        assert (found.org, found.org_id) == (sale.sale_ptr, str(sale.pk))
        assert str(number).endswith("1")

    def test_the_numbers_of_tenants_with_two_keys(self) -> None:
        inherited.Sale.objects.create(pk=900)
        sale = inherited.CodedSale.objects.create(code="C-1")
        inherited.CodedPayment.objects.create(sale=sale, number="1", dated=date(2026, 3, 1))
        history = History("shop.CodedPayment", "number", "dated", "sale")
        assert history.tenants("default") == [f"shop.sale:{sale.id}"]
        assert [row.number for row in history._rows("default", f"shop.sale:{sale.id}")] == ["1"]


def test_keys_are_uuids_in_lower_case_whatever_made_them() -> None:
    made = uuid.UUID(ONE)
    assert document_key(ByUUID(id=made)) == document_key(ByUUID(id=ONE)) == f"shop.byuuid:{made}"
