"""Documents in the words that series, accounting systems and files share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """The kind of a document: its series' code, if that is one of these. No system lists orders or tickets."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit-note"
    RECEIPT = "receipt"
    REFUND = "refund"
    ORDER = "order"
    TICKET = "ticket"


class State(StrEnum):
    """The state of a document in another system, whatever that system calls it."""

    DRAFT = "draft"
    POSTED = "posted"
    VOID = "void"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RemoteInvoice:
    """One document of the remote system, with what matters for its number.

    ``remote_id`` is the system's own key, ``number`` is as the system has it (empty before it has one), ``state`` one
    of ``State``, and ``reference`` is the key of our document, which we wrote into it, or empty.
    ``changed_at`` is by the system's clock. If the document was deleted, everything except ``remote_id`` may be empty.
    ``total`` includes taxes. ``customer`` has every name that the system has for the customer, one on each line.
    ``kind`` is a Kind, or empty if the number may belong to any series.
    """

    remote_id: str
    number: str
    state: str
    issued_on: date | None
    reference: str
    changed_at: datetime | None
    total: Decimal | None = None
    currency: str = ""
    customer: str = ""
    kind: str = ""


def kind_of(code: str, kinds: Mapping[str, str] | None = None) -> str:
    """The kind of a series' documents: by ``kinds``, else its code if that is a kind, else invoices."""
    return (kinds or {}).get(code, code if code in set(Kind) else Kind.INVOICE.value)
