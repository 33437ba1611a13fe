"""The auditor's role reads the whole ledger, by commands and pages, and changes nothing; pages say what is missing."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from ledger import define_series, issue, issue_many, void
from ledger.gaps import find, flagged_gaps, sweep
from ledger.models import Entry, NumberVoided, Series, TenantAccess
from ledger.reconciliation import BookSettings, compare, findings
from ledger.reconciliation.mirror import ReadPolicy, begin, save_page
from ledger.verification import verify
from tests.drafts import stock
from tests.integration.paper_books import Paper
from tests.roles.logins import AUDITOR, CHECKOUT, DAY, FINANCE, OWNER, USUAL, WORKERS, opened, rows
from tests.roles.routing import everything_to

TENANT = "audited"


@pytest.fixture(scope="module", autouse=True)
def _filled() -> None:
    """A tenant with everything that can be read, and the host's users: who may read their tables is up to the host."""
    for allocation in ("serial", "reserved", "pooled", "remote"):
        define_series(
            allocation,
            org=TENANT,
            template=f"A{allocation}{{year}}-{{counter}}",
            allocation=allocation,
            system="books" if allocation == "remote" else "",
            using=FINANCE,
        )
    stock(Series.objects.using(WORKERS).get(tenant=TENANT, code="remote"), ["AR1", "AR2"], day=DAY, using=WORKERS)
    with transaction.atomic(using=CHECKOUT):
        entries = issue_many("serial", documents=["a", "b"], org=TENANT, on=DAY, using=CHECKOUT)
        for code in ("pooled", "remote"):
            issue(code, org=TENANT, on=DAY, using=CHECKOUT)
    with transaction.atomic(using=CHECKOUT):
        issue("reserved", org=TENANT, on=DAY, using=CHECKOUT)
        transaction.set_rollback(True, using=CHECKOUT)
    sweep(tenant=TENANT, grace=timedelta(0), using=WORKERS)
    void(entries[1], reason="reversed", using=FINANCE)
    books = BookSettings("books", tenant=TENANT, grace=timedelta(0))
    reading = begin(
        books, ReadPolicy(overlap=timedelta(minutes=5), full_every=timedelta(days=7)), full=True, using=WORKERS
    )
    save_page(books, reading, [Paper("1", "Aserial2026-9")], next_cursor=None, using=WORKERS)
    compare(books, using=WORKERS)
    for alias in (AUDITOR, CHECKOUT, USUAL):
        [(role,)] = rows(alias, "SELECT quote_ident(session_user)")
        for table in ("auth_user", "auth_group", "auth_permission", "django_session", "django_content_type"):
            rows(OWNER, f"GRANT ALL ON {table} TO {role}")
        rows(OWNER, f"GRANT ALL ON auth_user_user_permissions, auth_user_groups, django_admin_log TO {role}")
    User.objects.db_manager(OWNER).create_superuser("root", password="correct horse")


def output(*command: str, alias: str = AUDITOR) -> tuple[int, str]:
    """A command's exit code and output."""
    out, code, told = StringIO(), 0, ""
    try:
        call_command(*command, database=alias, stdout=out, stderr=StringIO())
    except CommandError as error:
        code, told = error.returncode, str(error)
    return code, out.getvalue() + told


@pytest.mark.parametrize(
    "command",
    [
        ("ledger_status", "--tenant", TENANT),
        ("ledger_gaps", "--tenant", TENANT),
        ("ledger_gaps", "--tenant", TENANT, "--full", "--json"),
        ("ledger_rules", "--tenant", TENANT),
        ("ledger_report", "--tenant", TENANT, "--format", "json"),
        ("ledger_report", "--tenant", TENANT, "--format", "csv", "--part", "gaps"),
        ("ledger_series", "show", "serial", "--tenant", TENANT),
    ],
    ids=" ".join,
)
def test_a_command_that_reads(command: tuple[str, ...]) -> None:
    code, told = output(*command)
    assert "may not do" not in told
    # The exit code shows a gap that nobody has explained.
    assert (code, told) == (command[0] != "ledger_series", told)


def test_a_report_as_a_file(tmp_path: Path) -> None:
    for kind in ("xlsx", "pdf"):
        output("ledger_report", "--tenant", TENANT, "--format", kind, "--output", str(tmp_path / f"report.{kind}"))
        assert (tmp_path / f"report.{kind}").stat().st_size > 1000


def test_what_is_looked_at_leaves_no_trace() -> None:
    before = rows(OWNER, "SELECT count(*), max(scanned_at) FROM ledger_scanposition")
    assert [hole.state for hole in find(tenant=TENANT, full=True, using=AUDITOR)] == []
    assert rows(OWNER, "SELECT count(*), max(scanned_at) FROM ledger_scanposition") == before
    assert [gap.number for gap in flagged_gaps(tenant=TENANT, using=AUDITOR)] == ["Areserved2026-1"]
    assert {finding.kind for finding in findings(tenant=TENANT, using=AUDITOR)} == {"missing", "unknown"}
    assert [finding for finding in verify(tenant=TENANT, using=AUDITOR) if finding.tenant] == []


@pytest.fixture
def client() -> Iterator[Client]:
    """A browser on a site that uses the auditor's database role."""
    with everything_to(AUDITOR):
        yield logged_in_client()


def logged_in_client() -> Client:
    client = Client()
    client.force_login(User.objects.get(username="root"))
    return client


def pages() -> list[str]:
    series = Series.objects.using(OWNER).get(tenant=TENANT, code="serial")
    period = f"/ledger/period/{opened(series).pk}"
    whose = f"?tenant={TENANT}"
    return [
        *(f"/ledger/{whose}", f"/ledger/find/{whose}&find-q=2026", f"/ledger/series/{series.pk}/", f"{period}/"),
        *(f"{period}/1/", f"{period}/2/", f"{period}/1/void/", f"/ledger/gaps/{whose}", f"/ledger/findings/{whose}"),
        *(f"{period}/export/{kind}/" for kind in ("csv", "json", "xlsx", "pdf")),
        *("/ledger/workers/", "/ledger/healthz"),
        *(
            f"/admin/ledger/{model}/"
            for model in (
                *("series", "period", "entry", "reservation", "adoption"),
                *("holereported", "draftmade", "remotepool", "remotedocument"),
                *("tenantaccess", "gapdeclared"),
            )
        ),
        f"/admin/ledger/series/{series.pk}/change/",
    ]


def test_every_page_opens(client: Client) -> None:
    for page in pages():
        answer = client.get(page)
        assert answer.status_code == (503 if page == "/ledger/healthz" else 200), page
        b"".join(answer) if answer.streaming else answer.content


def test_a_page_that_acts_says_which_purpose_is_missing(client: Client) -> None:
    series = Series.objects.get(tenant=TENANT, code="serial")
    period = opened(series)
    said = client.post(f"/ledger/period/{period.pk}/1/void/", {"reason": "because"}).content.decode()
    assert "permission denied for function ledger_void" in said
    assert "--purpose void --apply" in said
    gap = Entry.objects.get(tenant=TENANT, kind="gap")
    answer = client.post(f"/ledger/gaps/explain/?tenant={TENANT}", {"reason": "x", "gap": f"e{gap.pk}"})
    assert "--purpose finance --apply" in answer.content.decode()
    assert not NumberVoided.objects.filter(entry__period=period, entry__value=1).exists()


@pytest.mark.parametrize("alias", [AUDITOR, CHECKOUT])
def test_the_admin_says_which_purpose_is_missing(alias: str) -> None:
    with everything_to(alias):
        client = logged_in_client()
        answer = client.post(
            "/admin/ledger/series/add/",
            {
                "code": "by-hand",
                "tenant": TENANT,
                "template": "BH{year}-{counter}",
                "start_value": "1",
                "max_length": "60",
                "calendar": "year",
                "fiscal_start": "01-01",
                "time_zone": "UTC",
                "allocation": "serial",
                "max_days_ahead": "400",
                "give_back": "on",
                "is_active": "on",
            },
            follow=True,
        )
        assert answer.status_code == 200
        assert "--purpose finance --apply" in answer.content.decode()
        assert not Series.objects.filter(code="by-hand").exists()
        if alias == AUDITOR:
            form = {"name": "root", "tenant": TENANT}
            answer = client.post("/admin/ledger/tenantaccess/add/", form, follow=True)
            assert "To write ledger_tenantaccess is part of the purpose finance" in answer.content.decode()
            assert not TenantAccess.objects.exists()
