"""The continuity report of a period, the register and the package as files, in the formats of ``ledger_report``."""

import logging
import re
import tempfile
from collections.abc import Callable
from typing import IO, Any

from django.contrib import messages
from django.db import router, transaction
from django.db.models import TextField
from django.db.models.functions import Cast
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from ledger.errors import LedgerError
from ledger.models import Entry, Period
from ledger.reports.formats import formats
from ledger.reports.package import write_package
from ledger.reports.report import Report, continuity_report
from ledger.unreadable import Beyond
from ledger.web.access import Access, page
from ledger.web.page import address
from ledger.web.query_string import asked_dates

_log = logging.getLogger(__name__)

_CSV = "text/csv; charset=utf-8"

#: Parts that can be downloaded alone, as one table.
PARTS = ("summary", "voids", "gaps", "in_progress")


@transaction.non_atomic_requests
@page()
def export(request: HttpRequest, access: Access, pk: int, name: str) -> HttpResponseBase:
    """The report in the format ``name``; ``?part=`` chooses one of its tables, and dates a part of the period.

    It is written to a temporary file first and sent from there piece by piece: any number of rows takes no memory, an
    error is an error page and never half a file, and no snapshot stays open while a slow client reads.
    """
    periods = Period.objects.select_related("series").annotate(first_day=Cast("starts_on", TextField()))
    period: Any = access.find(periods, pk=pk)
    # PostgreSQL knows days that Python doesn't.
    day: Any = Beyond(period.first_day) if isinstance(period.starts_on, Beyond) else period.starts_on
    chosen = formats().get(name)
    part = request.GET.get("part")
    if chosen is None or part not in (None, *PARTS):
        raise Http404
    dates = asked_dates(request)
    label, asked = period.label, dict[str, Any](on=day)
    if dates and not isinstance(day, Beyond):
        dates = dates.within(period.starts_on, period.ends_on)
        label, asked = f"{dates.since}_{dates.until}", {"since": dates.since, "until": dates.until}
    return _sent(
        request,
        lambda made, file: chosen.write(made if part is None else made.only(part), file, _log.warning),
        [period.tenant, period.series.code, label, part or "continuity"],
        (".csv", _CSV) if name == "csv" and part is not None else (chosen.suffix, chosen.content_type),
        back=address("period", pk),
        **asked | {"tenant": period.tenant, "series": period.series.code},
    )


@transaction.non_atomic_requests
@page()
def register_file(request: HttpRequest, access: Access, name: str) -> HttpResponseBase:
    """The register of ``?tenant=`` in the format ``name``; ``series`` and dates narrow it."""
    tenant, dates, chosen = access.chosen_tenant(request), asked_dates(request), formats().get(name)
    if chosen is None:
        raise Http404
    series = request.GET.get("series") or None
    return _sent(
        request,
        lambda made, file: chosen.write(made.only("register"), file, _log.warning),
        [tenant, series or "", *dates.kept.values(), "register"],
        (".csv", _CSV) if name == "csv" else (chosen.suffix, chosen.content_type),
        back=address("register", tenant=tenant or None),
        tenant=tenant,
        series=series,
        since=dates.since,
        until=dates.until,
    )


@transaction.non_atomic_requests
@page()
def package(request: HttpRequest, access: Access) -> HttpResponseBase:
    """All reports of a tenant for a month or a span of dates, as one zip."""
    tenant, dates = access.chosen_tenant(request), asked_dates(request)
    alias = router.db_for_read(Entry)
    return _sent(
        request,
        lambda made, file: write_package(made, file, _log.warning, using=alias),
        [tenant, *dates.kept.values(), "package"],
        (".zip", "application/zip"),
        back=address("register", tenant=tenant or None),
        tenant=tenant,
        since=dates.since,
        until=dates.until,
    )


def _sent(
    request: HttpRequest,
    write: Callable[[Report, IO[bytes]], object],
    name: list[str],
    kind: tuple[str, str],
    *,
    back: str,
    **asked: Any,
) -> HttpResponseBase:
    """The file that ``write`` makes of the report; if there can be none, the page ``back`` says why."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the response, or below)
    try:
        made_by = request.user.get_username()
        with continuity_report(**asked, made_by=made_by, using=router.db_for_read(Entry)) as made:
            write(made, file)
    except LedgerError as error:
        file.close()
        messages.error(request, str(error))
        return redirect(back)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    suffix, content_type = kind
    # From names that people chose, without characters that a file system or a header doesn't accept.
    stem = re.sub(r"[^\w.-]+", "-", "_".join(filter(None, name))).strip("-.")[:150]
    return FileResponse(file, as_attachment=True, filename=f"{stem}{suffix}", content_type=content_type)
