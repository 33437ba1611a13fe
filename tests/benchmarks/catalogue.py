"""Every benchmark by its name, in the order in which they are run, with the function that makes it.

Named and not imported: the command line knows the names before Django has settings.
"""

from __future__ import annotations

from importlib import import_module

from tests.benchmarks.contest import Contest, Steps
from tests.benchmarks.effort import Effort

CATALOGUE = {
    "payment": "payment.by_32",
    "payment-200": "payment.by_200",
    "no-payment": "no_payment.question",
    "slow-disk": "disks.no_payment",
    "both-disks": "disks.against_fast",
    "slow-disk-payment": "disks.payment",
    "early-200": "disks.payment_200",
    "early-200-long": "disks.long_payment_200",
    "first-number": "first_number.question",
    "old-snapshot": "old_snapshot.question",
    "tenants-serial": "tenants.by_serial",
    "tenants-pooled": "tenants.by_pooled",
    "homes": "homes.servers",
    "homes-look-up": "homes.look_up",
    "one-number": "one_number.by_one",
    "one-number-16": "one_number.by_sixteen",
    "checkout": "checkout.by_one",
    "checkout-16": "checkout.by_sixteen",
    "compat": "compat.by_one",
    "compat-16": "compat.by_sixteen",
    "pgbench": "pgbench.question",
    "block": "block.question",
    "flat": "flat.question",
    "gap-scan": "gap_scan.question",
    "reconcile": "reconcile.speed",
    "reconcile-memory": "reconcile.memory",
    "sweeps": "sweeps.question",
    "seals-checkout": "seals.checkout",
    "seals-speed": "seals.speed",
    "report": "report.question",
    "register": "report.register",
    "pages": "pages.question",
}


def question(name: str, effort: Effort) -> tuple[Contest, Steps]:
    """The contest of that name, and the steps that run it."""
    module, _, function = CATALOGUE[name].partition(".")
    made: tuple[Contest, Steps] = getattr(import_module(f"tests.benchmarks.questions.{module}"), function)(effort)
    return made
