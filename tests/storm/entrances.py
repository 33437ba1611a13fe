"""Where each process of the storm begins: Django is set up here, before anything that needs models is imported."""

from __future__ import annotations

import os
from pathlib import Path

import django

from tests.storm.crowd import Setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.storm.settings")
django.setup()


def prepare(allocations: tuple[str, ...]) -> None:
    """Make the tables and series."""
    from tests.storm import setting_up

    setting_up.prepare(allocations)


def check_out(setup: Setup) -> None:
    """The life of a worker."""
    from tests.storm import checkouts

    checkouts.run(setup)


def sweep(setup: Setup) -> None:
    """The life of the janitor."""
    from tests.storm import janitor

    janitor.run(setup)


def move(setup: Setup) -> None:
    """The life of the mover."""
    from tests.storm import homes

    homes.run(setup)


def sweep_at_last(folder: Path) -> None:
    """The work that is left once nothing fails any more."""
    from tests.storm import janitor

    janitor.last_sweeps(folder)
