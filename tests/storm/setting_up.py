"""The setting up of the storm's processes: connection, tables and series."""

from __future__ import annotations

import sys

from django.core.management import call_command
from django.db import connections

from ledger import define_series, homes
from tests.storm.cluster import OWNER
from tests.storm.plan import HOMES, TENANTS, SeriesOfStorm, all_series


def connect_through(ports: tuple[int, ...]) -> None:
    """Let Django's connections of this process go to ports of the proxies, one for each home."""
    for home, port in zip(HOMES, ports, strict=False):
        connections.settings[home].update(HOST="127.0.0.1", PORT=str(port))
        connections[home].settings_dict.update(HOST="127.0.0.1", PORT=str(port))


def prepare(allocations: tuple[str, ...]) -> None:
    """Make the tables and series, straight on the server."""
    if homes.are_many():
        # Imported here, since it imports this module.
        from tests.storm.homes import MOVER, tell

        tell(MOVER, HOMES[0])
    for home in connections:
        with connections[home].cursor() as cursor:
            cursor.execute(f"SET ROLE {OWNER}")
    call_command("ledger_home", "migrate", verbosity=0, stdout=sys.stderr)
    for home in connections:
        with connections[home].cursor() as cursor:
            # What a shop writes in the transaction of its checkout: the ledger must agree with it, row by row.
            cursor.execute(
                "CREATE TABLE storm_checkout (attempt text, tenant text, series text, document text,"
                " transaction_id bigint DEFAULT pg_current_xact_id()::text::bigint)"
            )
    for tenant, time_zone in TENANTS.items():
        for series in all_series(allocations):
            _define(tenant, time_zone, series)
    connections.close_all()


def _define(tenant: str, time_zone: str, series: SeriesOfStorm) -> None:
    define_series(
        series.code,
        org=tenant,
        template=series.template,
        calendar=series.calendar,
        allocation=series.allocation,
        time_zone=time_zone,
        chronological=series.strict,
        give_back=series.gives_back,
        early_release=series.early,
    )
