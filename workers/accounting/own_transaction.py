"""A transaction that commits by itself: what it writes must stay, whatever becomes of the caller's work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


@contextmanager
def own_transaction(using: str) -> Iterator[None]:
    """Begin and commit here. Inside a caller's transaction it is refused: a remote system isn't asked from there."""
    began = False
    try:
        with transaction.atomic(using=using, durable=True):
            began = True
            yield
    except RuntimeError:
        if began:
            raise
        raise RuntimeError(
            "An accounting system was asked inside a transaction. It takes seconds, during which locks would be held, "
            "and a rollback would take nothing back there. Call it outside transaction.atomic()."
        ) from None
