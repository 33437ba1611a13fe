"""``make demo``: Folio's main job on real numbers, from the first migration to the last check."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from ledger import issue, preview
from ledger.adoption import AdoptionResult, Layout, adopt
from ledger.gaps import flagged_gaps
from ledger.management.base import BAD_OPTIONS, FAILED, LedgerCommand
from ledger.models import Adoption, Entry, FindingKind, Period
from ledger.reconciliation import count_confirmed, findings
from ledger.reports.continuity import PeriodSummary, summarise
from ledger.site import embedded
from ledger.verification import CHECKS, verify
from tests.demo import selling, workers

#: What becomes of a number whose checkout fails, in the words of the demo.
_ON_FAILURE = {
    "at_commit": "numbers at COMMIT, so a failed checkout had none, and nobody waited.",
    "pooled": "numbers from a pool, so a failed checkout gave its own back, and the next one took it.",
    "reserved": "numbers that were reserved and shown before the payment: those of failed checkouts are burnt.",
}
RETAILER = Path(__file__).resolve().parents[2] / "data" / "online-retail-invoices.csv"


class Command(LedgerCommand):
    help = (
        "Adopts the 25,900 invoice numbers of a real retailer, then lets three shops sell across a year's end from "
        "many threads, with failed payments, retries and voids; then real workers flag the gaps, open the next fiscal "
        "year, and reconcile one shop with books that don't quite agree; then sums up and checks every rule. Each run "
        "has tenants of its own, so it can be repeated on any database. Exit code 0: every rule holds; 1: one does "
        "not; 2: something that the demo needs isn't here."
    )
    examples = """  manage.py demo --settings demo.settings
  manage.py demo --settings demo.settings --checkouts 2000 --threads 16 --seed 7
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--checkouts", type=int, default=600, metavar="N", help="How many sales; 600 by default.")
        parser.add_argument("--threads", type=int, default=8, metavar="N", help="How many tills; 8 by default.")
        parser.add_argument("--seed", type=int, default=2026, metavar="N", help="What happens to whom; else 2026.")
        parser.add_argument(
            "--without-workers",
            action="store_true",
            help="Leave out the workers and the books; for a machine without Celery, or without a broker.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["checkouts"] < 1 or options["threads"] < 1:
            raise CommandError("--checkouts and --threads are 1 or more.", returncode=BAD_OPTIONS)
        with_workers = not options["without_workers"]
        if with_workers:
            self._expect_workers_possible()
        with self._step("Migrating the database"):
            call_command("migrate", verbosity=0)
        run = Adoption.objects.filter(tenant__startswith="retailer").count() + 1
        suffix = "" if run == 1 else f"-{run}"
        retailer = f"retailer{suffix}"
        shops = tuple(replace(shop, tenant=shop.tenant + suffix) for shop in selling.SHOPS)
        berlin, _, austin = (shop.tenant for shop in shops)
        lisbon = f"lisbon{suffix}"

        with self._step("Adopting the ledger of a UK retailer, 2010 to 2011"):
            adopted = self._adopt(retailer)
        self._tell_adoption(adopted, retailer)
        self._sell(shops, options)
        broken = 0
        if with_workers:
            selling.open_a_shop_before_its_year(lisbon, workers.database_now().date())
            broken += self._let_them_work(berlin, austin, lisbon)
        else:
            self.stdout.write(self.style.WARNING("Workers and books are left out, as --without-workers asks."))
        broken += self._sum_up([retailer, *(shop.tenant for shop in shops)])
        with self._step("Checking every rule (manage.py ledger_verify)"):
            findings = [str(finding) for finding in verify()]
        for finding in findings:
            self.stdout.write(self.style.ERROR(f"  {finding}"))
        if findings or broken:
            raise CommandError(f"{len(findings)} findings, {broken} sums that don't add up.", returncode=FAILED)
        self.stdout.write(f"  {len(CHECKS)} checks, nothing found: every value is accounted for, once.")
        self._tell_where_to_look()

    def _adopt(self, tenant: str) -> AdoptionResult:
        layout = Layout(
            date_column="issued_at",
            customer_column="customer",
            keep_columns=("country",),
            pattern=r"^(?P<kind>[CA]?)(?P<counter>\d+)$",
        )
        settings = {"template": "{counter}", "calendar": "never", "time_zone": "Europe/London"}
        return adopt(
            RETAILER,
            series="invoice",
            org=tenant,
            layout=layout,
            settings=settings,
            explain_gaps="Not in the data that the retailer published.",
            by="demo",
        )

    def _tell_adoption(self, adopted: AdoptionResult, tenant: str) -> None:
        (summary,) = summarise(tenant=tenant)
        self.stdout.write(
            f"  {summary.expected:,} values in range, {adopted.rows:,} used, {summary.missing:,} missing in "
            f"{summary.missing_ranges:,} ranges (each explained), {summary.duplicates or 'no'} duplicates, "
            f"{summary.out_of_order} out of order."
        )
        self.stdout.write(f"  The next invoice is {preview('invoice', org=tenant)}.", ending=" ")
        with transaction.atomic():
            entry = issue("invoice", org=tenant, document="order:first-with-folio", by="demo")
        self.stdout.write(f"A checkout took it: {entry}.")

    def _sell(self, shops: tuple[selling.Shop, ...], options: dict[str, Any]) -> None:
        count, threads = options["checkouts"], options["threads"]
        selling.open_shops(shops)
        sales = selling.draw_sales(shops, count, options["seed"])
        title = f"{count} checkouts from {threads} threads, three shops, across a year's end"
        with self._step(title), self.progress(count, wanted=True) as tell:
            tally = selling.run_sales(sales, threads=threads, after_each=lambda: tell("checking out"))
        self.stdout.write(
            f"  {tally.committed} committed; {tally.failed} failed after they asked for a number; "
            f"{tally.retried} came twice, and got the same number; {tally.voided} voided later."
        )
        for shop in shops:
            self.stdout.write(f"  {shop.tenant}: {_ON_FAILURE[shop.settings['allocation']]}")

    def _expect_workers_possible(self) -> None:
        """Raise CommandError before anything is done if the workers, which do half of the demo, can't run."""
        try:
            workers.check_possible()
        except workers.Missing as reason:
            raise CommandError(
                f"The demo can't run its workers, who do half of what it shows. {reason} "
                "To see the other half alone, add --without-workers.",
                returncode=BAD_OPTIONS,
            ) from reason

    def _let_them_work(self, berlin: str, austin: str, lisbon: str) -> int:
        """Run the workers, and print what they did; returns how many expectations failed."""
        title = "Workers: a Celery worker and a beat on Redis, and the books of a shop"
        begun = workers.database_now()
        with self._step(title), workers.running_books(berlin) as books, workers.running_workers(books):
            late = workers.wait_for_sweeps(begun, austin)
        for problem in late:
            self.stdout.write(self.style.ERROR(f"  {problem}; see {embedded.home() / 'demo-worker.log'}"))
        self._tell_gaps(austin)
        self._tell_next_period(lisbon)
        return len(late) + self._tell_findings(berlin, books)

    def _tell_gaps(self, tenant: str) -> None:
        gaps = list(flagged_gaps(tenant=tenant))
        self.stdout.write(f"  {len(gaps)} numbers of {tenant} were burnt, proven, and flagged as gaps.", ending="")
        if gaps:
            asked = gaps[0].evidence.get("reservation", {})
            self.stdout.write(
                f" {gaps[0].number}: {gaps[0].evidence.get('cause')}, reserved for {asked.get('document')}.", ending=""
            )
        self.stdout.write("")

    def _tell_next_period(self, tenant: str) -> None:
        period = Period.objects.filter(tenant=tenant).select_related("series").latest("starts_on")
        number = preview("invoice", org=tenant, on=period.starts_on)
        self.stdout.write(f"  {tenant}: the next fiscal year ({period.label}) is open, and begins with {number}.")

    def _tell_findings(self, tenant: str, books: workers.Books) -> int:
        """A line for each difference that was planted; returns how many of them were not found."""
        found: dict[str, list[str]] = {}
        for finding in findings(tenant=tenant, system=workers.SYSTEM):
            found.setdefault(finding.number.upper(), []).append(FindingKind(finding.kind).label)
        confirmed = count_confirmed(org=tenant, system=workers.SYSTEM)
        self.stdout.write(
            f"  {tenant} was reconciled: {confirmed} numbers are confirmed by the books; "
            f"{len(books.planted)} differences were planted there."
        )
        rows = [
            (f"  {each.number}", each.kind, " and ".join(found.pop(each.number.upper(), [])) or "NOT FOUND")
            for each in books.planted
        ]
        rows += [(f"  {number}", "nothing", " and ".join(told)) for number, told in found.items()]
        self.write_table(("  number", "planted in the books", "found by the workers"), rows)
        return sum("NOT FOUND" in row for row in rows)

    def _sum_up(self, tenants: list[str]) -> int:
        """Print a line for each period; return how many don't add up."""
        self.stdout.write(self.style.MIGRATE_HEADING("What each series gave out"))
        rows, broken = [], 0
        for tenant in tenants:
            for summary in summarise(tenant=tenant):
                broken += not summary.identity_holds
                first, last = _ends(summary)
                rows.append(
                    (
                        f"  {tenant}",
                        summary.period,
                        first,
                        last,
                        f"{summary.expected:,}",
                        f"{summary.used:,}",
                        f"{summary.void:,}",
                        f"{summary.reserved + summary.healing:,}",
                        f"{summary.flagged + summary.missing - summary.healing:,}",
                        "yes" if summary.identity_holds else "NO",
                    )
                )
        header = (
            "  tenant",
            "period",
            "first",
            "last",
            "values",
            "= issued",
            "of these void",
            "+ in progress",
            "+ missing",
            "sums agree",
        )
        self.write_table(header, rows)
        return broken

    def _tell_where_to_look(self) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING("To look further"))
        self.stdout.write("  make admin                             every number, in the Django admin, with a login")
        self.stdout.write("  .venv/bin/python manage.py ledger_status --tenant berlin")
        self.stdout.write("  .venv/bin/python manage.py ledger_gaps --tenant austin")
        self.stdout.write("  .venv/bin/python manage.py ledger_report --tenant austin --format pdf --output austin.pdf")
        self.stdout.write("  .venv/bin/python manage.py ledger_verify")
        self.stdout.write("  make up                                site, worker and beat on this machine")
        self.stdout.write("  make clean                             removes the embedded PostgreSQL and all of it")

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self.stdout.write(self.style.MIGRATE_HEADING(title), ending=" … ")
        self.stdout.flush()
        begun = time.perf_counter()
        yield
        self.stdout.write(f"{time.perf_counter() - begun:.1f} s")


def _ends(summary: PeriodSummary) -> tuple[str, str]:
    """The first and the last number of a period, as people read them."""
    numbers = dict(
        Entry.objects.filter(
            tenant=summary.tenant,
            period__tenant=summary.tenant,
            period__series__code=summary.series,
            period__starts_on=summary.starts_on,
            value__in=(summary.first, summary.last),
        ).values_list("value", "number")
    )
    return numbers.get(summary.first, "none"), numbers.get(summary.last, "none")
