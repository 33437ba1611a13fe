"""Moving counters to Folio: from the original packages, also while they give out numbers, and from a model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from io import StringIO
from itertools import cycle
from threading import Event
from typing import Any

import pytest
import sequences
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from sequences.models import Sequence as OldTable

from ledger import define_series, issue
from ledger.compat import django_sequence as folio_sequence, django_sequences as folio
from ledger.compat.moving import systems
from ledger.compat.moving.counters import Move
from ledger.models import AdoptedGap, Adoption, Entry, GapExplained, Period, Series
from ledger.verification import verify
from tests.compat.django_sequence.models import Sequence as OldSequence
from tests.compat.django_sequence.services import next_sequence as old_next_sequence
from tests.concurrency.checkouts import PATIENCE, checkouts, in_threads, wait_until_blocked
from tests.shop.models import Order, Organization

YEAR = timezone.now().year

# In this transaction so far.
_ROWS_READ = """
    SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables
    WHERE relname IN ('ledger_series', 'ledger_period')
"""


@pytest.fixture(autouse=True)
def sound(transactional_db: None) -> Iterator[None]:
    ContentType.objects.clear_cache()
    yield
    with connection.cursor() as cursor:
        for table, _, _ in systems.TABLES.values():
            cursor.execute(f"DROP TRIGGER IF EXISTS ledger_moved_counter ON {table}")
            cursor.execute(f"DROP TRIGGER IF EXISTS ledger_moved_new_counter ON {table}")
    assert list(verify()) == []


def move(*arguments: str) -> str:
    out = StringIO()
    call_command("ledger_migrate_from", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def moved_rows(*arguments: str) -> list[dict[str, Any]]:
    told = json.loads(move(*arguments, "--json"))
    assert told["ok"] is True
    rows: list[dict[str, Any]] = told["moved"]
    return rows


@pytest.fixture
def shop() -> Organization:
    return Organization.objects.create(name="A shop")


def orders(shop: Organization, *references: str, year: int = YEAR) -> list[Order]:
    made = [Order.objects.create(org=shop, reference=reference) for reference in references]
    Order.objects.filter(pk__in=[order.pk for order in made]).update(created_at=datetime(year, 1, 1, 12, tzinfo=UTC))
    return made


HISTORY = ("--model", "shop.Order", "--number-field", "reference", "--date-field", "created_at")


class TestDjangoSequences:
    KIND = "django-sequences"

    def test_shows_what_it_would_do(self) -> None:
        sequences.get_next_values(41, "invoice")
        told = move(self.KIND)
        assert "invoice" in told
        assert "would be moved" in told
        assert "invoice-42" in told
        assert "Nothing was written; --apply does it." in told
        assert not Series.objects.exists()
        assert not Adoption.objects.exists()
        assert sequences.get_next_value("invoice") == 42

    def test_counters_without_a_history(self) -> None:
        sequences.get_next_values(41, "invoice")
        sequences.get_next_value("Invoice", 7)
        sequences.get_next_value("x" * 100, 9)
        assert [(row["series"], row["last"]) for row in moved_rows(self.KIND, "--apply", "--by", "ada")] == [
            ("Invoice", 7),
            ("invoice", 41),
            ("x" * 100, 9),
        ]
        assert folio.get_last_value("invoice") == 41
        assert [folio.get_next_value("invoice"), folio.get_next_value("Invoice"), folio.get_next_value("x" * 100)] == [
            42,
            8,
            10,
        ]
        with transaction.atomic():
            assert issue("invoice").value == 43
        event = Adoption.objects.get(options__row="invoice")
        assert (event.actor, event.rows, event.source, event.options["last"]) == ("ada", 0, "sequences_sequence", 41)

    def test_again_changes_nothing(self) -> None:
        sequences.get_next_values(5, "invoice")
        move(self.KIND, "--only", "invoice", "--apply")
        assert folio.get_next_value("invoice") == 6
        sequences.get_next_value("later", 3)
        assert [row["state"] for row in moved_rows(self.KIND, "--apply")] == ["moved before", "moved"]
        assert folio.get_next_value("invoice") == 7
        assert folio.get_next_value("later") == 4

    def test_one_of_them_with_its_history(self, shop: Organization) -> None:
        old = orders(shop, "R-0003", "R-0005")
        sequences.get_next_values(7, "invoice")
        sequences.get_next_values(2, "other")
        rows = moved_rows(
            self.KIND,
            "--only",
            "invoice",
            *HISTORY,
            "--template",
            "R-{counter:04}",
            "--explain-gaps",
            "lost",
            "--apply",
        )
        assert [(row["series"], row["adopted"], row["missing"], row["next_number"]) for row in rows] == [
            ("invoice", 2, 3, "R-0008")
        ]
        assert [(gap.first_value, gap.last_value) for gap in AdoptedGap.objects.order_by("first_value")] == [
            (4, 4),
            (6, 7),
        ]
        assert GapExplained.objects.count() == 2
        with transaction.atomic():
            assert str(issue("invoice", document=old[1])) == "R-0005"
            assert str(issue("invoice")) == "R-0008"
        assert folio.get_next_value("invoice") == 9
        assert sequences.get_next_value("other") == 3

    def test_refuses_to_go_below_the_highest_used_number(self, shop: Organization) -> None:
        orders(shop, "R-0001", "R-0045")
        sequences.get_next_values(41, "invoice")
        with pytest.raises(
            CommandError, match="stands at 41, and the highest number that a document has is 45"
        ) as told:
            move(self.KIND, "--only", "invoice", *HISTORY, "--template", "R-{counter:04}", "--apply")
        assert told.value.returncode == 1
        assert not Series.objects.exists()
        assert sequences.get_next_value("invoice") == 42

    def test_refuses_a_series_that_has_numbers(self) -> None:
        sequences.get_next_values(41, "cases")
        folio.get_next_value("cases")
        with pytest.raises(CommandError, match="has numbers already"):
            move(self.KIND, "--apply")
        assert folio.get_next_value("cases") == 2

    def test_one_refusal_moves_nothing(self) -> None:
        sequences.get_next_values(41, "a")
        sequences.get_next_values(41, "b")
        folio.get_next_value("b")
        with pytest.raises(CommandError):
            move(self.KIND, "--apply")
        assert not Series.objects.filter(code="a").exists()

    def test_waits_for_who_holds_an_old_number(self) -> None:
        sequences.get_next_values(41, "invoice")
        with checkouts(2) as (checkout, mover):
            checkout.begin()
            assert checkout.run(lambda: sequences.get_next_value("invoice")) == 42
            step = mover.do(lambda: move(self.KIND, "--apply"))
            wait_until_blocked(mover, step)
            checkout.commit()
            step.result(PATIENCE)
        assert folio.get_next_value("invoice") == 43

    def test_waits_for_so_long_and_no_longer(self) -> None:
        """Checkouts queue behind the move, so one that hangs may not hold up all others."""
        sequences.get_next_values(41, "invoice")
        with checkouts(2) as (holder, late):
            holder.begin()
            holder.run(lambda: sequences.get_next_value("invoice"))
            with pytest.raises(CommandError, match="held an old number for 0.1 seconds. Nothing was moved") as told:
                move(self.KIND, "--apply", "--wait", "0.1")
            assert told.value.returncode == 1
            assert not Series.objects.exists()
            assert late.run(lambda: sequences.get_next_value("another")) == 1
            holder.commit()
        assert sequences.get_next_value("invoice") == 43

    def test_who_waits_for_the_move_gets_the_next_number(self) -> None:
        sequences.get_next_values(41, "invoice")
        with checkouts(3) as (holder, mover, late):
            holder.begin()
            holder.run(lambda: sequences.get_next_value("invoice"))
            step = mover.do(lambda: move(self.KIND, "--apply"))
            wait_until_blocked(mover, step)
            waiting = late.do(lambda: sequences.get_next_value("invoice"))
            wait_until_blocked(late, waiting)
            holder.rollback()
            step.result(PATIENCE)
            assert waiting.result(PATIENCE) == 42
        assert folio.get_next_value("invoice") == 43

    def test_old_and_new_code_at_once_while_it_moves(self) -> None:
        """Old processes issue before, during and after the move, new ones as soon as it is done: no number twice."""
        sequences.get_next_values(10, "invoice")

        def work(number: int) -> list[int]:
            got = []
            if number == 0:
                move(self.KIND, "--apply")
            for _ in range(15):
                with transaction.atomic():
                    new = number % 2 and Adoption.objects.exists()
                    got.append((folio if new else sequences).get_next_value("invoice"))
            return got

        values = sorted(value for got in in_threads(5, work) for value in got)
        assert values == list(range(11, 11 + 5 * 15))
        assert folio.get_last_value("invoice") == 10 + 5 * 15

    def test_callers_go_on_while_series_are_made(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The slow part is done before the old table is locked: the stop doesn't grow with their number."""
        names = [f"s{number}" for number in range(40)]
        for name in names:
            sequences.get_next_value(name)
        got: list[int] = []
        while_locked: list[int] = []
        real_prepare, real_lock = Move.prepare, systems.lock_counters

        with checkouts(1) as (caller,):

            def prepare(self: Move, counters: list[Any]) -> None:
                for counter in counters:
                    real_prepare(self, [counter])
                    got.append(caller.run(lambda name=counter.row: sequences.get_next_value(name)))  # type: ignore[misc]

            def lock(alias: str, table: str) -> None:
                real_lock(alias, table)
                monkeypatch.setattr(Move, "prepare", real_prepare)
                stack.enter_context(connection.execute_wrapper(count))

            def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
                while_locked.append(1)
                return execute(sql, params, many, context)

            monkeypatch.setattr(Move, "prepare", prepare)
            monkeypatch.setattr(systems, "lock_counters", lock)
            with ExitStack() as stack:
                move(self.KIND, "--apply")
        assert got == [2] * 40
        assert len(while_locked) < 20
        assert [folio.get_next_value(name) for name in names] == [3] * 40

    def test_the_work_grows_with_their_number_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No sequence is compared with all others: for each, a few rows of series and periods are read."""
        OldTable.objects.bulk_create(OldTable(name=f"s{number}", last=7) for number in range(150))
        read: list[int] = []
        real_lock = systems.lock_counters

        def lock(alias: str, table: str) -> None:
            real_lock(alias, table)
            with connection.cursor() as cursor:
                cursor.execute(_ROWS_READ)
                read.append(cursor.fetchone()[0])

        monkeypatch.setattr(systems, "lock_counters", lock)
        move(self.KIND, "--apply")
        assert read[0] < 150 * 40
        assert [folio.get_next_value(f"s{number}") for number in (0, 149)] == [8, 8]

    @pytest.mark.live
    def test_two_thousand_while_callers_go_on(self) -> None:
        """A caller that had to wait for five seconds would give up, and none does."""
        names = [f"s{number}" for number in range(2_000)]
        OldTable.objects.bulk_create(OldTable(name=name, last=7) for name in names)
        done = Event()

        def work(number: int) -> list[tuple[str, int]]:
            got: list[tuple[str, int]] = []
            if number == 0:
                try:
                    move(self.KIND, "--apply")
                finally:
                    done.set()
                return got
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            for name in cycle(names[:50]):
                got.append((name, sequences.get_next_value(name)))
                if done.is_set():
                    return got
            return got

        given = sorted(one for got in in_threads(5, work) for one in got)
        counts = Counter(name for name, _ in given)
        assert given == sorted((name, value) for name in counts for value in range(8, 8 + counts[name]))
        assert [folio.get_next_value(name) for name in names[:60]] == [8 + counts[name] for name in names[:60]]

    def test_old_code_after_the_move(self) -> None:
        sequences.get_next_values(5, "invoice")
        move(self.KIND, "--apply")
        assert folio.get_next_values(3, "invoice") == range(6, 9)
        assert sequences.get_next_value("invoice") == 9
        assert sequences.get_next_values(4, "invoice") == range(10, 14)
        assert folio.get_next_value("invoice") == 14
        # Code that still counts by itself would repeat a number and is refused; nothing may start the counter again.
        calls: list[Callable[[], Any]] = [
            lambda: sequences.get_next_value("invoice", nowait=True),
            lambda: sequences.get_next_value("invoice", reset_value=3),
            lambda: sequences.delete("invoice"),
        ]
        for call in calls:
            with pytest.raises(DatabaseError, match="was moved to Folio"):
                call()
        assert Entry.objects.count() == 9

    def test_the_least_privilege_is_enough_for_old_code_too(self, least_privileged: str) -> None:
        sequences.get_next_values(5, "invoice")
        move(self.KIND, "--apply")
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT SELECT, INSERT, UPDATE ON sequences_sequence TO {least_privileged}")
        for value in (6, 7):
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL ROLE {least_privileged}")
                assert sequences.get_next_value("invoice") == value

    def test_new_counters_of_old_code(self) -> None:
        """Counters that were not moved go on; once all were, nobody can begin one that Folio doesn't know."""
        sequences.get_next_values(5, "invoice")
        move(self.KIND, "--only", "invoice", "--apply")
        assert [sequences.get_next_value("not moved"), sequences.get_next_value("invoice")] == [1, 6]
        assert sequences.delete("not moved") is True
        assert sequences.get_next_value("not moved") == 1
        move(self.KIND, "--apply")
        for nowait in (False, True):
            with pytest.raises(IntegrityError, match="where new ones begin too"):
                sequences.get_next_value("new", nowait=nowait)
        assert [sequences.get_next_value("not moved"), sequences.get_next_value("invoice")] == [2, 7]
        assert folio.get_next_value("new") == 1

    def test_a_closed_series_refuses_old_code_too(self) -> None:
        sequences.get_next_values(5, "invoice")
        move(self.KIND, "--apply")
        Series.objects.update(is_active=False)
        with pytest.raises(IntegrityError, match="gives out no number: inactive"):
            sequences.get_next_value("invoice")

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("--only", "none"), "no counter 'none'"),
            (("--table", "nowhere"), "no table 'nowhere'"),
            (("--model", "shop.Order"), "go together"),
            (("--org-field", "org"), "go with --model"),
            (("--series", "invoice"), "go with 'model'"),
            (("--template", "A{counter}"), "can't share the template"),
            (HISTORY, "can't belong to 2 counters"),
            (
                ("--model", "shop.Order", "--number-field", "reference", "--date-field", "reference"),
                "'reference' is a CharField; the date is a DateField or a DateTimeField.",
            ),
            (("--model", "shop.None", "--number-field", "a", "--date-field", "b"), "can't be read from 'shop.None'"),
        ],
    )
    def test_options_that_are_no_good(self, arguments: tuple[str, ...], told: str) -> None:
        for name in ("invoice", "order"):
            sequences.get_next_value(name)
        with pytest.raises(CommandError, match=told) as error:
            move(self.KIND, *arguments, "--apply")
        assert error.value.returncode == 2
        assert not Series.objects.exists()


class TestDjangoSequence:
    KIND = "django-sequence"

    def test_counters(self, shop: Organization) -> None:
        kind = ContentType.objects.get_for_model(shop)
        for _ in range(3):
            assert old_next_sequence("invoice")
        OldSequence.objects.create(
            scope="ticket",
            org_content_type=kind,
            org_id=shop.pk,
            prefix="TKT-",
            include_year=False,
            pad_width=4,
            current_value=17,
        )
        OldSequence.objects.create(scope="unused", prefix="U-")
        rows = moved_rows(self.KIND, "--apply")
        assert [(row["series"], row["tenant"], row["last"], row["next_number"]) for row in rows] == [
            ("invoice", "", 3, f"INV-{YEAR}-000004"),
            ("ticket", f"shop.organization:{shop.pk}", 17, "TKT-0018"),
            ("unused", "", 0, None),
        ]
        assert folio_sequence.next_sequence("invoice", auto_create=False) == f"INV-{YEAR}-000004"
        assert folio_sequence.next_sequence("ticket", org=shop) == "TKT-0018"
        assert folio_sequence.next_sequence("unused") == f"U-{YEAR}-000001"
        with transaction.atomic():
            assert str(issue("ticket", org=shop)) == "TKT-0019"

    def test_scopes_without_a_prefix(self) -> None:
        for scope, last in (("quote", 7), ("case", 3)):
            OldSequence.objects.create(scope=scope, current_value=last)
        moved_rows(self.KIND, "--apply")
        assert [folio_sequence.next_sequence(scope) for scope in ("quote", "case")] == [
            f"{YEAR}-000008",
            f"{YEAR}-000004",
        ]

    def test_with_the_history_of_each_organisation(self, shop: Organization) -> None:
        other = Organization.objects.create(name="Another")
        kind = ContentType.objects.get_for_model(shop)
        for org, last in ((shop, 3), (other, 1)):
            OldSequence.objects.create(
                scope="invoice", org_content_type=kind, org_id=org.pk, prefix="INV-", current_value=last
            )
        orders(shop, f"INV-{YEAR - 1}-000001", f"INV-{YEAR - 1}-000002", year=YEAR - 1)
        orders(shop, f"INV-{YEAR}-000003")
        orders(other, f"INV-{YEAR - 1}-000001", year=YEAR - 1)
        rows = moved_rows(self.KIND, *HISTORY, "--org-field", "org", "--apply")
        assert [(row["adopted"], row["missing"]) for row in rows] == [(3, 0), (1, 0)]
        assert folio_sequence.next_sequence("invoice", org=shop) == f"INV-{YEAR}-000004"
        # Each number of the year before is accounted for, so the new year begins at 1.
        assert folio_sequence.next_sequence("invoice", org=other) == f"INV-{YEAR}-000001"

    def test_old_code_after_the_move(self) -> None:
        old_next_sequence("invoice")
        move(self.KIND, "--apply")
        assert old_next_sequence("invoice") == f"INV-{YEAR}-000002"
        assert folio_sequence.next_sequence("invoice") == f"INV-{YEAR}-000003"
        with pytest.raises(IntegrityError, match="which has counted to 3: 3 would be given twice"):
            old_next_sequence("invoice")
        assert folio_sequence.next_sequence("invoice") == f"INV-{YEAR}-000004"
        assert Entry.objects.count() == 3

    def test_waits_for_who_holds_an_old_number(self) -> None:
        old_next_sequence("invoice")
        with checkouts(2) as (checkout, mover):
            checkout.begin()
            assert checkout.run(lambda: old_next_sequence("invoice")) == f"INV-{YEAR}-000002"
            step = mover.do(lambda: move(self.KIND, "--apply"))
            wait_until_blocked(mover, step)
            checkout.rollback()
            step.result(PATIENCE)
        assert folio_sequence.next_sequence("invoice") == f"INV-{YEAR}-000002"

    def test_who_has_read_the_counter_before_the_move(self) -> None:
        """Old code reads its row and then writes it: in between, the move doesn't wait for it, nor it for the move."""
        old_next_sequence("invoice")

        def read() -> Any:
            return OldSequence.objects.select_for_update().get(scope="invoice")

        def write(sequence: Any) -> None:
            sequence.current_value += 1
            sequence.save(update_fields=["current_value"])

        with checkouts(2) as (checkout, mover):
            checkout.begin()
            row = checkout.run(read)
            mover.run(lambda: move(self.KIND, "--apply"))
            checkout.run(lambda: write(row))
            checkout.commit()
        assert folio_sequence.next_sequence("invoice") == f"INV-{YEAR}-000003"
        with pytest.raises(IntegrityError, match="where new ones begin too"):
            old_next_sequence("new scope")

    def test_a_history_of_other_owners(self, shop: Organization) -> None:
        kind = ContentType.objects.get(app_label="auth", model="group")
        OldSequence.objects.create(scope="invoice", org_content_type=kind, org_id=shop.pk, prefix="INV-")
        orders(shop, f"INV-{YEAR}-000001")
        with pytest.raises(CommandError, match="can't be found by shop.Order.org") as told:
            move(self.KIND, *HISTORY, "--org-field", "org", "--apply")
        assert told.value.returncode == 2

    def test_the_old_way_of_years(self, settings: Any) -> None:
        settings.LEDGER_COMPAT = {"COUNT_ON_OVER_YEARS": True}
        old_next_sequence("invoice")
        move(self.KIND, "--apply")
        assert folio_sequence.next_sequence("invoice") == f"INV-{YEAR}-000002"
        assert Series.objects.get().calendar == "explicit"
        assert Period.objects.get().first_value == 2


class TestModel:
    KIND = "model"
    TO = ("--series", "invoice", "--template", "INV-{year}-{counter:04}")

    def test_every_organisation(self, shop: Organization) -> None:
        other = Organization.objects.create(name="Another")
        old = orders(shop, f"INV-{YEAR}-0001", f"INV-{YEAR}-0003", "")
        orders(other, f"INV-{YEAR}-0009")
        rows = moved_rows(self.KIND, *HISTORY, "--org-field", "org", *self.TO, "--explain-gaps", "spoilt", "--apply")
        assert [(row["tenant"], row["adopted"], row["missing"], row["next_number"]) for row in rows] == [
            (f"shop.organization:{shop.pk}", 2, 1, f"INV-{YEAR}-0004"),
            (f"shop.organization:{other.pk}", 1, 0, f"INV-{YEAR}-0010"),
        ]
        with transaction.atomic():
            assert str(issue("invoice", org=shop, document=old[0])) == f"INV-{YEAR}-0001"
            assert str(issue("invoice", org=shop, document=old[2])) == f"INV-{YEAR}-0004"
            assert str(issue("invoice", org=other)) == f"INV-{YEAR}-0010"

    def test_rows_that_meet_the_conditions(self, shop: Organization) -> None:
        other = Organization.objects.create(name="Another")
        orders(shop, f"INV-{YEAR}-0001", "quote 7")
        orders(other, f"INV-{YEAR}-0002", f"INV-{YEAR}-0003")
        named = f"org__name={shop.name}|{other.name}"
        only = ("--where", named, "--where", "reference__startswith=INV-")
        assert [row["adopted"] for row in moved_rows(self.KIND, *HISTORY, *self.TO, *only)] == [3]
        only = ("--where", f"org={shop.pk}", "--where", "reference__startswith=INV-")
        assert [row["adopted"] for row in moved_rows(self.KIND, *HISTORY, *self.TO, *only)] == [1]

    @pytest.mark.parametrize("condition", ["reference", "colour=red", "id=seven"])
    def test_conditions_that_are_no_good(self, shop: Organization, condition: str) -> None:
        with pytest.raises(CommandError, match="can't be read from 'shop.Order'") as told:
            move(self.KIND, *HISTORY, *self.TO, "--where", condition)
        assert told.value.returncode == 2

    def test_rows_are_named_by_keys_of_any_kind(self) -> None:
        for key, number in (("ann", 1), ("bob", 2), ("eve", 2)):
            Session.objects.create(session_key=key, session_data=f"INV-{YEAR}-{number:04}", expire_date=timezone.now())
        fields = ("--model", "sessions.Session", "--number-field", "session_data", "--date-field", "expire_date")
        with pytest.raises(CommandError, match=r"The model 'sessions\.Session' has 1 bad rows") as told:
            move(self.KIND, *fields, *self.TO)
        assert f"sessions.Session eve: the number 'INV-{YEAR}-0002' is that of sessions.Session bob as well" in str(
            told.value
        )

    def test_a_bare_counter(self, shop: Organization) -> None:
        old = orders(shop, "a", "b")
        rows = moved_rows(
            self.KIND,
            "--model",
            "shop.Order",
            "--number-field",
            "id",
            "--date-field",
            "created_at",
            *self.TO,
            "--apply",
        )
        assert [row["adopted"] for row in rows] == [2]
        assert sorted(Entry.objects.values_list("number", flat=True)) == sorted(
            f"INV-{YEAR}-{order.pk:04}" for order in old
        )

    def test_shows_what_it_would_do(self, shop: Organization) -> None:
        orders(shop, f"INV-{YEAR}-0007")
        assert f"INV-{YEAR}-0008" in move(self.KIND, *HISTORY, *self.TO)
        assert not Series.objects.exists()

    def test_a_number_that_comes_twice(self, shop: Organization) -> None:
        orders(shop, f"INV-{YEAR}-0007", f"INV-{YEAR}-0007")
        with pytest.raises(
            CommandError,
            match=r"The model .* has 1 bad rows: .*shop\.Order \d+: the number .* is that of shop\.Order \d+ as well",
        ) as told:
            move(self.KIND, *HISTORY, *self.TO, "--apply")
        assert told.value.returncode == 1
        assert not Series.objects.exists()

    def test_waits_for_who_is_writing_a_number(self, shop: Organization) -> None:
        orders(shop, f"INV-{YEAR}-0001")
        with checkouts(2) as (checkout, mover):
            checkout.begin()
            checkout.run(lambda: orders(shop, f"INV-{YEAR}-0002"))
            step = mover.do(lambda: move(self.KIND, *HISTORY, *self.TO, "--apply"))
            wait_until_blocked(mover, step)
            checkout.commit()
            step.result(PATIENCE)
        with transaction.atomic():
            assert str(issue("invoice")) == f"INV-{YEAR}-0003"

    def test_waits_for_so_long_and_no_longer(self, shop: Organization) -> None:
        with checkouts(1) as (writer,):
            writer.begin()
            writer.run(lambda: orders(shop, f"INV-{YEAR}-0002"))
            with pytest.raises(CommandError, match="Nothing was moved"):
                move(self.KIND, *HISTORY, *self.TO, "--apply", "--wait", "0.1")

    def test_a_series_that_has_numbers(self, shop: Organization) -> None:
        define_series("invoice", template="INV-{year}-{counter:04}")
        with transaction.atomic():
            issue("invoice")
        orders(shop, f"INV-{YEAR}-0007")
        with pytest.raises(CommandError, match="has numbers in the period"):
            move(self.KIND, *HISTORY, "--series", "invoice", "--apply")

    @pytest.mark.parametrize("arguments", [(), HISTORY, ("--series", "invoice")])
    def test_options_that_are_no_good(self, arguments: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match="Name the numbers") as told:
            move(self.KIND, *arguments)
        assert told.value.returncode == 2
