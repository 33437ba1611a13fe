"""Measures what the documentation says of several homes: python -m tests.homes.measuring [rows] [tenants].

A move of a million rows between two servers; a sweep with nothing to do over 10,000 tenants in 8 homes; and what the
look-up of the home costs a checkout.
"""

from __future__ import annotations

import os
import sys
import time
import timeit
from functools import partial
from typing import Any

import django


def main(rows: int, tenants: int) -> None:
    """Print each figure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connections, transaction
    from django.test import override_settings

    from ledger import define_series, homes, issue_many, moving, open_period
    from ledger.site import embedded
    from ledger.sweeps import registered
    from tests.databases import database_alias, new_database
    from tests.homes.test_locality import ENTRIES, FILL
    from tests.provision import POSTGRES_CONF, folder

    every = [f"{server}:h{each}" for server in ("first", "second") for each in range(4)]
    where = {f"t{each}": every[each % 8] for each in range(tenants)} | {"ada": every[0]}
    given: dict[str, Any] = {"HOMES": where}
    other = embedded.start_postgres(folder() / "second", configuration=POSTGRES_CONF, cleanup_mode="stop")
    with (
        new_database("folio_homes_measured") as url,
        database_alias("first", url),
        database_alias("second", other),
        override_settings(LEDGER=given, DATABASE_ROUTERS=["ledger.homes.HomeRouter", "tests.homes.measuring.First"]),
    ):
        call_command("ledger_home", "migrate", verbosity=0)

        look = min(timeit.repeat(lambda: homes.database_for("t7", None), number=10_000, repeat=5)) / 10_000
        print(f"look-up of a home: {look * 1e6:.2f} µs")

        for home in every:
            with connections[home].cursor() as cursor:
                cursor.execute(FILL, {"allocation": "serial", "others": tenants // 8})
                cursor.execute(ENTRIES)
        define_series("bill", org="ada", template="B-{counter}", calendar="never")
        open_period("bill", org="ada")
        names = [sweep.name for sweep in registered() if sweep.name not in ("verify", "seal")]
        for turn in range(2):
            began = time.perf_counter()
            for name in names:
                failed = [one for one in homes.ask_all(partial(_run, name)) if one.error]
                assert not failed, failed
            print(f"sweeps of {tenants:,} tenants in 8 homes, turn {turn + 1}: {time.perf_counter() - began:.2f} s")

        with transaction.atomic(using=every[0]):
            for start in range(0, rows, 50_000):
                documents = [f"order:{each}" for each in range(start, start + 50_000)]
                issue_many("bill", org="ada", documents=documents)
        with connections[every[0]].cursor() as cursor:
            cursor.execute(
                "SELECT pg_relation_size('ledger_entry'), pg_indexes_size('ledger_entry'), count(*) FROM ledger_entry"
            )
            heap, indexes, count = cursor.fetchone()
        print(f"an entry: {heap / count:.0f} bytes and {indexes / count:.0f} of indexes")
        began = time.perf_counter()
        moved = moving.move("ada", "second:h0", source=every[0], tell=lambda step: _step(began, step))
        print(f"a move of {moved:,} rows: {time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        dropped = moving.drop("ada", every[0])
        print(f"their old copy, {dropped:,} rows, dropped: {time.perf_counter() - began:.1f} s")


class First:
    """Routes everything without a home to the first one."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "first:h0"

    db_for_write = db_for_read


def _run(name: str, home: str) -> None:
    from ledger.sweeps import run

    run(name, using=home)


def _step(began: float, step: str) -> None:
    if "_entry" in step or not step.startswith("copying"):
        print(f"  {time.perf_counter() - began:6.1f} s {step}")


if __name__ == "__main__":
    main(*[int(each) for each in [*sys.argv[1:], "1000000", "10000"][:2]])
