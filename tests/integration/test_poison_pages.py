"""A row that Python can't hold stops no page, no file and no admin page, and is seen there as what it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from ledger.models import Entry, NumberIssued, NumberVoided, Period
from ledger.reports.formats import formats
from ledger.urls import urlpatterns
from tests.integration.pages import addresses, client
from tests.integration.poison import POISONS, Places, Poison, folios_models, places, poison

pytestmark = pytest.mark.django_db(transaction=True)

ACTING = ("void_number", "explain_gap", "acknowledge_finding", "acknowledge_alarm", "read_books", "add_authorisedrange")
EVERYTHING = ("view_entry", "view_findingraised", "view_sweeprun", *ACTING)

#: Pages that look at several tenants, and one way to a file.
SHARED = ("overview", "find", "gaps", "alarms", "findings", "books", "ranges", "register", "export")


@pytest.fixture
def there(unguarded: None) -> Places:
    return places()


def body(answer: Any) -> bytes:
    """The whole answer; for a workbook or an archive, its content, and each XML in it must be well-formed."""
    raw = b"".join(answer.streaming_content) if answer.streaming else answer.content
    answer.close()
    if raw[:2] != b"PK":
        return bytes(raw)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, part in parts.items():
        if name.endswith(".xml"):
            ElementTree.fromstring(part)  # noqa: S314  (our own)
    return b"\n".join(parts.values())


def every_page(there: Places) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for place in (there.bad, there.good):
        for name, ways in addresses(place).items():
            # Of the healthy tenant: the pages that look at several tenants, and one of its files.
            for address, query in ways if place is there.bad else ways[:1] if name in SHARED else ():
                yield name, address, query
    old: Any = there.rows[Period]
    for page in (f"/ledger/series/{old.series_id}/", f"/ledger/period/{old.pk}/", f"/ledger/period/{old.pk}/1/"):
        yield "of the poisoned period", page, {}
    for name in formats():
        yield "export", f"/ledger/period/{old.pk}/export/{name}/", {}
    yield "workers", "/ledger/workers/", {}
    yield "healthz", "/ledger/healthz", {}
    yield "metrics", "/ledger/metrics", {}
    for tenant in ("berlin", "mumbai"):
        for state in ("all", "open", "acknowledged", "resolved"):
            yield "findings", "/ledger/findings/", {"tenant": tenant, "findings-state": state}


@pytest.mark.parametrize("given", POISONS, ids=lambda one: one.name)
def test_every_page_is_shown(there: Places, given: Poison, settings: Any) -> None:
    settings.LEDGER = {"METRICS_TOKEN": "token-of-the-tests"}
    poison(there, given)
    staff = client("staff", *EVERYTHING)
    # So that one failure doesn't hide the others; the log has their tracebacks.
    staff.raise_request_exception = False
    seen, failed = set(), []
    for name, address, query in every_page(there):
        answer = staff.get(address, query, headers={"Authorization": "Bearer token-of-the-tests"})
        seen.add(name)
        allowed = {"find": (302, 200), "healthz": (200, 503)}.get(name, (200,))
        if answer.status_code not in allowed:
            failed.append((answer.status_code, address, query))
            continue
        text = body(answer)
        if "mumbai" in str(query) and name in ("overview", "gaps", "findings"):
            assert b"mumbai" in text
    assert not failed
    assert {pattern.name for pattern in urlpatterns} <= seen


@pytest.mark.parametrize("given", [one for one in POISONS if one.shown], ids=lambda one: one.name)
def test_the_poisoned_row_is_seen_beside_the_others(there: Places, given: Poison) -> None:
    poison(there, given)
    staff = client("staff", *EVERYTHING)
    period: Any = there.bad.period
    number = staff.get(f"/ledger/period/{period.pk}/1/").content.decode()
    assert given.shown in number
    assert "unreadable" in number
    page = staff.get(f"/ledger/period/{period.pk}/").content.decode()
    assert there.bad.entries[1].number in page
    table = body(staff.get(f"/ledger/period/{period.pk}/export/csv/", {"part": "voids"})).decode()
    assert there.bad.entries[1].number in table
    entries = staff_of_admin().get(reverse("admin:ledger_entry_changelist")).content.decode()
    assert given.shown in entries
    for entry in there.bad.entries:
        assert entry.number in entries


def staff_of_admin() -> Client:
    from django.contrib.auth.models import User

    made = Client()
    made.force_login(User.objects.create_superuser("root"))
    return made


@pytest.mark.parametrize("given", POISONS, ids=lambda one: one.name)
def test_every_page_of_the_admin_is_shown(there: Places, given: Poison) -> None:
    poison(there, given)
    root = staff_of_admin()
    root.raise_request_exception = False
    failed = []
    shown = [model for model in folios_models() if model in admin.site._registry]
    assert len(shown) > 10
    for model in shown:
        options = model._meta
        base = f"admin:{options.app_label}_{options.model_name}"
        rows = [row.pk for row in model._base_manager.all()[:20]]
        pk = there.rows[model].pk
        addresses = [reverse(f"{base}_changelist"), reverse(f"{base}_history", args=[pk])]
        addresses += [reverse(f"{base}_change", args=[row]) for row in rows]
        answers = {address: root.get(address) for address in addresses}
        for action in getattr(admin.site._registry[model], "actions", None) or ():
            asked = {"action": action, "_selected_action": [pk]}
            answers[f"{model} {action}"] = root.post(reverse(f"{base}_changelist"), asked)
        failed += [(address, answer.status_code) for address, answer in answers.items() if answer.status_code != 200]
        assert "Database error" not in answers[addresses[0]].content.decode()
    assert not failed


@pytest.mark.parametrize("given", POISONS, ids=lambda one: one.name)
def test_python_reads_every_row_and_writes_back_what_it_has_read(there: Places, given: Poison) -> None:
    poison(there, given)
    for model in folios_models():
        for row in model._base_manager.select_related():
            assert str(row) is not None
            assert repr(row)
            row.refresh_from_db()
        assert list(model._base_manager.values()) is not None
    first = NumberIssued.objects.get(pk=there.bad.entries[0].pk)
    assert isinstance(first.metadata, dict)
    assert isinstance(NumberVoided.objects.get(tenant="berlin").entry, Entry)
    # What could not be read stays as it is.
    for model, row in there.rows.items():
        with connection.cursor() as cursor:
            statement = f"SELECT t::text FROM {model._meta.db_table} t"
            cursor.execute(statement)
            before = sorted(cursor.fetchall())
            model._base_manager.get(pk=row.pk).save()
            cursor.execute(statement)
            assert sorted(cursor.fetchall()) == before, model
