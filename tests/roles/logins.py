"""The roles that log in, and the aliases of their connections in Django.

As a merchant's should be, the owner is no superuser: a function of the ledger has no more than its owner's rights.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from io import StringIO
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import Error as DatabaseError, connections, transaction
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger import define_series
from ledger.models import Allocation, Period, Series
from tests.databases import database_alias, migrate, new_database
from tests.drafts import stock

OWNER = "roles-owner"

#: What each login may do. ``usual`` is for a Django process that does everything; ``nobody`` was granted nothing.
PURPOSES: dict[str, tuple[str, ...]] = {
    "checkout": ("checkout",),
    "void": ("void",),
    "workers": ("workers",),
    "finance": ("finance",),
    "auditor": ("auditor",),
    "usual": ("checkout", "void", "workers", "finance"),
    "nobody": (),
}
CHECKOUT, VOID, WORKERS, FINANCE, AUDITOR, USUAL, NOBODY = (f"roles-{name}" for name in PURPOSES)

DAY = date(2026, 5, 5)


@dataclass(frozen=True)
class Logins:
    """A migrated database: its superuser's URL, and the role's name of each alias."""

    url: str
    roles: dict[str, str]
    passwords: dict[str, str]

    def url_of(self, alias: str) -> str:
        """How the role of an alias logs in."""
        return make_conninfo(self.url, user=self.roles[alias], password=self.passwords[alias])

    def superuser(self) -> psycopg.Connection[Any]:
        """A connection that may do everything."""
        return psycopg.connect(self.url, autocommit=True)


@contextmanager
def prepared() -> Iterator[Logins]:
    """A template: a database that a plain owner has migrated, where each login has its purpose. It has no alias."""
    mark = secrets.token_hex(4)
    aliases = {OWNER: "owner"} | {f"roles-{login}": login for login in PURPOSES}
    # Names that need quoting, as an administrator may choose them.
    roles = {alias: f'Shop "{login}" {mark}' for alias, login in aliases.items()}
    passwords = {alias: secrets.token_hex(8) for alias in aliases}
    with new_database("folio_roles") as url, ExitStack() as stack:
        logins = Logins(url, roles, passwords)
        with logins.superuser() as connection:
            for alias, role in roles.items():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), passwords[alias])
                )
            stack.callback(_drop_roles, logins)
            connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(sql.Identifier(roles[OWNER])))
        migrate(logins.url_of(OWNER))
        with database_alias(OWNER, logins.url_of(OWNER)):
            for alias, login in aliases.items():
                if PURPOSES.get(login):
                    grant(roles[alias], *PURPOSES[login])
        yield logins


@contextmanager
def logged_in(template: Logins) -> Iterator[Logins]:
    """A copy of the template, with an alias for each login."""
    database = conninfo_to_dict(template.url)["dbname"]
    with new_database("folio_roles_copy", template=str(database)) as url, ExitStack() as stack:
        logins = Logins(url, template.roles, template.passwords)
        for alias in logins.roles:
            stack.enter_context(database_alias(alias, logins.url_of(alias)))
        yield logins


def _drop_roles(logins: Logins) -> None:
    with logins.superuser() as connection:
        for role in logins.roles.values():
            connection.execute(sql.SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(sql.Identifier(role)))


def grant(role: str, *purposes: str, **options: Any) -> str:
    """Grant purposes by the command, as the owner; returns what it printed."""
    out = StringIO()
    chosen = [word for purpose in purposes for word in ("--purpose", purpose)]
    call_command("ledger_grants", "--role", role, *chosen, database=OWNER, apply=True, stdout=out, **options)
    return out.getvalue()


def rows(alias: str, statement: str, arguments: Any = None) -> list[tuple[Any, ...]]:
    """The rows that a statement returns to a login."""
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, arguments)
        found: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
    return found


def refusal(alias: str, statement: str, arguments: Any = None) -> Any:
    """The driver's error for a login's statement; the test fails if the statement is allowed."""
    try:
        with transaction.atomic(using=alias):
            rows(alias, statement, arguments)
            rows(alias, "SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True, using=alias)
    except DatabaseError as error:
        return error.__cause__
    raise AssertionError(f"{alias} is allowed to run this: {statement} {arguments or ''}")


def opened(series: Series, alias: str = OWNER) -> Period:
    """The period of the series that includes DAY."""
    return Period.objects.using(alias).get(series=series, starts_on__lte=DAY, ends_on__gte=DAY)


def series_of_each_allocation(org: str, head: str = "") -> Iterator[Series]:
    """A series of each allocation, defined by finance; the workers give the remote one five drafts."""
    for allocation in Allocation.values:
        series = define_series(
            head + allocation,
            org=org,
            template=f"{org}-{allocation}-{{year}}-{{counter}}",
            allocation=allocation,
            system="books" if allocation == "remote" else "",
            using=FINANCE,
        )
        if allocation == "remote":
            stock(series, [f"{org} {n}" for n in range(5)], day=DAY, using=WORKERS)
        yield series
