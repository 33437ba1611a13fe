"""Keeps a sequence of django-sequences in the series of its name, in one endless period.

After ``reset_value`` or ``delete`` a sequence gives the same values again, but the ledger never gives a number twice.
So each such turn is a run of its own: the series ``tickets``, then ``tickets#2``, ``tickets#3``, … A run that has ended
has a closed period. The last run is the sequence that callers see; without a period it has no value yet.
"""

import hashlib
import json
import re
from contextlib import suppress
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q

from ledger.calendars import CalendarKind
from ledger.compat.new_series import insert_series, unsaved_series
from ledger.cursors import fetch
from ledger.database_errors import translate_database_errors
from ledger.errors import InvalidSeries, LockTimeout, PeriodConflict
from ledger.keys import KEY_LENGTH
from ledger.models import Adoption, Period, Series
from ledger.models.series import NUMBER_LENGTH
from ledger.periods import close_period, open_period
from ledger.series import SETTINGS, check_code, save_series
from ledger.sql import HOLD

#: The longest name of a sequence, in characters, as its old table has it.
NAME_LENGTH = 100

#: A longer name leaves too little room for the digits of a number.
_LONG = 80
_PLAIN = "{series}-{counter}"
_TURN = re.compile(r"#([0-9]+)\Z")


class Run(NamedTuple):
    """One turn of a sequence: its series, and its period if it has one yet."""

    series: Series
    period: Period | None
    turn: int


def code_of(name: object) -> str:
    """The code of the series of a sequence's first run: the name of the sequence, or that as JSON.

    Raises InvalidSeries if it can't name a sequence.
    """
    if not isinstance(name, str) or len(name) > NAME_LENGTH:
        raise InvalidSeries(
            f"The sequence name {name!r} can't be used.",
            rule=f"A sequence is named by a text of at most {NAME_LENGTH} characters.",
            remedy="Pass a short text, such as get_next_value('invoice_numbers').",
        )
    code = json.dumps(name)
    if not name.startswith('"') and _TURN.search(name) is None:
        with suppress(InvalidSeries):
            check_code(name)
            code = name
    if len(code) > KEY_LENGTH - 20:
        raise InvalidSeries(
            f"The sequence name {name!r} needs {len(code)} characters when it is written so that people can read it.",
            rule=f"A series is named by at most {KEY_LENGTH} printable characters.",
            remedy="Choose a shorter name, without control characters.",
        )
    return code


def code_of_turn(name: str, turn: int) -> str:
    """The code of the series that holds a later run."""
    return code_of(name) if turn == 1 else f"{code_of(name)}#{turn}"


def latest_run(alias: str, tenant: str, name: str) -> Run | None:
    """The last run of a sequence, or None if there never was one; refuses a series that is no sequence."""
    code = code_of(name)
    found: list[tuple[int, Series]] = []
    mine = Series.objects.using(alias).filter(tenant=tenant)
    for series in mine.filter(Q(code=code) | Q(code__startswith=f"{code}#")):
        if series.code == code:
            found.append((1, series))
        elif (suffix := _TURN.fullmatch(series.code.removeprefix(code))) is not None:
            found.append((int(suffix[1]), series))
    if not found:
        return None
    turn, series = max(found, key=lambda one: one[0])
    if (calendar := series.calendar) != CalendarKind.NEVER:
        raise InvalidSeries(
            f"The sequence {name!r} would be the series {str(series)!r}, whose counter starts again ({calendar}).",
            rule="A sequence never gives a value twice, unless it is asked to.",
            remedy="Use issue() for that series; or give the sequences a tenant of their own: "
            "LEDGER_COMPAT = {'SEQUENCES_TENANT': 'sequences'}.",
        )
    period = Period.objects.using(alias).select_related("series").filter(tenant=tenant, series=series).first()
    return Run(series, period, turn)


def begin_run(alias: str, tenant: str, name: str, turn: int, first_value: int) -> Run:
    """Make the run of that turn, with its period, unless another transaction just did."""
    code = code_of_turn(name, turn)
    with transaction.atomic(using=alias):
        try:
            with transaction.atomic(using=alias):
                return _made(alias, tenant, code, template_of_run(code), turn, first_value)
        except (PeriodConflict, InvalidSeries):
            # The name differs from another only in case, or a series has that very prefix. Or another transaction has
            # just opened the period at another value; then it is found now.
            return _made(alias, tenant, code, template_of_run(code, alone=False), turn, first_value)


def template_of_run(code: str, *, alone: bool = True) -> str:
    """The template of a run; a unique one if the code isn't ``alone`` with it, or is too long for a number."""
    if alone and len(code) <= _LONG:
        return _PLAIN
    text = code[:60].replace("{", "{{").replace("}", "}}")
    return f"{text}~{_digest(code)}-{{counter}}"


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()[:8]


def _made(alias: str, tenant: str, code: str, template: str, turn: int, first_value: int) -> Run:
    mine = Series.objects.using(alias).filter(tenant=tenant, code=code)
    if not mine.exists():
        settings = {"calendar": CalendarKind.NEVER, "max_length": NUMBER_LENGTH, "start_value": first_value}
        with translate_database_errors(code):
            insert_series(alias, unsaved_series(alias, tenant, code, template=template, **settings))
    series = mine.get()
    period = Period.objects.using(alias).select_related("series").filter(tenant=tenant, series=series).first()
    if turn == 1:  # who was first, or a merchant who defined the series, said where it starts
        first_value = max(first_value, series.start_value)
    return Run(series, period or open_period(series, first_value=first_value, using=alias), turn)


def end_run(alias: str, tenant: str, name: str, run: Run) -> None:
    """Close the run for good, and create its successor, which holds no value yet. The caller holds its counter."""
    assert run.period is not None
    close_period(run.period, early=True, by="django-sequences", using=alias)
    # The merchant's settings for the sequence hold for its next turn too.
    following = Series(
        tenant=tenant,
        code=code_of_turn(name, run.turn + 1),
        **{setting: getattr(run.series, setting) for setting in SETTINGS},
    )
    if "{series}" not in following.template:
        marked = _digest(run.series.code) in following.template
        following.template = template_of_run(following.code, alone=not marked)
    save_series(following, alias, actor="django-sequences")


def hold(alias: str, run: Run, *, nowait: bool) -> int | None:
    """Lock the counter of a run as issuing does; returns its last value, or None if the run has ended meanwhile.

    With ``nowait`` raises LockTimeout if another transaction holds it; the caller's transaction can continue.
    """
    assert run.period is not None
    [((outcome, *last),)] = fetch(alias, HOLD, [run.series.tenant, run.period.pk, nowait])
    if outcome == "busy":
        raise LockTimeout(
            f"The sequence {run.series.code!r} is held by another transaction.",
            rule="A value belongs to the transaction that took it, until that commits or rolls back.",
            remedy="Try again later, or leave nowait out and wait.",
        )
    return int(last[0]) if outcome == "held" else None


def last_value(alias: str, run: Run) -> int | None:
    """The last value of a run, or None if it has given out none."""
    period = run.period
    if period is None or period.closed_at is not None:
        return None
    if period.last_value >= period.first_value:
        return period.last_value
    # Taken over without a history: the values below were given by the previous system.
    taken_over = Adoption.objects.using(alias).filter(tenant=run.series.tenant, series=run.series).exists()
    return period.last_value if taken_over else None
