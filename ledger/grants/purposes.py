"""What a database role may do, by purpose: what it calls and reads, and the few tables that it writes.

No role but the owner writes series, periods, queues or events: functions do. What a function doesn't take, nobody can
set.
"""

from __future__ import annotations

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
)
from ledger.models.tables import all_tables

#: What everybody who reads the ledger calls in a query: pure, or no more than what the tables tell.
READING: Final = frozenset(
    {
        "ledger_calendar_step",
        "ledger_dated_number",
        "ledger_era",
        "ledger_formats_meet",
        "ledger_forms_ahead",
        "ledger_head_hash",
        "ledger_highest_value",
        "ledger_is_awaited",
        "ledger_takes_history",
        "ledger_is_facts",
        "ledger_is_held",
        "ledger_is_key",
        "ledger_is_moment",
        "ledger_is_prose",
        "ledger_lines_v1",
        "ledger_may_repeat",
        "ledger_meeting_period",
        "ledger_meeting_series",
        "ledger_number",
        "ledger_outline",
        "ledger_outlines_agree",
        "ledger_template_outline",
        "ledger_period_span",
        "ledger_place",
        "ledger_render_template",
        "ledger_sealed_rows",
        "ledger_spelling",
        "ledger_transaction_status",
        "ledger_value_of",
    }
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
        frozenset(
            {
                "ledger_fresh",
                "ledger_hold",
                "ledger_issue_reserved",
                "ledger_issue_serial",
                "ledger_issue_serial_many",
                "ledger_issue_slot",
                "ledger_issue_slots",
                "ledger_leave_ticket",
                "ledger_look",
                "ledger_make_default",
                "ledger_mint",
                "ledger_next_value",
                "ledger_number_ticket",
                "ledger_open_period",
                "ledger_reserve",
            }
        ),
        reads=(
            *(Series, Period, DefaultSeries, Entry, NumberVoided, Adoption, Slot, Pool, Reservation),
            *(DraftMade, RemotePool, AuthorisedRange),
        ),
    ),
    "void": Purpose(
        "Void numbers, where the checkout itself does that",
        frozenset({"ledger_void"}),
        reads=(Series, Period, Entry, NumberVoided),
    ),
    "workers": Purpose(
        "Sweep, prove gaps, fill pools, seal, compare with accounting systems, push",
        frozenset(
            {
                "ledger_cancel_draft",
                "ledger_close_due",
                "ledger_flag_gap",
                "ledger_heal",
                "ledger_judge",
                "ledger_keep_anchor",
                "ledger_keep_seal",
                "ledger_keep_stray",
                "ledger_mint",
                "ledger_next_seal",
                "ledger_note_documents",
                "ledger_open_period",
                "ledger_raise_alarms",
                "ledger_register",
                "ledger_remember_scan",
                "ledger_report_holes",
                "ledger_resolve_mended",
                "ledger_store_draft",
                "ledger_suspects",
                "ledger_withdraw_slot",
            }
        ),
        writes=(
            ("INSERT, UPDATE, DELETE", (SweepRun, SweepBatch, PendingComparison)),
            ("INSERT, UPDATE", (RemoteDocument, RemoteReading, RemotePool, ExpectedDocument)),
        ),
        other_apps=True,
    ),
    "finance": Purpose(
        "Define series, open and close periods, void, explain, declare, acknowledge, adopt",
        frozenset(
            {
                "ledger_acknowledge",
                "ledger_acknowledge_alarms",
                "ledger_adopt",
                "ledger_adopt_counter",
                "ledger_authorise",
                "ledger_change_allocation",
                "ledger_close_period",
                "ledger_declare",
                "ledger_define_default",
                "ledger_define_series",
                "ledger_explain",
                "ledger_flag_lost",
                "ledger_hold",
                "ledger_make_default",
                "ledger_open_explicit",
                "ledger_open_period",
                "ledger_raise_alarms",
                "ledger_register",
                "ledger_resolve_alarms",
                "ledger_resolve_mended",
                "ledger_skip_taken",
                "ledger_skip_values",
                "ledger_void",
                # To put triggers on the table of a system whose counters were moved here.
                "ledger_moved_counter",
                "ledger_moved_new_counter",
            }
        ),
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
