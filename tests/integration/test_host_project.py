"""A host project's own tests go on working: TestCase, TransactionTestCase, pytest's transaction=True."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import TestCase, TransactionTestCase

from ledger import issue, testing
from ledger.models import Entry, Series


class CheckoutInATestCase(TestCase):
    def test_issues(self) -> None:
        assert issue("invoice").value == 1

    def test_again_from_the_start(self) -> None:
        assert issue("invoice").value == 1


class CheckoutInATransactionTestCase(TransactionTestCase):
    """Its tests are in alphabetical order; each leaves committed rows that Django then has to flush."""

    def test_a_commits(self) -> None:
        with transaction.atomic():
            assert issue("invoice").value == 1

    def test_b_starts_on_an_empty_ledger(self) -> None:
        assert not Entry.objects.exists()
        with transaction.atomic():
            assert issue("invoice").value == 1


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

    def test_another_name_does_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.restore()
        monkeypatch.setitem(connection.settings_dict, "NAME", "shop")
        monkeypatch.setitem(connection.settings_dict, "TEST", {"NAME": None})
        testing.let_test_database_flush(using="default")
        assert self.truncate_is_refused()

    def test_nor_does_a_test_name_outside_a_test_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from django.test import utils

        self.restore()
        saved = utils._TestState.saved_data  # type: ignore[attr-defined]
        monkeypatch.delattr(utils._TestState, "saved_data")
        testing.let_test_database_flush(using="default")
        assert self.truncate_is_refused()
        monkeypatch.setattr(utils._TestState, "saved_data", saved, raising=False)
