"""A token that a system renews, and what a place to keep it must do."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from workers.accounting.secrecy import Secret


@dataclass(frozen=True, slots=True)
class Token:
    """``origin`` is the fingerprint of the credentials from which it descends: new credentials begin a new line."""

    access: Secret
    refresh: Secret | None
    issued_at: datetime
    expires_at: datetime
    origin: str


def fingerprint(*secrets: Secret | None) -> str:
    """Tells whether credentials are the same as before, and nothing else about them: they are long and random."""
    return hashlib.sha256("\0".join(secret.reveal() if secret else "" for secret in secrets).encode()).hexdigest()


@dataclass
class Hold:
    """A system's token while nobody else can renew it; what is put into ``renewed`` is kept when the hold ends."""

    token: Token | None
    renewed: Token | None = None


class TokenStore(Protocol):
    """Shared by all processes that speak to a system."""

    def read(self, system: str) -> Token | None:
        """The token that was kept last."""
        ...

    def hold(self, system: str) -> AbstractContextManager[Hold]:
        """Keep everybody else from renewing it, until what was renewed is kept."""
        ...
