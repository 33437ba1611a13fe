"""Django's PostgreSQL backend, which starts the embedded server when the first connection is made.

Settings can thus be imported by tools that need no database (mypy, `manage.py help`) without starting one.
"""
