"""Which tables hold events, and which don't, by the models: so no new event table can be forgotten."""

from django.apps import apps
from django.db.models import Model

from ledger.models.access import RolePurpose, TenantAccess, TenantBinding, TenantMove
from ledger.models.drafts import RemotePool
from ledger.models.periods import Period
from ledger.models.queues import Pool, Reservation, ScanPosition, Slot, Ticket
from ledger.models.remote import ExpectedDocument, PendingComparison, RemoteDocument, RemoteReading
from ledger.models.runs import SweepBatch, SweepRun
from ledger.models.series import DefaultSeries, Series
from ledger.models.staging import AdoptingDay, AdoptingRow

#: Configuration and counters: the only tables whose rows change.
CHANGING: tuple[type[Model], ...] = (Series, Period, DefaultSeries)

#: Queues: rows come and go, and entries keep everything that matters.
QUEUES: tuple[type[Model], ...] = (Slot, Pool, Reservation, Ticket, ScanPosition, RemotePool)

#: The runs of the sweeps: a diary, whose rows are finished once, and deleted after a while.
DIARY: tuple[type[Model], ...] = (SweepRun, SweepBatch)

#: The documents of accounting systems, as far as they were read, and which numbers are to be compared.
MIRROR: tuple[type[Model], ...] = (RemoteDocument, RemoteReading, PendingComparison, ExpectedDocument)

#: Who may see whose numbers, which database login serves which tenant, what each role may do, and who lives elsewhere.
ACCESS: tuple[type[Model], ...] = (TenantAccess, TenantBinding, RolePurpose, TenantMove)

#: Where an adoption loads its file.
STAGING: tuple[type[Model], ...] = (AdoptingRow, AdoptingDay)


def event_models() -> list[type[Model]]:
    """Every model whose rows are only inserted: all of the app's tables except the groups above."""
    models = apps.get_app_config("ledger").get_models()
    others = CHANGING + QUEUES + DIARY + MIRROR + ACCESS + STAGING
    return [model for model in models if not model._meta.proxy and model not in others]


def event_tables() -> list[str]:
    """The names of the event tables."""
    return [model._meta.db_table for model in event_models()]


def all_tables() -> list[str]:
    """The names of all tables of the ledger."""
    every = [*CHANGING, *QUEUES, *event_models(), *DIARY, *MIRROR, *ACCESS, *STAGING]
    return [model._meta.db_table for model in every]
