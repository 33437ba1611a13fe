"""How the ledger stands, on the pages of the admin: asked of the judge once for each page."""

from typing import Any

from django.http import HttpRequest

from ledger.admin.base import BoundedChangeList
from ledger.judging import Judgement, State, judge
from ledger.models import Period
from ledger.sweeps.health import health

_KEPT = "_ledger_judgement"


def judgement_for(request: HttpRequest) -> Judgement:
    """What the judge says of the whole ledger, kept for as long as the request lasts."""
    known: Judgement | None = getattr(request, _KEPT, None)
    if known is None:
        known = judge(sweeps=health())
        setattr(request, _KEPT, known)
    return known


def state_of(period: Any) -> State:
    """How a period stands; a list has asked for all of its rows at once."""
    judgement: Judgement | None = getattr(period, _KEPT, None)
    if judgement is None:
        judgement = judge(tenant=period.tenant, series=period.series.code, sweeps=health())
    return judgement.of(period.tenant, period.series.code, period.starts_on, period.ordinal).state


class JudgedChangeList(BoundedChangeList):
    """A list of periods, each with how it stands."""

    def get_results(self, request: HttpRequest) -> None:
        """Hangs the judgement on each row."""
        super().get_results(request)
        rows: list[Period] = list(self.result_list)
        judgement = judgement_for(request)
        for row in rows:
            setattr(row, _KEPT, judgement)
        self.result_list = rows
