"""The two connections to Odoo: JSON-2 and JSON-RPC call a method of a model, and mean the same by their errors."""

from typing import Any, Self

from workers.accounting.credentials import Authentication, Secret, bearer
from workers.accounting.errors import AccountingError, AuthenticationFailed, NotThere, Refused, ServerFault
from workers.accounting.http import Client
from workers.accounting.http_options import HttpOptions
from workers.accounting.responses import Asked, Record
from workers.accounting.systems import System

#: The meaning of Odoo's exceptions, by the last part of their names; all others are faults of the server.
_MEANING: dict[str, type[AccountingError]] = {
    "AccessDenied": AuthenticationFailed,
    "AccessError": AuthenticationFailed,
    "MissingError": NotThere,
    "UserError": Refused,
    "ValidationError": Refused,
    "RedirectWarning": Refused,
}
_REMEDY = {
    AuthenticationFailed: "Check whether the key has run out, or its user lacks a right; then set a new key.",
    NotThere: "Check whether it was deleted there.",
    Refused: "Correct what it names; the same request would be refused again.",
    ServerFault: "The next run tries again. If this goes on, check its log.",
}


class Json2(Client):
    """``POST /json/2/<model>/<method>`` with the method's parameters by name; statuses are those of HTTP."""

    @classmethod
    def to(cls, system: System, http_options: HttpOptions) -> Self:
        database = system.option("database", "")
        headers = {"X-Odoo-Database": database} if database else {}
        return cls.of(system, http_options, authentication=bearer(system.credentials["key"]), headers=headers)

    def call(
        self, model: str, method: str, ids: list[int] | None = None, *, repeatable: bool = False, **given: Any
    ) -> Record:
        """What the method returns, under "result". ``repeatable``: calling it twice does no harm."""
        path = f"json/2/{model}/{method}"
        body = given if ids is None else {"ids": ids, **given}
        # 409 means that somebody else holds a lock, and that nothing was done.
        answer = self.post(path, json=body, repeatable=repeatable, accept=[409])
        if answer.status == 409:
            raise Asked(self.system, f"POST {path}", 409).server_fault("a lock is held").error
        return Record({"result": answer.body}, system=self.system, endpoint=f"POST {path}")


class JsonRpc(Client):
    """``POST /jsonrpc``: the key is in the body, and errors come with HTTP 200."""

    _key: Secret
    _login: str
    _database: str
    _user: int | None = None

    @classmethod
    def to(cls, system: System, http_options: HttpOptions) -> Self:
        key = system.credentials["key"]
        # Adds nothing to the headers, but makes the key known to the redactor.
        made = cls.of(system, http_options, authentication=Authentication(also_secret=[key]))
        made._key, made._login, made._database = key, system.option("login", ""), system.option("database", "")
        return made

    def call(
        self, model: str, method: str, ids: list[int] | None = None, *, repeatable: bool = False, **given: Any
    ) -> Record:
        if self._user is None:
            self._user = self._logged_in()
        positional = [] if ids is None else [ids]
        if method == "create":
            # From the first argument Odoo tells whether to make one record or several.
            positional = [given.pop("vals_list")]
        arguments = [self._database, self._user, self._key, model, method, positional, given]
        return self._ask("object", "execute_kw", arguments, f"POST jsonrpc {model}.{method}", repeatable=repeatable)

    def _logged_in(self) -> int:
        arguments = [self._database, self._login, self._key, {}]
        answer = self._ask("common", "authenticate", arguments, "POST jsonrpc authenticate", repeatable=True)
        if answer.fields["result"] is False:
            raise self._error(AuthenticationFailed, "POST jsonrpc authenticate", "the login or the key is wrong")
        return answer.whole("result")

    def _ask(self, service: str, method: str, arguments: list[Any], endpoint: str, *, repeatable: bool) -> Record:
        body = {
            "jsonrpc": "2.0",
            "method": "call",
            "id": 1,
            "params": {"service": service, "method": method, "args": arguments},
        }
        answer = self.post("jsonrpc", json=body, repeatable=repeatable).record
        if "error" not in answer:
            return Record({"result": answer.fields.get("result")}, system=self.system, endpoint=endpoint)
        error = answer.record("error")
        said = error.record("data") if "data" in error else error
        kind = _MEANING.get(said.text("name", "").rpartition(".")[2], ServerFault)
        raise self._error(kind, endpoint, self.redactor.clean(said.text("message", "")))

    def _error(self, kind: type[AccountingError], endpoint: str, said: str) -> AccountingError:
        line = " ".join(said.split())[:300]
        return kind(
            f"{self.system}: {endpoint} was refused{f': “{line}”' if line else ''}.",
            rule="Odoo accepts what its own rules and the user's rights allow.",
            remedy=_REMEDY[kind],
            system=self.system,
            endpoint=endpoint,
        )
