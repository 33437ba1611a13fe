"""What pages assume: the names that their examples use, and the ledger that their commands look at.

A scene is what a reader has in mind: an order that was placed, a gap that nobody has explained. It gets the names of
the page so far, adds its own, and sees what the examples have added when it ends. ``_SCENES`` says which block has
which; a page that isn't named there has ``a_new_shop``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import psycopg
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction
from django.test import RequestFactory, override_settings
from django.test.utils import isolate_apps
from psycopg import sql

from ledger import define_series, issue, open_period
from ledger.compat.moving import systems as moving
from ledger.gaps import sweep
from ledger.models import AlarmRaised, Entry, FindingRaised
from tests.accounting.pushing import configured, system_settings
from tests.accounting.standins.xero import XeroStandIn
from tests.compat.django_sequence.models import Sequence as OldSequence
from tests.docs.reading import Block
from tests.docs.running import make_table
from tests.shop.lorikeet import CartOrder, InvoiceID
from tests.shop.models import Order, Organization

Names = dict[str, Any]
_Scene = Callable[[Names, Path], AbstractContextManager[None]]

TEMPLATE = "INV-{year}-{counter:06}"


class CardRefused(Exception):
    """Why a checkout rolls back."""


class Orders:
    """The pages' ``Order``, with any arguments: ``Order.objects.create(...)`` makes one of the shop's."""

    def __init__(self, shop: Organization) -> None:
        self.objects = self
        self._shop = shop

    def create(self, *_: Any, **__: Any) -> Order:
        """An order."""
        return Order.objects.create(org=self._shop)

    def get(self, pk: str) -> SimpleNamespace:
        """An order as the accounting system's readers keep it."""
        assert pk == "17"
        return SimpleNamespace(customer=SimpleNamespace(xero_id="7"), total=Decimal("100.00"))


def the_year() -> int:
    """The one that 2026 stands for in the pages."""
    return datetime.now(UTC).year


@contextmanager
def a_new_shop(names: Names, folder: Path) -> Iterator[None]:
    """A shop with orders, before its first number."""
    berlin = Organization.objects.create(pk=42, name="Berlin")
    request = RequestFactory().get("/")
    request.user = User.objects.create_superuser("ada", password="for tests")
    names |= {
        "shop": berlin,
        "my_org": berlin,
        "order": Order.objects.create(pk=17, org=berlin),
        "orders": [Order.objects.create(pk=n, org=berlin) for n in (18, 19, 20)],
        "request": request,
        "auditor": User.objects.create_user("ruth"),
        "Order": Orders(berlin),
        "Organization": Organization,
        "send_invoice": lambda order, number: None,
    }
    yield


@contextmanager
def a_shop_at_work(names: Names, folder: Path) -> Iterator[None]:
    """Two invoices of March, so that the next one is INV-2026-000123; and, of no tenant, five values of which one is a
    gap that nobody has explained: INV-2026-000124.
    """
    with a_new_shop(names, folder):
        define_series("invoice", org=names["shop"], template=TEMPLATE, start_value=121)
        with transaction.atomic():
            for n in (1, 2):
                issue("invoice", org=names["shop"], document=f"march:{n}", on=date(the_year(), 3, n))
        define_series("invoice", template=TEMPLATE, start_value=121, allocation="reserved")
        for n in range(1, 6):
            try:
                with transaction.atomic():
                    issue("invoice", document=f"order:{n}")
                    if n == 4:
                        raise CardRefused
            except CardRefused:
                sweep(grace=timedelta(0))
        yield


@contextmanager
def a_shop_whose_rows_bear_numbers(names: Names, folder: Path) -> Iterator[None]:
    """As before; and the page's model gets a row, whose number is the one that the page names."""
    with a_shop_at_work(names, folder):
        yield
        invoice = names["Invoice"].objects.create(org=names["shop"], dated=date(the_year(), 3, 3))
        assert invoice.number == f"INV-{the_year()}-000123"


@contextmanager
def a_checkout_that_is_tried(names: Names, folder: Path) -> Iterator[None]:
    """The page's function is called."""
    with a_shop_at_work(names, folder):
        yield
        assert str(names["checkout"](names["order"])) == f"INV-{the_year()}-000123"


@contextmanager
def a_shop_of_last_year(names: Names, folder: Path) -> Iterator[None]:
    """Its period is open still."""
    with a_new_shop(names, folder):
        define_series("invoice", template=TEMPLATE)
        with transaction.atomic():
            issue("invoice", document="order:1", on=date(the_year() - 1, 12, 30))
        yield


@contextmanager
def the_period_of_the_explanations(names: Names, folder: Path) -> Iterator[None]:
    """Series 3, whose period 7 has given out 124 values: the last two, 123 and 124, are in no row so far."""
    with a_new_shop(names, folder):
        year = the_year()
        with connection.cursor() as cursor:
            for table, next_id in (("ledger_series", 3), ("ledger_period", 7)):
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [table, next_id])
            period = open_period(define_series("invoice", template=TEMPLATE), date(year, 1, 1))
            cursor.execute("UPDATE ledger_period SET last_value = 124 WHERE id = %s", [period.pk])
        yield


@contextmanager
def an_alarm_that_nobody_can_mend(names: Names, folder: Path) -> Iterator[None]:
    """Alarm 17: a void that is older than its number."""
    with a_new_shop(names, folder):
        _count_from(AlarmRaised, 17)
        AlarmRaised.objects.create(
            tenant="", kind="void-too-early", rule=5, problem="the void is older", remedy="none", subject="0" * 64
        )
        yield


@contextmanager
def roles(names: Names, folder: Path) -> Iterator[None]:
    """The roles of the database that the pages name."""
    wanted = ("shop", "shop_app")
    with a_shop_at_work(names, folder):
        with connection.cursor() as cursor:
            for role in wanted:
                cursor.execute(f"CREATE ROLE {role}")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                for role in wanted:
                    cursor.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@contextmanager
def the_clock_of_the_application(names: Names, folder: Path) -> Iterator[None]:
    """With the settings above that example."""
    with a_new_shop(names, folder), override_settings(LEDGER={"CLOCK": "application"}):
        yield


@contextmanager
def a_model_with_numbers(names: Names, folder: Path) -> Iterator[None]:
    """``shop.Invoice`` with numbers of its own making, and counters of the packages that made them."""
    ContentType.objects.clear_cache()
    with a_new_shop(names, folder):
        with isolate_apps("tests.shop"):

            class Invoice(models.Model):  # noqa: DJ008  (nobody sees it)
                number = models.CharField(max_length=40)
                created_at = models.DateTimeField()
                shop = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")

                objects: models.Manager[Any] = models.Manager()

                class Meta:
                    app_label = "shop"

        Invoice._meta.apps = apps
        make_table(Invoice)
        form = names.get("form", "INV-{year}-{counter:06}")
        for n in (1, 2, 4):
            number = form.format(year=the_year(), counter=n)
            Invoice.objects.create(number=number, created_at=datetime(the_year(), 2, n, tzinfo=UTC), shop=names["shop"])
        OldSequence.objects.create(
            scope="invoice",
            org_content_type=ContentType.objects.get_for_model(Organization),
            org_id="42",
            prefix="INV-",
            current_value=4,
        )
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO sequences_sequence (name, last) VALUES ('invoice', 4)")
        try:
            with mock.patch.dict(apps.all_models["shop"], {"invoice": Invoice}):
                yield
        finally:
            with connection.cursor() as cursor:
                for table, _, _ in moving.TABLES.values():
                    cursor.execute(f"DROP TRIGGER IF EXISTS ledger_moved_counter ON {table}")
                    cursor.execute(f"DROP TRIGGER IF EXISTS ledger_moved_new_counter ON {table}")


@contextmanager
def a_model_with_short_numbers(names: Names, folder: Path) -> Iterator[None]:
    """As before, but its numbers are R-0001."""
    names["form"] = "R-{counter:04}"
    with a_model_with_numbers(names, folder):
        yield


@contextmanager
def files_of_old_invoices(names: Names, folder: Path) -> Iterator[None]:
    """What the previous system exported."""
    rows = "number,issued_at,document,void\n581475,2011-11-30T09:30:00,order:1,\nC581476,2011-12-01T09:30:00,order:2,\n"
    (folder / "invoices.csv").write_text(rows, encoding="utf-8")
    year = the_year() - 1
    rows = (
        f"number,issued_at,document,void\nINV-{year}-000001,{year}-01-02T09:30:00+01:00,order:1,\n"
        f"INV-{year}-000002,{year}-01-02T11:05:00+01:00,order:2,void\nINV-{year}-000004,{year}-01-03,order:4,\n"
    )
    (folder / f"invoices-{year}.csv").write_text(rows, encoding="utf-8")
    with a_new_shop(names, folder):
        yield


@contextmanager
def an_export_of_datev(names: Names, folder: Path) -> Iterator[None]:
    """The month of a shop that has sold nothing: its one booking has no invoice."""
    head = '"EXTF";700;21;"Buchungsstapel";13;;;;"";"";1;1;20260101;4;20261101;20261130;""'
    rows = f"{head}\nUmsatz;Konto;Belegdatum;Belegfeld 1;Generalumkehr (GU)\n9,00;4970;3011;;\n"
    (folder / "EXTF_November.csv").write_text(rows, encoding="cp1252")
    with a_new_shop(names, folder):
        yield


@contextmanager
def recipes_table(names: Names, folder: Path) -> Iterator[None]:
    """Twelve invoice IDs by Lorikeet's recipe; a checkout holds one of them."""
    with a_new_shop(names, folder), books():
        InvoiceID.objects.bulk_create(InvoiceID(number=f"X-{n:03}") for n in range(1, 13))
        given = {key: connection.settings_dict[key.upper()] for key in ("host", "port", "user", "password")}
        name = connection.settings_dict["NAME"]
        with psycopg.connect(dbname=name, **{key: value for key, value in given.items() if value}) as checkout:
            checkout.execute("SELECT number FROM shop_invoiceid WHERE number = 'X-007' FOR UPDATE")
            yield
            checkout.rollback()


@contextmanager
def recipes_table_that_is_moving(names: Names, folder: Path) -> Iterator[None]:
    """As before, and the series is made; every checkout is over."""
    with a_new_shop(names, folder), books():
        InvoiceID.objects.bulk_create(InvoiceID(number=f"X-{n:03}") for n in range(1, 31))
        define_series("invoice", template="{year}/{counter}", allocation="remote", system="books")
        yield


@contextmanager
def orders_with_invoice_ids(names: Names, folder: Path) -> Iterator[None]:
    """Orders with the recipe's numbers, and more such numbers in its table."""
    with a_new_shop(names, folder), books():
        for n in (1, 2, 4):
            CartOrder.objects.create(grand_total=n, custom_invoice_id=f"B-{n}")
        InvoiceID.objects.bulk_create(InvoiceID(number=f"B-{n}") for n in range(5, 11))
        yield


@contextmanager
def books(**changes: Any) -> Iterator[XeroStandIn]:
    """The accounting system "books": our stand-in for Xero, and the key that seals its tokens."""
    sealing = {"LEDGER_TOKEN_KEYS": Fernet.generate_key().decode()}
    with XeroStandIn() as standin, mock.patch.dict(os.environ, sealing):
        standin.now = datetime.now(UTC)
        settings = system_settings("xero", standin.url, describe="tests.docs.scenes:describe", grace=0)
        settings["options"]["drafts"] = {"least": 2, "most": 4, "customer": "C-1"}
        with configured(books={**settings, **changes}):
            yield standin
        assert standin.misfits == []


def describe(entry: Entry) -> dict[str, Any]:
    """What the books need to know of an invoice."""
    return {"customer": "7", "total": Decimal("100.00"), "currency": "EUR"}


@contextmanager
def a_shop_with_books(names: Names, folder: Path) -> Iterator[None]:
    """Its one invoice isn't in the books: what a comparison finds is finding 17."""
    with a_new_shop(names, folder), books():
        define_series("invoice", template=TEMPLATE)
        with transaction.atomic():
            issue("invoice", document="shop.order:17", on=date(the_year(), 3, 1))
        _count_from(FindingRaised, 17)
        names["since"] = None
        yield
        if "describe" in names:
            told = names["describe"](Entry.objects.get())
            assert told == describe(Entry.objects.get()), "what the page's function says of an entry"


@contextmanager
def drafts_in_the_books(names: Names, folder: Path) -> Iterator[None]:
    """A remote series whose pool the worker has filled, and what else needs attention."""
    from ledger.sweeps import registered, run

    with roles(names, folder), books():
        define_series("bill", template="bill/{year}/{counter}", allocation="remote", system="books")
        for sweep in registered():
            run(sweep.name)
        yield


def _count_from(model: type[models.Model], value: int) -> None:
    """The next row of the model has this key."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
        sequence = cursor.fetchone()[0]
        cursor.execute(sql.SQL("SELECT setval({}, {}, false)").format(sequence, value).as_string())


@dataclass(frozen=True, slots=True)
class _Of:
    """Blocks of ``page`` (a pattern) that have ``words`` in them."""

    page: str
    words: str
    scene: _Scene


#: The first that fits.
_SCENES = (
    _Of("README.md", "issue", a_shop_at_work),
    _Of("docs/index.md", "", a_shop_at_work),
    _Of("docs/explanation/judging.md", "acknowledge 17", an_alarm_that_nobody_can_mend),
    _Of("docs/explanation/*", "", the_period_of_the_explanations),
    _Of("docs/guides/accounting.md", "ledger_books", an_export_of_datev),
    _Of("docs/guides/accounting.md", "ledger_drafts", drafts_in_the_books),
    _Of("docs/guides/accounting.md", "define_series", a_new_shop),
    _Of("docs/guides/accounting.md", "", a_shop_with_books),
    _Of("docs/guides/adopting.md", "", files_of_old_invoices),
    _Of("docs/guides/database.md", "def checkout", a_checkout_that_is_tried),
    _Of("docs/guides/database.md", "", roles),
    _Of("docs/guides/from-a-model.md", "", a_model_with_numbers),
    _Of("docs/guides/from-django-sequence.md", "ledger_migrate_from", a_model_with_numbers),
    _Of("docs/guides/from-django-sequences.md", "R-{counter", a_model_with_short_numbers),
    _Of("docs/guides/from-django-sequences.md", "ledger_migrate_from", a_model_with_numbers),
    _Of("docs/guides/from-lorikeet.md", "--leave", recipes_table_that_is_moving),
    _Of("docs/guides/from-lorikeet.md", "--number-field", orders_with_invoice_ids),
    _Of("docs/guides/from-lorikeet.md", "ledger_migrate_from", recipes_table),
    _Of("docs/guides/gaps.md", "", a_shop_at_work),
    _Of("docs/guides/pages.md", "TenantAccess", a_shop_at_work),
    _Of("docs/guides/number-field.md", "", a_shop_whose_rows_bear_numbers),
    _Of("docs/guides/report.md", "", a_shop_at_work),
    _Of("docs/guides/series.md", "ledger_period close", a_shop_of_last_year),
    _Of("docs/guides/testing.md", "freeze_time", the_clock_of_the_application),
    _Of("docs/guides/upgrading.md", "", roles),
    _Of("*", "", a_new_shop),
)


def scene_of(block: Block) -> _Scene:
    """The scene of a block; blocks in a row that have the same share it."""
    return _line_of(block).scene


def unused(blocks: Iterable[Block]) -> list[str]:
    """The lines of ``_SCENES`` that none of these blocks needs."""
    used = {id(_line_of(block)) for block in blocks}
    return [f"{line.page} {line.words}" for line in _SCENES if id(line) not in used]


def _line_of(block: Block) -> _Of:
    return next(line for line in _SCENES if fnmatchcase(block.page, line.page) and line.words in block.text)
