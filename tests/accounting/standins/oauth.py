"""A token endpoint with rotation: each refresh token is good once, and using one twice revokes the whole family."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.accounting.standins.server import Reply, Request


@dataclass
class TokenServer:
    """``rotates`` is what Xero does on each refresh; QuickBooks gives the same one for a day."""

    client_id: str
    client_secret: str
    #: The refresh token that a person got when connecting.
    first_refresh: str
    lives: int = 1800
    rotates: bool = True
    issued: list[str] = field(default_factory=list)
    refreshed: int = 0
    revoked: bool = False

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._refresh = self.first_refresh
        self._spent: set[str] = set()
        self._good: set[str] = set()

    def answer(self, request: Request) -> Reply:
        expected = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return Reply(401, {"error": "invalid_client"})
        if request.form["grant_type"] == "client_credentials":
            return Reply(200, self._access())
        given = request.form["refresh_token"]
        if given in self._spent:
            # Somebody has used it before: it was stolen, or two of us renewed at once. All access ends.
            self.revoked = True
            self._good.clear()
        if self.revoked or given != self._refresh:
            return Reply(400, {"error": "invalid_grant", "error_description": f"the refresh token {given} is void"})
        self.refreshed += 1
        if self.rotates:
            self._spent.add(given)
            self._refresh = f"refresh-{next(self._numbers):04}-of-a-long-line"
            self.issued.append(self._refresh)
        return Reply(200, {**self._access(), "refresh_token": self._refresh})

    def expire(self) -> None:
        """Every access token runs out."""
        self._good.clear()

    def admits(self, request: Request) -> bool:
        return request.headers.get("authorization", "").removeprefix("Bearer ") in self._good

    def secrets(self) -> Iterable[str]:
        return [self.client_secret, self.first_refresh, *self.issued]

    def _access(self) -> dict[str, object]:
        token = f"access-{next(self._numbers):04}-of-a-long-line"
        self._good.add(token)
        self.issued.append(token)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.lives}
