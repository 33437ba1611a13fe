"""Reading the admin's pages in tests, and rows for them to show."""

from datetime import date
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from ledger.models import Adoption, Entry, Period

EVENTS = ("adoption", "gapdeclared", "holereported")
MODELS = ("series", "period", "entry", "reservation", "remotedocument", "remotereading", *EVENTS)
SETTINGS: dict[str, Any] = {
    "tenant": "",
    "code": "invoice",
    "template": "INV-{year}-{counter:06}",
    "calendar": "year",
    "fiscal_start": "01-01",
    "time_zone": "Europe/Berlin",
    "allocation": "serial",
    "give_back": "on",
    "start_value": 1,
    "max_length": 60,
    "max_days_ahead": 400,
    "is_active": "on",
}


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
    """The rows of the ledger's page, in its order."""
    response = client.get(url("entry"), query)
    assert response.status_code == 200, response
    return [entry.number for entry in response.context["cl"].result_list]


def adopt(number: str, value: int, document: str = "") -> Entry:
    """An entry like an adopted one: below the counter, and not in the period's format."""
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


def flag_gap(on: date = date(2026, 1, 5)) -> Entry:
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
        issued_on=on,
        metadata={"evidence": "rolled back"},
    )
