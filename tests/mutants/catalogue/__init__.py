"""All mutants, room by room."""

from tests.mutants.catalogue import database, docs, drop_ins, judging, ledger, pages, poison, reports, seals, workers

CATALOGUE = (
    *database.MUTANTS,
    *ledger.MUTANTS,
    *workers.MUTANTS,
    *poison.MUTANTS,
    *reports.MUTANTS,
    *pages.MUTANTS,
    *judging.MUTANTS,
    *drop_ins.MUTANTS,
    *seals.MUTANTS,
    *docs.MUTANTS,
)
