"""Several databases, and what people do at every door."""

from tests.mutants.mutant import Mutant

DATABASES = "tests/integration/test_databases.py"
ROUTED = "tests/integration/test_routed.py"
ACTIONS = "tests/integration/test_actions.py"
LOST = "tests/integration/test_lost_connections.py"

MUTANTS = (
    Mutant(
        "a row's own database is forgotten",
        "ledger/databases.py",
        "    return home if there is None or (there != home and _is_replica(there, model)) else there\n",
        "    return home\n",
        (f"{DATABASES}::test_a_row_is_of_the_database_that_it_was_read_from",),
    ),
    Mutant(
        "a replica is written to",
        "ledger/databases.py",
        "    if alias == router.db_for_read(model):\n        return True\n",
        "",
        (f"{DATABASES}::test_a_row_of_a_replica_is_written_where_the_router_writes",),
    ),
    Mutant(
        "an id is taken for that of another row",
        "ledger/databases.py",
        "    if there != tuple(getattr(row, name) for name in names):\n",
        "    if there is None:\n",
        (f"{DATABASES}::test_an_id_is_not_taken_for_that_of_another_row",),
    ),
    Mutant(
        "what writes reads from a replica",
        "ledger/periods.py",
        '        found = Period.objects.using(alias).select_related("series").filter(pk=period.pk).first()\n',
        "        found = Period.objects.filter(pk=period.pk).first()\n",
        (f"{DATABASES}::test_what_writes_reads_from_where_it_writes",),
    ),
    Mutant(
        "migrations don't ask the routers",
        "ledger/migrations/_operations.py",
        "    return router.allow_migrate(schema_editor.connection.alias, app_label)\n",
        "    return True\n",
        (f"{ROUTED}::test_migrations",),
    ),
    Mutant(
        "a typo in one of many keeps the others",
        "ledger/actions/bulk.py",
        "            transaction.set_rollback(True, using=alias)\n",
        "            pass\n",
        (f"{ACTIONS}::TestAllOrNone::test_a_typo_in_one_of_many_explains_none",),
    ),
    Mutant(
        "a command acts without a name",
        "ledger/management/base.py",
        "            return getpass.getuser()\n",
        '            return ""\n',
        (f"{ACTIONS}::TestWhoActs::test_commands_keep_who_acts",),
    ),
    Mutant(
        "times are told without their offset",
        "ledger/timestamps.py",
        "    return localtime(aware(moment), zone).isoformat(",
        "    return localtime(aware(moment), zone).replace(tzinfo=None).isoformat(",
        (f"{ACTIONS}::TestTimes::test_commands",),
    ),
    Mutant(
        "the overview takes one day for all series",
        "ledger/web/overview.py",
        "    days = todays(router.db_for_read(Series))\n",
        "    days = dict.fromkeys(todays(router.db_for_read(Series)), date(2000, 1, 1))\n",
        (f"{ACTIONS}::TestTimes::test_the_overview_takes_the_day_of_each_series",),
    ),
    Mutant(
        "one bad series keeps the others from their periods",
        "ledger/periods.py",
        "            except (LedgerError, DataError, ValueError, ArithmeticError) as error:\n",
        "            except PeriodError as error:\n",
        (f"{ACTIONS}::TestOneBadSeries::test_keeps_no_other_from_its_period",),
    ),
    Mutant(
        "a connection that was cut never comes back",
        "ledger/sweeps/running.py",
        " and not connection.is_usable():\n",
        " and False:\n",
        (f"{LOST}::test_a_sweep_after_its_connection_was_cut",),
    ),
)
