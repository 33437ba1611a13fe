"""People and a shop use the stand-alone site, in a process with the site's environment.

``python -m tests.integration.as_the_site NAME PASSWORD`` logs in as that superuser. Exit code 0: all went well.
"""

from __future__ import annotations

import sys

# As gunicorn loads it: Django is set up by this import.
from ledger.site.wsgi import application

# isort: split
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from ledger import define_series, issue, preview, void
from ledger.models import Allocation, Entry, NumberVoided

PAGES = ("/ledger/", "/ledger/workers/", "/ledger/gaps/", "/ledger/findings/", "/admin/")


def pages(name: str, password: str) -> None:
    """Log in; see every page and every list of the admin; make, note and delete another account."""
    assert application is not None
    browser = Client(HTTP_HOST="localhost")
    assert browser.get("/login/").status_code == 200
    assert browser.post("/login/", {"username": name, "password": password}).status_code == 302
    models = [(model._meta.app_label, model._meta.model_name) for model in admin.site._registry]
    lists = [reverse(f"admin:{app}_{model}_changelist") for app, model in models]
    assert len(lists) > 10
    for page in (*PAGES, *lists, "/ledger/series/1/", "/ledger/period/1/"):
        assert browser.get(page).status_code == 200, page
    form = {
        "username": "clerk",
        "usable_password": "true",
        "password1": "korrekt-pferd-9",
        "password2": "korrekt-pferd-9",
    }
    assert browser.post("/admin/auth/user/add/", form).status_code == 302
    clerk = User.objects.get(username="clerk")
    assert browser.post(f"/admin/auth/user/{clerk.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(username="clerk").exists()
    assert browser.post("/logout/").status_code == 302


def checkouts() -> None:
    """Define series as finance does, check out in each, and void, as a shop does that runs in the site's process."""
    for allocation in set(Allocation.values) - {Allocation.REMOTE}:
        template = f"{allocation.replace('_', '-').upper()}-{{counter:04}}"
        define_series(allocation, template=template, calendar="never", allocation=allocation)
        with transaction.atomic():
            entry = issue(allocation, document="order:1", by="a test")
        assert str(entry).endswith("-0001")
        void(entry, reason="returned", by="a test")
        assert preview(allocation).endswith("-0002")
    assert {entry.db_login for entry in Entry.objects.all()} == {"folio_site"}
    assert NumberVoided.objects.count() == Entry.objects.count() > 0


if __name__ == "__main__":
    checkouts()
    pages(*sys.argv[1:])
