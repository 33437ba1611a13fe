"""DATABASE_URL becomes Django's DATABASES entry."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from ledger.site.database import database_settings


def test_a_url_with_everything() -> None:
    assert database_settings("postgresql://ann:p%40ss@db.example:5433/books?sslmode=require") == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "books",
        "USER": "ann",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }


@pytest.mark.parametrize(
    "url", ["postgresql://ann@/books?host=/run/postgresql", "host=/run/postgresql user=ann dbname=books"]
)
def test_a_socket(url: str) -> None:
    settings = database_settings(url)
    assert (settings["HOST"], settings["USER"], settings["NAME"]) == ("/run/postgresql", "ann", "books")
    assert settings["PORT"] == settings["PASSWORD"] == ""


@pytest.mark.parametrize("url", ["mysql://ann:hunter2@db/books", "postgresql://ann:hunter2@db:5432/books?x=1"])
def test_what_is_no_postgresql_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PostgreSQL") as caught:
        database_settings(url)
    assert "hunter2" not in str(caught.value)


def test_a_url_without_a_database_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="names no database"):
        database_settings("postgresql://ann@db:5432")
