"""The verifier that needs no Folio: hashes and signatures match the vectors of their RFCs; wrong proofs are refused."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.seals import folio_verify as verifier
from ledger.seals.reading import signed

#: The usual example of Certificate Transparency: eight leaves, and the roots of the first one, two, … of them.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

#: RFC 8032, section 7.1: secret key, public key, message, signature.
SIGNED = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
SALT = bytes(range(32, 64))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    assert verifier.tree_root([verifier.leaf_hash(leaf) for leaf in LEAVES[:size]]).hex() == ROOTS[size]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), SIGNED)
def test_signatures_are_those_of_rfc_8032(secret: str, public: str, message: str, signature: str) -> None:
    key, text, mark = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    own = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    assert own.public_key().public_bytes_raw() == key
    assert own.sign(text) == mark
    for check in (verifier.is_signed, signed):
        assert check(key, text, mark)
        assert not check(key, text + b"\0", mark)
        assert not check(key, text, mark[:-1])
        for place in range(0, 64, 7):
            forged = bytearray(mark)
            forged[place] ^= 1
            assert not check(key, text, bytes(forged))
        # The same signature in another form: s + L, which RFC 8032 forbids.
        other_form = mark[:32] + (int.from_bytes(mark[32:], "little") + verifier._L).to_bytes(32, "little")
        assert not check(key, text, other_form)


def row(value: int, /, **changed: Any) -> str:
    fields: dict[str, Any] = {
        "table": "ledger_entry",
        "id": value,
        "tenant": "acme",
        "era": 1,
        "transaction": 700 + value,
        "login": "shop",
        "role": "none",
        "series": "invoice",
        "starts_on": "2026-01-01",
        "ordinal": 0,
        "value": value,
        "kind": "issued",
        "number": f"INV-{value}",
        "document": f"order:{value}",
        "issued_on": "2026-03-01",
        "issued_at": "2026-03-01T10:00:00.123456",
        "replaces": None,
    }
    return json.dumps(list((fields | changed).values()))


def shipped(value: int, /, *, actor: str = "anna", withhold: bool = False, **changed: Any) -> dict[str, Any]:
    salt, other = verifier.salts_of(SALT, "ledger_entry", value)
    text = json.dumps([actor, {}])
    personal: Any = verifier.personal_hash(other, text) if withhold else {"salt": other.hex(), "text": text}
    return {"line": row(value, **changed), "salt": salt.hex(), "personal": personal}


def head(
    number: int, rows: list[dict[str, Any]], before: dict[str, Any] | None, key: Any = KEY, tenant: str | None = "acme"
) -> dict[str, Any]:
    last = None if before is None else json.loads(before["head"])
    leaves = [verifier.leaf_of(one) for one in rows]
    facts = {
        "folio": verifier.SEAL,
        "tenant": tenant,
        "number": number,
        "era": 1,
        "place": "1/shop/public",
        "size": len(rows),
        "total": len(rows) + (last["total"] if last else 0),
        "snapshot": "9:9:",
        "root": verifier.tree_root(leaves).hex(),
        "previous": before and verifier.signed_head_hash(before["head"], before["signature"], before["cosignature"]),
        "made_at": f"2026-03-0{number}T00:00:00.000000Z",
        "key": key.public_key().public_bytes_raw().hex(),
    }
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return {"head": text, "signature": key.sign(text.encode()).hex(), "cosignature": ""}


def proof(index: int, size: int, *, withhold: bool = False) -> dict[str, Any]:
    rows = [shipped(value, withhold=withhold) for value in range(1, size + 1)]
    path = verifier.audit_path([verifier.leaf_of(one) for one in rows], index)
    told = {"folio": verifier.PROOF, "index": index, "path": [node.hex() for node in path]}
    return {**told, **rows[index], **head(1, rows, None)}


@pytest.mark.parametrize("withhold", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 21])
def test_every_right_proof_is_taken(size: int, withhold: bool) -> None:
    for index in range(size):
        found, sealed = verifier.check_proof(proof(index, size, withhold=withhold), [PUBLIC])
        assert found["number"] == f"INV-{index + 1}"
        assert sealed["number"] == 1


def mutants(right: Any) -> Iterator[Any]:
    """Each text with each of its characters changed, each number by one, each list shorter and longer."""
    if isinstance(right, dict):
        for name in right.keys() - {"folio"}:
            for wrong in mutants(right[name]):
                yield {**right, name: wrong}
    elif isinstance(right, list):
        for place, one in enumerate(right):
            yield from ([*right[:place], wrong, *right[place + 1 :]] for wrong in mutants(one))
            yield [*right[:place], *right[place + 1 :]]
        yield [*right, *right[:1]]
        if right[::-1] != right:
            yield right[::-1]
    elif isinstance(right, int):
        yield from (right - 1, right + 1, right + 2**32)
    elif right:
        for place in range(0, len(right), 3):
            yield right[:place] + ("1" if right[place] == "0" else "0") + right[place + 1 :]
        yield right[:-1]


def test_wrong_proofs_are_refused() -> None:
    right = proof(5, 21)
    verifier.check_proof(right, [PUBLIC])
    refused = 0
    for wrong in mutants(right):
        with pytest.raises((verifier.Wrong, ValueError, KeyError, TypeError, IndexError, AttributeError)):
            verifier.check_proof(wrong, [PUBLIC])
        refused += 1
    assert refused >= 150


def test_a_proof_at_another_place_or_of_another_tree_is_refused() -> None:
    for size in (2, 3, 8):
        for index in range(size):
            right = proof(index, size)
            for other in range(-1, size + 2):
                if other != index:
                    with pytest.raises(verifier.Wrong):
                        verifier.check_proof(right | {"index": other}, [])


def test_a_row_cannot_pass_as_an_inner_node() -> None:
    """RFC 6962 puts 0x00 before a leaf and 0x01 before a node, so a leaf whose bytes are two hashes is no node."""
    one, two = (verifier.leaf_hash(leaf) for leaf in LEAVES[:2])
    assert verifier.leaf_hash(one + two) != verifier.tree_root([one, two])


def export(path: Path, chain: list[tuple[dict[str, Any], list[dict[str, Any]]]], tenant: str | None = "acme") -> str:
    lines: list[dict[str, Any]] = [{"folio": verifier.EXPORT, "tenant": tenant}]
    for sealed, rows in chain:
        lines += [sealed, *rows]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def chain() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Three seals of two numbers each."""
    found: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    for number in (1, 2, 3):
        rows = [shipped(2 * number - 1), shipped(2 * number)]
        found.append((head(number, rows, found[-1][0] if found else None), rows))
    return found


def test_an_export_is_in_order(tmp_path: Path, chain: Any) -> None:
    report = verifier.check_files([export(tmp_path / "a", chain)], [PUBLIC])
    assert (report.wrong, report.unproven, report.exit_code) == ([], [], 0)
    assert "3 seals, 6 rows, 6 numbers" in report.said


def test_missing_numbers_are_reported_and_duplicates_are_wrong(tmp_path: Path) -> None:
    rows = [shipped(1), shipped(4), shipped(5)]
    report = verifier.check_files([export(tmp_path / "a", [(head(1, rows, None), rows)])], [PUBLIC])
    assert report.unproven == ["series invoice, period from 2026-01-01: 2 to 3 without a sealed row"]
    assert report.exit_code == 1
    state: dict[str, Any] = {"line": json.dumps(["ledger_period", 1, "acme", "invoice", "2026-01-01", 0, {}, 1, 7])}
    state |= {"salt": SALT.hex(), "personal": None}
    rows = [shipped(1), shipped(2), state]
    report = verifier.check_files([export(tmp_path / "c", [(head(1, rows, None), rows)])], [PUBLIC])
    [missing] = report.unproven
    assert missing.startswith("series invoice, period from 2026-01-01: 3 to 7 taken from the counter, without")
    rows = [shipped(1), shipped(2, value=1, number="inv-1")]
    report = verifier.check_files([export(tmp_path / "b", [(head(1, rows, None), rows)])], [PUBLIC])
    assert report.wrong == ["the number inv-1 is there twice"]


def test_an_export_that_was_tampered_with_is_wrong(tmp_path: Path, chain: Any) -> None:
    other = Ed25519PrivateKey.from_private_bytes(secrets.token_bytes(32))
    forged = head(3, chain[2][1], chain[1][0], other)
    changed = [shipped(5, document="order:of a friend"), chain[2][1][1]]
    other_rows = [shipped(3, document="order:of a friend"), shipped(4)]
    cases = {
        "seal 3 of tenant 'acme' does not follow": [chain[0], (head(2, other_rows, chain[0][0]), other_rows), chain[2]],
        "the rows are not those of seal 3": [*chain[:2], (chain[2][0], changed)],
        "the rows are not those of seal 2": [chain[0], (chain[1][0], chain[1][1][:1]), chain[2]],
        "does not follow the one before it": [chain[1], chain[0], chain[2]],
        "has another key than the one before": [*chain[:2], (forged, chain[2][1])],
        "does not have the signature": [*chain[:2], (chain[2][0] | {"signature": forged["signature"]}, chain[2][1])],
    }
    for words, tampered in cases.items():
        report = verifier.check_files([export(tmp_path / "a", tampered)], [])
        assert any(words in wrong for wrong in report.wrong), (words, report.wrong)
        assert report.exit_code == 2
    report = verifier.check_files([export(tmp_path / "a", chain)], ["0" * 64])
    assert "is not a key that you named" in report.wrong[0]


def test_a_changed_and_a_lost_row_are_named_where_the_export_ships_their_leaves(tmp_path: Path, chain: Any) -> None:
    leaf = verifier.leaf_of(chain[1][1][0]).hex()
    changed = shipped(3, document="order:of a friend") | {"leaf": leaf}
    report = verifier.check_files([export(tmp_path / "a", [chain[0], (chain[1][0], [changed, chain[1][1][1]])])], [])
    assert report.wrong == ["ledger_entry 3 was changed after seal 2 of tenant 'acme'"]
    lost = {"was": "ledger_entry 3", "leaf": leaf}
    report = verifier.check_files([export(tmp_path / "a", [chain[0], (chain[1][0], [lost, chain[1][1][1]])])], [])
    assert report.wrong == ["ledger_entry 3, which seal 2 of tenant 'acme' covers, is gone"]


def test_two_exports_of_different_times_are_compared(tmp_path: Path, chain: Any) -> None:
    early, late = export(tmp_path / "early", chain[:2]), export(tmp_path / "late", chain)
    assert verifier.check_files([early, late], [PUBLIC]).exit_code == 0
    rows = [shipped(3, document="order:of a friend"), shipped(4)]
    rewritten = [chain[0], (head(2, rows, chain[0][0]), rows)]
    rewritten.append((head(3, chain[2][1], rewritten[1][0]), chain[2][1]))
    report = verifier.check_files([early, export(tmp_path / "late", rewritten)], [PUBLIC])
    assert any("history was rewritten between them" in wrong for wrong in report.wrong)
    # The new one is not accepted either if it is shorter, or says that it is somebody else's.
    report = verifier.check_files([late := export(tmp_path / "late", chain), early], [PUBLIC])
    assert report.wrong == [
        f"{early} ends before {late}, which you named first: seals were cut off, or the older file doesn't come first"
    ]
    report = verifier.check_files([early, export(tmp_path / "late", rewritten, "acme ")], [PUBLIC])
    assert "seal 1 of tenant 'acme' stands in a file of tenant 'acme '" in report.wrong


def test_a_tenant_s_export_is_compared_with_the_database_s_chain(tmp_path: Path, chain: Any) -> None:
    def database(number: int, signed_head: str) -> str:
        line = json.dumps(["ledger_seal", 1, "acme", 1, 700, "shop", "none", number, signed_head])
        rows = [{"line": line, "salt": SALT.hex(), "personal": None}]
        return export(tmp_path / "database", [(head(1, rows, None, tenant=None), rows)], None)

    tenant, (third, _) = export(tmp_path / "tenant", chain), chain[2]
    right = verifier.signed_head_hash(third["head"], third["signature"], "")
    report = verifier.check_files([database(3, right), tenant], [PUBLIC])
    assert (report.exit_code, report.said[-1]) == (0, "the database's chain has seal 3 of tenant 'acme' as it is here")
    report = verifier.check_files([database(4, right), tenant], [PUBLIC])
    assert report.unproven == ["the database's chain has seal 4 of tenant 'acme', and no file here has"]
    report = verifier.check_files([database(2, right), tenant], [PUBLIC])
    assert report.wrong == ["the database's chain has other seals of tenant 'acme'"]


def test_the_new_key_is_vouched_for_by_the_old_one(tmp_path: Path, chain: Any) -> None:
    other = Ed25519PrivateKey.from_private_bytes(secrets.token_bytes(32))
    changed = head(3, chain[2][1], chain[1][0], other)
    changed["cosignature"] = KEY.sign(changed["head"].encode()).hex()
    assert verifier.check_files([export(tmp_path / "a", [*chain[:2], (changed, chain[2][1])])], []).wrong == []


def test_it_needs_nothing_but_python(tmp_path: Path) -> None:
    """Alone in a folder, isolated from all that is installed, as a customer runs it."""
    (tmp_path / "folio_verify.py").write_bytes(Path(verifier.__file__).read_bytes())
    (tmp_path / "proof.jsonl").write_text(json.dumps(proof(3, 2000, withhold=True)), encoding="utf-8")
    assert (tmp_path / "proof.jsonl").stat().st_size < 2600
    command = [sys.executable, "-I", "-S", "folio_verify.py", "--key", PUBLIC.upper(), "proof.jsonl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ledger_entry INV-4 is in seal 1 of tenant 'acme'" in done.stdout
    (tmp_path / "proof.jsonl").write_text("nothing", encoding="utf-8")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert "can't be read" in done.stdout


def test_every_table_has_its_own_columns() -> None:
    assert verifier.COLUMNS.keys() == verifier.PERSONAL.keys()
    for columns in verifier.COLUMNS.values():
        assert len(set(columns)) == len(columns)
