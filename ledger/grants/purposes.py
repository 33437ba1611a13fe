"""What a database role may do, by purpose: what it calls and reads, and the few tables that it writes.

No role but the owner writes series, periods, queues or events: functions do. What a function doesn't take, nobody can
set.
"""

from dataclasses import dataclass
from typing import Final, LiteralString

from django.db.models import Model

from ledger.models import (
    AdoptingDay,
    AdoptingRow,
    Adoption,
    AuthorisedRange,
    DefaultSeries,
    DraftMade,
    Entry,
    ExpectedDocument,
    NumberVoided,
    PendingComparison,
    Period,
    Pool,
    RemoteDocument,
    RemotePool,
    RemoteReading,
    Reservation,
    Series,
    Slot,
    SweepBatch,
    SweepRun,
    TenantAccess,
    TenantMove,
)
from ledger.models.tables import all_tables


def _named(names: str) -> frozenset[str]:
    """Functions of the ledger, by what their names have after ``ledger_``."""
    return frozenset(f"ledger_{name}" for name in names.split())


#: What everybody who reads the ledger calls in a query: pure, or no more than what the tables tell.
READING: Final = _named(
    "calendar_step dated_number era formats_meet forms_ahead head_hash highest_value is_awaited is_facts is_held "
    "is_key is_moment is_prose lines_v1 may_repeat meeting_period meeting_series number outline outlines_agree "
    "period_span place render_template sealed_rows spelling takes_history template_outline transaction_status "
    "value_of"
)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What one kind of process does. ``reads`` is empty where it reads all of the ledger."""

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
            *(Series, Period, DefaultSeries, Entry, NumberVoided, Adoption, Slot, Pool, Reservation),
            *(DraftMade, RemotePool, AuthorisedRange, TenantMove),
        ),
    ),
    "void": Purpose(
        "Void numbers, where the checkout itself does that",
        _named("void"),
        reads=(Series, Period, Entry, NumberVoided, TenantMove),
    ),
    "workers": Purpose(
        "Sweep, prove gaps, fill pools, seal, compare with accounting systems, push",
        _named(
            "cancel_draft close_due flag_gap heal judge keep_anchor keep_seal keep_stray mint next_seal note_documents "
            "open_period raise_alarms register remember_scan report_holes resolve_mended store_draft suspects "
            "withdraw_slot"
        ),
        writes=(
            ("INSERT, UPDATE, DELETE", (SweepRun, SweepBatch, PendingComparison)),
            ("INSERT, UPDATE", (RemoteDocument, RemoteReading, RemotePool, ExpectedDocument)),
        ),
        other_apps=True,
    ),
    "finance": Purpose(
        "Define series, open and close periods, void, explain, declare, acknowledge, adopt",
        _named(
            "acknowledge acknowledge_alarms adopt adopt_counter authorise change_allocation close_period declare "
            "define_default define_series explain flag_lost hold make_default moved_counter moved_new_counter "
            "open_explicit open_period raise_alarms register resolve_alarms resolve_mended skip_taken skip_values void"
        ),
        # (moved_…: to put triggers on the table of a system whose counters were moved here.)
        writes=(("INSERT, UPDATE, DELETE", (AdoptingRow, AdoptingDay)), ("INSERT, DELETE", (TenantAccess,))),
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
        if any(table == model._meta.db_table for _, models in purpose.writes for model in models)
    ]
