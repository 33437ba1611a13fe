"""The tests' own quick flush leaves what Django's leaves."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction

from ledger import issue
from tests.shop.models import Organization


def flush() -> None:
    """As Django does after a test that commits."""
    call_command("flush", verbosity=0, interactive=False, reset_sequences=False)


def rows() -> dict[str, int]:
    """How many each table has, of those that have any."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables))
        return {table: count for table, count in cursor.fetchall() if count}


@pytest.mark.django_db(transaction=True)
class TestAfterAFlush:
    def test_only_rows_of_migrations_are_left(self) -> None:
        flush()
        before = rows()
        assert set(before) >= {"auth_permission", "django_content_type"}
        Organization.objects.create(name="Shop")
        with transaction.atomic():
            issue("invoice")
        assert set(rows()) >= {*before, "shop_organization", "ledger_entry", "ledger_series"}
        flush()
        assert rows() == before

    def test_it_is_what_django_s_own_flush_leaves(self) -> None:
        flush()
        quick = rows()
        call_command("flush", verbosity=0, interactive=False, reset_sequences=True)
        assert rows() == quick

    @pytest.mark.parametrize("model", [Permission, ContentType])
    def test_rows_of_migrations_are_restored(self, model: type[Permission] | type[ContentType]) -> None:
        flush()
        before = rows()
        model.objects.filter(pk=model.objects.latest("pk").pk).delete()
        assert rows() != before
        flush()
        assert rows() == before
