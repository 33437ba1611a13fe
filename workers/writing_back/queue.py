"""The queue of pushes: the numbers that a system must get, which worker has them, and their outcomes. No network here.

They are found by transaction ids. Ids and times of entries are set before COMMIT, so a mark "seen up to here" would
miss a slow checkout. What a look couldn't see was written by a transaction that wasn't over, and no such transaction is
below the ``xmin`` of the look's snapshot. The next look begins there, and skips entries that have a row already.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connections
from django.db.models import Case, QuerySet, Value, When

from ledger.cursors import fetch
from ledger.models import Series
from ledger.models.columns import ClockTimestamp
from ledger.unreadable import facts
from workers.accounting.base import RemoteInvoice
from workers.accounting.errors import AccountingError
from workers.accounting.quota import own_transaction
from workers.accounting.systems import System
from workers.models import Push, PushPosition

#: How long a claim keeps a document from other workers; a worker sends no request that could outlast it.
CLAIM_SECONDS = 900.0

#: States that need a worker, and states that need a person.
DUE = (Push.State.WAITING, Push.State.CANCELLING)
STUCK = (Push.State.CONFLICT, Push.State.FAILED)

# How far the last look came, and whether to look at everything: the first time, once a day (a database restored into
# another server may count its transactions from the start), or if the mark lies in the future.
_POSITION = """
    SELECT p.through, p.scope,
           p.looked_in_full_at IS NULL OR p.looked_in_full_at < clock_timestamp() - interval '1 day'
               OR p.through >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    FROM ledger_workers_pushposition p
    WHERE p.system = %(system)s
    FOR UPDATE
"""

_FOUND = """
    INSERT INTO ledger_workers_push
        (tenant, system, entry_id, number, document, issued_on,
         state, claimed_by, attempts, last_error, remote_id, facts)
    SELECT e.tenant, %(system)s, e.id, e.number, e.document, e.issued_on, 'waiting', '', 0, '', '', '{}'
    FROM ledger_entry e
    WHERE e.tenant = %(tenant)s AND e.kind = 'issued' AND e.series_id = ANY (%(series)s)
      AND e.issued_on >= %(since)s::date AND e.transaction_id >= %(through)s
      AND NOT EXISTS (
          SELECT FROM ledger_workers_push p
          WHERE p.tenant = e.tenant AND p.system = %(system)s AND p.entry_id = e.id
      )
    ORDER BY e.id
    ON CONFLICT DO NOTHING
"""

# A void is pushed after its number, so it waits until the number is there.
_VOIDED = """
    UPDATE ledger_workers_push p
    SET void_id = v.id,
        state = CASE p.state WHEN 'pushed' THEN 'cancelling' ELSE p.state END,
        attempts = CASE p.state WHEN 'pushed' THEN 0 ELSE p.attempts END,
        next_attempt_at = CASE p.state WHEN 'pushed' THEN NULL ELSE p.next_attempt_at END
    FROM ledger_numbervoided v
    WHERE v.tenant = %(tenant)s AND v.transaction_id >= %(through)s
      AND p.tenant = v.tenant AND p.system = %(system)s AND p.entry_id = v.entry_id AND p.void_id IS NULL
"""

# By the database's clock, which all workers share; the time of the next attempt comes from the system or the worker.
_CLAIM = """
    UPDATE ledger_workers_push p
    SET claimed_by = %(by)s, claimed_until = clock_timestamp() + make_interval(secs => %(seconds)s),
        attempts = p.attempts + 1
    WHERE p.id = (
        SELECT w.id FROM ledger_workers_push w
        WHERE w.tenant = %(tenant)s AND w.system = %(system)s AND w.state IN ('waiting', 'cancelling')
          AND (w.claimed_until IS NULL OR w.claimed_until < clock_timestamp())
          AND (w.next_attempt_at IS NULL OR w.next_attempt_at <= %(now)s)
        ORDER BY w.id LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING p.id
"""


@dataclass(frozen=True, slots=True)
class PushQueue:
    """The rows of one system, in the database ``alias``."""

    system: System
    alias: str

    def look(self) -> tuple[int, int]:
        """Make rows for new numbers and voids since the last look; how many of each were found.

        Misconfigured if the settings don't name the series.
        """
        since = _since(self.system)
        codes = self.system.series
        if not codes:
            raise self.system.wrong(
                f"its 'series' is {codes!r}",
                "It lists the codes of the series whose numbers are pushed, such as ['invoice'].",
            )
        with own_transaction(self.alias), connections[self.alias].cursor() as cursor:
            positions = PushPosition.objects.using(self.alias)
            # One look at a time: the row is locked until the new rows are committed with the new position.
            positions.bulk_create([PushPosition(system=self.system.name)], ignore_conflicts=True)
            chosen = Series.objects.using(self.alias).filter(tenant=self.system.tenant, code__in=codes)
            series = list(chosen.order_by("pk").values_list("pk", flat=True))
            scope: dict[str, Any] = {"tenant": self.system.tenant, "series": series, "since": since.isoformat()}
            cursor.execute(_POSITION, {"system": self.system.name})
            through, looked_for, in_full, xmin = cursor.fetchone()
            looked_for = facts(looked_for)
            in_full = in_full or looked_for != scope
            given = {**scope, "system": self.system.name, "through": 0 if in_full else through}
            cursor.execute(_FOUND, given)
            found = cursor.rowcount
            cursor.execute(_VOIDED, given)
            voided = cursor.rowcount
            changes: dict[str, Any] = {"through": xmin, "scope": scope, "tenant": self.system.tenant}
            if in_full:
                changes["looked_in_full_at"] = ClockTimestamp()
            positions.filter(pk=self.system.name).update(**changes)
        return found, voided

    def claim(self, now: datetime) -> Push | None:
        """Claim the next row that is due at ``now``, and commit the claim; None if no row is due."""
        mark = uuid.uuid4().hex
        whose = {"tenant": self.system.tenant, "system": self.system.name}
        with own_transaction(self.alias):
            claimed = fetch(self.alias, _CLAIM, {**whose, "by": mark, "seconds": CLAIM_SECONDS, "now": now})
        return self.rows().select_related("entry").get(pk=claimed[0].id) if claimed else None

    def pushed(self, push: Push, there: RemoteInvoice) -> bool:
        """It is there, as it should be. What was voided meanwhile is cancelled next."""
        state = Case(When(void=None, then=Value(Push.State.PUSHED)), default=Value(Push.State.CANCELLING))
        return self._end(push, state=state, attempts=0, remote_id=there.remote_id, pushed_at=ClockTimestamp())

    def cancelled(self, push: Push, there: RemoteInvoice) -> bool:
        """It is void there too."""
        at = ClockTimestamp()
        done: dict[str, Any] = {"remote_id": there.remote_id, "cancelled_at": at}
        if push.pushed_at is None:
            done["pushed_at"] = at
        return self._end(push, state=Push.State.CANCELLED, **done)

    def conflict(self, push: Push, there: RemoteInvoice, differences: Mapping[str, Any]) -> bool:
        """It is there, but not as it should be: keep what is there, for a person."""
        what = ", ".join(f"{name} {value!r}" for name, value in differences.items())
        return self._end(
            push,
            state=Push.State.CONFLICT,
            remote_id=there.remote_id,
            facts=_facts(there),
            last_error=f"{push.system} has {push.number} otherwise: {what}.",
        )

    def failed(self, push: Push, error: AccountingError) -> bool:
        """Another attempt without a person would be useless."""
        return self._end(push, state=Push.State.FAILED, last_error=str(error))

    def later(self, push: Push, error: AccountingError, at: datetime) -> bool:
        """Not before ``at``."""
        return self._end(push, next_attempt_at=at, last_error=str(error))

    def retry(self, numbers: Iterable[str] = ()) -> int:
        """Put all rows that needed a person, or those of ``numbers``, back into the queue; how many."""
        stuck = self.rows().filter(state__in=STUCK)
        if numbers:
            stuck = stuck.filter(number__in=list(numbers))
        step = Case(When(pushed_at=None, then=Value(Push.State.WAITING)), default=Value(Push.State.CANCELLING))
        return stuck.update(state=step, attempts=0, next_attempt_at=None, facts={})

    def rows(self) -> QuerySet[Push]:
        """All rows of the system."""
        return Push.objects.using(self.alias).filter(tenant=self.system.tenant, system=self.system.name)

    def note(self, error: str) -> None:
        """Note the error that stopped the run, or an empty text."""
        PushPosition.objects.using(self.alias).filter(pk=self.system.name).update(ran_at=ClockTimestamp(), error=error)

    def _end(self, push: Push, **changes: Any) -> bool:
        """Release the row with its outcome; False if it is no longer ours, and another worker's outcome counts."""
        given: dict[str, Any] = {"next_attempt_at": None, "last_error": "", "facts": {}, **changes}
        mine = self.rows().filter(pk=push.pk, claimed_by=push.claimed_by)
        return mine.update(claimed_by="", claimed_until=None, **given) > 0


def _facts(there: RemoteInvoice) -> dict[str, Any]:
    names = ("remote_id", "number", "state", "issued_on", "reference", "changed_at")
    return {name: getattr(there, name) for name in names}


def _since(system: System) -> date:
    """The first business date that is pushed."""
    if system.push is True:
        return date.min
    try:
        return date.fromisoformat(system.push or "")
    except (TypeError, ValueError):
        rule = "It is True, or the first date to push, such as '2026-01-01'."
        raise system.wrong(f"its 'push' is {system.push!r}", rule) from None
