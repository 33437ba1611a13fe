"""What accounting software wants to know of a number: the ``describe`` hook of the settings says it.

``ledger.reconciliation.describing`` says what it returns. The hook is called outside of any transaction.
"""

from importlib import import_module
from typing import Any, cast

from ledger.models import Entry
from ledger.reconciliation.describing import Describe, ask
from workers.accounting.base import NewInvoice
from workers.accounting.credentials import SETTING
from workers.accounting.errors import Misconfigured, NotDescribed
from workers.accounting.systems import System

_RULE = (
    "It returns a mapping with customer, total, currency, extra, draft_id or reference, and with an amount: in total, "
    "as a Decimal or a whole number, or in extra."
)


def hook(system: System) -> Describe:
    """The function that the settings name; Misconfigured if they name none, or it isn't there."""
    found: Any = None
    reason = "it names no function" if system.describe else "it is missing"
    module, _, attribute = system.describe.partition(":")
    if module and attribute:
        try:
            found = getattr(import_module(module), attribute, None)
        except ImportError as error:
            reason = str(error)
    if not callable(found):
        raise Misconfigured(
            f"{system.name}: its 'describe' is {system.describe!r}, and {reason}.",
            rule="What is pushed needs a customer and an amount, which the ledger doesn't know.",
            remedy=f"Name a function of yours in {SETTING}['SYSTEMS'][{system.name!r}]: "
            "'describe': 'package.module:function'; ledger.reconciliation.describing says what it returns.",
            system=system.name,
        )
    return cast("Describe", found)


def described(system: System, describe: Describe, entry: Entry, *, draft_id: str = "") -> NewInvoice:
    """The document to push for ``entry``, or NotDescribed. ``draft_id`` counts where the hook names none."""
    try:
        said = ask(describe, entry)
    except ValueError as error:
        raise NotDescribed(
            f"{system.name}: describe of {entry.number} {error}.",
            rule=_RULE,
            remedy=f"Correct {system.describe}, and then: manage.py ledger_push --system {system.name} --retry.",
            system=system.name,
        ) from error
    given: dict[str, Any] = {"reference": entry.document or f"entry:{entry.pk}", "draft_id": draft_id, **said}
    return NewInvoice(issued_on=entry.issued_on, number=entry.number, **given)
