"""What pages take for granted: the names that their examples use, and the ledger that their commands look at.

Every page has the scene of ``shop``, unless it has one of its own below. A scene is what a reader has in mind: an order
that was placed, a gap that nobody has explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.test import RequestFactory

from ledger import define_series, issue
from ledger.gaps import sweep
from tests.docs.reading import Block
from tests.shop.models import Order, Organization

Names = dict[str, Any]
_Scene = Callable[[Path], AbstractContextManager[Names]]


class CardRefused(Exception):
    """Why a checkout rolls back."""


class Orders:
    """The ``Order`` of the pages, whatever a reader's takes: ``Order.objects.create(...)`` makes one of the shop's."""

    def __init__(self, shop: Organization) -> None:
        self.objects = self
        self._shop = shop

    def create(self, *_: Any, **__: Any) -> Order:
        """An order."""
        return Order.objects.create(org=self._shop)


def the_year() -> int:
    """The one that 2026 stands for in the pages."""
    return datetime.now(UTC).year


@contextmanager
def shop(folder: Path) -> Iterator[Names]:
    """A shop with two invoices in March, whose next one is INV-2026-000123; and beside it, of no tenant, five values of
    which one is a gap that nobody has explained: INV-2026-000124.
    """
    berlin = Organization.objects.create(pk=42, name="Berlin")
    ada = User.objects.create_superuser("ada", password="for tests")
    template = "INV-{year}-{counter:06}"
    define_series("invoice", org=berlin, template=template, start_value=121)
    with transaction.atomic():
        for n in (1, 2):
            issue("invoice", org=berlin, document=f"march:{n}", on=date(the_year(), 3, n))
    with_a_gap(template)
    request = RequestFactory().get("/")
    request.user = ada
    order = Order.objects.create(pk=17, org=berlin)
    yield {
        "shop": berlin,
        "my_org": berlin,
        "order": order,
        "orders": [Order.objects.create(pk=n, org=berlin) for n in (18, 19, 20)],
        "request": request,
        "Order": Orders(berlin),
        "Organization": Organization,
    }


def with_a_gap(template: str) -> None:
    """INV-2026-000121 to 125 of no tenant, of which 124 is a gap."""
    define_series("invoice", template=template, start_value=121, allocation="reserved")
    for n in range(1, 6):
        try:
            with transaction.atomic():
                issue("invoice", document=f"order:{n}")
                if n == 4:
                    raise CardRefused
        except CardRefused:
            sweep(grace=timedelta(0))


@dataclass(frozen=True, slots=True)
class _Of:
    page: str
    words: str
    scene: _Scene


#: The first that fits; pages that are not named here have the shop's.
_SCENES: tuple[_Of, ...] = (_Of("*", "", shop),)


def scene_of(block: Block) -> _Scene:
    """The scene of a block; blocks in a row that have the same share it."""
    return next(each.scene for each in _SCENES if fnmatchcase(block.page, each.page) and each.words in block.text)
