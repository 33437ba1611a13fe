"""A migration operation that runs a SQL file, and refuses clearly on a database other than PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.operations import RunSQL

_FOLDER = Path(__file__).parent / "sql"


class RunSQLFile(RunSQL):
    """Runs ``sql/NAME.sql`` forward and ``sql/NAME_down.sql`` backward."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            sql=(_FOLDER / f"{name}.sql").read_text(encoding="utf-8"),
            reverse_sql=(_FOLDER / f"{name}_down.sql").read_text(encoding="utf-8"),
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.name], {})

    def describe(self) -> str:
        return f"Runs sql/{self.name}.sql"

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        vendor = schema_editor.connection.vendor
        if vendor != "postgresql":
            raise ImproperlyConfigured(
                f"The database {schema_editor.connection.alias!r} is {vendor}. Folio's guarantees rest on PostgreSQL "
                "15 or newer. Point DATABASES at PostgreSQL, or route the app 'ledger' to a PostgreSQL database."
            )
        super().database_forwards(app_label, schema_editor, from_state, to_state)
