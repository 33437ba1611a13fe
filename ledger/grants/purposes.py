"""What a database role may do, by purpose: what it calls and reads, and the few tables that it writes.

No role but the owner writes series, periods, queues or events: functions do. Nobody can set what a function doesn't
take. Other apps of Folio add what their own tables need.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, LiteralString

from django.db import connections
from django.db.models import Model

from ledger import models
from ledger.models.tables import all_tables


def _named(names: str) -> frozenset[str]:
    """Functions of the ledger, by their names without ``ledger_``."""
    return frozenset(f"ledger_{name}" for name in names.split())


#: What every reader of the ledger calls in a query: pure functions, or ones that show no more than the tables do.
READING: Final = _named(
    "calendar_step colliding_period colliding_series dated_number era formats_collide forms_ahead head_hash "
    "highest_value is_awaited is_facts is_held is_key is_moment is_prose lines_v1 number outline outlines_agree "
    "period_span place render_template sealed_rows spelling takes_history template_outline transaction_status "
    "value_of"
)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What one kind of process does. ``reads`` is empty if it reads all of the ledger."""

    why: str
    functions: frozenset[str] = frozenset()
    reads: tuple[type[Model], ...] = ()
    writes: tuple[tuple[LiteralString, tuple[type[Model], ...]], ...] = ()
    #: Also the tables of other apps of Folio, such as tokens and pushes.
    other_apps: bool = False


PURPOSES: Final[dict[str, Purpose]] = {
    "checkout": Purpose(
        "Issue and preview numbers",
        _named(
            "fresh hold issue_reserved issue_serial issue_serial_many issue_slot issue_slots leave_ticket look "
            "make_default mint next_value number_ticket open_period reserve"
        ),
        reads=(
            *(models.Series, models.Period, models.DefaultSeries, models.Entry, models.NumberVoided, models.Adoption),
            *(models.Slot, models.Pool, models.Reservation, models.DraftMade, models.RemotePool),
            *(models.AuthorisedRange, models.TenantMove),
        ),
    ),
    "void": Purpose(
        "Void numbers, where the checkout itself does that",
        _named("void"),
        reads=(models.Series, models.Period, models.Entry, models.NumberVoided, models.TenantMove),
    ),
    "workers": Purpose(
        "Sweep, prove gaps, fill pools, seal, compare with accounting systems, push",
        _named(
            "add_references cancel_draft close_due flag_gap heal judge keep_anchor keep_seal keep_stray mint next_seal "
            "note_documents open_period raise_alarms remember_scan report_holes resolve_mended store_draft suspects "
            "withdraw_slot"
        ),
        writes=(
            ("INSERT, UPDATE, DELETE", (models.SweepRun, models.SweepBatch, models.PendingComparison)),
            (
                "INSERT, UPDATE",
                (models.RemoteDocument, models.RemoteReading, models.RemotePool, models.ExpectedDocument),
            ),
        ),
        other_apps=True,
    ),
    "finance": Purpose(
        "Define series, open and close periods, void, explain, declare, acknowledge, adopt",
        _named(
            "acknowledge acknowledge_alarms add_references adopt adopt_counter authorise change_allocation "
            "close_period declare define_default define_series explain flag_lost hold make_default moved_counter "
            "moved_new_counter open_explicit open_period raise_alarms resolve_alarms resolve_mended skip_taken "
            "skip_values void"
        ),
        # (moved_…: to put triggers on the table of a system whose counters were moved here.)
        writes=(
            ("INSERT, UPDATE, DELETE", (models.AdoptingRow, models.AdoptingDay)),
            ("INSERT, DELETE", (models.TenantAccess,)),
        ),
    ),
    "auditor": Purpose("Read all of the ledger"),
}


def calling(function: str) -> list[str]:
    """The purposes whose roles may call a function of the ledger."""
    return [name for name, purpose in PURPOSES.items() if function in READING or function in purpose.functions]


def reading(table: str) -> list[str]:
    """The purposes whose roles may read a table: of the ledger, or of another app of Folio."""
    if table not in all_tables():
        return [name for name, purpose in PURPOSES.items() if purpose.other_apps]
    return [
        name
        for name, purpose in PURPOSES.items()
        if not purpose.reads or table in (model._meta.db_table for model in purpose.reads)
    ]


def writing(table: str) -> list[str]:
    """The purposes whose roles may write a table by plain statements."""
    if table not in all_tables():
        return reading(table)
    return [
        name
        for name, purpose in PURPOSES.items()
        if any(table == model._meta.db_table for _, written in purpose.writes for model in written)
    ]


@dataclass(frozen=True, slots=True)
class TableGrant:
    """What the workers' role needs on a table of another app: to read, to insert, and to update ``columns``."""

    why: str
    model: type[Model]
    columns: tuple[str, ...]

    @property
    def table(self) -> str:
        """The table's name."""
        return self.model._meta.db_table


_contributed: dict[str, Callable[[], Iterable[TableGrant]]] = {}


def contribute(app: str, grants: Callable[[], Iterable[TableGrant]]) -> None:
    """Tell ``ledger_grants`` about the tables of ``app``, by a function that is called when they are needed."""
    _contributed[app] = grants


def contributions(using: str) -> list[TableGrant]:
    """The grants of other apps for those of their tables that are in this database."""
    with connections[using].cursor() as cursor:
        there = set(connections[using].introspection.table_names(cursor))
    return [grant for grants in _contributed.values() for grant in grants() if grant.table in there]
