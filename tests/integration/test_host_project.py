"""A host project's own tests go on working: TestCase, TransactionTestCase, pytest's transaction=True."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import TestCase, TransactionTestCase

from ledger import define_series, issue, issue_many, testing
from ledger.models import DefaultSeries, Entry, HoleReported, Reservation, Series, Slot
from ledger.models.tables import QUEUES
from ledger.verification import verify
from tests.allocations import ALL, default_allocation


class CheckoutInATestCase(TestCase):
    def test_issues(self) -> None:
        assert issue("invoice").value == 1

    def test_again_from_the_start(self) -> None:
        assert issue("invoice").value == 1


class CardRefused(Exception):
    """Why a checkout rolls back."""


def check_out_in_vain(code: str) -> None:
    with transaction.atomic():
        str(issue(code))
        raise CardRefused


class EveryAllocationInATestCase(TestCase):
    """The same checks twice: all that a test takes, mints and reserves is gone after it."""

    @classmethod
    def setUpTestData(cls) -> None:
        for allocation in ALL:
            define_series(allocation, template=f"{allocation}-{{counter}}", calendar="never", allocation=allocation)

    def check_out(self, allocation: str) -> None:
        assert not Entry.objects.exists()
        assert not any(queue._base_manager.exists() for queue in QUEUES)
        with default_allocation(allocation):  # ticket makes itself
            for code, number in ((allocation, f"{allocation}-1"), ("ticket", "TKT-000001")):
                with transaction.atomic():
                    first = issue(code, document="order:1")
                    assert str(issue(code, document="order:1")) == str(first)
                assert (first.value, str(first)) == (1, number)
                with pytest.raises(CardRefused):
                    check_out_in_vain(code)
                block = issue_many(code, documents=["order:1", "order:2", "order:3"])
                assert [entry.value for entry in block] == [1, 2, 3]
        assert list(verify()) == []

    def test_serial(self) -> None:
        self.check_out("serial")

    def test_serial_again(self) -> None:
        self.check_out("serial")

    def test_at_commit(self) -> None:
        self.check_out("at_commit")

    def test_at_commit_again(self) -> None:
        self.check_out("at_commit")

    def test_pooled(self) -> None:
        self.check_out("pooled")

    def test_pooled_again(self) -> None:
        self.check_out("pooled")

    def test_reserved(self) -> None:
        self.check_out("reserved")

    def test_reserved_again(self) -> None:
        self.check_out("reserved")

    def test_a_callback_after_commit_knows_the_number(self) -> None:
        """Django's own way to run the callbacks of a test whose transaction never commits."""
        for allocation in ALL:
            told: list[str] = []
            with self.captureOnCommitCallbacks(execute=True) as callbacks, transaction.atomic():
                entry = issue(allocation)
                transaction.on_commit(lambda entry=entry, told=told: told.append(str(entry)))  # type: ignore[misc]
                assert told == []
            assert told == [f"{allocation}-1"]
            assert len(callbacks) == 1


class CheckoutInATransactionTestCase(TransactionTestCase):
    """Its tests are in alphabetical order; each leaves committed rows that Django then has to flush."""

    def check_out_everything(self) -> None:
        # What migrate fills, it fills again after a flush.
        tables = [model for model in apps.get_app_config("ledger").get_models() if model is not DefaultSeries]
        assert not any(model._base_manager.exists() for model in tables)
        for allocation in ALL:
            define_series(allocation, template=f"{allocation}-{{counter}}", calendar="never", allocation=allocation)
            told: list[str] = []
            with transaction.atomic():
                entry = issue(allocation)
                transaction.on_commit(lambda entry=entry, told=told: told.append(str(entry)))  # type: ignore[misc]
            assert told == [str(entry)] == [f"{allocation}-1"]
            with pytest.raises(CardRefused):
                check_out_in_vain(allocation)
            with transaction.atomic():
                burnt = 1 if allocation == "reserved" else 0
                assert issue(allocation).value == 2 + burnt
        period = entry.period
        HoleReported.objects.create(tenant="", period=period, value=1)
        assert Slot.objects.exists()
        assert Reservation.objects.exists()
        assert list(verify()) == []

    def test_a_commits(self) -> None:
        self.check_out_everything()

    def test_b_starts_on_an_empty_ledger(self) -> None:
        self.check_out_everything()


@pytest.mark.django_db(transaction=True)
class TestPytestTransactions:
    @pytest.mark.parametrize("run", [1, 2])
    def test_starts_on_an_empty_ledger(self, run: int) -> None:
        assert not Entry.objects.exists()
        assert not Series.objects.exists()
        with transaction.atomic():
            assert issue("invoice").value == 1

    def test_update_and_delete_stay_refused(self) -> None:
        with transaction.atomic():
            issue("invoice")
        for change in (lambda: Entry.objects.update(value=7), lambda: Entry.objects.all().delete()):
            with pytest.raises(IntegrityError, match="append-only"):
                change()


@pytest.mark.django_db
class TestOnlyTestDatabases:
    def truncate_is_refused(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_trigger WHERE tgname = 'ledger_append_only_table'"
                " AND tgrelid = 'ledger_entry'::regclass AND tgenabled = 'A'"
            )
            return bool(cursor.fetchone()[0])

    def restore(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TRIGGER ledger_append_only_table BEFORE TRUNCATE ON ledger_entry"
                " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()"
            )
            cursor.execute("ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_append_only_table")

    def test_a_test_database_lets_itself_be_flushed(self) -> None:
        assert testing.is_test_database(connection)
        self.restore()
        testing.let_test_database_flush(using="default")
        assert not self.truncate_is_refused()

    def test_a_database_of_another_name_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.restore()
        monkeypatch.setitem(connection.settings_dict, "NAME", "shop")
        monkeypatch.setitem(connection.settings_dict, "TEST", {"NAME": None})
        testing.let_test_database_flush(using="default")
        assert self.truncate_is_refused()

    def test_a_test_name_outside_a_test_run_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.test import utils

        self.restore()
        saved = utils._TestState.saved_data  # type: ignore[attr-defined]
        monkeypatch.delattr(utils._TestState, "saved_data")
        testing.let_test_database_flush(using="default")
        assert self.truncate_is_refused()
        monkeypatch.setattr(utils._TestState, "saved_data", saved, raising=False)
