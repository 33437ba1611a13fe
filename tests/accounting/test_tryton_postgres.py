"""A real Tryton on PostgreSQL: what takes two transactions at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import psycopg
import pytest

from tests.accounting import tryton_installation, tryton_server
from tests.accounting.clocks import FakeClock
from tests.accounting.conformance import check_wording, everything
from tests.databases import new_database
from workers.accounting import errors
from workers.accounting.base import NewInvoice, State
from workers.accounting.credentials import Credentials
from workers.accounting.http_options import Clock, HttpOptions, Retries
from workers.accounting.systems import System
from workers.accounting.tryton import Tryton


@dataclass(frozen=True)
class There:
    """A running Tryton, and access to its database."""

    server: tryton_server.Server
    database: str

    def connect(self, clock: Clock | None = None) -> Tryton:
        settings = System(
            name="books",
            adapter="tryton",
            credentials=Credentials("books", {"key": self.server.facts["key"]}),
            organisation="1",
            url=f"{self.server.url}/{self.server.database}",
        )
        retries = Retries(attempts=6, jitter=lambda: 1.0)
        return Tryton(settings, HttpOptions(clock=clock or Clock(), retries=retries))

    @contextmanager
    def lock(self, table: str, key: int) -> Iterator[psycopg.Connection]:
        """Hold the lock of one row until the connection rolls back, or the block ends."""
        with psycopg.connect(self.database) as connection:
            connection.execute(f'SELECT 1 FROM "{table}" WHERE id = %s FOR UPDATE', [key])
            yield connection
            connection.rollback()

    def edit(self, remote_id: str, values: dict[str, object]) -> None:
        """What a chief accountant does in Tryton's own program."""
        answer = httpx.put(
            f"{self.server.url}/{self.server.database}/rest/model/account.invoice/{remote_id}",
            headers={"Authorization": f"Bearer {self.server.facts['admin_key']}", "Accept": "application/json"},
            json=values,
            timeout=60,
        )
        assert answer.status_code == httpx.codes.OK, answer.text

    def waiting(self) -> bool:
        """Whether somebody waits for a lock in this database."""
        with psycopg.connect(self.database) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
        return row is not None and bool(row[0])


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[There]:
    try:
        made = tryton_installation.installation()
    except tryton_installation.Unavailable as reason:
        pytest.skip(str(reason))
    with (
        new_database("folio_tryton") as url,
        tryton_server.on_postgres(made, tmp_path_factory.mktemp("tryton"), url) as server,
    ):
        yield There(server, url)


class Releasing(FakeClock):
    """A sleep by this clock releases somebody's locks, as time would."""

    def __init__(self, connection: psycopg.Connection) -> None:
        super().__init__()
        self._connection = connection

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._connection.rollback()


class Hurried(Clock):
    """Sleeps a hundredth of what it should."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)


def sale(reference: str) -> NewInvoice:
    return NewInvoice(reference=reference, issued_on=date(2025, 3, 1), customer="C-1", total=Decimal("100.00"))


def value(number: str) -> int:
    return int(number.rpartition("-")[2])


def test_a_locked_counter_is_asked_again(there: There) -> None:
    """Tryton doesn't wait for the lock of its counter: after a few tries of its own it answers 503."""
    with closing(there.connect()) as tryton:
        before = value(tryton.push(sale("locked:0")).number)
    with there.lock("ir_sequence_strict", there.server.facts["sequences"]["2025"]) as holder:
        clock = Releasing(holder)
        with closing(there.connect(clock)) as tryton:
            made = tryton.push(sale("locked:1"))
            assert len(clock.slept) == 1
            assert value(made.number) == before + 1
            assert len(tryton.find(reference="locked:1")) == 1


def test_a_counter_that_stays_locked_is_told_and_costs_nothing(there: There) -> None:
    clock = FakeClock()
    with closing(there.connect(clock)) as tryton:
        before = value(tryton.push(sale("held:0")).number)
        counter = there.lock("ir_sequence_strict", there.server.facts["sequences"]["2025"])
        with counter, pytest.raises(errors.ServerFault) as caught:
            tryton.push(sale("held:1"))
        assert caught.value.retryable
        assert caught.value.status == 503
        assert len(clock.slept) == 5
        check_wording(caught.value)
        [draft] = tryton.find(reference="held:1")
        assert (draft.state, draft.number) == (State.DRAFT, "")
        made = tryton.push(sale("held:1"))
        assert made.remote_id == draft.remote_id
        assert value(made.number) == before + 1


def test_pushes_at_once_get_numbers_in_a_row(there: There) -> None:
    """Each is refused by the others' locks, and in the end each is numbered once."""
    with closing(there.connect()) as tryton:
        before = value(tryton.push(sale("crowd:first")).number)

    def push(n: int) -> int:
        with closing(there.connect(Hurried())) as tryton:
            for _ in range(10):
                with suppress(errors.ServerFault):
                    return value(tryton.push(sale(f"crowd:{n}")).number)
            raise AssertionError("never numbered")

    with ThreadPoolExecutor(3) as pool:
        numbers = sorted(pool.map(push, range(6)))
    assert numbers == list(range(before + 1, before + 7))


def test_a_change_shows_late_and_dated_early(there: There) -> None:
    """Windows of reading must overlap, because Tryton dates a change by the beginning of its transaction."""
    with closing(there.connect()) as tryton, ThreadPoolExecutor(1) as pool:
        tryton.push(sale("late:0"))
        # A posted invoice can't be edited; this date, which Tryton no longer numbers, leaves a draft.
        with pytest.raises(errors.Refused):
            tryton.push(replace(sale("late:1"), issued_on=date(2025, 2, 1)))
        [before] = tryton.find(reference="late:1")
        with there.lock("account_invoice", int(before.remote_id)):
            editing = pool.submit(there.edit, before.remote_id, {"reference": "late:2"})
            while not there.waiting():
                assert not editing.done(), editing.result()
            # A run reads now, and remembers this time as the one up to which it has seen everything.
            read_at = datetime.now(UTC)
            assert list(tryton.find(reference="late:2")) == []
        editing.result()
        [after] = tryton.find(reference="late:2")
        assert before.changed_at is not None
        assert after.changed_at is not None
        assert before.changed_at < after.changed_at < read_at
        assert after not in everything(tryton.changed(read_at))
        assert after in everything(tryton.changed(read_at - Tryton.capabilities.overlap))


def test_the_clock_is_in_utc(there: There) -> None:
    with closing(there.connect()) as tryton:
        made = tryton.push(sale("utc:1"))
        assert made.changed_at is not None
        assert abs(made.changed_at - datetime.now(UTC)) < timedelta(minutes=5)
