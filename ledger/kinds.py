"""The kinds of documents, in words that series, accounting systems and files share."""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """Of what kind a document is: that of its series, if its code is one of these. No system lists orders, tickets."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit-note"
    RECEIPT = "receipt"
    REFUND = "refund"
    ORDER = "order"
    TICKET = "ticket"


def kind_of(code: str, kinds: Mapping[str, str] | None = None) -> str:
    """The kind of a series' documents: by ``kinds``, else its code if that is one; invoices where nobody says."""
    return (kinds or {}).get(code, code if code in set(Kind) else Kind.INVOICE.value)
