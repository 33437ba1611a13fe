"""System checks: what a project should know before its first invoice. Those that ask the database need --database."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError, connections, router

from ledger import conf, homes
from ledger.conf import ledger_settings
from ledger.cursors import fetch, fetch_value
from ledger.databases import may_hold_ledger
from ledger.errors import LedgerError
from ledger.misspelt import meant, unknown
from ledger.models import Allocation, Series
from ledger.prepared import REMEDY, prepared_holders
from ledger.sql import OWN_SESSION
from ledger.testing import is_test_database

_OLDEST = 150000  # PostgreSQL 15

_IS_MIGRATED = "SELECT to_regclass('ledger_entry') IS NOT NULL"
_SERVER = "SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding"
_MAY_READ = "SELECT has_table_privilege('ledger_series', 'SELECT')"

# Whether the connected role owns the ledger's tables, and its name.
_OWNER = """
    SELECT pg_has_role(current_user, relowner, 'MEMBER'), current_user
    FROM pg_class WHERE oid = to_regclass('ledger_entry')
"""

_LEVELS = "SELECT current_setting('default_transaction_isolation'), current_setting('transaction_isolation')"

# Superusers among the ledger's owner and the connected role.
_SUPERUSERS = """
    SELECT r.rolname, 'which owns the ledger''s tables'
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
    WHERE c.oid = to_regclass('ledger_entry') AND r.rolsuper
    UNION ALL
    SELECT r.rolname, 'as which the application is connected'
    FROM pg_roles r
    WHERE r.rolname = session_user AND r.rolsuper AND to_regclass('ledger_entry') IS NOT NULL
"""

# What the keys of tenants begin with that may be rows of a model.
_LABELS = "SELECT DISTINCT split_part(tenant, ':', 1) FROM ledger_series WHERE tenant LIKE '%.%:%'"


@register("ledger")
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Reads all settings and tries each default series. A problem here stops no process that doesn't need the value."""
    found: list[CheckMessage] = [Error(problem, id="ledger.E001") for problem in ledger_settings().problems()]
    for check in (_check_sweeps, _check_names, _check_documents, _check_homes, _check_default_series):
        with suppress(ImproperlyConfigured):  # reported already
            found += check()
    return found


def _check_default_series() -> Iterator[CheckMessage]:
    from ledger.series import default_series

    for code in ledger_settings().default_series:
        try:
            default_series("", code)
        except LedgerError as error:
            yield Error(f"LEDGER['DEFAULT_SERIES'][{code!r}]: {error}", id="ledger.E002")


def _check_sweeps() -> Iterator[CheckMessage]:
    """LEDGER["SWEEPS"] names only sweeps that exist: Folio's, and those that apps have registered."""
    from ledger.sweeps import registered

    known = {*conf.SWEEPS, *(sweep.name for sweep in registered())}
    for name in ledger_settings().sweeps:
        if name not in known:
            told = f"LEDGER['SWEEPS'] names {name!r}{meant(str(name), known)}, and there is no such sweep."
            yield Error(told, hint=f"There are {', '.join(sorted(known))}.", id="ledger.E006")


def _check_names() -> Iterator[CheckMessage]:
    """The names of the settings, the keys of those for other systems' callers, and the values of LEDGER_COMPAT."""
    from ledger.compat.conf import compat_settings

    for name in dir(settings):
        if name not in conf.SETTINGS and (near := meant(name, conf.SETTINGS, alike=0.88)):
            yield checks.Warning(f"Folio has no setting {name}{near}.", id="ledger.W005")
    for setting, keys in (("LEDGER_COMPAT", conf.COMPAT_KEYS), ("LEDGER_LORIKEET", conf.LORIKEET_KEYS)):
        given = getattr(settings, setting, None) or {}
        if not isinstance(given, Mapping):
            yield Error(f"{setting} must be a dict.", id="ledger.E007")
        elif names := unknown(given, keys):
            told = f"{setting} has unknown keys {names}; known are {', '.join(keys)}."
            yield Error(told, id="ledger.E007")
        elif setting == "LEDGER_COMPAT":
            try:
                compat_settings()
            except (ImproperlyConfigured, LedgerError) as error:
                yield Error(str(error), id="ledger.E007")


def _check_documents() -> Iterator[CheckMessage]:
    """LEDGER["DOCUMENTS"] names models that are installed."""
    known = {model._meta.label.lower(): model._meta.label for model in apps.get_models()}
    for name in ledger_settings().documents:
        if str(name).lower() not in known:
            told = f"LEDGER['DOCUMENTS'] names {name!r}{meant(str(name), known.values())}, which is no installed model."
            yield Error(told, hint="Name each as app_label.Model.", id="ledger.E009")


def _check_homes() -> Iterator[CheckMessage]:
    """LEDGER["HOMES"] names databases, the router is set, and models with a NumberField have their table in each."""
    try:
        if not homes.are_many():
            return
        every = homes.homes()
    except DatabaseError:
        return  # a function asks a database that doesn't exist yet
    except (ImproperlyConfigured, ImportError) as error:
        yield Error(str(error), id="ledger.E010")
        return
    if not any(isinstance(each, homes.HomeRouter) for each in router.routers):
        yield Error(
            "LEDGER['HOMES'] is set, and DATABASE_ROUTERS has no 'ledger.homes.HomeRouter'.",
            hint="It sends the pages, the admin and numbered rows to their home: put it first.",
            id="ledger.E011",
        )
    for model in apps.get_models():
        if not any(hasattr(field, "facts") for field in model._meta.concrete_fields):
            continue
        away = [home for home in every if not router.allow_migrate_model(home, model)]
        if away:
            yield Error(
                f"{model._meta.label} has a NumberField, and its table isn't in the homes {', '.join(away)}.",
                hint="A row and its number are written in one transaction, so the table is in each home: let "
                "allow_migrate() of your routers say so, and migrate there.",
                obj=model,
                id="ledger.E012",
            )


@register(Tags.database)
def check_databases(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Version, encoding, isolation, owner, second connection, prepared transactions, tenants whose model is gone."""
    of_ledger = (alias for alias in databases or () if router.allow_migrate(alias, "ledger"))
    return [message for alias in of_ledger for message in _check_database(alias)]


def _check_database(alias: str) -> Iterator[CheckMessage]:
    if (vendor := connections[alias].vendor) != "postgresql":
        yield Error(
            f"The database {alias!r} is {vendor}; Folio needs PostgreSQL 15 or newer.",
            hint="Point DATABASES at PostgreSQL, or let allow_migrate() of a router keep the app 'ledger' to a "
            "PostgreSQL database.",
            id="ledger.E003",
        )
        return
    [server] = fetch(alias, _SERVER)
    if server.version < _OLDEST:
        told = f"The database {alias!r} is PostgreSQL {server.version // 10000}; Folio needs 15 or newer."
        yield Error(told, id="ledger.E003")
    if server.encoding != "UTF8":
        yield Error(
            f"The database {alias!r} has the encoding {server.encoding}; Folio needs UTF8.",
            hint="It refuses letters of names and documents, and JSON with any of them. Restore a dump of it into a "
            "database that was made by CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
            id="ledger.E013",
        )
    if not fetch_value(alias, _IS_MIGRATED):
        return
    every = [_check_owner, _check_isolation, _check_second_connection, _check_prepared]
    if fetch_value(alias, _MAY_READ):
        every += [_check_connection_age, _check_tenants]
    for check in every:
        yield from check(alias)


def _check_owner(alias: str) -> Iterator[CheckMessage]:
    if is_test_database(connections[alias]):
        return  # a test runner owns the tables that it makes
    [(owns, role)] = fetch(alias, _OWNER)
    if not owns:
        return
    yield checks.Warning(
        f"The role {role!r} of database {alias!r} owns the ledger's tables, so it could drop their triggers.",
        hint="Whoever has its password can drop triggers, and set times, ids and numbers at will. Migrate as the "
        "owner, and let the application log in as a role with SELECT and EXECUTE alone: manage.py ledger_grants "
        "--role NAME --purpose checkout --apply.",
        id="ledger.W001",
    )


@register(Tags.database, deploy=True)
def check_superusers(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """With ``check --deploy``: neither the ledger's owner nor the application's role is a superuser."""
    return [
        Error(
            f"The role {role!r} of database {alias!r}, {what}, is a superuser.",
            hint="No guard binds a superuser, and functions of the ledger run with the rights of their owner. Give the "
            "ledger to a role without powers, as the guide of the database shows (give the ledger away), and let the "
            "application log in as another: manage.py ledger_grants.",
            id="ledger.E005",
        )
        for alias in databases or ()
        if may_hold_ledger(alias)
        for role, what in fetch(alias, _SUPERUSERS)
    ]


def _check_isolation(alias: str) -> Iterator[CheckMessage]:
    [found] = fetch(alias, _LEVELS)
    levels = {level for level in found if level in ("repeatable read", "serializable")}
    if levels:
        yield checks.Warning(
            f"The database {alias!r} works under {levels.pop().upper()}.",
            hint="Numbers stay right, but a hot counter does half the work, with about five retries for each commit "
            "(measured with 8 threads). Folio is made for READ COMMITTED.",
            id="ledger.W002",
        )


def _check_second_connection(alias: str) -> Iterator[CheckMessage]:
    """If LEDGER["SECOND_CONNECTIONS"] names one, it must lead to the same database, with the same login."""
    try:
        second = ledger_settings().second_connections.get(alias)
    except ImproperlyConfigured:
        return  # reported by check_settings
    if second is None:
        return
    where = fetch_value(alias, OWN_SESSION)[:3]
    try:
        same = fetch_value(second, OWN_SESSION)[:3] == where
        problem = None if same else "leads to another server or database, or has another login"
    except DatabaseError as error:
        problem = f"can't be opened: {error}"
    if problem is None:
        return
    yield Error(
        f"LEDGER['SECOND_CONNECTIONS'][{alias!r}] is {second!r}, which {problem}.",
        hint="The allocations reserved and pooled commit values there ahead of the checkout, which then must see "
        "them. Name an alias of the same database and login that goes through another pool.",
        id="ledger.E004",
    )


def _check_prepared(alias: str) -> Iterator[CheckMessage]:
    for holder in prepared_holders(alias):
        yield checks.Warning(f"{holder}, in the database {alias!r}.", hint=REMEDY, id="ledger.W007")


def _check_connection_age(alias: str) -> Iterator[CheckMessage]:
    """A connection that ends with each request takes its second one with it."""
    settings = connections[alias].settings_dict
    if settings["CONN_MAX_AGE"] != 0 or settings["OPTIONS"].get("pool"):
        return
    if not Series.objects.using(alias).filter(is_active=True, allocation=Allocation.RESERVED).exists():
        return
    yield checks.Warning(
        f"The database {alias!r} has CONN_MAX_AGE = 0 and series with the allocation reserved.",
        hint="Each request that asks for such a number opens two connections: its own, and the one on which the "
        "number is reserved. Let connections live longer, such as CONN_MAX_AGE = 60.",
        id="ledger.W003",
    )


def _check_tenants(alias: str) -> Iterator[CheckMessage]:
    """Rows of a renamed model get new keys, so they would count as new tenants whose numbers begin again."""
    for label in sorted(label for (label,) in fetch(alias, _LABELS) if _is_gone(label)):
        yield checks.Warning(
            f"The database {alias!r} has series of tenants {label}:…, and there is no such model any more.",
            hint="If it was renamed, its rows count as new tenants from now on, whose numbers begin again. Name them "
            f"as before wherever you issue: org=f'{label}:{{org.pk}}'. The same goes for documents of renamed models.",
            id="ledger.W004",
        )


def _is_gone(label: str) -> bool:
    """Whether the app exists and its model doesn't; a text with a dot that names no app may be a host's own key."""
    app, _, model = label.partition(".")
    return app in apps.app_configs and model not in apps.app_configs[app].models
