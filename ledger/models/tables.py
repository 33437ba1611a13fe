"""Which tables hold events, and which don't: derived from the models, so that a new event table can't be forgotten."""

from __future__ import annotations

from django.apps import apps
from django.db.models import Model

from ledger.models.drafts import RemotePool
from ledger.models.queues import Pool, Reservation, ScanPosition, Slot, Ticket
from ledger.models.runs import SweepRun
from ledger.models.series import Period, Series

#: Configuration and counters: the only tables whose rows change.
CHANGING: tuple[type[Model], ...] = (Series, Period)

#: Queues: rows come and go, and nothing is lost with them that an entry doesn't keep.
QUEUES: tuple[type[Model], ...] = (Slot, Pool, Reservation, Ticket, ScanPosition, RemotePool)

#: What the sweeps did: a diary, whose rows are finished once, and go away after a while.
DIARY: tuple[type[Model], ...] = (SweepRun,)


def event_models() -> list[type[Model]]:
    """Every model whose rows are only ever inserted: all of the app's tables but counters, queues and the diary."""
    models = apps.get_app_config("ledger").get_models()
    return [model for model in models if not model._meta.proxy and model not in CHANGING + QUEUES + DIARY]


def event_tables() -> list[str]:
    """The names of the event tables."""
    return [model._meta.db_table for model in event_models()]


def queue_tables() -> list[str]:
    """The names of the queues."""
    return [model._meta.db_table for model in QUEUES]


def all_tables() -> list[str]:
    """The names of all tables of the ledger."""
    diary = [model._meta.db_table for model in DIARY]
    return [model._meta.db_table for model in CHANGING] + queue_tables() + event_tables() + diary
