"""Homes: where a tenant's numbers live. A home is an alias of DATABASES, or one of its schemas: ``"alias:schema"``.

``LEDGER["HOMES"]`` says which: a mapping of tenants to homes (a tenant that it doesn't name lives where the routers
write), or the dotted path to a function that takes a tenant and returns its home, or, for None, the list of all homes.
Without the setting there is one home, and nothing here costs anything.

``"alias:schema"`` becomes an alias of its own, with the other alias' settings, whose connections see that schema alone.
So ``using=``, ``transaction.atomic(using=…)`` and the ORM know it by this name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from contextvars import ContextVar, copy_context
from copy import deepcopy
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.utils.module_loading import import_string

from ledger.cursors import fetch_value
from ledger.errors import TenantMoved, WrongDatabase
from ledger.keys import tenant_key
from ledger.misspelt import meant

_T = TypeVar("_T")
_Given = Mapping[str, str] | Callable[[str | None], Any]

#: How many homes are asked at the same time.
AT_ONCE = 8
#: The same for a page that somebody waits for, and for how many seconds.
ASKED_BY_A_PAGE: dict[str, Any] = {"at_once": 32, "patience": 5.0}
#: How many answers of a function are remembered before the memory is emptied.
_MEMORY = 100_000

_IS_READ_COMMITTED = "SELECT current_setting('transaction_isolation') = 'read committed'"
_HAS_MOVED = "SELECT EXISTS (SELECT FROM ledger_tenantmove WHERE tenant = %s)"

_here: ContextVar[str | None] = ContextVar("ledger_home", default=None)
#: The setting that was read last, and what it says.
_seen: tuple[Any, _Given | None] = (None, None)
_known: dict[str, str] = {}


def home_of(org: Any = None) -> str:
    """The alias where the numbers of ``org`` live, for ``transaction.atomic(using=home_of(shop))``; as in ``issue``."""
    return _home(tenant_key(org))


def homes() -> list[str]:
    """The aliases of all homes, each once."""
    given = _given()
    if given is None:
        return [_default()]
    listed = [_default(), *given.values()] if isinstance(given, Mapping) else list(given(None))
    return [registered(home) for home in dict.fromkeys(listed)]


def are_many() -> bool:
    """Whether LEDGER["HOMES"] is set."""
    return _given() is not None


def database_for(org: Any, using: str | None, *, reads: bool = False) -> str | None:
    """``using``, else the home of ``org``; None where there is only one home, which the routers know.

    A call that only ``reads`` may name a replica, and gets the place of the tenant's rows while it moves. Raises
    WrongDatabase if ``using`` is another home, and TenantMoved if the tenant has been there.
    """
    if _given() is None:
        return using
    tenant = tenant_key(org)
    home = _home(tenant)
    if reads:
        return using or _with_its_rows(tenant, home)
    if using is None or using == home:
        return home
    forget(tenant)  # the function may answer differently by now
    home = _home(tenant)
    if using == home:
        return home
    if using in homes():
        refuse_moved(using, tenant)
    raise WrongDatabase(
        f"Tenant {tenant!r} lives in the home {home!r}, and the call is about the database {using!r}.",
        rule="A tenant's numbers are given out in one home: the one that LEDGER['HOMES'] names.",
        remedy=f"Nothing was written. Begin the transaction there: transaction.atomic(using={home!r}); "
        "ledger.homes.home_of(org) tells it.",
    )


def _with_its_rows(tenant: str, home: str) -> str:
    """``home``, or the one that the tenant left for, or hasn't arrived from yet."""
    from ledger.models import TenantMove

    elsewhere = (TenantMove.State.LEFT, TenantMove.State.DROPPED, TenantMove.State.ARRIVING)
    move = TenantMove.objects.using(home).filter(tenant=tenant, state__in=elsewhere).first()
    if move is None:
        return home
    forget(tenant)
    return registered(move.home)


def moved(tenant: str, state: str, home: str) -> TenantMoved:
    """The error for a tenant that is not at home where it was asked for; the memory forgets where it lived."""
    forget(tenant)
    what = "is moving between this home and" if state in ("leaving", "arriving") else "has moved to the home"
    return TenantMoved(
        f"Tenant {tenant!r} {what} {home!r}.",
        rule="A tenant lives in one home, and nothing is written for it elsewhere, nor while it moves.",
        remedy="Nothing was written. Run the whole transaction again in a moment, on the database that "
        "ledger.homes.home_of(org) tells then.",
    )


def refuse_moved(alias: str, tenant: str) -> bool:
    """Raise TenantMoved if the tenant is not at home in the database ``alias``; else tell whether it came from another.

    It may have come since the caller looked: ``find_at_home`` looks again.
    """
    from ledger.models import TenantMove

    move = TenantMove.objects.using(alias).filter(tenant=tenant).first()
    if move is None and are_many() and _came_later(alias, tenant):
        raise moved(tenant, TenantMove.State.LEFT, alias)
    if move is not None and move.state != TenantMove.State.ARRIVED:
        raise moved(tenant, move.state, move.home)
    return move is not None


def find_at_home(alias: str, tenant: str, look: Callable[[], _T]) -> _T:
    """What ``look`` finds. If that is nothing and the tenant came to this home, it looks once more.

    Between two statements a tenant may arrive with all its rows. Raises TenantMoved if it isn't at home here.
    """
    found = look()
    return look() if not found and refuse_moved(alias, tenant) else found


def _came_later(alias: str, tenant: str) -> bool:
    """Whether it came after this transaction took its snapshot, if it has one: only another connection can see that."""
    if not connections[alias].in_atomic_block:
        return False
    if fetch_value(alias, _IS_READ_COMMITTED):
        return False
    with closing(connections.create_connection(alias)) as other, other.cursor() as cursor:
        cursor.execute(_HAS_MOVED, [tenant])
        [has_moved] = cursor.fetchone()
        return bool(has_moved)


def forget(tenant: str) -> None:
    """Ask the function of LEDGER["HOMES"] again where this tenant lives."""
    _known.pop(tenant, None)


@contextmanager
def entered(home: str) -> Iterator[None]:
    """A block in which Folio's models are read and written in ``home`` unless a database is named; needs HomeRouter."""
    before = _here.set(registered(home))
    try:
        yield
    finally:
        _here.reset(before)


def entered_home() -> str | None:
    """The home that was entered, if one was."""
    return _here.get()


class HomeRouter:
    """For DATABASE_ROUTERS: sends Folio's models to the home that was entered, and a numbered row to its tenant's."""

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        """The database of the row in the hints, else the home that was entered; None leaves it to other routers."""
        if model._meta.app_label not in ("ledger", "ledger_workers"):
            return None
        there: str | None = getattr(getattr(hints.get("instance"), "_state", None), "db", None)
        return there or _here.get()

    def db_for_write(self, model: type[Any], **hints: Any) -> str | None:
        """The same, and for a new row with a NumberField the home of its org."""
        if (home := self.db_for_read(model, **hints)) is not None or _given() is None:
            return home
        row = hints.get("instance")
        if isinstance(row, model) and row._state.db is None:
            for field in model._meta.concrete_fields:
                if hasattr(field, "facts"):  # a NumberField, without loading its module
                    return home_of(field.facts(row)["org"])
        return None


class Answer(NamedTuple):
    """What a home answered, or the ``error`` if it didn't."""

    home: str
    value: Any
    error: Exception | None


def ask_all(
    ask: Callable[[str], Any],
    which: Iterable[str] | None = None,
    *,
    at_once: int = AT_ONCE,
    patience: float | None = None,
) -> list[Answer]:
    """What ``ask`` returned for each home, in their order; at most ``at_once`` are asked at the same time.

    A home that is down doesn't delay the others; one that hasn't answered after ``patience`` seconds counts as down. If
    there is only one home, the caller's own thread asks it, and errors are raised.
    """
    asked = homes() if which is None else list(which)
    if not are_many():
        return [Answer(home, ask(home), None) for home in asked]
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="ledger-home")
    # With the caller's context, so that texts are in the reader's language.
    answers = {home: pool.submit(copy_context().run, _answer, ask, home) for home in asked}
    wait(answers.values(), timeout=patience)
    pool.shutdown(wait=False, cancel_futures=True)
    late = TimeoutError(f"no answer within {patience} seconds")
    return [
        one.result() if one.done() and not one.cancelled() else Answer(home, None, late)
        for home, one in answers.items()
    ]


def _answer(ask: Callable[[str], Any], home: str) -> Answer:
    try:
        with entered(home):
            return Answer(home, ask(home), None)
    except Exception as error:  # noqa: BLE001  (reported beside the answers of the others)
        return Answer(home, None, error)
    finally:
        connections[home].close()


def _default() -> str:
    from ledger.models import Entry

    return router.db_for_write(Entry)


def _given() -> _Given | None:
    global _seen
    setting = getattr(settings, "LEDGER", None)
    if setting is not _seen[0]:
        from ledger.conf import ledger_settings

        _known.clear()
        chosen = ledger_settings().homes
        _seen = (setting, import_string(chosen) if isinstance(chosen, str) else chosen)
    return _seen[1]


def _home(tenant: str) -> str:
    given = _given()
    home = _known.get(tenant)
    if home is None and given is not None:
        home = given.get(tenant) if isinstance(given, Mapping) else given(tenant)
        if home is not None:
            if len(_known) >= _MEMORY:
                _known.clear()
            _known[tenant] = registered(home)
    return home or _default()


def registered(home: str) -> str:
    """``home``, made known to Django: a schema gets its own alias. Raises ImproperlyConfigured for anything else."""
    if home in connections.settings:
        return home
    alias, _, schema = str(home).partition(":")
    if alias not in connections.settings or not schema:
        raise ImproperlyConfigured(
            f"LEDGER['HOMES'] names {home!r}{meant(str(home), connections.settings)}; a home is an alias of DATABASES "
            "('north'), or one of its schemas ('default:north')."
        )
    made = deepcopy(connections.settings[alias])
    quoted = '"' + schema.replace('"', '""') + '"'
    escaped = quoted.replace("\\", "\\\\").replace(" ", "\\ ")
    made["OPTIONS"]["options"] = f"{made['OPTIONS'].get('options', '')} -c search_path={escaped}".strip()
    connections.settings[home] = made
    return home
