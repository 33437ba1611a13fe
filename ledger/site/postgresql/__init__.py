"""Django's PostgreSQL backend, which starts the embedded server at the first connection.

So tools that need no database (mypy, `manage.py help`) can import the settings and start no server.
"""
