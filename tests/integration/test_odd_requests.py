"""NUL, half characters and other odd texts in any parameter of any page: Folio answers, and never with an error 500.

Which parameters there are is seen by what the views read, so that a new one can't be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from ledger.admin.base import ModelAdmin
from ledger.urls import urlpatterns
from tests.integration.pages import Shop, addresses, client, shop
from tests.integration.poison import folios_models
from tests.integration.test_poison_pages import EVERYTHING, body

pytestmark = pytest.mark.django_db(transaction=True)

#: As they stand in an address: what no text can hold.
UNREADABLE = ("%00", "a%00b")
#: Bytes that aren't text, numbers that are malformed or too large, the beginning of a regular expression.
ODD = (*UNREADABLE, "%ED%A0%80", "9" * 5000, "99999999999999999999", "-1", "infinity", "%28%5C%27%25")
#: Fewer, for the admin's many lists, and where a page reads what another one has read before.
SOME = ("%00", "%ED%A0%80", "99999999999999999999", "infinity")
#: Half a character, in a charset that has such.
HALF = ("%2B2AA-", "text/plain; charset=utf-7")


@pytest.fixture
def place() -> Shop:
    return shop("berlin", "B")


@contextmanager
def watched(read: set[str]) -> Iterator[None]:
    """Notes which parameters a view asks for."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("get", "getlist", "__getitem__", "__contains__", "pop"):
            real = getattr(QueryDict, name)

            def noted(self: QueryDict, key: Any, *args: Any, real: Any = real, **kwargs: Any) -> Any:
                read.add(str(key))
                return real(self, key, *args, **kwargs)

            patch.setattr(QueryDict, name, noted)
        yield


def with_one(query: dict[str, Any], key: str, value: str) -> str:
    """The query with one parameter as it is written here."""
    rest = [f"{name}={quote(str(one))}" for name, one in query.items() if name != key]
    return "&".join([*rest, f"{quote(key)}={value}"])


def test_every_parameter_of_every_page(place: Shop) -> None:
    staff = client("staff", *EVERYTHING)
    staff.raise_request_exception = False
    pages: dict[str, list[tuple[str, dict[str, Any]]]] = {**addresses(place), "workers": [("/ledger/workers/", {})]}
    assert set(pages) | {"healthz", "metrics"} == {pattern.name for pattern in urlpatterns}
    pages["export"] = pages["export"][:1]
    failed: list[Any] = []
    parameters: set[str] = set()
    for name, ways in pages.items():
        address, query = ways[0]
        read: set[str] = set()
        with watched(read):
            body(staff.get(address, query))
        read |= set(query) | {"unknown"}
        for key in sorted(read):
            # What no page reads is refused for what no text can hold; of all else, nothing is asked.
            for value in UNREADABLE if key == "unknown" else SOME if key in parameters else ODD:
                answer = staff.get(address, QUERY_STRING=with_one(query, key, value))
                expected = (400,) if value in UNREADABLE else (200, 302, 404)
                if answer.status_code not in expected:
                    failed.append((name, key, value[:20], answer.status_code))
                body(answer)
            answer = staff.get(address, QUERY_STRING=with_one(query, key, HALF[0]), CONTENT_TYPE=HALF[1])
            if answer.status_code != 400:
                failed.append((name, key, "half a character", answer.status_code))
        parameters |= read
    assert not failed
    assert {
        "tenant",
        "from",
        "to",
        "part",
        "gap",
        "finding",
        "find-q",
        "gaps-sort",
        "voids-by",
        "runs-sweep",
    } <= parameters


def test_every_field_of_every_form(place: Shop) -> None:
    staff = client("staff", *EVERYTHING)
    staff.raise_request_exception = False
    for name in ("void_number", "explain_gaps", "acknowledge_findings", "acknowledge_alarms"):
        address, query = addresses(place)[name][0]
        for key in ("reason", "replacement", "gap", "finding"):
            for value in ("\x00", "a\x00b"):
                given = {**query, "reason": "because", key: value}
                assert staff.post(f"{address}?tenant=berlin", given).status_code == 400, (name, key)
            given = {**query, "reason": "because", key: "9" * 5000}
            assert staff.post(f"{address}?tenant=berlin", given).status_code in (200, 302)


def root() -> Client:
    made = Client()
    made.force_login(User.objects.create_superuser("root"))
    made.raise_request_exception = False
    return made


def test_every_page_of_the_admin_is_guarded() -> None:
    for model in folios_models():
        if model in admin.site._registry:
            assert isinstance(admin.site._registry[model], ModelAdmin)


def test_every_filter_of_the_admin(place: Shop) -> None:
    staff = root()
    failed: list[Any] = []
    for model in folios_models():
        if model not in admin.site._registry:
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        shown = staff.get(address)
        specs = [each for spec in shown.context["cl"].filter_specs for each in spec.expected_parameters()]
        fields = [field.name for field in model._meta.concrete_fields]
        asked = [(key, value) for key in {*specs, "q", "p", "o", "tenant", "series", "unknown"} for value in SOME]
        asked += [(f"{name}__{how}", "%28") for name in fields for how in ("regex", "gt", "in")]
        asked += [(key, "%00") for key in ("_to_field", "_popup", "_changelist_filters", *fields)]
        for key, value in asked:
            status = staff.get(address, QUERY_STRING=f"{key}={value}").status_code
            if status not in ((400,) if value in UNREADABLE else (200, 302, 400)):
                failed.append((model.__name__, key, value[:20], status))
    assert not failed


def test_every_path_and_form_of_the_admin(place: Shop) -> None:
    staff = root()
    failed: list[Any] = []
    for model in folios_models():
        if model not in admin.site._registry:
            continue
        base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for page in ("change", "history", "delete"):
            for pk in ("\x00", "a\x00b", "9" * 5000, "-1", "_00", "99999999999999999999"):
                status = staff.get(reverse(f"{base}_{page}", args=[pk])).status_code
                if status not in ((400,) if "\x00" in pk else (302, 403, 404)):
                    failed.append((model.__name__, page, pk[:20], status))
        for given in ({"action": "\x00"}, {"_selected_action": "\x00", "action": "void_selected"}, {"index": "\x00"}):
            status = staff.post(reverse(f"{base}_changelist"), given).status_code
            if status != 400:
                failed.append((model.__name__, str(given), status))
    preview = reverse("admin:ledger_series_preview")
    for key in ("series", "tenant", "code", "template", "time_zone", "calendar", "start_value", "system"):
        for value in ODD:
            query = with_one({"template": "A{counter}", "time_zone": "UTC"}, key, value)
            status = staff.get(preview, QUERY_STRING=query).status_code
            if status not in ((400,) if value in UNREADABLE else (200, 404)):
                failed.append(("preview", key, value[:20], status))
    assert not failed
