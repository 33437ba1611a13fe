"""Tokens at rest: sealed by a key that is not in the database.

The keys are LEDGER_ACCOUNTING["TOKEN_KEYS"], or the environment variable LEDGER_TOKEN_KEYS, comma-separated. The first
one seals, all of them open: to change the key, put the new one first, and drop the old one after a day of refreshes.
"""

from __future__ import annotations

import os

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from workers.accounting.credentials import SETTING, setting
from workers.accounting.errors import Misconfigured
from workers.accounting.secrecy import Secret

ENVIRONMENT = "LEDGER_TOKEN_KEYS"
_MAKE_ONE = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


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
