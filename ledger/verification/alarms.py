"""Alarms: what looks at the ledger have found, kept until a later look no longer finds it.

``raise_alarms``, ``resolve_alarms`` and ``recheck`` are the only ones that write, beside ``acknowledge_alarm``, by
which people say why what can't be mended may stand. ``Watch`` compares one whole look with what is open: it raises what
is new, and resolves what is gone. The role of the workers may only raise, and ``recheck``: then the database itself
tells what is mended. So a stolen one can't hide an alarm that stands.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from django.db import Error, connections, router, transaction
from django.db.models import OuterRef, QuerySet, Subquery

from ledger.database_errors import translate_database_errors
from ledger.databases import database_of, expect, same_row
from ledger.errors import AlarmError
from ledger.keys import actor_name, reason_text
from ledger.models import AlarmAcknowledged, AlarmRaised, AlarmResolved
from ledger.verification.findings import Alarm, alarm_for, period_label

#: The rules of a country are checked by another look than those of the ledger.
COUNTRY_RULE = "country-rule"

#: A check that could not run. What it would have found is not mended because of that.
NOT_CHECKED = "not-checked"

#: What can't be mended, and so may be acknowledged: what stands in rows that never change, keys of before the rules for
#: keys, and sealed rows that are gone, where no backup has them. (A sealed row that was changed is not among them: that
#: would cover each later change of it.)
#: The database holds the same list (``ledger_alarm_may_stand``).
ACKNOWLEDGEABLE: Final = frozenset(
    {
        *("adoption-of-nothing", "after-closing", "below-first", "cancelled-in-use", "code-text", "date-outside"),
        *("declared-no-gap", "document-form", "document-of-child", "document-text", "document-twice"),
        *("draft-of-nothing", "explained-no-gap", "finding-of-stranger", "finding-twice", "gap-of-nothing"),
        *("gap-with-document", "hole-of-nothing", "no-period", "number-twice", "other-period", "period-of-stranger"),
        *("period-overlaps", "sealed-row-gone", "tenant-form", "tenant-of-child", "tenant-text", "unknown-kind"),
        *("unreadable", "void-of-gap", "void-of-nothing", "void-of-stranger", "void-too-early", "void-twice"),
        "wrong-number",
    }
)

#: As many new alarms does one look keep. Whoever deletes every second row of a million leaves no million alarms: the
#: first ones tell what happened, and ``ledger_verify`` names every row.
MOST = 10_000

#: insufficient_privilege, read_only_sql_transaction; and a table or function of the alarms that is gone itself.
_MAY_NOT_WRITE = frozenset({"42501", "25006", "42P01", "42703", "42883"})

#: Characters of a text that are kept: enough to know what it was.
_LONGEST = 1000

#: Written at a time.
_BATCH = 500

#: The columns that make it the same alarm: the same problem of the same row, whenever and by whatever look it is found.
#: In this order ``_OPEN`` returns them; ``ledger_raise_alarms`` decides by them too.
_IDENTITY = ("kind", "tenant", "series", "starts_on", "ordinal", "value", "through", "table_name", "row_id", "problem")


# The open alarms that a look with these limits would find again: id, what makes each the same when it is found again,
# and why it may stand, if somebody has said so. Guards, which concern all tenants, are looked at always. Arguments:
# tenant, series (null for all), rules (the kind of alarms of the rules of countries), country (whether it is they that
# are looked at).
_OPEN = """
    SELECT a.id, k.reason, a.kind, a.tenant, a.series, a.starts_on::text, a.ordinal, a.value, a.through, a.table_name,
           a.row_id, a.problem
    FROM ledger_alarmraised a
    LEFT JOIN LATERAL (
        SELECT k.reason FROM ledger_alarmacknowledged k WHERE k.alarm_id = a.id ORDER BY k.id DESC LIMIT 1
    ) k ON true
    WHERE NOT EXISTS (SELECT FROM ledger_alarmresolved d WHERE d.alarm_id = a.id)
      AND (a.kind = %(rules)s) = %(country)s
      AND (a.tenant IS NULL
           OR (%(tenant)s::text IS NULL OR a.tenant = %(tenant)s)
              AND (%(series)s::text IS NULL OR a.series = %(series)s))
"""


def raise_alarms(alarms: Sequence[Alarm], *, using: str | None = None) -> int:
    """Append AlarmRaised for each of them that is not raised already; return how many that were."""
    alias = using or router.db_for_write(AlarmRaised)
    raised = 0
    for start in range(0, len(alarms), _BATCH):
        rows = [_row(alarm) for alarm in alarms[start : start + _BATCH]]
        with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
            cursor.execute("SELECT ledger_raise_alarms(%s::jsonb)", [json.dumps(rows)])
            raised += cursor.fetchone()[0]
    return raised


def resolve_alarms(ids: Collection[int], *, using: str | None = None) -> int:
    """Append AlarmResolved for each of these alarms that is open; return how many that were."""
    alias = using or router.db_for_write(AlarmRaised)
    if not ids:
        return 0
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SELECT ledger_resolve_alarms(%s::bigint[])", [list(ids)])
        resolved: int = cursor.fetchone()[0]
    return resolved


def with_state(rows: QuerySet[AlarmRaised]) -> QuerySet[Any]:
    """Alarms with ``resolved_at``, and the last word on them: ``reason``, ``acknowledged_by``, ``acknowledged_at``."""
    its_own = {"alarm": OuterRef("pk")}
    said = AlarmAcknowledged.objects.filter(**its_own).order_by("-pk")
    annotated: QuerySet[Any] = rows.annotate(
        resolved_at=Subquery(AlarmResolved.objects.filter(**its_own).values("resolved_at")[:1]),
        reason=Subquery(said.values("reason")[:1]),
        acknowledged_by=Subquery(said.values("actor")[:1]),
        acknowledged_at=Subquery(said.values("acknowledged_at")[:1]),
    )
    return annotated


def acknowledge_alarm(
    alarm: AlarmRaised | int, *, reason: str, by: Any = None, using: str | None = None
) -> AlarmAcknowledged:
    """Append AlarmAcknowledged for an unresolved alarm that can't be mended, and return it. ``alarm`` may be its id.

    The judge no longer counts the alarm then; it is still told, with the reason. What it found may not change: the
    same check of other rows, or of another value in them, is another alarm. Raises AlarmError where there is no
    such alarm, it is resolved, or it can be mended; and InvalidReason. Where the last word on it was the same, by the
    same person, it returns that.
    """
    expect(alarm, (AlarmRaised, int), "alarm", "Pass an AlarmRaised, or its id.")
    alias = database_of(alarm, AlarmAcknowledged, using)
    text, actor = reason_text(reason), actor_name(by)
    pk = alarm if isinstance(alarm, int) else same_row(alarm, alias).pk
    raised = AlarmRaised.objects.using(alias).filter(pk=pk).first()
    if raised is None:
        raise AlarmError(
            f"There is no alarm {pk}.",
            rule="An alarm is acknowledged by its id.",
            remedy="manage.py ledger_verify alarms shows all that are unresolved.",
        )
    if AlarmResolved.objects.using(alias).filter(alarm=raised).exists():
        raise AlarmError(
            f"The alarm {pk} ({raised.kind}) is resolved.",
            rule="Only an alarm that is not resolved can be acknowledged.",
            remedy="There is nothing to do.",
        )
    if raised.kind not in ACKNOWLEDGEABLE:
        raise AlarmError(
            f"The alarm {pk} ({raised.kind}) can be mended.",
            rule="What is acknowledged stands in rows that never change, so nobody can set it right.",
            remedy=raised.remedy,
        )
    said = AlarmAcknowledged.objects.using(alias).filter(alarm=raised)
    last = said.order_by("-pk").first()
    if last is not None and (last.reason, last.actor) == (text, actor):
        last.repeated = True
        return last
    with (
        translate_database_errors("of this alarm", wanted="an acknowledgement needs"),
        connections[alias].cursor() as cursor,
    ):
        cursor.execute("SELECT ledger_acknowledge_alarms(%s::bigint[], %s, %s)", [[raised.pk], text, actor])
        return said.get(pk=cursor.fetchone()[0])


def lost_values(
    tenant: str, series: str, starts_on: date, ends_on: date, ordinal: int, value: int, through: int
) -> Alarm:
    """The alarm for values that nothing knows of, as ``verify`` would word it."""
    return alarm_for(
        "lost-or-tampered",
        value=value,
        through=through,
        tenant=tenant,
        series=series,
        period=period_label(starts_on, ends_on, ordinal),
        starts_on=starts_on,
        ordinal=ordinal,
    )


def recheck(*, using: str | None = None) -> int:
    """Resolve open alarms that are mended by now: values that all have a row again, reservations that were settled.

    It asks for no more than what the open alarms name, so it may run every minute. Returns how many were resolved.
    """
    alias = using or router.db_for_write(AlarmRaised)
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SELECT ledger_resolve_mended()")
        resolved: int = cursor.fetchone()[0]
    return resolved


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
        #: Why some of the open ones may stand: digest → reason.
        self._reasons: dict[str, str] = {}
        wanted: dict[str, Any] = {"tenant": tenant, "series": series, "rules": COUNTRY_RULE, "country": country_rules}
        self._guarded(lambda: self._read_open(wanted))
        self._open = set(self._unseen)
        self._is_blind = False

    def _read_open(self, wanted: dict[str, Any]) -> None:
        # In a savepoint, where the caller has a transaction: it goes on after a refusal.
        with transaction.atomic(using=self.alias), connections[self.alias].cursor() as cursor:
            cursor.execute(_OPEN, wanted)
            for pk, reason, *identity in cursor.fetchall():
                subject = _digest(identity)
                self._unseen[subject] = pk
                if reason is not None:
                    self._reasons[subject] = reason

    def see(self, alarm: Alarm) -> Alarm:
        """The look has found this; returns it with the reason for which it was acknowledged, if it was."""
        row = _row(alarm)
        subject = _digest([row[name] for name in _IDENTITY])
        self._unseen.pop(subject, None)
        self._is_blind |= alarm.check == NOT_CHECKED
        if subject not in self._open and self._room:
            self._room -= 1
            self._waiting.append(alarm)
        reason = self._reasons.get(subject)
        return alarm if reason is None else replace(alarm, reason=reason)

    def keep(self) -> None:
        """Raise what was found so far: what a look found is kept if it is killed later."""
        self._guarded(lambda: raise_alarms(self._waiting, using=self.alias))
        self._waiting.clear()

    def finish(self) -> None:
        """The look has come to its end: what it didn't find again is resolved, unless a check could not run."""
        self.keep()
        if not self._is_blind:
            gone = len(self._unseen)
            told = (
                f"{gone} alarm{'s were' if gone != 1 else ' was'} not found again, and can't be resolved by this role. "
                "Run manage.py ledger_verify and ledger_rules as a role with --purpose finance, or as the owner"
            )
            self._guarded(lambda: resolve_alarms(self._unseen.values(), using=self.alias), told)

    def _guarded(self, act: Callable[[], Any], told: str = "What was found is not kept as alarms") -> None:
        if self._is_refused:
            return
        try:
            act()
        except Error as error:
            if self._refused is None or not may_not_write(error):
                raise
            self._is_refused = True
            self._refused(f"{told}: {str(error).strip()}.")


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
        "ordinal": alarm.ordinal,
        "value": alarm.value,
        "through": alarm.through,
        "number": _kept(alarm.number or ""),
        "table_name": alarm.table or "",
        "row_id": alarm.id,
        "problem": _kept(alarm.problem),
        "remedy": alarm.remedy,
    }


def _digest(identity: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def _kept(text: str) -> str:
    """A text that a tampered row may have a part in: without control characters, and not endless."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
