"""``ledger_seal``: seals new rows, exports and proves what is sealed, and compares the rows with their seals."""

import hashlib
import inspect
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ledger.cursors import fetch
from ledger.errors import SealError
from ledger.failures import Failures
from ledger.management.base import BadOptions, LedgerCommand, counted, path
from ledger.management.whole_file import whole_file
from ledger.seals import folio_verify, sql
from ledger.seals.exporting import export, prove
from ledger.seals.reading import sealed_tenants, standing
from ledger.seals.sealing import Held, begin_era, seal, seal_all
from ledger.seals.signing import signer
from ledger.series import series_of
from ledger.timestamps import timestamp
from ledger.verification.seals import read_known, verify_seals

_TAMPERED = 2


class Command(LedgerCommand):
    help = (
        "Seals the ledger's events, so that a later change shows, whoever made it, even the database's owner. "
        "Exit code 0: done, and all is as it was sealed; 1: refused, with the reason; 2: rows or seals are not as they "
        "were, or the options are invalid."
    )
    judges = False
    examples = """  manage.py ledger_seal now
  manage.py ledger_seal export --tenant shop.organization:42 > march.jsonl
  manage.py ledger_seal export --heads --to /mnt/outside
  manage.py ledger_seal prove INV-2026-000123 --tenant shop.organization:42 > proof.jsonl
  manage.py ledger_seal verify --known /mnt/outside
  manage.py ledger_seal verifier > folio_verify.py && python -I folio_verify.py march.jsonl
"""

    def add_arguments(self, parser: CommandParser) -> None:
        names = "now | export | prove | verify | status | new-era | verifier"
        actions = parser.add_subparsers(dest="action", required=True, metavar=names)
        now = actions.add_parser("now", help="Seal what is new: all tenants and then the database, or one tenant.")
        out = actions.add_parser("export", help="Write a chain of seals with its rows, which others can check.")
        out.add_argument("--heads", action="store_true", help="Only the signed heads, to keep elsewhere.")
        out.add_argument("--withhold", action="store_true", help="Hashes in place of actors, reasons and metadata.")
        out.add_argument("--to", type=path, metavar="DIR", help="All chains, each as a file in this folder.")
        proof = actions.add_parser("prove", help="Write the proof that a number is sealed, and its void if it is void.")
        proof.add_argument("number", help="The number, such as INV-2026-000123.")
        proof.add_argument("--personal", action="store_true", help="With actor, reason and metadata.")
        proof.add_argument("--anchored", action="store_true", help="Up to the database's seal and its time stamps.")
        self.add_tenant(proof)
        check = actions.add_parser("verify", help="Compare the rows with their seals, and the seals with each other.")
        check.add_argument("--known", type=path, metavar="DIR", help="Also with the heads in this folder's files.")
        told = actions.add_parser("status", help="How far each tenant is sealed, and by which key.")
        era = actions.add_parser("new-era", help="Continue sealing on another server, as the owner of the tables.")
        era.add_argument("--accept-differences", action="store_true", help="Even if rows are not as they were sealed.")
        for one in (now, out, proof, check, told, era):
            super().add_arguments(one)
        for one in (now, out, check, told):
            self.add_chosen(one, series=False)
        actions.add_parser("verifier", help="Print folio_verify.py, which checks exports and proofs.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "verifier":
            self.stdout.write(inspect.getsource(folio_verify), ending="")
        else:
            super().handle(*args, **options)

    def _now(self, alias: str, options: dict[str, Any]) -> None:
        failures = Failures()
        if options["tenant"] is None:
            counts = seal_all(failures, using=alias, database=True)
        else:
            self._refuse_unknown(alias, options["tenant"])
            try:
                done = seal(options["tenant"], using=alias)
            except Held:
                raise CommandError("A worker seals for this tenant just now. Try again.") from None
            counts = {"sealed": int(done is not None), "rows": 0 if done is None else done.rows}
        if options["json"]:
            self.write_json(counts | {"failed": failures.told})
        else:
            made = f"{counted(counts['sealed'], 'seal', 'seals')} of {counted(counts['rows'], 'row', 'rows')} made."
            self.stdout.write(made if counts["sealed"] else "Nothing is new since the last seals.")
        if failures.told:
            raise CommandError(str(failures))
        if counts.get("held"):
            raise CommandError(f"Workers seal for {counts['held']} tenants just now. Try again.")

    def _export(self, alias: str, options: dict[str, Any]) -> None:
        if options["json"]:
            raise BadOptions("An export is JSON lines already: leave --json out.")
        how = {"heads": options["heads"], "withhold": options["withhold"]}
        if options["to"] is None:
            for line in export(alias, options["tenant"], **how):
                self.stdout.write(line)
            return
        tenants = [options["tenant"]] if options["tenant"] is not None else [None, *sealed_tenants(alias)]
        try:
            options["to"].mkdir(exist_ok=True)
            for tenant in tenants:
                name = "database" if tenant is None else f"tenant-{hashlib.sha256(tenant.encode()).hexdigest()[:16]}"
                with whole_file(options["to"] / f"{name}.jsonl") as file:
                    for line in export(alias, tenant, **how):
                        file.write(f"{line}\n".encode())
        except OSError as error:
            raise BadOptions(f"Nothing can be written to --to {options['to']}: {error.strerror}.") from error
        self.stderr.write(f"{counted(len(tenants), 'chain', 'chains')} written to {options['to']}.")

    def _prove(self, alias: str, options: dict[str, Any]) -> None:
        how = {"withhold": not options["personal"], "anchored": options["anchored"]}
        for line in prove(alias, options["tenant"], options["number"], **how):
            self.stdout.write(line)

    def _verify(self, alias: str, options: dict[str, Any]) -> None:
        if options["tenant"] is not None:
            self._refuse_unknown(alias, options["tenant"])
        if options["known"] is not None and not options["known"].is_dir():
            raise BadOptions(f"--known {options['known']} is no folder.")
        known = None if options["known"] is None else read_known(options["known"])
        found = []
        with self.progress(None, wanted=options["verbosity"] > 0) as begin:
            for alarm in verify_seals(alias, tenant=options["tenant"], known=known, progress=begin):
                found.append(asdict(alarm))
                if not options["json"]:
                    self.stdout.write(self.style.ERROR(str(alarm)))
        if options["json"]:
            self.write_json({"ok": not found, "alarms": found})
        if found:
            places = counted(len(found), "place", "places")
            raise CommandError(f"The ledger is not as it was sealed, in {places}.", returncode=_TAMPERED)
        if not options["json"]:
            tenants = counted(len(sealed_tenants(alias)), "tenant", "tenants")
            self.stdout.write(self.style.SUCCESS(f"All rows are as they were sealed: {tenants}."))

    def _status(self, alias: str, options: dict[str, Any]) -> None:
        every = series_of(alias, options["tenant"], None).order_by("tenant").values_list("tenant", flat=True).distinct()
        rows = {tenant: standing(tenant, using=alias) for tenant in every}
        [last] = fetch(alias, sql.CHAIN)
        moved = last.same_era is not None and not (last.same_era and last.same_place)
        try:
            signs = signer()
            key = "" if signs is None else signs.public_key.hex()
        except SealError as error:
            key = str(error)
        if options["json"]:
            tenants = [{"tenant": tenant, **asdict(one)} for tenant, one in rows.items()]
            self.write_json({"moved": moved, "key": key, "tenants": tenants})
        else:
            lines = []
            for t, s in rows.items():
                signed = "yes" if s.is_signed else "no"
                lines.append((t, s.number or "none", timestamp(s.sealed_at), s.newer if s.number else "all", signed))
            self.write_table(("tenant", "seal", "sealed up to", "newer numbers", "signed"), lines)
            self.stdout.write(f"The key here: {key or 'none'}.")
        if moved:
            raise CommandError(
                "This ledger was sealed on another server, or in another database or schema. If it was moved for good, "
                "run manage.py ledger_seal new-era as the owner."
            )

    def _new_era(self, alias: str, options: dict[str, Any]) -> None:
        with self.progress(None, wanted=options["verbosity"] > 0) as begin:
            first = begin_era(using=alias, accept_differences=options["accept_differences"], progress=begin)
        if options["json"]:
            self.write_json(None if first is None else asdict(first))
        elif first is not None:
            self.stdout.write(f"A new era has begun, with seal {first.number} of the database.")

    def _refuse_unknown(self, alias: str, tenant: str) -> None:
        if not series_of(alias, tenant, None).exists() and tenant not in sealed_tenants(alias):
            raise BadOptions(f"There is no tenant {tenant!r}. manage.py ledger_seal status shows all.")
