"""Alarms: what looks at the ledger have found, kept until a later look no longer finds it.

``raise_alarms`` and ``resolve_alarms`` are the only ones that write. ``Watch`` compares one whole look with what is
open: it raises what is new, and resolves what is gone. ``recheck`` resolves what a few probes can tell to be mended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any

from django.db import Error, connections, router, transaction

from ledger.models import AlarmRaised
from ledger.verification import alarms_sql as sql
from ledger.verification.findings import MEANINGS, Alarm, period_label

#: The rules of a country are checked by another look than those of the ledger.
COUNTRY_RULE = "country-rule"

#: A check that could not run. What it would have found is not mended because of that.
NOT_CHECKED = "not-checked"

#: As many new alarms does one look keep. Whoever deletes every second row of a million leaves no million alarms: the
#: first ones tell what happened, and ``ledger_verify`` names every row.
MOST = 10_000

#: insufficient_privilege, read_only_sql_transaction; and a table or function of the alarms that is gone itself.
_MAY_NOT_WRITE = frozenset({"42501", "25006", "42P01", "42703", "42883"})

#: Characters of a text that are kept: enough to know what it was.
_LONGEST = 1000

#: Written at a time.
_BATCH = 500


def subject_of(alarm: Alarm) -> str:
    """The same for the same problem of the same row, whenever and by whatever look it is found."""
    starts_on = None if alarm.starts_on is None else alarm.starts_on.isoformat()
    place = [alarm.check, alarm.tenant, alarm.series, starts_on, alarm.value, alarm.through, alarm.table, alarm.id]
    return hashlib.sha256(json.dumps([*place, alarm.problem]).encode()).hexdigest()


def raise_alarms(alarms: Sequence[Alarm], *, using: str | None = None) -> int:
    """Append AlarmRaised for each of them that is not open already; return how many that were."""
    alias = using or router.db_for_write(AlarmRaised)
    raised = 0
    for start in range(0, len(alarms), _BATCH):
        rows = [_row(alarm) for alarm in alarms[start : start + _BATCH]]
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute(sql.RAISE, [json.dumps(rows)])
            raised += cursor.fetchone()[0]
    return raised


def resolve_alarms(ids: Collection[int], *, using: str | None = None) -> int:
    """Append AlarmResolved for each of these alarms that is open; return how many that were."""
    alias = using or router.db_for_write(AlarmRaised)
    if not ids:
        return 0
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(sql.RESOLVE, [list(ids)])
        resolved: int = cursor.fetchone()[0]
    return resolved


def lost_values(tenant: str, series: str, starts_on: date, ends_on: date, value: int, through: int) -> Alarm:
    """The alarm for values that nothing knows of, as ``verify`` would word it."""
    meaning = MEANINGS["lost-or-tampered"]
    values = f"{value}" if value == through else f"{value} to {through}"
    return Alarm(
        rule=meaning.rule,
        check="lost-or-tampered",
        tenant=tenant,
        series=series,
        period=period_label(starts_on, ends_on),
        value=value,
        through=through,
        number=None,
        table=meaning.table,
        id=None,
        problem=meaning.problem.format(values=values, number=None, detail=None),
        remedy=meaning.remedy,
        starts_on=starts_on,
    )


def recheck(*, using: str | None = None) -> int:
    """Resolve open alarms that are mended by now: values that all have a row again, reservations that were settled.

    It asks for no more than what the open alarms name, so it may run every minute. Returns how many were resolved.
    """
    alias = using or router.db_for_write(AlarmRaised)
    with connections[alias].cursor() as cursor:
        cursor.execute(sql.MENDED)
        mended = [row[0] for row in cursor.fetchall()]
    return resolve_alarms(mended, using=alias)


class Watch:
    """One look at all of the ledger, or at all of a tenant or a series: show it every alarm, then ``finish``.

    ``country_rules`` tells which of the two looks it is. What the look doesn't reach stays as it is; so does everything
    if it is given up before ``finish``. ``refused`` is called, once, where the connection's role may only read, or the
    server is a standby: then nothing is kept, and the look itself goes on. Without it, that is an error.
    """

    def __init__(
        self,
        alias: str,
        *,
        tenant: str | None = None,
        series: str | None = None,
        country_rules: bool = False,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        self.alias = alias
        self._refused = refused
        self._is_refused = False
        self._room = MOST
        self._waiting: list[Alarm] = []
        #: Open alarms that this look has not found yet: digest → id.
        self._unseen: dict[str, int] = {}
        wanted: dict[str, Any] = {"tenant": tenant, "series": series, "rules": COUNTRY_RULE, "country": country_rules}
        self._guarded(lambda: self._read_open(wanted))
        self._open = set(self._unseen)
        self._is_blind = False

    def _read_open(self, wanted: dict[str, Any]) -> None:
        # In a savepoint, where the caller has a transaction: it goes on after a refusal.
        with transaction.atomic(using=self.alias), connections[self.alias].cursor() as cursor:
            cursor.execute(sql.OPEN, wanted)
            self._unseen.update(cursor.fetchall())

    def see(self, alarm: Alarm) -> None:
        """The look has found this."""
        subject = subject_of(alarm)
        self._unseen.pop(subject, None)
        self._is_blind |= alarm.check == NOT_CHECKED
        if subject not in self._open and self._room:
            self._room -= 1
            self._waiting.append(alarm)

    def keep(self) -> None:
        """Raise what was found so far: a look that is killed later has not looked in vain."""
        self._guarded(lambda: raise_alarms(self._waiting, using=self.alias))
        self._waiting.clear()

    def finish(self) -> None:
        """The look has come to its end: what it didn't find again is resolved, unless a check could not run."""
        self.keep()
        if not self._is_blind:
            self._guarded(lambda: resolve_alarms(self._unseen.values(), using=self.alias))

    def _guarded(self, act: Callable[[], Any]) -> None:
        if self._is_refused:
            return
        try:
            act()
        except Error as error:
            if self._refused is None or not may_not_write(error):
                raise
            self._is_refused = True
            self._refused(f"What was found is not kept as alarms: {str(error).strip()}.")


def may_not_write(error: Error) -> bool:
    """Whether this role may only read here, or nobody may write, as on a standby; or what keeps alarms is gone."""
    return getattr(error.__cause__, "sqlstate", None) in _MAY_NOT_WRITE


def _row(alarm: Alarm) -> dict[str, Any]:
    return {
        "tenant": alarm.tenant,
        "kind": alarm.check,
        "rule": alarm.rule,
        "series": alarm.series or "",
        "starts_on": None if alarm.starts_on is None else alarm.starts_on.isoformat(),
        "value": alarm.value,
        "through": alarm.through,
        "number": _kept(alarm.number or ""),
        "table_name": alarm.table or "",
        "row_id": alarm.id,
        "problem": _kept(alarm.problem),
        "remedy": alarm.remedy,
        "subject": subject_of(alarm),
    }


def _kept(text: str) -> str:
    """A text that a tampered row may have a part in: without control characters, and not endless."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
