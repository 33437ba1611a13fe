"""The storm's worker that sweeps: it claims gaps, seals, closes periods and opens the next ones. Faults hit it too."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from random import Random

from django.core.management import CommandError, call_command
from django.db import InterfaceError, OperationalError, connections, transaction

from ledger import close_period, homes, open_next_periods
from ledger.actions import explain
from ledger.errors import PeriodClosed, WrongDatabase
from ledger.failures import Failures
from ledger.gaps import sweep
from ledger.judging import State
from ledger.models import Entry, GapFlagged, Period
from ledger.seals.sealing import seal_all, tenants_with_news
from ledger.sweeps import run as run_sweep
from tests.storm.crowd import Setup
from tests.storm.homes import living_in, move_on
from tests.storm.journal import Journal, Kind
from tests.storm.plan import Clock
from tests.storm.setting_up import connect_through

#: A checkout between reserving and inserting is safe for so long, in seconds; some faults take longer.
_GRACES = (0.2, 1.0, 2.0)


def run(setup: Setup) -> None:
    """The life of the janitor's process."""
    connect_through(setup.ports)
    journal = Journal(setup.journal())
    random = Random(f"{setup.seed}/{setup.name}")
    clock = Clock(setup.began)
    sealed = 0.0
    while time.time() < setup.ends:
        work, lag, pause = random.random(), random.randrange(3), random.uniform(0.1, 0.4)
        grace = random.choice(_GRACES)
        home = random.choice(homes.homes())
        try:
            with homes.entered(home):
                if time.time() - sealed >= 1.0:
                    sealed = time.time()
                    _seal(journal, random, home)
                elif work < 0.5:
                    sweep(grace=timedelta(seconds=grace))
                    journal.note(Kind.SWEPT)
                elif work < 0.8:
                    _close_one(journal, clock, lag, home)
                elif work < 0.9:
                    _explain_one(home)
                else:
                    open_next_periods(ahead_days=1)
        except (OperationalError, InterfaceError) as error:
            journal.note(Kind.BROKEN, number=str(error)[:300])
            connections.close_all()
        except (PeriodClosed, WrongDatabase):  # the tenant may have moved since it was looked at
            pass
        except Exception as error:  # noqa: BLE001  (whatever it is, the storm must tell)
            journal.note(Kind.ERROR, number=journal.keep(error))
            connections.close_all()
        time.sleep(pause)
    journal.note(Kind.DONE)


def _seal(journal: Journal, random: Random, home: str) -> None:
    """All tenants with news; at times the database too, which covers their heads."""
    failures = Failures()
    seal_all(failures, using=home, database=random.random() < 0.2)
    for told in failures.told:
        journal.note(Kind.ERROR, number=told)


def _close_one(journal: Journal, clock: Clock, lag: int, home: str) -> None:
    """Close one of the last periods to end, ``lag`` days ago: 0 is today, while checkouts still want it."""
    ended = clock.today() - timedelta(days=lag)
    mine = Period.objects.filter(tenant__in=living_in(home), closed_at=None, ends_on__lte=ended)
    period = mine.order_by("-ends_on", "?").first()
    if period is None:
        return
    with transaction.atomic(using=home):  # once it has ended, the tenant may leave with all its rows
        close_period(period, early=True)
        entries = Entry.objects.filter(period=period).count()
    journal.note(Kind.CLOSED, tenant=period.tenant, document=str(period.pk), number=str(entries))


def _explain_one(home: str) -> None:
    gap = GapFlagged.objects.filter(tenant__in=living_in(home), explanations=None).order_by("pk").last()
    if gap is not None:
        explain(gap, explanation="the storm", by="janitor")


def last_sweeps(folder: Path) -> None:
    """What the workers would do next, once nothing fails any more; then Folio's own verification."""
    journal = Journal(folder / "last.journal")
    if homes.are_many() and move_on(begin=False):
        journal.note(Kind.MOVED)
    for home in homes.homes():
        with homes.entered(home):
            for _ in range(2):
                sweep(grace=timedelta())
                open_next_periods(ahead_days=1)
            run_sweep("seal", using=home)
            if unsealed := tenants_with_news(home):
                journal.note(Kind.ERROR, number=f"not sealed: {unsealed}")
            # Which also looks for rows in no seal, or in two.
            with (folder / f"verify-{home}.txt").open("w", encoding="utf-8") as findings:
                try:
                    call_command("ledger_verify", database=home, verbosity=0, stdout=findings)
                except CommandError as error:
                    # Gaps that the janitor left unexplained are work for people, and no fault of Folio's.
                    if error.returncode == State.LOST.exit_code:
                        journal.note(Kind.ERROR, number=f"ledger_verify: {error}")
    connections.close_all()
