"""What the migrations made to guard the tables: triggers, unique indexes, constraints, functions and their texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from django.db.migrations.operations import RunSQL

from ledger import migrations
from ledger.models import Ticket
from ledger.models.tables import event_tables

# pg_trigger.tgtype.
_ROW, _BEFORE, _INSERT, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 4, 8, 16, 32


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger; ``when`` as in pg_trigger.tgtype. Another condition or list of columns would let rows through.

    ``deferred`` is a constraint trigger that waits for the COMMIT.
    """

    table: str
    name: str
    function: str
    when: int
    columns: tuple[str, ...] = ()
    condition: str = ""
    deferred: bool = False


#: The one that lets no event table be emptied; ``ledger.testing`` drops it in test databases.
REFUSAL_OF_TRUNCATE: Final = "ledger_append_only_table"


def _of_queue(queue: str) -> Iterator[Trigger]:
    """A value waits in its queue rightly, doesn't change, and is not lost when it leaves."""
    yield Trigger(queue, f"{queue}_fits", "ledger_queued_fits", _ROW | _BEFORE | _INSERT)
    yield Trigger(queue, f"{queue}_stays", "ledger_refuse_update", _ROW | _BEFORE | _UPDATE)
    yield Trigger(queue, f"{queue}_is_kept", "ledger_unqueued_is_kept", _ROW | _DELETE, deferred=True)


def triggers() -> Iterator[Trigger]:
    """Every trigger that the ledger rests on; all of them are ENABLE ALWAYS."""
    for table in event_tables():
        yield Trigger(table, "ledger_append_only_rows", "ledger_refuse_change", _ROW | _BEFORE | _UPDATE | _DELETE)
        yield Trigger(table, REFUSAL_OF_TRUNCATE, "ledger_refuse_change", _BEFORE | _TRUNCATE)
    yield Trigger("ledger_entry", "ledger_entry_fits", "ledger_entry_fits", _ROW | _BEFORE | _INSERT)
    yield Trigger("ledger_draftmade", "ledger_draft_fits", "ledger_draft_fits", _ROW | _BEFORE | _INSERT)
    yield Trigger(
        "ledger_period",
        "ledger_period_keeps_drafts",
        "ledger_period_keeps_drafts",
        _ROW | _UPDATE,
        columns=("has_drafts",),
        condition="old.has_drafts AND NOT new.has_drafts",
    )
    yield Trigger("ledger_gapdeclared", "ledger_declaration_fits", "ledger_declaration_fits", _ROW | _BEFORE | _INSERT)
    yield Trigger("ledger_numbervoided", "ledger_void_fits", "ledger_void_fits", _ROW | _BEFORE | _INSERT)
    yield Trigger(
        "ledger_period",
        "ledger_period_guard_counter",
        "ledger_period_guard",
        _ROW | _UPDATE,
        columns=("last_value",),
        condition="new.last_value < old.last_value",
    )
    yield Trigger(
        "ledger_period",
        "ledger_period_guard_format",
        "ledger_period_guard",
        _ROW | _UPDATE,
        columns=(
            *("tenant", "series_id", "starts_on", "ends_on", "prefix", "width", "suffix", "first_value", "max_value"),
            "closed_at",
        ),
    )
    yield Trigger("ledger_period", "ledger_period_guard_delete", "ledger_period_guard", _ROW | _DELETE)
    yield Trigger("ledger_period", "ledger_period_fits", "ledger_period_fits", _ROW | _INSERT)
    yield Trigger(
        "ledger_period",
        "ledger_period_fits_update",
        "ledger_period_fits",
        _ROW | _UPDATE,
        columns=("tenant", "series_id", "width"),
    )
    yield Trigger(
        "ledger_series",
        "ledger_series_guard_update",
        "ledger_series_guard",
        _ROW | _UPDATE,
        condition=" OR ".join(f"new.{name}::text IS DISTINCT FROM old.{name}::text" for name in ("tenant", "code")),
    )
    yield from _of_queue("ledger_slot")
    yield from _of_queue("ledger_reservation")
    yield Trigger("ledger_findingraised", "ledger_finding_fits", "ledger_finding_fits", _ROW | _BEFORE | _INSERT)
    for what in ("resolved", "acknowledged"):
        name = f"ledger_finding_{what}_fits"
        yield Trigger(f"ledger_finding{what}", name, "ledger_of_finding_fits", _ROW | _BEFORE | _INSERT)
    yield Trigger("ledger_ticket", "ledger_ticket_numbered", "ledger_number_tickets", _ROW | _INSERT, deferred=True)


#: The functions that read a table to judge a row, or for one that does, or number at COMMIT; they must not be shown a
#: temporary one.
OWN_SCHEMA: Final = frozenset(
    {
        "ledger_entry_fits",
        "ledger_void_fits",
        "ledger_period_fits",
        "ledger_period_guard",
        "ledger_series_guard",
        "ledger_queued_fits",
        "ledger_unqueued_is_kept",
        "ledger_number_tickets",
        "ledger_finding_fits",
        "ledger_of_finding_fits",
        "ledger_draft_fits",
        "ledger_period_keeps_drafts",
        "ledger_drafted",
        "ledger_declaration_fits",
    }
)

#: Unique indexes: name → columns, condition. Of the primary keys those that guard more than a row's own id.
INDEXES: Final[dict[str, tuple[list[str], str]]] = {
    "ledger_entry_value": (["tenant", "period_id", "value"], ""),
    "ledger_entry_number": (["tenant", "upper(number::text)"], ""),
    "ledger_entry_document": (["tenant", "series_id", "document"], "document::text > ''::text"),
    "ledger_entry_pkey": (["id"], ""),  # a ticket states the id of its entry beforehand
    "ledger_numbervoided_once": (["tenant", "entry_id"], ""),
    "ledger_adoptedgap_first_value": (["tenant", "period_id", "first_value"], ""),
    "ledger_gapdeclared_first_value": (["tenant", "period_id", "authority", "first_value"], ""),
    "ledger_holereported_value": (["tenant", "period_id", "value"], ""),
    "ledger_holehealed_once": (["tenant", "hole_id"], ""),
    "ledger_tenantaccess_once": (["tenant", '"user"'], ""),
    "ledger_findingraised_once": (["tenant", "system", "kind", "subject", "occurrence"], ""),
    "ledger_findingresolved_once": (["tenant", "finding_id"], ""),
    "ledger_remotedocument_id": (["tenant", "system", "remote_id"], ""),
    "ledger_remotereading_system": (["tenant", "system"], ""),
    "ledger_draftmade_ordinal": (["tenant", "period_id", "ordinal"], ""),
    "ledger_draftmade_value": (["tenant", "period_id", "value"], ""),
    "ledger_draftmade_remote_id": (["tenant", "system", "remote_id"], ""),
    "ledger_draftmade_number": (["tenant", "upper(number::text)"], "value IS NOT NULL"),
    "ledger_draftcancelled_once": (["tenant", "draft_id"], ""),
    "ledger_remotepool_series": (["tenant", "series_id"], ""),
    "ledger_sweepbatch_once": (["run_id", "number"], ""),
    "ledger_series_code": (["tenant", "code"], ""),
    "ledger_period_starts_on": (["tenant", "series_id", "starts_on"], ""),
    "ledger_period_format": (["tenant", "upper(prefix::text)", "upper(suffix::text)"], ""),
    "ledger_slot_pkey": (["tenant", "period_id", "value"], ""),
    "ledger_pool_pkey": (["tenant", "period_id"], ""),
    "ledger_scanposition_pkey": (["tenant", "period_id"], ""),
    "ledger_reservation_value": (["tenant", "period_id", "value"], ""),
    "ledger_reservation_document": (["tenant", "period_id", "document"], "document::text > ''::text"),
}

#: Check (c) and exclusion (x) constraints: table, name, kind.
CONSTRAINTS: Final = (
    ("ledger_adoptedgap", "ledger_adoptedgap_order", "c"),
    ("ledger_findingraised", "ledger_findingraised_counts", "c"),
    ("ledger_gapexplained", "ledger_gapexplained_one_subject", "c"),
    ("ledger_gapdeclared", "ledger_gapdeclared_order", "c"),
    ("ledger_gapdeclared", "ledger_gapdeclared_no_overlap", "x"),
    ("ledger_period", "ledger_period_no_overlap", "x"),
)

#: Foreign keys that events rest on: table, the table it points to. Django makes up their names.
FOREIGN_KEYS: Final = (
    ("ledger_numbervoided", "ledger_entry"),
    ("ledger_gapexplained", "ledger_entry"),
    ("ledger_gapexplained", "ledger_adoptedgap"),
    ("ledger_gapdeclared", "ledger_period"),
    ("ledger_adoptedgap", "ledger_adoption"),
    ("ledger_adoptedgap", "ledger_period"),
    ("ledger_adoption", "ledger_series"),
    ("ledger_holereported", "ledger_period"),
    ("ledger_holehealed", "ledger_holereported"),
    ("ledger_holehealed", "ledger_entry"),
    ("ledger_findingraised", "ledger_entry"),
    ("ledger_findingresolved", "ledger_findingraised"),
    ("ledger_findingacknowledged", "ledger_findingraised"),
    ("ledger_draftmade", "ledger_period"),
    ("ledger_draftcancelled", "ledger_draftmade"),
    ("ledger_period", "ledger_series"),
)

#: Tables that a crash may empty, since no transaction leaves a row in them.
UNLOGGED: Final = frozenset({Ticket._meta.db_table})

_FUNCTION = re.compile(
    r"CREATE (?:OR REPLACE )?FUNCTION (?P<made>\w+)\s*\((?:(?!\bCREATE\b).)*?\bAS \$\$(?P<body>.*?)\$\$"
    r"|DROP FUNCTION (?:IF EXISTS )?(?P<dropped>\w+)",
    re.DOTALL,
)


@cache
def functions() -> dict[str, str]:
    """The functions that the migrations make: name → the text that the last of them gave it."""
    made: dict[str, str] = {}
    for name in sorted(module.name for module in iter_modules(migrations.__path__)):
        migration = getattr(import_module(f"{migrations.__name__}.{name}"), "Migration", None)
        for operation in migration.operations if migration else ():
            if isinstance(operation, RunSQL):
                for match in _FUNCTION.finditer(str(operation.sql)):
                    if match["dropped"]:
                        made.pop(match["dropped"], None)
                    else:
                        made[match["made"]] = match["body"]
    return made
