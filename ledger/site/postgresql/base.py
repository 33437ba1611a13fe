"""The database wrapper (Django looks for it under this name)."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.postgresql import base, client

from ledger.site import embedded
from ledger.site.database import database_settings


class DatabaseClient(client.DatabaseClient):
    def runshell(self, parameters: Iterable[str]) -> None:
        self.connection.get_connection_params()
        super().runshell(list(parameters))


class DatabaseWrapper(base.DatabaseWrapper):
    client_class = DatabaseClient

    def get_connection_params(self) -> dict[str, Any]:
        if not self.settings_dict["HOST"]:
            server = database_settings(embedded.database_url())
            self.settings_dict.update({key: server[key] for key in ("HOST", "PORT", "USER")})
        return super().get_connection_params()
