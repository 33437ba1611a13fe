"""django-oscar's order numbers from the ledger: committed before the payment, and the same for the same basket.

In the fork of Oscar's order app that every shop with order numbers of its own has (``oscar_fork_app order shop/``)::

    # shop/order/utils.py
    from ledger.compat.oscar import OrderNumberGenerator
"""

from itertools import count
from typing import Any

from django.apps import apps
from django.db import connections, transaction

from ledger.allocation.second_connection import in_test_case
from ledger.errors import DocumentConflict, NotReservable
from ledger.homes import home_of
from ledger.issuing import issue_or_replace
from ledger.keys import document_key
from ledger.models import Allocation, Entry


class OrderNumberGenerator:
    """Takes the place of ``oscar.apps.order.utils.OrderNumberGenerator``; subclass it for another series or tenant."""

    #: The code of the series.
    series = "order"

    def org(self, basket: Any) -> Any:
        """The tenant, as for ``issue``: by default the one without a name."""
        return None

    def order_number(self, basket: Any) -> str:
        """The number of the order that the basket is about to become; call it before the payment, as Oscar does.

        Every call returns the same number until an order has it, also on two connections at once. A basket that was
        opened again after it became an order gets another number. A basket whose number is void gets a replacement.

        Raises DocumentConflict if the basket has become an order and wasn't opened again: nobody should pay for it
        twice. Raises NotReservable inside a transaction, unless the series is ``reserved``: a rollback would take back
        a number that the payment provider knows, and another customer would get it. Otherwise raises what ``issue``
        does.
        """
        org = self.org(basket)
        alias = home_of(org)
        connection = connections[alias]
        in_a_transaction = connection.in_atomic_block and not in_test_case(connection)
        key = document_key(basket)
        with transaction.atomic(using=alias):
            for turn in count(1):
                document = key if turn == 1 else f"{key}#{turn}"
                entry = issue_or_replace(self.series, org=org, document=document, using=alias)
                allocation = entry.series.allocation
                if in_a_transaction and allocation != Allocation.RESERVED:
                    raise NotReservable(
                        f"order_number() was called inside a transaction, and series {self.series!r} is {allocation}.",
                        rule="The payment provider is told the number, so it must be committed before the payment.",
                        remedy=f"Run manage.py ledger_series allocate {self.series} reserved, or take the checkout's "
                        "views out of the transaction: transaction.non_atomic_requests.",
                    )
                if not _is_used(entry, basket):
                    return str(entry)
        raise AssertionError("unreachable: there are always more turns")


def _is_used(entry: Entry, basket: Any) -> bool:
    """Whether an order has the number, so that a basket which was opened again needs another one."""
    label = "order.Order"  # of Oscar, or of the shop's fork of it
    orders = apps.get_model(label)._default_manager.db_manager(hints={"instance": basket})
    if not orders.filter(number=entry.number).exists():
        return False
    # As the database has it: a browser that sends its order twice comes with two copies of the basket.
    # (Oscar's middleware hands over a lazy object, whose type() isn't the model.)
    baskets = basket.__class__._default_manager.db_manager(hints={"instance": basket})
    status = baskets.filter(pk=basket.pk).values_list("status", flat=True).first()
    if status not in basket.editable_statuses:
        raise DocumentConflict(
            f"Basket {basket.pk} has become the order {entry.number} already; it is {str(status).lower()}.",
            rule="A basket becomes one order, so it is paid for once.",
            remedy="Show the customer that order. To sell the basket again, thaw() it first.",
        )
    return True
