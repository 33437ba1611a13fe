"""The settings of a host project before it has Folio, for the lines of settings that pages show."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

_OF_FOLIO = ("ledger", "workers", "sequences", "tests.")
INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith(_OF_FOLIO)]
ROOT_URLCONF = "their_urls"
LOGIN_URL = "login"
