"""``ledger_home``: lists and migrates the homes of LEDGER["HOMES"], and moves a tenant from one to another."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connections
from django.utils.module_loading import import_string
from psycopg import sql

from ledger import homes
from ledger.cursors import fetch, fetch_value
from ledger.management.base import BadOptions, LedgerCommand, seconds
from ledger.moving import drop, move, stay

#: The number of the home whose ids a ledger draws (ledger_set_home gives each home a range of 2^48), and its tenants.
_STATE = """
    SELECT (s.seqmin - 1) / 281474976710656 AS number,
           (SELECT count(DISTINCT l.tenant) FROM ledger_series l) AS tenants
    FROM pg_sequence s WHERE s.seqrelid = pg_get_serial_sequence('ledger_series', 'id')::regclass
"""
_SET_HOME = "SELECT ledger_set_home(%s)"
_IS_MIGRATED = "SELECT to_regclass('ledger_series') IS NOT NULL"
_IS_MISSING = "SELECT to_regnamespace(quote_ident(%s)) IS NULL"


class Command(LedgerCommand):
    help = (
        "The homes in which tenants' numbers live (LEDGER['HOMES']). list shows each home and whether it answers; "
        "migrate makes missing schemas and migrates all homes in turn; move takes a tenant to another home, with all "
        "rows as they are, and continues if it is run again; stay gives that up; drop deletes the old copy. Exit "
        "code 0: done; 1: a home did not answer or migrate, or a tenant did not move; 2: the options are invalid."
    )
    judges = False
    in_all_homes = False
    examples = """  manage.py ledger_home list
  manage.py ledger_home migrate
  manage.py ledger_home move shop.organization:7 north --hook shop.moving.move_rows
  manage.py ledger_home drop shop.organization:7 default
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        listing = actions.add_parser("list", help="Each home, how many tenants live there, and whether it answers.")
        listing.add_argument("--json", action="store_true", help="Write one JSON document.")
        actions.add_parser("migrate", help="Make missing schemas, migrate all homes, and give each its range of ids.")

        moving = actions.add_parser("move", help="Take a tenant to another home; nothing is numbered for it meanwhile.")
        add = moving.add_argument
        add("org", metavar="TENANT", help="The tenant's key.")
        add("to", metavar="HOME", help="The home that it goes to.")
        add("--from", dest="source", metavar="HOME", help="The home that it leaves, if not as the setting says.")
        hook = "A function of tenant, old and new home, which moves the project's own rows."
        add("--hook", metavar="PATH", help=hook)
        add("--patience", type=seconds, default=60.0, metavar="SECONDS", help="How long to wait for open checkouts.")
        for name, told in (("stay", "Give up a move that hasn't arrived."), ("drop", "Delete the old copy.")):
            action = actions.add_parser(name, help=told)
            action.add_argument("org", metavar="TENANT", help="The tenant's key.")
            action.add_argument("at", metavar="HOME", help="The home that it leaves or has left.")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _list(self, options: dict[str, Any]) -> None:
        answers = homes.ask_all(_state)
        unknown = {"number": None, "tenants": None}
        rows = [{"home": one.home, **(one.value or unknown), "error": str(one.error or "").strip()} for one in answers]
        if options["json"]:
            self.write_json(rows)
        else:
            self.write_table(("home", "number", "tenants", "error"), (row.values() for row in rows))
        if any(row["error"] for row in rows):
            raise CommandError("Homes that don't answer are red: see above.")

    def _move(self, options: dict[str, Any]) -> None:
        org, to, source = options["org"], options["to"], options["source"]
        try:
            hook = import_string(options["hook"]) if options["hook"] else None
        except ImportError as error:
            raise BadOptions(f"--hook {options['hook']} can't be imported: {error}.") from error
        with self.progress(None, wanted=options["verbosity"] > 0) as tell:
            rows = move(org, to, source=source, hook=hook, patience=options["patience"], tell=tell)
        self.stdout.write(f"{rows:,} rows of tenant {org!r} are in the home {to!r} now, compared by digest.")

    def _stay(self, options: dict[str, Any]) -> None:
        stay(options["org"], options["at"])
        self.stdout.write(f"The tenant {options['org']!r} stays in the home {options['at']!r}.")

    def _drop(self, options: dict[str, Any]) -> None:
        rows = drop(options["org"], options["at"])
        self.stdout.write(f"{rows:,} rows of the old copy of tenant {options['org']!r} are gone.")

    def _migrate(self, options: dict[str, Any]) -> None:
        """Migrate each home, whether others fail or not; run again, it goes on with the homes that are left."""
        every, failed = homes.homes(), []
        # A single home shares its ids with nobody.
        asked = homes.ask_all(_state) if homes.are_many() else []
        taken = {one.value["number"] for one in asked if one.value is not None and one.value["tenants"]}
        with self.progress(len(every), wanted=options["verbosity"] > 0) as begin:
            for home in every:
                begin(home)
                try:
                    _make_schema(home)
                    call_command(
                        "migrate", database=home, run_syncdb=True, verbosity=0, interactive=False, skip_checks=True
                    )
                    taken.add(number := _numbered(home, taken))
                    self.stdout.write(f"{home}: migrated; its ids are those of home {number}.")
                except Exception as error:  # noqa: BLE001  (any error is shown, and the next home has its turn)
                    failed.append(home)
                    self.stderr.write(f"{home}: {type(error).__name__}: {error}")
                finally:
                    connections[home].close()
        if failed:
            raise CommandError(f"Not migrated: {', '.join(failed)}. Run it again.")


def _state(home: str) -> dict[str, Any]:
    if not fetch_value(home, _IS_MIGRATED):
        raise CommandError("not migrated: manage.py ledger_home migrate")
    [row] = fetch(home, _STATE)
    state: dict[str, Any] = row._asdict()
    return state


def _make_schema(home: str) -> None:
    alias, _, schema = home.partition(":")
    if not schema or alias not in connections.settings:
        return
    if fetch_value(alias, _IS_MISSING, [schema]):
        with connections[alias].cursor() as cursor:
            cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))


def _numbered(home: str, taken: set[int]) -> int:
    """The number of the home whose ids the ledger draws; an empty ledger never shares it: it gets the next free one."""
    state = _state(home)
    number: int = state["number"]
    if number in taken and not state["tenants"]:
        number = next(each for each in range(len(taken) + 1) if each not in taken)
        fetch_value(home, _SET_HOME, [number])
    return number
