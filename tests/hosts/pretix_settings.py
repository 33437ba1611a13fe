"""pretix, with the ledger beside it; its invoices are numbered by the recipe of docs/guides/recipes.md."""

import os
import tempfile

from tests.hosts.common import databases

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp())  # pretix makes its secret there
from pretix.settings import *  # noqa: F403
from pretix.settings import INSTALLED_APPS

DATABASES = databases()
INSTALLED_APPS = [*INSTALLED_APPS, "ledger"]
#: Its tables as its models are now: its 350 migrations take minutes.
_NAMES = [entry.removesuffix(".apps").rpartition(".")[2] for entry in INSTALLED_APPS if entry != "ledger"]
MIGRATION_MODULES = {label: None for name in _NAMES for label in (name, f"pretix{name}")}
