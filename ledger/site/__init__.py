"""The stand-alone site: settings, urls and an embedded PostgreSQL. Host projects don't need it."""
