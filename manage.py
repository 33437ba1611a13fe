#!/usr/bin/env python
"""Commands of the stand-alone site; a host project has its own manage.py."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger.site.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as error:
        sys.exit(f"{error}: run `make install` first, then .venv/bin/python manage.py …")
    execute_from_command_line(sys.argv)
