"""The stand-alone site, with the command ``demo``."""

from ledger.site.settings import *  # noqa: F403
from ledger.site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.demo"]
