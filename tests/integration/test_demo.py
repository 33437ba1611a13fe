"""`make demo`, as a new user runs it: on a database of its own, twice."""

from __future__ import annotations

import re

from tests.databases import manage, new_database


def demo(url: str, *arguments: str) -> str:
    done = manage("demo", *arguments, url=url, settings="ledger.site.settings")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_tells_the_truth_and_can_be_repeated() -> None:
    with new_database("demo") as url:
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
        assert [row[2] for row in rows if row[0] == "mumbai"] == ["R2025/2026-0001", "R2026/2027-0001"]
        assert "nothing found" in said

        again = demo(url, "--checkouts", "40", "--threads", "3", "--seed", "7")
        assert "retailer-2" in again
        assert manage("ledger_verify", url=url, settings="ledger.site.settings").returncode == 0


def test_bad_options_are_refused() -> None:
    done = manage("demo", "--threads", "0", url="postgresql://nobody@127.0.0.1:1/none", settings="ledger.site.settings")
    assert done.returncode == 2
    assert "--checkouts and --threads are 1 or more" in done.stderr
