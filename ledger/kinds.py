"""The kinds of documents, in words that series, accounting systems and files share."""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """The kind of a document: its series' code, if that is one of these. No system lists orders or tickets."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit-note"
    RECEIPT = "receipt"
    REFUND = "refund"
    ORDER = "order"
    TICKET = "ticket"


def kind_of(code: str, kinds: Mapping[str, str] | None = None) -> str:
    """The kind of a series' documents: by ``kinds``, else its code if that is a kind, else invoices."""
    return (kinds or {}).get(code, code if code in set(Kind) else Kind.INVOICE.value)
