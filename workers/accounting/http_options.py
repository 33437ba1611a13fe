"""What every adapter is connected through, in one object: what a test replaces, and what settings adjust."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import httpx

from workers.accounting.limits import Clock, Limiter, Limits, Retries, SystemClock, Unlimited
from workers.accounting.secrecy import Secret


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two bytes of the answer, to write, and for one attempt as a whole."""

    connect: float = 10.0
    read: float = 30.0
    write: float = 30.0
    total: float = 120.0


def unlimited(organisation: str, limits: Limits) -> Limiter:
    return Unlimited()


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """``limiter`` makes the gate of an organisation; ``tokens`` keeps what OAuth renews.

    ``systems.shared()`` makes the one for production, with both in the database. ``largest_answer`` is in bytes.
    """

    clock: Clock = field(default_factory=SystemClock)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)
    limiter: Callable[[str, Limits], Limiter] = unlimited
    tokens: TokenStore | None = None
    transport: httpx.BaseTransport | None = None
    largest_answer: int = 64 * 1024 * 1024


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
