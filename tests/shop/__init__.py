"""The host project's own app, without migrations: its tables are made by `migrate --run-syncdb`."""
