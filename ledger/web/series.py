"""One series: its periods, the changes of its settings, and its rules by country."""

from collections.abc import Mapping
from typing import Any

from django.db import router
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from ledger.cursors import fetch
from ledger.form_changes import form_ahead
from ledger.judging import State
from ledger.models import Series, SeriesChanged
from ledger.queues import with_waiting
from ledger.reports import report_sql as sql
from ledger.reports.rules import report
from ledger.rules import Outcome
from ledger.unreadable import facts
from ledger.web.access import Access, page
from ledger.web.page import judged, render_page
from ledger.web.query_string import Asked, Rows
from ledger.zones import today_in


@page()
def series(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """The periods of one series and the changes of its settings, the latest first."""
    found = access.find(Series.objects.all(), pk=pk)
    judgement = judged(found.tenant)
    every = found.periods.filter(tenant=found.tenant)
    periods = with_waiting(every.order_by("-starts_on", "-ordinal").select_related("series"))

    def judged_one(one: Any) -> tuple[Any, State]:
        return one, judgement.of(found.tenant, found.code, one.starts_on, one.ordinal).state

    table = Asked(request, "periods").rows_of(periods, shape=judged_one)
    history = _history(request, found, {period.pk: period.label for period in every})
    ahead = form_ahead(found, found._state.db or "default")
    context = {"series": found, "table": table, "history": history, "form_from": ahead}
    return render_page(
        request, access, "series.html", context, tenant=found.tenant, title=found.code, judgement=judgement
    )


@page()
def rules(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """The rules of one series by country, each check with its outcome. Reads every number of the series."""
    found = access.find(Series.objects.all(), pk=pk)
    (told,) = report(tenant=found.tenant, series=found.code, using=router.db_for_read(Series))
    badges = {Outcome.PASSED: "good", Outcome.WARNED: "note", Outcome.FAILED: "bad"}
    today = today_in(found.time_zone, router.db_for_read(Series))
    checks = [(one, badges[one.outcome], one.due is not None and one.due < today) for one in told.findings]
    context = {"series": found, "told": told, "checks": checks}
    return render_page(
        request, access, "rules.html", context, tenant=found.tenant, title=_("Rules of %(code)s") % {"code": found.code}
    )


def _history(request: HttpRequest, series: Series, labels: Mapping[int, str]) -> Rows:
    """The changes of its settings and of its periods (``labels`` by id), the latest first."""
    alias = router.db_for_read(SeriesChanged)
    wanted = {"tenant": series.tenant, "series": [series.pk], "periods": list(labels)}

    def read(offset: int, limit: int) -> list[dict[str, Any]]:
        statement = f"{sql.CHANGES} ORDER BY changed_at DESC, period LIMIT %(limit)s OFFSET %(offset)s"
        found = [one._asdict() for one in fetch(alias, statement, {**wanted, "limit": limit, "offset": offset})]
        return [
            one | {"period": labels.get(one["period"], ""), "old": facts(one["old"]), "new": facts(one["new"])}
            for one in found
        ]

    [(count,)] = fetch(alias, f"SELECT count(*) FROM ({sql.CHANGES}) c", wanted)  # noqa: S608  (our own text)
    return Asked(request, "history").rows(count, read)
