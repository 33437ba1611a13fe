"""Which database a call is about, and which series, period or entry it means by an argument."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connections, router, transaction
from django.db.models import Model

from ledger.cursors import fetch_value
from ledger.errors import InvalidArgument, InvalidSeries, WrongDatabase
from ledger.homes import are_many, database_for, find_at_home
from ledger.keys import tenant_key
from ledger.models import Series
from ledger.sql import SET_LOCK_TIMEOUT
from ledger.texts import shown

_M = TypeVar("_M", bound=Model)

#: The columns that name a row in every copy of the ledger alike, unlike its id.
_NAMES: dict[str, tuple[str, ...]] = {
    "series": ("tenant", "code"),
    "period": ("tenant", "series_id", "starts_on", "ends_on", "prefix", "suffix"),
    "entry": ("tenant", "period_id", "value", "number"),
    "adoptedgap": ("tenant", "period_id", "first_value", "last_value"),
    "findingraised": ("tenant", "system", "kind", "subject", "occurrence"),
    "alarmraised": ("tenant", "kind", "problem", "occurrence"),
}

_TAKES_NO_WRITES = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool"


def may_hold_ledger(alias: str) -> bool:
    """Whether the database is PostgreSQL, and the routers let the ledger live there."""
    return connections[alias].vendor == "postgresql" and bool(router.allow_migrate(alias, "ledger"))


def database_of(subject: object, model: type[Model], using: str | None, *, org: Any = None) -> str:
    """``using``, else the database that ``subject`` was read from if it is a row, else where ``model`` is written.

    A row that was read from a replica is written where the router writes. If there are several homes, it is the home of
    the row's tenant, or of ``org`` if ``subject`` is no row; raises WrongDatabase if ``using`` is another one.
    """
    if are_many():
        tenant = tenant_key(org) if isinstance(subject, str) else getattr(subject, "tenant", None)
        if tenant is not None and (home := database_for(tenant, using)) is not None:
            return home
    if using is not None:
        return using
    there: str | None = getattr(getattr(subject, "_state", None), "db", None) or getattr(subject, "database", None)
    home = router.db_for_write(model)
    return home if there is None or (there != home and _is_replica(there, model)) else there


def same_row(row: _M, alias: str) -> _M:
    """``row``, if its id means the same row in the database ``alias``. Raises WrongDatabase, or InvalidArgument if it
    isn't saved.
    """
    concrete: Any = row._meta.concrete_model
    if row.pk is None:
        raise InvalidArgument(
            f"The {concrete._meta.verbose_name} that was passed is not saved.",
            rule="The argument must be a row of the ledger.",
            remedy=f"Read it first: {row._meta.object_name}.objects.get(…).",
        )
    if row._state.db in (None, alias):
        return row
    names = _NAMES[concrete._meta.model_name]
    wanted = concrete._base_manager.using(alias).filter(pk=row.pk).values_list(*names)
    there = find_at_home(alias, getattr(row, "tenant"), wanted.first)  # noqa: B009  (a row of the ledger)
    if there != tuple(getattr(row, name) for name in names):
        what = "nothing" if there is None else ", ".join(map(str, there))
        raise WrongDatabase(
            f"The {concrete._meta.verbose_name} {row} of the database {row._state.db!r} is not in {alias!r}: its id, "
            f"{row.pk}, is that of {what} there.",
            rule="An id means one row, in the database that it was read from.",
            remedy=f"Leave using= out, or read it there: {row._meta.object_name}.objects.using({alias!r}).",
        )
    return row


def expect(subject: Any, kinds: type | tuple[type, ...], argument: str, remedy: str) -> None:
    """Raise InvalidArgument unless ``subject`` is one of ``kinds``."""
    taken = kinds if isinstance(kinds, tuple) else (kinds,)
    if not isinstance(subject, taken) or (isinstance(subject, bool) and bool not in taken):
        named = " or ".join(kind.__name__ for kind in taken)
        raise InvalidArgument(
            f"{argument}={shown(subject, 60)} is of type {type(subject).__name__}.",
            rule=f"{argument} takes {named}.",
            remedy=remedy,
        )


def series_named(
    series: Series | str, org: Any, using: str | None, *, reads: bool = False
) -> tuple[str, Any, str | None]:
    """The code, the owner and the database that a call means by ``series``: a code, or the series itself.

    ``reads`` is for a call that writes nothing. Raises InvalidSeries for anything else, and if the series belongs to
    another tenant than ``org``; WrongDatabase if ``using`` isn't the tenant's home.
    """
    if isinstance(series, str):
        if series.isprintable():
            return series, org, database_for(org, using, reads=reads)
    elif isinstance(series, Series):
        if org is None or tenant_key(org) == series.tenant:
            there = database_for(series.tenant, using, reads=reads)
            return series.code, series.tenant, there or database_of(series, Series, using)
        raise InvalidSeries(
            f"The series {str(series)!r} is not one of tenant {tenant_key(org)!r}, which org= names.",
            rule="A Series that is passed belongs to its own tenant.",
            remedy="Leave org= out.",
        )
    raise InvalidSeries(
        f"series={series!a:.60} is of type {type(series).__name__}, or no text that can name a series.",
        rule="A series is named by its code, or the Series itself is passed.",
        remedy="Pass the code together with its tenant, such as issue('invoice', org=shop), or a Series.",
    )


def query_scope(
    org: Any, tenant: str | None, series: Series | str | None, using: str | None
) -> tuple[str | None, str | None, str | None]:
    """The tenant, the code and the database that a query is about; None for all tenants, all series.

    ``tenant`` is a key, ``org`` what ``issue`` takes; ``series`` a code, or the series itself.
    """
    owner = tenant_key(org) if org is not None else tenant
    if series is None:
        return owner, None, using if owner is None else database_for(owner, using, reads=True)
    if owner is None and isinstance(series, str) and are_many():
        return None, series, using  # of all tenants
    code, owner, using = series_named(series, owner, using, reads=True)
    return owner, code, using


def _is_replica(alias: str, model: type[Model]) -> bool:
    """Whether a router reads there and writes elsewhere, or the database takes no writes at all."""
    if alias == router.db_for_read(model):
        return True
    return bool(fetch_value(alias, _TAKES_NO_WRITES))


@contextmanager
def impatient(alias: str, patience: str) -> Iterator[None]:
    """A transaction that waits for no lock longer than ``patience``; inside another one, that one's limit applies."""
    inside = connections[alias].in_atomic_block
    with transaction.atomic(using=alias):
        if not inside:
            fetch_value(alias, SET_LOCK_TIMEOUT, [patience])
        yield
