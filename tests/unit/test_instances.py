"""The key of a row is made from an instance of any class, with a primary key of any type."""

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import models
from django.test import override_settings
from django.test.utils import isolate_apps
from hypothesis import given, strategies as st

from ledger.errors import InvalidDocument, InvalidTenant
from ledger.instances import key_by_label, label, lookup, pk_text, pk_value, topmost
from ledger.keys import document_key, tenant_key
from tests.shop import inherited, keyed

ONE = uuid.UUID("550e8400-e29b-41d4-a716-446655440000")
CHILDREN = [inherited.Sale, inherited.WebSale, inherited.GiftSale, inherited.FlashSale, inherited.PhoneSale]


class TestTheModel:
    @pytest.mark.parametrize("model", CHILDREN)
    def test_is_the_topmost_that_has_a_table(self, model: type[models.Model]) -> None:
        assert document_key(model(pk=17)) == "shop.sale:17"
        assert (label(model), lookup(model)) == ("shop.sale", "pk")

    def test_a_child_with_a_primary_key_of_its_own(self) -> None:
        assert document_key(inherited.CodedSale(code="C", id=17)) == "shop.sale:17"
        assert document_key(inherited.CodedSale(code="C", origin_id=17)) == "shop.sale:17"
        assert document_key(inherited.CodedGift(code="C", codedsale_ptr_id="C", id=17)) == "shop.sale:17"
        assert lookup(inherited.CodedSale) == "origin__pk"
        assert lookup(inherited.CodedGift) == "codedsale_ptr__origin__pk"
        with pytest.raises(InvalidDocument, match=r"document is a shop.CodedSale that is not saved\."):
            document_key(inherited.CodedSale(code="C"))
        with pytest.raises(InvalidDocument, match=r"document is a shop.CodedGift that is not saved\."):
            document_key(inherited.CodedGift(codedsale_ptr_id="17"))

    def test_a_parent_with_a_uuid(self) -> None:
        assert document_key(inherited.Express(id=str(ONE).upper(), pk=ONE)) == f"shop.parcel:{ONE}"
        assert key_by_label("shop.express", str(ONE).upper(), InvalidTenant, "org") == f"shop.parcel:{ONE}"

    def test_two_parents_are_two_rows(self) -> None:
        with pytest.raises(InvalidDocument, match=r"which is a row of shop.Book and shop.Article at once.*the parent"):
            document_key(inherited.BookReview(book_id=1, article_id=2))
        assert document_key(inherited.Book(pk=1)) == "shop.book:1"

    def test_two_parents_of_one_row(self) -> None:
        assert topmost(inherited.RentedAndSold) == (inherited.Thing,)
        assert document_key(inherited.RentedAndSold(id=5, rented_ptr_id=5, sold_ptr_id=5)) == "shop.thing:5"

    def test_what_a_content_type_names(self) -> None:
        assert key_by_label("shop.websale", "017", InvalidTenant, "org") == "shop.sale:17"
        assert key_by_label("gone.model", "017", InvalidTenant, "org") == "gone.model:017"
        with pytest.raises(InvalidTenant, match="org is a shop.BookReview, which is a row of"):
            key_by_label("shop.bookreview", 1, InvalidTenant, "org")

    @isolate_apps("tests.shop")
    def test_a_proxy_of_a_model_above_an_abstract_one(self) -> None:
        class Base(models.Model):  # noqa: DJ008
            class Meta:
                app_label = "shop"

        class Alias(Base):  # noqa: DJ008
            class Meta:
                app_label = "shop"
                proxy = True

        class Between(Alias):
            class Meta:
                app_label = "shop"
                abstract = True

        class Below(Between):  # noqa: DJ008
            class Meta:
                app_label = "shop"

        assert document_key(Below(pk=3)) == "shop.base:3"


#: What a caller may pass, and how the key of it reads: always the same for what the database keeps alike.
ALIKE: list[tuple[type[models.Model], list[Any], str]] = [
    (keyed.ByNumber, [7, "7", "07", "+7", 7.0, Decimal(7), " 7 "], "7"),
    (keyed.ByNumber, [-7, "-7"], "-7"),
    (keyed.ByNumber, [1, True], "1"),
    (keyed.ByUUID, [ONE, str(ONE), str(ONE).upper(), ONE.hex, f"{{{ONE}}}", ONE.urn, ONE.int], str(ONE)),
    (keyed.ByDecimal, [Decimal("1.0"), Decimal("1.00"), "1", 1, "1.000", "1e0", 1.0, "0.995"], "1.00"),
    (keyed.ByDecimal, [0, "-0.00", "0.001", "-0.004"], "0.00"),
    (keyed.ByDecimal, ["-2.005", Decimal("-2.01")], "-2.01"),
    (keyed.ByDate, [date(2026, 3, 1), "2026-03-01", "2026-3-1", datetime(2026, 3, 1, 9, tzinfo=UTC)], "2026-03-01"),
    (
        keyed.ByMoment,
        [
            datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
            datetime(2026, 3, 1, 15, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-03-01T10:30:00+01:00",
            "2026-03-01 09:30Z",
        ],
        "2026-03-01 09:30:00+00:00",
    ),
    (keyed.ByDuration, [timedelta(hours=25), "1 01:00:00", "P1DT1H"], "1 day, 1:00:00"),
    (keyed.ByTruth, [True, 1, "1", "t", "True"], "True"),
    (keyed.ByCode, ["red", keyed.ByCode.Code.RED], "red"),
    (keyed.ByCode, [7, "7"], "7"),
    (keyed.ByBytes, [b"\x00\xff", memoryview(b"\x00\xff"), "AP8="], "AP8="),
    (keyed.ByAddress, ["2001:DB8::0:1", "2001:db8::1"], "2001:db8::1"),
    (keyed.Keeper, [ONE, str(ONE).upper()], str(ONE)),
    (keyed.KeeperOfKeeper, [ONE, ONE.hex], str(ONE)),
    (keyed.Line, [(ONE, 7, "EUR"), (str(ONE).upper(), "07", "EUR")], f"{ONE},7,EUR"),
]


class TestThePrimaryKey:
    @pytest.mark.parametrize(("model", "given_values", "text"), ALIKE, ids=lambda value: getattr(value, "__name__", ""))
    def test_is_what_the_database_keeps(self, model: type[models.Model], given_values: list[Any], text: str) -> None:
        made = {document_key(model(pk=value)) for value in given_values}
        assert made == {f"{model._meta.label_lower}:{text}"}
        assert pk_text(model, pk_value(model, text)) == text, "what is in the ledger would be made of it again"

    def test_a_moment_without_a_zone_is_the_projects(self) -> None:
        for zones in (True, False):
            with override_settings(USE_TZ=zones, TIME_ZONE="America/Sao_Paulo"):
                assert document_key(keyed.ByMoment(pk=datetime(2026, 3, 1, 9))).endswith(":2026-03-01 12:00:00+00:00")

    @pytest.mark.parametrize(
        ("model", "value", "words"),
        [
            (keyed.ByNumber, "x17", "'x17' doesn't fit IntegerField"),
            (keyed.ByNumber, "", "'' doesn't fit IntegerField"),
            pytest.param(keyed.ByNumber, 10**5000, "… doesn't fit IntegerField", id="digits"),
            (keyed.ByUUID, "order-17", "'order-17' doesn't fit UUIDField"),
            (keyed.ByUUID, 17.5, "17.5 doesn't fit UUIDField"),
            (keyed.ByDecimal, "NaN", "'NaN' doesn't fit DecimalField"),
            (keyed.ByDecimal, "1e999999999", "doesn't fit DecimalField"),
            (keyed.ByDate, "2026-02-30", "'2026-02-30' doesn't fit DateField"),
            (keyed.ByMoment, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "doesn't fit DateTimeField"),
            (keyed.ByTruth, "perhaps", "'perhaps' doesn't fit BooleanField"),
            (keyed.Keeper, "order-17", "'order-17' doesn't fit UUIDField"),
            (keyed.Line, (ONE, "x", "EUR"), "'x' doesn't fit IntegerField"),
            (keyed.ByCode, "", "is an empty text"),
        ],
    )
    def test_a_value_that_its_field_refuses(self, model: type[models.Model], value: Any, words: str) -> None:
        for error, make, argument in ((InvalidDocument, document_key, "document"), (InvalidTenant, tenant_key, "org")):
            with pytest.raises(error, match=rf"{argument} is a {model._meta.label} whose primary key .*{words}"):
                make(model(pk=value))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("red ", r"ends with a space \(U\+0020\)"),
            ("a\u00a0b", r"holds U\+00A0 \(NO-BREAK SPACE\)"),
            ("Cafe\u0301", r"U\+0065 U\+0301"),
            ("x" * 200, "has 212 characters"),
        ],
    )
    def test_a_text_that_can_not_be_a_key(self, text: str, words: str) -> None:
        with pytest.raises(InvalidDocument, match=rf"The key of document, 'shop.bycode:.*{words}.*of that shop.ByCode"):
            document_key(keyed.ByCode(pk=text))


class TestUnsaved:
    @pytest.mark.parametrize(
        "instance",
        [
            inherited.Sale(),
            inherited.WebSale(),
            inherited.GiftSale(greeting="hello"),
            keyed.Keeper(),
            keyed.Line(),
            keyed.Line(pk=(ONE, 7, None)),
            keyed.Line(owner_id=ONE, currency="EUR"),
            keyed.Line(position=7, currency="EUR"),
        ],
        ids=repr,
    )
    def test_without_a_key_or_with_a_part_of_one(self, instance: models.Model) -> None:
        with pytest.raises(InvalidDocument, match=r"that is not saved\. .*with all its parts\. Save it first"):
            document_key(instance)

    def test_with_one_that_the_insert_computes(self) -> None:
        from tests.shop.numbered import Late

        with pytest.raises(InvalidDocument, match="not saved"):
            document_key(Late())

    def test_a_child_of_a_row_that_is_saved(self) -> None:
        """As Django's save() would make it: the new child is a part of that row."""
        assert document_key(inherited.WebSale(sale_ptr_id=17)) == "shop.sale:17"
        assert document_key(inherited.GiftSale(websale_ptr_id=17)) == "shop.sale:17"


PARTS = st.tuples(st.uuids(), st.integers(-(2**31), 2**31 - 1), st.text("ab\\, €", min_size=0, max_size=8))


@given(PARTS, PARTS)
def test_a_composite_key_is_unambiguous(one: Any, other: Any) -> None:
    texts = [pk_text(keyed.Line, each) for each in (one, other)]
    assert (texts[0] == texts[1]) == (one == other)
    assert pk_value(keyed.Line, texts[0]) == one


@given(st.decimals(-9999, 9999, places=2))
def test_decimals_of_one_column_have_its_places(value: Decimal) -> None:
    text = pk_text(keyed.ByDecimal, value)
    assert Decimal(text) == value
    assert len(text.partition(".")[2]) == 2
    assert not text.startswith("-0.00")
