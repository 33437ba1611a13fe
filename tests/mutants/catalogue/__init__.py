"""All mutants, room by room."""

from tests.mutants.catalogue import (
    database,
    docs,
    drop_ins,
    early_release,
    judging,
    ledger,
    pages,
    poison,
    reports,
    workers,
)

CATALOGUE = (
    *database.MUTANTS,
    *ledger.MUTANTS,
    *early_release.MUTANTS,
    *workers.MUTANTS,
    *poison.MUTANTS,
    *reports.MUTANTS,
    *pages.MUTANTS,
    *judging.MUTANTS,
    *drop_ins.MUTANTS,
    *docs.MUTANTS,
)
