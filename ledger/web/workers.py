"""The sweeps: whether each runs as it should, and its last runs. Sweeps serve all tenants, and so does this page."""

from django.http import HttpRequest, HttpResponse

from ledger import homes
from ledger.judging import judge
from ledger.localization import lazily as _
from ledger.models import SweepRun
from ledger.sweeps.health import health
from ledger.web.access import Access, page
from ledger.web.page import render_page
from ledger.web.query_string import Asked, Heading

_COLUMNS = (_("Sweep"), _("Started"), _("Took"), _("Counted"), _("Process"), _("Error"))
#: Runs on one page.
_RUNS = 25


@page("view_sweeprun", of_all_tenants=True)
def workers(request: HttpRequest, access: Access) -> HttpResponse:
    found = health()
    asked = Asked(request, "runs")
    runs = SweepRun.objects.order_by("-pk")
    names = [one.sweep for one in found]
    chosen = asked.text("sweep")
    if chosen:
        runs = runs.filter(sweep=chosen)
    if asked.text("state") == "failed":
        runs = runs.exclude(error="")
    table = asked.rows_of(runs, tuple(Heading(str(title)) for title in _COLUMNS), _told, _RUNS)
    context = {
        "homes": _homes() if homes.are_many() else [],
        "health": found,
        "overdue": sum(one.overdue for one in found),
        "table": table,
        "names": names,
        "chosen": chosen,
        "failed": asked.text("state") == "failed",
    }
    return render_page(request, access, "workers.html", context, tenant=None, title=_("Workers"))


def _homes() -> list[dict[str, object]]:
    """The state of each home and how many of its sweeps are overdue; neither for a home that is down."""

    def state(home: str) -> dict[str, object]:
        found = health(using=home)
        verdict = judge(sweeps=found, using=home).verdict
        return {"state": verdict.state, "overdue": sum(one.overdue for one in found)}

    answers = homes.ask_all(state, **homes.ASKED_BY_A_PAGE)
    return [{"home": home, "down": error is not None, **(value or {})} for home, value, error in answers]


def _told(run: SweepRun) -> dict[str, object]:
    took = None if run.finished_at is None else run.finished_at - run.started_at
    return {"run": run, "took": took, "counts": {name: count for name, count in run.counts.items() if count}}
