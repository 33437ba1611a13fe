"""For mypy alone: the site's settings with the models of the tests, and no server behind them."""

from ledger.site.settings import *  # noqa: F403
from ledger.site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.shop", "tests.benchmarks", "tests.compat.django_sequence"]
