"""Where renewed tokens are kept, so that all worker processes have the same one: a sealed row for each system.

Xero and QuickBooks give a new refresh token with each refresh, and may take the old one for stolen if it is used again.
So whoever refreshes holds the row's lock from reading the old token until the new one is committed; the others wait,
and find it renewed.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import router

from workers.accounting.credentials import SETTING, Secret
from workers.accounting.errors import Misconfigured
from workers.accounting.oauth import Hold, Token
from workers.accounting.quota import own_transaction
from workers.accounting.systems import setting
from workers.models import SealedToken

ENVIRONMENT = "LEDGER_TOKEN_KEYS"
_MAKE_ONE = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


# The keys are LEDGER_ACCOUNTING["TOKEN_KEYS"], or the environment variable LEDGER_TOKEN_KEYS, comma-separated. The
# first one seals, all of them open: to change the key, put the new one first, and drop the old one a day later.
def seal(text: str) -> str:
    return _sealer().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str | None:
    """The text; None if no key of today opens it, as after the loss of a key."""
    try:
        return _sealer().decrypt(sealed.encode("ascii")).decode()
    except InvalidToken:
        return None


def check_keys() -> None:
    """Misconfigured, if nothing could be sealed now."""
    _sealer()


def _sealer() -> MultiFernet:
    keys = setting("TOKEN_KEYS", None) or [
        Secret(key) for key in os.environ.get(ENVIRONMENT, "").split(",") if key.strip()
    ]
    problem = "There is no key to seal tokens with."
    if keys:
        try:
            return MultiFernet([Fernet(key.reveal().strip()) for key in keys])
        except (ValueError, TypeError, AttributeError):
            # The error's own text could quote a part of the key.
            problem = "One of LEDGER_TOKEN_KEYS is not a key."
    raise Misconfigured(
        problem,
        rule=f"Tokens are kept in the database only when sealed, by {SETTING}['TOKEN_KEYS'] or {ENVIRONMENT}.",
        remedy=f"Make a key by: {_MAKE_ONE}; and keep it where the other secrets are.",
    )


class SharedTokens:
    """Tokens in the database."""

    def read(self, system: str) -> Token | None:
        # Where it is written: a replica that lags may have the one before, which was spent.
        row = SealedToken.objects.using(router.db_for_write(SealedToken)).filter(pk=system).first()
        return None if row is None else _opened(row)

    @contextmanager
    def hold(self, system: str) -> Iterator[Hold]:
        with own_transaction(router.db_for_write(SealedToken)):
            SealedToken.objects.bulk_create([SealedToken(system=system)], ignore_conflicts=True)
            row = SealedToken.objects.select_for_update().get(pk=system)
            hold = Hold(_opened(row))
            # A refresh that can't be kept would spend the refresh token for nothing.
            check_keys()
            yield hold
            if hold.renewed is not None:
                row.sealed = seal(_packed(hold.renewed))
                row.issued_at, row.expires_at = hold.renewed.issued_at, hold.renewed.expires_at
                row.save()


def _packed(token: Token) -> str:
    return json.dumps(
        {
            "access": token.access.reveal(),
            "refresh": token.refresh.reveal() if token.refresh else None,
            "issued_at": token.issued_at.isoformat(),
            "expires_at": token.expires_at.isoformat(),
            "origin": token.origin,
        }
    )


def _opened(row: SealedToken) -> Token | None:
    """The row's token; None before the first one, or if its key is lost: then the configured credentials count."""
    text = unseal(row.sealed) if row.sealed else None
    if text is None:
        return None
    given = json.loads(text)
    return Token(
        access=Secret(given["access"]),
        refresh=Secret(given["refresh"]) if given["refresh"] else None,
        issued_at=datetime.fromisoformat(given["issued_at"]),
        expires_at=datetime.fromisoformat(given["expires_at"]),
        origin=given["origin"],
    )
