"""Checkouts and sweeps in two tenants' schemas, told as facts: one JSON document on standard output.

Run by ``test_tenants.py`` in the project's folder, with the settings' module and the database in the environment.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import django

django.setup()

from celery import Celery  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django_tenants.utils import schema_context  # noqa: E402
from orders.tasks import schedule_of_schemas, sweep_each_schema  # noqa: E402

from ledger import define_series, issue, issue_many  # noqa: E402
from ledger.models import SweepRun  # noqa: E402
from ledger.models.tables import all_tables  # noqa: E402
from ledger.verification import verify  # noqa: E402

ALLOCATIONS = ("serial", "at_commit", "pooled", "reserved")
SCHEMAS = ("north", "south")
PATIENCE = 60


def checkout(schema: str, series: str, day: str, **query: str) -> str:
    """By the view, at the tenant's host name."""
    answer = Client(headers={"host": f"{schema}.example"}).get(f"/checkout/{series}/{day}/", query)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def checkouts(schema: str, allocation: str) -> list[str]:
    """Of a series whose periods nobody opened; one fails, and is tried again."""
    with schema_context(schema):
        define_series(allocation, template=f"{allocation}-{{year}}-{{counter}}", allocation=allocation)
    numbers = [checkout(schema, allocation, "2026-12-30"), checkout(schema, allocation, "2026-12-31")]
    checkout(schema, allocation, "2026-12-31", reference="again", fail="yes")
    numbers.append(checkout(schema, allocation, "2026-12-31", reference="again"))
    return [*numbers, checkout(schema, allocation, "2027-01-01")]


def at_once(allocation: str) -> list[str]:
    """Checkouts of both tenants on many connections."""

    def work(worker: int) -> list[str]:
        schema = SCHEMAS[worker % 2]
        try:
            return [f"{schema} {checkout(schema, allocation, '2027-01-02')}" for _ in range(10)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        return sorted(number for told in threads.map(work, range(8), timeout=PATIENCE) for number in told)


def told_after_its_schema_was_left() -> dict[str, list[str]]:
    told = {}
    for schema in SCHEMAS:
        with schema_context(schema):
            define_series("later", template=f"{schema}-{{year}}-{{counter}}", allocation="at_commit")
            with transaction.atomic():
                told[schema] = [issue("later", on=date(2026, 12, 1))]
                told[schema] += issue_many("later", documents=["a", "b"], on=date(2026, 12, 1))
    return {schema: [str(entry) for entry in entries] for schema, entries in told.items()}


def rows_in_public() -> dict[str, int]:
    """How many rows the ledger's tables in public have, by name; none where there are no tables."""
    found = {}
    with connection.cursor() as cursor:
        for table in all_tables():
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{table}"])
            if cursor.fetchone()[0]:
                cursor.execute(f"SELECT count(*) FROM public.{table}")
                found[table] = cursor.fetchone()[0]
    return found


def swept() -> dict[str, list[str]]:
    """Every task of the guide's schedule, and which sweeps ran in which schema."""
    app = Celery("shop")
    app.set_default()
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    for entry in schedule_of_schemas().values():
        assert entry["task"] == sweep_each_schema.name
        sweep_each_schema(*entry["args"])
    ran = {}
    for schema in SCHEMAS:
        with schema_context(schema):
            runs = SweepRun.objects.filter(error="", finished_at__isnull=False)
            ran[schema] = sorted(set(runs.values_list("sweep", flat=True)))
    return ran


def main() -> None:
    before = rows_in_public()
    facts: dict[str, Any] = {schema: {one: checkouts(schema, one) for one in ALLOCATIONS} for schema in SCHEMAS}
    facts["at_once"] = {allocation: at_once(allocation) for allocation in ALLOCATIONS}
    facts["later"] = told_after_its_schema_was_left()
    facts["swept"] = swept()
    for schema in SCHEMAS:
        with schema_context(schema):
            facts[f"verified {schema}"] = [str(finding) for finding in verify()]
    facts["public"] = [before, rows_in_public()]
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
