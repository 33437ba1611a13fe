"""Text keys for what callers pass: tenants, documents, actors. The ledger stores them, so they must be stable."""

from __future__ import annotations

import unicodedata
from typing import Any

from django.db.models import Model

from ledger.errors import InvalidActor, InvalidArgument, InvalidDocument, InvalidReason, InvalidTenant

KEY_LENGTH = 200
REASON_LENGTH = 1000
_LINES = str.maketrans("", "", "\n\r\t")


def tenant_key(org: Any) -> str:
    """The tenant of ``org``: ``""`` for None, a string as it is, ``"shop.organization:42"`` for a saved model instance.

    Raises InvalidTenant on anything else, since a number's owner is never guessed.
    """
    if org is None or org == "":
        return ""
    if isinstance(org, Model):
        return instance_key(org, InvalidTenant, "org")
    return _text_key(org, InvalidTenant, "org", "a saved model instance, a text such as 'shop-7', or nothing")


def document_key(document: Any) -> str:
    """The key of ``document``: ``""`` for None, a string as it is, ``"shop.order:17"`` for a saved model instance.

    Raises InvalidDocument on anything else.
    """
    if document is None:
        return ""
    if isinstance(document, Model):
        return instance_key(document, InvalidDocument, "document")
    return _text_key(document, InvalidDocument, "document", "a saved model instance or a text such as 'order:17'")


def actor_name(by: Any) -> str:
    """The name of ``by``: ``""`` for None, a user's username, a string as it is. Else raises InvalidActor."""
    if by is None or by == "":
        return ""
    if isinstance(by, Model):
        username = getattr(by, "get_username", None)
        return _short_enough(str(username()), InvalidActor, "by") if username else instance_key(by, InvalidActor, "by")
    return _text_key(by, InvalidActor, "by", "a user, a text such as 'nightly job', or nothing")


def reason_text(reason: Any) -> str:
    """``reason`` without white space around it. Raises InvalidReason when nothing is left of it, or it is too long."""
    if not isinstance(reason, str) or not reason.strip():
        raise InvalidReason(
            f"The reason {reason!r} says nothing.",
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


def instance_key(instance: Model, error: type[InvalidArgument], argument: str) -> str:
    """``app.model:pk`` of a saved model instance; raises ``error`` for one that has no primary key yet."""
    if instance.pk is None:
        raise error(
            f"{argument}={instance!r} is not saved.",
            rule="Its key is made of the primary key, so it must have one.",
            remedy=f"Save it first, in the same transaction: {argument}.save(); issue(…, {argument}={argument}).",
        )
    # A proxy or deferred class names the same row as its concrete model, so they must share one key.
    key = f"{instance._meta.concrete_model._meta.label_lower}:{instance.pk}"  # type: ignore[union-attr]
    return _short_enough(key, error, argument)


def _short_enough(key: str, error: type[InvalidArgument], argument: str) -> str:
    if len(key) > KEY_LENGTH:
        raise error(
            f"The key of {argument}, {key[:60]!r}…, has {len(key)} characters.",
            rule=f"A key has at most {KEY_LENGTH} characters.",
            remedy=f"Pass a short stable text of its own: {argument}='…'.",
        )
    return key


def _text_key(value: Any, error: type[InvalidArgument], argument: str, kinds: str) -> str:
    if not isinstance(value, str):
        raise error(
            f"{argument}={value!r} is of type {type(value).__name__}.",
            rule=f"{argument} takes {kinds}.",
            remedy=f"Pass the instance itself, or a text key: {argument}='…'.",
        )
    if not value or value != value.strip() or len(value) > KEY_LENGTH or not printable(value):
        raise error(
            f"{argument}={value[:60]!r} ({len(value)} characters) can't be a key.",
            rule=f"A key has 1 to {KEY_LENGTH} printable characters, without white space around it.",
            remedy=f"Pass a short stable text, for example {argument}='order:17'.",
        )
    return value


def printable(text: str) -> bool:
    """Tells whether ``text`` has none of the control, formatting and separator characters that hide in a table."""
    # Nearly every text is plain, which Python sees at once; the loop also lets white space other than ' ' through.
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return text.isprintable() or all(unicodedata.category(character) not in hidden for character in text)
