"""The tests' host project, with the sweeps of tests/broker/apps.py, and times that a test chooses."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "tests.broker"]
LEDGER = json.loads(os.environ.get("FOLIO_TEST_LEDGER", "{}"))
