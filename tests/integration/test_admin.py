"""The admin on a real PostgreSQL: pages, permissions, search, filters, and the two actions that can't be undone."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ledger import close_period, define_series, issue, issue_many, void
from ledger.admin.base import BoundedPaginator
from ledger.calendars import zone
from ledger.models import AdoptedGap, Adoption, Entry, GapExplained, NumberVoided, Period, Series

pytestmark = pytest.mark.django_db

EVENTS = ("numbervoided", "adoption", "adoptedgap", "gapexplained")
MODELS = ("series", "period", "entry", *EVENTS)
SETTINGS: dict[str, Any] = {
    "tenant": "",
    "code": "invoice",
    "template": "INV-{year}-{counter:06}",
    "calendar": "year",
    "fiscal_start": "01-01",
    "time_zone": "Europe/Berlin",
    "allocation": "serial",
    "start_value": 1,
    "max_length": 60,
    "is_active": "on",
}


@pytest.fixture
def root(admin_client: Client) -> Client:
    return admin_client


def staff(*permissions: str) -> Client:
    """A client of a staff user with these permissions, such as view_entry, and no others."""
    user = User.objects.create_user("maria", is_staff=True)
    for codename in permissions:
        user.user_permissions.add(Permission.objects.get(content_type__app_label="ledger", codename=codename))
    client = Client()
    client.force_login(user)
    return client


def url(model: str, page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:ledger_{model}_{page}", args=args)


def text(client: Client, address: str, **query: Any) -> str:
    response = client.get(address, query, follow=True)
    assert response.status_code == 200, address
    return str(response.content.decode())


def numbers(client: Client, **query: Any) -> list[str]:
    """What the ledger's page lists, in its order."""
    response = client.get(url("entry"), query)
    assert response.status_code == 200, response
    return [entry.number for entry in response.context["cl"].result_list]


def adopt(number: str, value: int, document: str = "") -> Entry:
    """As an adopted history would have it: below the counter, and not in the period's format."""
    period = Period.objects.get(series__code="invoice", starts_on__year=2026)
    Adoption.objects.get_or_create(tenant="", series=period.series, source="old.csv", digest="0" * 64, rows=1)
    Period.objects.filter(pk=period.pk, last_value__lt=value).update(last_value=value)
    return Entry.objects.create(
        tenant="",
        series=period.series,
        period=period,
        value=value,
        kind="adopted",
        number=number,
        document=document,
        issued_on=date(2026, 1, 5),
    )


def flag_gap() -> Entry:
    """A flagged gap at the next value of the invoices of 2026."""
    period = Period.objects.get(series__code="invoice", starts_on__year=2026)
    Period.objects.filter(pk=period.pk).update(last_value=period.last_value + 1)
    value = period.last_value + 1
    return Entry.objects.create(
        tenant="",
        series=period.series,
        period=period,
        value=value,
        kind="gap",
        number=period.as_format().number(value),
        issued_on=date(2026, 1, 5),
        metadata={"evidence": "rolled back"},
    )


@pytest.fixture
def invoices() -> list[Entry]:
    """Three numbers of 2026."""
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin")
    return [issue("invoice", document=f"order:{n}", on=date(2026, 3, n)) for n in (1, 2, 3)]


# Every page ------------------------------------------------------------------------------------------------


def test_every_page_opens(root: Client, invoices: list[Entry]) -> None:
    event = void(invoices[0], reason="payment reversed", by="maria")
    gap = flag_gap()
    adopt("C536379", 536379)
    adoption = Adoption.objects.get()
    hole = AdoptedGap.objects.create(tenant="", adoption=adoption, period=gap.period, first_value=10, last_value=12)
    explained = GapExplained.objects.create(tenant="", entry=gap, explanation="power cut")
    rows = {
        "series": gap.series,
        "period": gap.period,
        "entry": gap,
        "numbervoided": event,
        "adoption": adoption,
        "adoptedgap": hole,
        "gapexplained": explained,
    }
    assert set(rows) == set(MODELS)
    for model, row in rows.items():
        text(root, url(model))
        text(root, url(model, "change", row.pk))
    assert "10 to 12" in text(root, url("adoptedgap"))
    assert "power cut" in text(root, url("gapexplained"))
    assert "old.csv" in text(root, url("entry", "change", Entry.objects.get(kind="adopted").pk))


def test_the_ledger_and_its_counters_are_read_only(root: Client, invoices: list[Entry]) -> None:
    event = void(invoices[0], reason="payment reversed")
    rows = {"entry": invoices[0], "period": invoices[0].period, "numbervoided": event}
    for model, row in rows.items():
        assert root.get(url(model, "add")).status_code == 403
        assert root.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert root.post(url(model, "change", row.pk), {"tenant": "other"}).status_code == 403
        page = text(root, url(model, "change", row.pk))
        assert 'name="_save"' not in page
        assert "delete_selected" not in text(root, url(model))
    for model in EVENTS:
        assert root.get(url(model, "add")).status_code == 403


def test_a_page_needs_its_own_permission(client: Client, invoices: list[Entry]) -> None:
    assert client.get(url("entry")).status_code == 302, "anonymous visitors are sent to the login"
    reader = staff("view_entry")
    assert reader.get(url("entry")).status_code == 200
    for model in set(MODELS) - {"entry"}:
        assert reader.get(url(model)).status_code == 403, model


# Series ----------------------------------------------------------------------------------------------------


def test_a_series_is_made_in_the_admin(root: Client) -> None:
    response = root.post(url("series", "add"), SETTINGS)
    assert response.status_code == 302, response.context["adminform"].form.errors
    assert str(issue("invoice", on=date(2026, 1, 1))) == "INV-2026-000001"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"template": "INV-{counter:06}"}, "template", "two periods would render the same number"),
        ({"template": "INV-{year}"}, "template", "INV-{year}-{counter:06}"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "The time zone &#x27;Mars/Olympus&#x27; is unknown"),
        ({"calendar": "fiscal-year", "fiscal_start": "02-29"}, "fiscal_start", "can&#x27;t start on 02-29"),
        ({"start_value": -1}, "start_value", "is negative"),
        ({"max_length": 200}, "max_length", "The length limit 200 is out of range"),
        ({"tenant": "a\u202eb"}, "tenant", "can&#x27;t be a key"),
        ({"code": "a\u202eb"}, None, "can&#x27;t name a series"),
        ({"template": "inv-{year}-{counter:06}"}, None, "has the template"),
        ({"code": "invoice"}, None, "already exists"),
    ],
)
def test_a_series_that_can_not_work_is_refused(
    root: Client, change: dict[str, Any], field: str | None, reason: str
) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="Europe/Berlin")
    fine = {**SETTINGS, "code": "other", "template": "X-{year}-{counter:06}"}
    response = root.post(url("series", "add"), fine | change)
    assert response.status_code == 200
    assert Series.objects.count() == 1
    form = response.context["adminform"].form
    if field:
        assert field in form.errors
    assert reason in response.content.decode()


def test_a_zone_that_postgresql_does_not_know_is_refused(root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python and the server have their own copies of the time zone database, and one may lag behind.
    monkeypatch.setattr("ledger.calendars.available_timezones", lambda: {"Mars/Olympus"})
    monkeypatch.setattr("ledger.calendars.ZoneInfo", lambda name: name)
    try:
        response = root.post(url("series", "add"), {**SETTINGS, "time_zone": "Mars/Olympus"})
    finally:
        zone.cache_clear()
    assert response.status_code == 200
    assert "PostgreSQL does not know the time zone" in response.content.decode()


def test_a_calendar_may_not_overlap_an_opened_period(root: Client, invoices: list[Entry]) -> None:
    series = invoices[0].series
    change = {**SETTINGS, "calendar": "fiscal-year", "fiscal_start": "04-01", "template": "INV-{fy_start}-{counter:06}"}
    response = root.post(url("series", "change", series.pk), change)
    assert response.status_code == 200
    assert "overlaps 2026-01-01 to 2026-12-31" in response.content.decode()
    series.refresh_from_db()
    assert series.calendar == "year"


def test_tenant_and_code_stay_once_there_are_periods(root: Client, invoices: list[Entry]) -> None:
    series = invoices[0].series
    page = text(root, url("series", "change", series.pk))
    assert 'name="code"' not in page
    assert 'name="template"' in page
    response = root.post(url("series", "change", series.pk), {**SETTINGS, "code": "other", "max_length": 50})
    assert response.status_code == 302
    series.refresh_from_db()
    assert (series.code, series.max_length) == ("invoice", 50)
    fresh = define_series("receipt", template="R-{year}-{counter}")
    assert 'name="code"' in text(root, url("series", "change", fresh.pk))


def test_a_series_with_periods_stays(root: Client, invoices: list[Entry]) -> None:
    assert root.post(url("series", "delete", invoices[0].series_id), {"post": "yes"}).status_code == 403
    root.post(url("series"), {"action": "delete_selected", ACTION_CHECKBOX_NAME: invoices[0].series_id, "post": "yes"})
    assert Series.objects.filter(pk=invoices[0].series_id).exists()
    fresh = define_series("receipt", template="R-{year}-{counter}")
    assert root.post(url("series", "delete", fresh.pk), {"post": "yes"}).status_code == 302
    assert not Series.objects.filter(pk=fresh.pk).exists()


def test_switching_the_chronology_guard_on_tells_the_counters(root: Client, invoices: list[Entry]) -> None:
    response = root.post(url("series", "change", invoices[0].series_id), {**SETTINGS, "chronological": "on"})
    assert response.status_code == 302
    assert Period.objects.get().last_issued_on == date(2026, 3, 3)


def test_the_list_shows_the_next_number(root: Client, django_assert_num_queries: Any) -> None:
    year = timezone.now().year
    define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    define_series("asleep", template="A-{year}-{counter}", is_active=False)
    define_series("manual", template="M-{year}-{counter}", calendar="explicit")
    assert f"INV-{year}-000001" in text(root, url("series"))
    issue("invoice")
    with CaptureQueriesContext(connection) as few:
        page = text(root, url("series"))
    assert f"INV-{year}-000002" in page
    assert "is switched off" in page
    assert "none: No period of series" in page
    for n in range(20):
        define_series(f"more-{n}", template=f"M{n}-{{year}}-{{counter}}")
    with django_assert_num_queries(len(few)):
        text(root, url("series"))


# Preview ---------------------------------------------------------------------------------------------------


def preview(client: Client, **change: Any) -> dict[str, Any]:
    response = client.get(url("series", "preview"), SETTINGS | change)
    assert response.status_code == 200
    answer: dict[str, Any] = json.loads(response.content)
    return answer


def test_the_preview_shows_today_and_the_next_period(root: Client) -> None:
    year = timezone.now().astimezone(tz=None).year
    lines = preview(root, template="R{fy_start}/{fy_end}-{counter:04}", time_zone="UTC", start_value=7)["lines"]
    assert [line["number"] for line in lines] == [f"R{year}/{year}-0007", f"R{year + 1}/{year + 1}-0007"]
    assert lines[1]["label"] == f"From {year + 1}-01-01"


def test_the_preview_works_before_the_code_is_typed(root: Client) -> None:
    assert len(preview(root, code="", template="{series}-{year}-{counter}")["lines"]) == 2
    assert preview(root, template="") == {"lines": [], "refusals": []}


def test_the_preview_of_a_counter_that_never_starts_anew(root: Client) -> None:
    (line,) = preview(root, calendar="never", template="TKT-{counter:06}")["lines"]
    assert line["number"] == "TKT-000001"


def test_the_preview_of_explicit_periods_says_so(root: Client) -> None:
    (line,) = preview(root, calendar="explicit", template="X-{year}{month}{day}-{counter}")["lines"]
    assert "opened by hand" in line["note"]


def test_the_preview_says_why_a_template_is_refused(root: Client) -> None:
    (refusal,) = preview(root, template="INV-{counter:06}")["refusals"]
    assert "two periods would render the same number" in refusal
    assert "INV-{year}-{counter:06}" in refusal
    (refusal,) = preview(root, start_value="many")["refusals"]
    assert refusal.startswith("Start value: ")
    (refusal,) = preview(root, is_active="")["lines"][:1]
    assert "switched off" in refusal["note"]


def test_the_preview_of_an_opened_period_keeps_its_template(root: Client) -> None:
    year = timezone.now().year
    series = define_series("invoice", template="INV-{year}-{counter:06}", time_zone="UTC")
    issue("invoice")
    lines = preview(root, series=series.pk, template="NEW-{year}-{counter:06}", time_zone="UTC")["lines"]
    assert [line["number"] for line in lines] == [f"INV-{year}-000002", f"NEW-{year + 1}-000001"]
    assert "keeps the template" in lines[0]["note"]
    series.refresh_from_db()
    assert series.template == "INV-{year}-{counter:06}", "a preview saves nothing"


def test_the_preview_refuses_what_saving_would(root: Client, invoices: list[Entry]) -> None:
    (refusal,) = preview(
        root,
        series=invoices[0].series_id,
        calendar="month",
        template="INV-{year}{month}-{counter}",
        time_zone="nowhere",
    )["refusals"]
    assert "nowhere" in refusal


def test_the_preview_is_for_those_who_may_save(client: Client, invoices: list[Entry]) -> None:
    address = url("series", "preview")
    assert client.get(address, SETTINGS).status_code == 302
    adder = staff("add_series", "view_entry")
    assert adder.get(address, SETTINGS).status_code == 200
    assert adder.get(address, {**SETTINGS, "series": invoices[0].series_id}).status_code == 403
    assert adder.post(address, SETTINGS).status_code == 405
    User.objects.all().delete()
    changer = staff("change_series")
    assert changer.get(address, SETTINGS).status_code == 403
    assert changer.get(address, {**SETTINGS, "series": invoices[0].series_id}).status_code == 200
    assert changer.get(address, {**SETTINGS, "series": 10**9}).status_code == 404
    assert changer.get(address, {**SETTINGS, "series": "x"}).status_code == 404
    User.objects.all().delete()
    assert staff("view_series").get(address, SETTINGS).status_code == 403


def test_the_page_has_the_preview_without_a_script(root: Client, invoices: list[Entry]) -> None:
    assert "Type a template" in text(root, url("series", "add"))
    page = text(root, url("series", "change", invoices[0].series_id))
    assert 'aria-live="polite"' in page
    assert "INV-2" in page.split('id="ledger-preview"')[1].split("</div>")[0]
    refused = root.post(url("series", "add"), {**SETTINGS, "code": "x", "template": "X-{counter}"})
    box = refused.content.decode().split('id="ledger-preview"')[1].split("</div>")[0]
    assert "two periods would render the same number" in box


def test_names_are_text_and_never_markup(root: Client) -> None:
    evil = "<script>alert(1)</script>"
    series = define_series(evil, org=evil, template="{series}-{year}-{counter}", max_length=100)
    entry = issue(evil, org=evil, document=evil, by=evil, metadata={"a": evil})
    void(entry, reason=evil, by=evil, replacement=evil)
    pages = [url("series"), url("period"), url("entry"), url("numbervoided")]
    pages += [url("series", "change", series.pk), url("entry", "change", entry.pk)]
    for page in pages:
        shown = text(root, page)
        assert evil not in shown, page
        assert "&lt;script&gt;" in shown, page
    query = {"action": "void_selected", ACTION_CHECKBOX_NAME: entry.pk, "confirmed": "yes", "reason": "again"}
    asked = root.post(url("entry"), query).content.decode()
    assert "&lt;script&gt;" in asked
    assert evil not in asked


# The ledger ------------------------------------------------------------------------------------------------


def test_the_state_is_folded_from_the_events(root: Client, invoices: list[Entry]) -> None:
    void(invoices[1], reason="payment reversed")
    gap = flag_gap()
    adopted = adopt("C536379", 536379)
    states = {e.number: root_state(root, e) for e in (*invoices, gap, adopted)}
    assert list(states.values()) == ["issued", "void", "issued", "gap", "adopted"]
    assert numbers(root, state="void") == [invoices[1].number]
    assert numbers(root, state="gap") == [gap.number]
    assert numbers(root, state="adopted") == ["C536379"]
    assert numbers(root, state="issued") == [invoices[2].number, invoices[0].number]


def root_state(client: Client, entry: Entry) -> str:
    page = text(client, url("entry", "change", entry.pk))
    return page.split('class="ledger-state ledger-')[1].split('"')[0]


def test_the_filters_narrow_by_tenant_series_and_period(root: Client, invoices: list[Entry]) -> None:
    define_series("invoice", org="shop", template="S-{year}-{counter}")
    define_series("receipt", org="shop", template="R-{year}-{counter}")
    other = issue("invoice", org="shop", on=date(2026, 1, 1))
    later = issue("invoice", org="shop", on=date(2027, 1, 1))
    receipt = issue("receipt", org="shop", on=date(2026, 1, 1))
    mine = [entry.number for entry in reversed(invoices)]
    assert numbers(root, tenant="") == mine
    assert set(numbers(root, tenant="shop")) == {"S-2026-1", "S-2027-1", "R-2026-1"}
    assert numbers(root, series=receipt.series_id) == ["R-2026-1"]
    assert set(numbers(root, series=other.series_id)) == {"S-2026-1", "S-2027-1"}
    assert numbers(root, series=other.series_id, period=later.period_id) == ["S-2027-1"]
    assert numbers(root, period=invoices[0].period_id) == mine
    assert "2027-01-01 to 2027-12-31" in text(root, url("entry"), series=other.series_id)
    for nonsense in ("x", "99999999999999999999999", "-1", "0"):
        assert numbers(root, series=nonsense) == []
        assert numbers(root, period=nonsense) == []


def test_numbers_sort_by_value(root: Client) -> None:
    define_series("invoice", template="INV-{year}-{counter}", start_value=9)
    for _ in range(3):
        issue("invoice", on=date(2026, 1, 1))
    latest_first = ["INV-2026-11", "INV-2026-10", "INV-2026-9"]
    assert numbers(root) == latest_first
    assert numbers(root, o="1") == latest_first[::-1]
    assert numbers(root, o="-1") == latest_first
    assert numbers(root, o="nonsense")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("INV-2026-000002", [2]),
        ("inv-2026-000002", [2]),
        (" INV-2026-000002 ", [2]),
        ("order:3", [3]),
        ("INV-2026-00000", [3, 2, 1]),
        ("inv", [3, 2, 1]),
        ("INV-2026-", [3, 2, 1]),
        ("INV-2026-000003X", []),
        ("INV-2026-1", []),
        ("NV-2026", []),
        ("order", []),
        ("%", []),
        ("_NV", []),
        ("\\", []),
        ("\x00", [3, 2, 1]),
        ("INV-2026-" + "9" * 40, []),
        ("٣", []),
    ],
)
def test_search(root: Client, invoices: list[Entry], typed: str, found: list[int]) -> None:
    assert numbers(root, q=typed) == [f"INV-2026-{n:06}" for n in found]


def test_search_finds_adopted_numbers_out_of_format(root: Client, invoices: list[Entry]) -> None:
    for number, value in (("C536379", 536379), ("A563185", 563185), ("536380", 536380)):
        adopt(number, value, document=f"customer {number}")
    assert numbers(root, q="c536379") == ["C536379"]
    assert numbers(root, q="C5363") == ["C536379"]
    assert numbers(root, q="5363") == ["536380"]
    assert numbers(root, q="A5") == ["A563185"]
    assert numbers(root, q="customer A563185") == ["A563185"]


def test_search_reaches_a_counter_that_outgrew_its_width(root: Client) -> None:
    define_series("invoice", template="{counter:02}/{year}", start_value=99)
    for _ in range(3):
        issue("invoice", on=date(2026, 1, 1))
    assert numbers(root, q="10") == ["101/2026", "100/2026"]
    assert numbers(root, q="100/2") == ["100/2026"]
    assert numbers(root, q="9") == ["99/2026"]
    assert numbers(root, q="09") == []


def test_search_stays_within_the_filters(root: Client, invoices: list[Entry]) -> None:
    define_series("invoice", org="shop", template="INV-{year}-{counter:06}")
    issue("invoice", org="shop", on=date(2026, 1, 1))
    assert len(numbers(root, q="INV-2026-000001")) == 2
    assert len(numbers(root, q="INV-2026-000001", tenant="shop")) == 1


def test_search_uses_the_indexes(invoices: list[Entry]) -> None:
    from ledger.admin.search import find_entries

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    with CaptureQueriesContext(connection) as queries:
        find_entries("INV-2026-000001")
    for name, query in zip(("ledger_entry_number", "ledger_entry_document"), queries.captured_queries, strict=True):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + query["sql"])
            assert name in str(cursor.fetchall())
    issue_many("invoice", documents=[f"bulk:{n}" for n in range(3000)], on=date(2026, 3, 4))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE ledger_entry")
    plan = Entry.objects.filter(find_entries("INV-2026-0000")).explain()
    assert "ledger_entry_value" in plan


def test_the_number_of_queries_does_not_grow(root: Client, django_assert_num_queries: Any) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    first = issue("invoice", on=date(2020, 1, 1))
    void(first, reason="test")
    pages = [url("entry"), url("period"), url("numbervoided")]
    root.get(pages[0])
    counts = []
    for page in pages:
        with CaptureQueriesContext(connection) as few:
            root.get(page)
        counts.append(len(few))
    for year in range(2021, 2036):
        void(issue("invoice", on=date(year, 1, 1)), reason="test")
    for page, count in zip(pages, counts, strict=True):
        with django_assert_num_queries(count):
            root.get(page)


def test_a_big_ledger_is_not_counted(root: Client, invoices: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedPaginator, "limit", 2)
    with CaptureQueriesContext(connection) as queries:
        page = text(root, url("entry"))
    assert "More than 2 entries" in page
    counts = [query["sql"] for query in queries.captured_queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT 3" in sql for sql in counts if "ledger_entry" in sql)
    assert "2 results" not in text(root, url("entry"), q="INV-2026-0")


def test_the_detail_shows_everything(root: Client, invoices: list[Entry]) -> None:
    entry = issue("invoice", on=date(2026, 4, 1), by="checkout", metadata={"channel": "wéb"})
    void(entry, reason="typed twice", by="maria", replacement="order:9")
    page = text(root, url("entry", "change", entry.pk))
    for shown in (str(entry.transaction_id), "checkout", "wéb", "typed twice", "maria", "order:9", "April 1, 2026"):
        assert shown in page


# Voiding ---------------------------------------------------------------------------------------------------


def ask_void(client: Client, entries: list[Entry], **said: Any) -> Any:
    chosen = {"action": "void_selected", ACTION_CHECKBOX_NAME: [entry.pk for entry in entries]}
    return client.post(url("entry"), chosen | said, follow=True)


def test_numbers_are_voided_with_a_reason(root: Client, invoices: list[Entry]) -> None:
    asked = ask_void(root, invoices[:2])
    assert "Void numbers" in asked.content.decode()
    assert not NumberVoided.objects.exists()
    for nothing in ("", "   "):
        refused = ask_void(root, invoices[:2], confirmed="yes", reason=nothing)
        assert "This field is required." in refused.content.decode()
    assert not NumberVoided.objects.exists()
    done = ask_void(root, invoices[:2], confirmed="yes", reason="payment reversed")
    assert "Void: INV-2026-000001, INV-2026-000002." in done.content.decode()
    events = NumberVoided.objects.order_by("entry")
    assert [(e.entry.number, e.reason, e.actor) for e in events] == [
        ("INV-2026-000001", "payment reversed", "admin"),
        ("INV-2026-000002", "payment reversed", "admin"),
    ]


def test_one_number_may_name_its_replacement(root: Client, invoices: list[Entry]) -> None:
    ask_void(root, invoices[:1], confirmed="yes", reason="typed wrong", replacement="INV-2026-000003")
    assert NumberVoided.objects.get().replacement == "INV-2026-000003"
    assert 'name="replacement"' not in ask_void(root, invoices[1:]).content.decode()
    refused = ask_void(root, invoices[1:2], confirmed="yes", reason="x", replacement="a\u202eb")
    assert "be a key" in refused.content.decode()


def test_voiding_is_all_or_nothing_and_names_each_failure(root: Client, invoices: list[Entry]) -> None:
    void(invoices[0], reason="first")
    gap = flag_gap()
    page = ask_void(root, [*invoices, gap], confirmed="yes", reason="second").content.decode()
    assert "INV-2026-000001: The number &#x27;INV-2026-000001&#x27; is void" in page
    assert "INV-2026-000004: The value 4 of tenant" in page
    assert NumberVoided.objects.count() == 1


def test_too_many_numbers_at_once_are_refused(
    root: Client, invoices: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.admin.confirmed.MOST", 2)
    page = ask_void(root, invoices, confirmed="yes", reason="all of them").content.decode()
    assert "More than 2 are selected" in page
    assert not NumberVoided.objects.exists()


def test_voiding_needs_its_permission(invoices: list[Entry]) -> None:
    reader = staff("view_entry")
    assert "void_selected" not in text(reader, url("entry"))
    ask_void(reader, invoices, confirmed="yes", reason="no right")
    assert not NumberVoided.objects.exists()
    User.objects.all().delete()
    ask_void(staff("view_entry", "void_number"), invoices[:1], confirmed="yes", reason="with right")
    assert NumberVoided.objects.get().actor == "maria"


def test_voiding_is_safe_from_forged_forms(invoices: list[Entry]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    assert ask_void(client, invoices, confirmed="yes", reason="forged").status_code == 403
    assert not NumberVoided.objects.exists()


# Periods ---------------------------------------------------------------------------------------------------


@pytest.fixture
def ask_close() -> Callable[..., str]:
    def ask(client: Client, periods: Any, **said: Any) -> str:
        chosen = {"action": "close_selected", ACTION_CHECKBOX_NAME: [period.pk for period in periods]}
        return str(client.post(url("period"), chosen | said, follow=True).content.decode())

    return ask


def test_a_period_is_closed_after_a_question(root: Client, ask_close: Callable[..., str]) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    period = issue("invoice", on=date(2020, 1, 1)).period
    assert "never opens again" in ask_close(root, [period])
    period.refresh_from_db()
    assert not Period.objects.filter(closed_at__isnull=False).exists()
    assert "Closed: invoice 2020-01-01 to 2020-12-31." in ask_close(root, [period], confirmed="yes")
    period.refresh_from_db()
    assert period.closed_at is not None
    assert "closed" in text(root, url("period"), state="closed")
    assert numbers(root, period=period.pk) == ["INV-2020-000001"]


def test_a_running_period_is_closed_on_purpose_only(root: Client, ask_close: Callable[..., str]) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    old, running = issue("invoice", on=date(2020, 1, 1)).period, issue("invoice").period
    assert "still runs" in ask_close(root, [old, running], confirmed="yes")
    assert not Period.objects.filter(closed_at__isnull=False).exists(), "all or nothing"
    ask_close(root, [old, running], confirmed="yes", early="on")
    assert Period.objects.filter(closed_at__isnull=False).count() == 2


def test_closing_needs_its_permission(ask_close: Callable[..., str]) -> None:
    define_series("invoice", template="INV-{year}-{counter:06}")
    period = issue("invoice", on=date(2020, 1, 1)).period
    reader = staff("view_period")
    assert "close_selected" not in text(reader, url("period"))
    ask_close(reader, [period], confirmed="yes")
    assert not Period.objects.filter(closed_at__isnull=False).exists()
    User.objects.all().delete()
    ask_close(staff("view_period", "close_period_now"), [period], confirmed="yes")
    assert Period.objects.filter(closed_at__isnull=False).exists()


def test_the_list_of_periods_shows_counter_and_state(root: Client, invoices: list[Entry]) -> None:
    define_series("month", template="M-{year}{month}-{counter}", calendar="month")
    close_period(issue("month", on=date(2020, 1, 1)).period)
    page = text(root, url("period"))
    assert "INV-2026-000004" in page
    assert f"?period={invoices[0].period_id}" in page
    assert "2020-01-01 to 2020-01-31" in text(root, url("period"), state="closed")
    assert "2020-01-01 to 2020-01-31" not in text(root, url("period"), state="open")
    issue("ticket")
    assert "for ever" in text(root, url("period"))
