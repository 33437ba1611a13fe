"""The continuity report of a period as a file, in the formats of ``ledger_report``."""

from __future__ import annotations

import logging
import re
import tempfile
from typing import Any

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
from ledger.reports.report import continuity_report
from ledger.unreadable import Beyond
from ledger.web.access import Access, page
from ledger.web.dates import Dates, asked_dates

_log = logging.getLogger(__name__)

#: Parts that can be had alone, as one table.
PARTS = ("summary", "voids", "gaps", "open")


@transaction.non_atomic_requests
@page()
def export(request: HttpRequest, access: Access, pk: int, name: str) -> HttpResponseBase:
    """The report in the format ``name``; ``?part=`` chooses one of its tables, and dates a part of the period.

    It is written to a temporary file first and sent from there piece by piece: any number of rows takes no memory, an
    error is an error page and never half a file, and no snapshot stays open while a slow client reads.
    """
    periods = Period.objects.select_related("series").annotate(first_day=Cast("starts_on", TextField()))
    period: Any = access.find(periods, pk=pk)
    # Of a day that Python has not, PostgreSQL knows what it is.
    day: Any = Beyond(period.first_day) if isinstance(period.starts_on, Beyond) else period.starts_on
    chosen = formats().get(name)
    part = request.GET.get("part")
    if chosen is None or part not in (None, *PARTS):
        raise Http404
    dates = asked_dates(request)
    asked: dict[str, Any] = {"on": day}
    if dates and not isinstance(day, Beyond):
        dates = dates.within(period.starts_on, period.ends_on)
        asked = {"since": dates.since, "until": dates.until}
    file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the response, or below)
    try:
        whose = {"tenant": period.tenant, "series": period.series.code, "using": router.db_for_read(Entry)}
        with continuity_report(**whose, **asked) as made:
            chosen.write(made if part is None else made.only(part), file, _log.warning)
    except LedgerError as error:
        file.close()
        messages.error(request, str(error))
        return redirect("ledger:period", pk)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    is_table = name == "csv" and part is not None
    return FileResponse(
        file,
        as_attachment=True,
        filename=_filename(period, dates, part, ".csv" if is_table else chosen.suffix),
        content_type="text/csv; charset=utf-8" if is_table else chosen.content_type,
    )


def _filename(period: Period, dates: Dates, part: str | None, suffix: str) -> str:
    """Out of what people named, with nothing that a file system or a header could take amiss."""
    label = f"{dates.since}_{dates.until}" if dates else period.label
    words = [period.tenant, period.series.code, label, part or "continuity"]
    return re.sub(r"[^\w.-]+", "-", "_".join(word for word in words if word)).strip("-.")[:150] + suffix
