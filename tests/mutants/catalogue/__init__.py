"""All mutants, room by room."""

from tests.mutants.catalogue import (
    database,
    docs,
    documents,
    doors,
    drop_ins,
    early_release,
    files,
    homes,
    judging,
    ledger,
    pages,
    poison,
    reports,
    seals,
    settings,
    workers,
)

CATALOGUE = (
    *database.MUTANTS,
    *ledger.MUTANTS,
    *documents.MUTANTS,
    *early_release.MUTANTS,
    *homes.MUTANTS,
    *workers.MUTANTS,
    *poison.MUTANTS,
    *settings.MUTANTS,
    *reports.MUTANTS,
    *pages.MUTANTS,
    *judging.MUTANTS,
    *doors.MUTANTS,
    *drop_ins.MUTANTS,
    *seals.MUTANTS,
    *docs.MUTANTS,
    *files.MUTANTS,
)
