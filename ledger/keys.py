"""Text keys for what callers pass: tenants, documents, actors. The ledger stores them, so they must be stable.

``ledger.texts`` says which texts may be a key, ``ledger.instances`` how a model instance gets one. Anything else is
refused, never changed.
"""

from typing import Any

from django.db.models import Model

from ledger.errors import InvalidActor, InvalidArgument, InvalidDocument, InvalidReason, InvalidTenant, LedgerError
from ledger.instances import instance_key as instance_key
from ledger.texts import KEY_LENGTH as KEY_LENGTH, KEY_RULE, flaw, printable as printable, shown

REASON_LENGTH = 1000
_LINES = str.maketrans("", "", "\n\r\t")

# How many characters of a refused text its error repeats.
_SHOWN = 60


def tenant_key(org: Any) -> str:
    """The tenant of ``org``: ``""`` for None, a string as it is, ``"shop.organization:42"`` for a saved model instance.

    Raises InvalidTenant for anything else, since a number's owner is never guessed, and for a text that can't be a key.
    """
    if org is None or org == "":
        return ""
    return _key(org, InvalidTenant, "org", "a saved model instance, a text such as 'shop-7', or nothing")


def document_key(document: Any) -> str:
    """The key of ``document``: ``""`` for None, a string as it is, ``"shop.order:17"`` for a saved model instance.

    Raises InvalidDocument for anything else, and for a text that can't be a key.
    """
    if document is None:
        return ""
    return _key(document, InvalidDocument, "document", "a saved model instance or a text such as 'order:17'")


def actor_name(by: Any) -> str:
    """The name of ``by``: ``""`` for None, a user's username, a string as it is. Else raises InvalidActor."""
    if by is None or by == "":
        return ""
    if isinstance(by, Model) and (username := getattr(by, "get_username", None)) is not None:
        name = str(username())
        return check_text(name, InvalidActor, "The user name ") if name else ""
    return _key(by, InvalidActor, "by", "a user, a text such as 'nightly job', or nothing")


def reason_text(reason: Any) -> str:
    """``reason`` without white space around it. Raises InvalidReason if nothing is left, or it is too long."""
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidReason(
            f"The reason {shown(reason, _SHOWN)} says nothing.",
            rule="An auditor reads the reason, so it can't be empty.",
            remedy="Pass a sentence, for example reason='payment reversed'.",
        )
    text = reason.strip()
    if len(text) > REASON_LENGTH or not printable(text.translate(_LINES)):
        raise InvalidReason(
            f"The reason {text[:40]!r}… has {len(text)} characters or holds control characters.",
            rule=f"A reason is plain text of at most {REASON_LENGTH} characters.",
            remedy="Shorten it, and keep longer evidence where the document is kept.",
        )
    return text


def check_text(text: Any, error: type[LedgerError], what: str, *, longest: int = KEY_LENGTH) -> str:
    """``text`` if it can be a key of at most ``longest`` characters; ``what`` precedes it in the ``error``."""
    if not isinstance(text, str):
        problem = f"{what}{shown(text, _SHOWN)} is of type {type(text).__name__}."
        raise error(problem, rule=KEY_RULE, remedy="Pass a text.")
    if found := flaw(text, longest=longest):
        told = ascii(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!a}…"
        raise error(f"{what}{told} {found.problem}.", rule=KEY_RULE, remedy=found.remedy)
    return str.__str__(text)  # of a member of TextChoices, its value


def _key(value: Any, error: type[InvalidArgument], argument: str, kinds: str) -> str:
    if isinstance(value, Model):
        return instance_key(value, error, argument)
    if not isinstance(value, str):
        raise error(
            f"{argument}={shown(value, _SHOWN)} is of type {type(value).__name__}.",
            rule=f"{argument} takes {kinds}.",
            remedy=f"Pass the instance itself, or a text key: {argument}='…'.",
        )
    return check_text(value, error, f"{argument}=")
