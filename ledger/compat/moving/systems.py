"""The systems whose numbers are taken over: their tables, and the series that continue with their counters."""

from collections import Counter as Count, defaultdict
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, transaction

from ledger.calendars import CalendarKind
from ledger.compat.conf import compat_settings
from ledger.compat.moving.counters import Counter, Move, Moved
from ledger.compat.moving.history import History, lock_table
from ledger.compat.old_names import renamed
from ledger.compat.scopes import template_of, told_apart
from ledger.compat.sequence_runs import code_of, template_of_run
from ledger.cursors import fetch
from ledger.database_errors import translate_database_errors
from ledger.errors import InvalidArgument, InvalidTenant
from ledger.instances import key_by_label
from ledger.models.series import NUMBER_LENGTH

DJANGO_SEQUENCES = "django-sequences"
DJANGO_SEQUENCE = "django-sequence"

#: The table of each system, the column of its key and that of its counter.
TABLES = {
    DJANGO_SEQUENCES: ("sequences_sequence", "name", "last"),
    DJANGO_SEQUENCE: ("django_sequence_sequence", "id", "current_value"),
}

_SCOPES = """
    SELECT s.id::text, s.scope, c.app_label, c.model, s.org_id::text, s.prefix, s.current_value, s.pad_width,
           s.include_year
    FROM {table} s LEFT JOIN django_content_type c ON c.id = s.org_content_type_id
    ORDER BY s.id
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be moved: the counters of some names, or all (``only`` empty); and settings of their series."""

    only: tuple[str, ...] = ()
    table: str | None = None
    settings: tuple[tuple[str, Any], ...] = ()


def move_counters(
    kind: str, wanted: Wanted, *, alias: str, history: History | None, explain_gaps: str | None, by: str, apply: bool
) -> list[Moved]:
    """Take over the counters of django-sequences or django-sequence, all or none; returns what became of each.

    Without ``apply`` nothing is locked, and all is rolled back. Raises InvalidArgument or AdoptionError.
    """
    table, key, counter_column = TABLES[kind]
    table = wanted.table or table
    if table not in connections[alias].introspection.table_names():
        raise InvalidArgument(
            f"The database {alias!r} has no table {table!r}.",
            rule=f"The counters of {kind} stand in a table, by default {TABLES[kind][0]}.",
            remedy="Name it: --table …, or --database ….",
        )
    if history is not None:
        history.check()
    move = Move(kind=kind, table=table, alias=alias, by=by, explain_gaps=explain_gaps, history=history)
    with translate_database_errors(table), transaction.atomic(using=alias):
        if apply:  # one move at a time; users of the old table aren't blocked
            lock_table(alias, table, "SHARE UPDATE EXCLUSIVE")
        move.begin()
        if history is None:
            move.prepare(_counters(kind, alias, table, wanted))
            # Deferred foreign keys are checked now, and not at the commit, when callers wait.
            with connections[alias].cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if apply:
            lock_counters(alias, table)
        counters = _counters(kind, alias, table, wanted)
        scopes = {counter.series for counter in counters}
        if history is not None and (len(scopes) != 1 or (len(counters) > 1 and history.org_field is None)):
            raise InvalidArgument(
                f"The numbers of {history.model} can't belong to {len(counters)} counters.",
                rule="A table of numbers is the history of one counter, or of one for each organisation.",
                remedy="Name the counter, --only invoice, or the field that tells whose a number is, --org-field shop.",
            )
        if history is None:
            move.prepare(counters)
        else:
            moved = [move.take_over(one) for one in counters]
        if apply:
            build_bridge(alias, table, kind, key, counter_column, whole=not wanted.only)
        else:
            transaction.set_rollback(True, using=alias)
    return move.told(counters) if history is None else moved


def move_model(
    history: History,
    series: str,
    settings: dict[str, Any],
    *,
    tenant: str,
    alias: str,
    explain_gaps: str | None,
    by: str,
    apply: bool,
) -> list[Moved]:
    """Take over the numbers of a model, for each tenant of its ``org_field``; otherwise as ``move_counters``."""
    history.check()
    moved = []
    with translate_database_errors(series), transaction.atomic(using=alias):
        if apply:
            history.lock(alias)
        for owner in [tenant] if history.org_field is None else history.tenants(alias):
            result = history.adopt(alias, owner, series, settings, explain_gaps, by)
            if result is None:
                continue
            last, following = result.periods[-1].last_value, result.periods[-1].next_number
            moved.append(Moved(owner, series, "moved", result.rows, result.missing, last, following))
        if not apply:
            transaction.set_rollback(True, using=alias)
    return moved


def _counters(kind: str, alias: str, table: str, wanted: Wanted) -> list[Counter]:
    """The counters as the table has them now, in the order of their keys."""
    read = _read_sequences if kind == DJANGO_SEQUENCES else _read_scopes
    every = read(alias, connections[alias].ops.quote_name(table))
    names = {name for name, _ in every}
    found = [
        replace(counter, settings={**counter.settings, **dict(wanted.settings)})
        for name, counter in every
        if not wanted.only or name in wanted.only
    ]
    if missing := [name for name in wanted.only if name not in names]:
        raise InvalidArgument(
            f"{table} has no counter {', '.join(map(repr, missing))}.",
            rule="What is moved is there.",
            remedy=f"It has {', '.join(sorted(names)) or 'none'}.",
        )
    if "template" in dict(wanted.settings) and len({counter.series for counter in found}) > 1:
        raise InvalidArgument(
            f"{len(found)} counters can't share the template {dict(wanted.settings)['template']!r}.",
            rule="A tenant's numbers are unique over all its series.",
            remedy="Move them one by one: --only invoice --template ….",
        )
    return found


def _read_sequences(alias: str, table: str) -> list[tuple[str, Counter]]:
    rows = fetch(alias, f"SELECT name, last FROM {table} ORDER BY name")  # noqa: S608  (a quoted name)
    alike = Count(name.upper() for name, _ in rows)
    tenant = compat_settings().sequences_tenant
    found = []
    for name, last in rows:
        if (old := renamed(name)) is not None:
            choice = old.choice
            found.append((name, Counter(name, choice.org, choice.series, choice.settings, last, old.day)))
            continue
        template = template_of_run(code_of(name), alone=alike[name.upper()] == 1)
        settings = {"template": template, "calendar": CalendarKind.NEVER, "max_length": NUMBER_LENGTH}
        found.append((name, Counter(name, tenant, code_of(name), settings, last)))
    return found


def _read_scopes(alias: str, table: str) -> list[tuple[str, Counter]]:
    rows = fetch(alias, _SCOPES.format(table=table))
    count_on = compat_settings().count_on_over_years
    found = []
    templates: dict[str, set[str]] = defaultdict(set)
    for row, scope, app, model, org_id, prefix, last, width, with_year in rows:
        calendar = CalendarKind.NEVER
        if with_year:
            calendar = CalendarKind.EXPLICIT if count_on else CalendarKind.YEAR
        tenant = key_by_label(f"{app}.{model}", org_id, InvalidTenant, "org", using=alias) if app else ""
        plain = template_of(prefix, width, include_year=with_year)
        settings = {"template": told_apart(plain, prefix, templates[tenant]), "calendar": calendar}
        templates[tenant].add(plain)
        found.append((scope, Counter(row, tenant, scope, settings, last)))
    return found


def lock_counters(alias: str, table: str) -> None:
    """Wait for transactions that hold a number of the old table, and let no other take one until this one ends."""
    lock_table(alias, table, "SHARE ROW EXCLUSIVE")


def build_bridge(alias: str, table: str, kind: str, key: str, counter: str, *, whole: bool) -> None:
    """Let the table's moved counters count in Folio from the end of this transaction on. Idempotent.

    Old processes may still run, and would repeat Folio's numbers. The statement of django-sequences reads back what was
    written, so the trigger takes the values from the series, and both continue from each other. Code that adds one
    itself (django-sequence, and django-sequences with ``reset_value`` or ``nowait``) gets an error once somebody else
    has counted: people notice an error, but not a duplicate number.

    ``whole``: all counters were moved, so the table accepts no new one.
    """
    connection = connections[alias]
    name = connection.ops.quote_name(table)
    triggers = [("ledger_moved_counter", "UPDATE OR DELETE")]
    if whole:
        triggers.append(("ledger_moved_new_counter", "INSERT"))
    with connection.cursor() as cursor:
        for trigger, event in triggers:
            # OR REPLACE, since DROP also waits for readers: old code that has read its row and waits for us to
            # write it would deadlock.
            cursor.execute(
                f"CREATE OR REPLACE TRIGGER {trigger} BEFORE {event} ON {name} FOR EACH ROW "
                f"EXECUTE FUNCTION {trigger}('{kind}', '{key}', '{counter}')"
            )
