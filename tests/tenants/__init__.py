"""A real django-tenants, in an environment of its own: a ledger in the schema of each tenant."""
