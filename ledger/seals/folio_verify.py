"""Checks what Folio has sealed: needs Python 3.11 and nothing else, no network, no Django, no database.

    python -I folio_verify.py [--key PUBLIC_KEY] [--tokens DIR] FILE…

FILE is what `manage.py ledger_seal export` or `prove` wrote, as JSON lines. In an export it checks each row, each seal,
the signatures and the chain, and then looks for numbers that come twice or are missing. In a proof it checks that its
row is in the seal. Pass two exports of different times, the older one first, and it checks that the later one has all
of the earlier one; pass the database's chain with a tenant's, and it checks that the one has the heads of the other.
PUBLIC_KEY is the merchant's key (64 hexadecimal digits), which you got from the merchant in another way; without it,
the script tells which keys have signed. --tokens writes the time stamps to files, and tells how openssl checks them.
Exit code 0: all is as it was sealed; 1: it is, but numbers are missing or nobody signed; 2: something was changed, or
can't be read.

What is checked (format 1; all texts are UTF-8, H is SHA-256, "|" puts bytes together):

- A row is one line: a JSON array with its table, its id, and the fields of COLUMNS. If its table has personal texts
  (PERSONAL), these are a JSON array beside the line, which can be withheld: its hash is H(salt | text), in hexadecimal,
  with a salt of its own.
- A leaf is H(0x00 | salt | line), or with personal texts H(0x00 | salt | line | newline | their hash). A node is
  H(0x01 | left | right), and the tree is that of RFC 6962.
- A head is a JSON object whose text is signed with Ed25519 (RFC 8032). `previous` is H(head | newline | signature |
  newline | cosignature) of the seal before, the signatures in hexadecimal. The first head of a new key is also signed
  by the key before it.
"""

import argparse
import base64
import hashlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

_OF_EVENTS = "id tenant era transaction login role"
_PERIOD = "series starts_on ordinal"

# What the rows of each table have, and after "|" their personal texts.
_TABLES = {
    "ledger_accesschanged": f"{_OF_EVENTS} user kind changed_at | actor",
    "ledger_adoptedgap": f"{_OF_EVENTS} adoption {_PERIOD} first_value last_value",
    "ledger_adoption": f"{_OF_EVENTS} series source digest rows options adopted_at | actor",
    "ledger_alarmacknowledged": f"{_OF_EVENTS} alarm acknowledged_at | actor reason",
    "ledger_alarmraised": f"{_OF_EVENTS} kind rule series starts_on ordinal value through number of_table of_row "
    "problem remedy subject occurrence raised_at",
    "ledger_alarmresolved": f"{_OF_EVENTS} alarm resolved_at",
    "ledger_authorisedrange": f"{_OF_EVENTS} {_PERIOD} prefix first_value last_value valid_from valid_to authority "
    "reference document_type key_reference document authorised_at | actor",
    "ledger_draftcancelled": f"{_OF_EVENTS} draft state cancelled_at | actor",
    "ledger_draftmade": f"{_OF_EVENTS} {_PERIOD} place value number system remote_id reference refusal drafted_at",
    "ledger_entry": f"{_OF_EVENTS} {_PERIOD} value kind number document issued_on issued_at replaces | actor metadata",
    "ledger_findingacknowledged": f"{_OF_EVENTS} finding acknowledged_at | actor reason",
    "ledger_findingraised": f"{_OF_EVENTS} system kind subject occurrence entry number document facts raised_at",
    "ledger_findingresolved": f"{_OF_EVENTS} finding resolved_at",
    "ledger_gapdeclared": f"{_OF_EVENTS} {_PERIOD} first_value last_value authority reference declared_at "
    "| actor justification",
    "ledger_gapexplained": f"{_OF_EVENTS} entry adopted_gap explained_at | actor explanation",
    "ledger_holehealed": f"{_OF_EVENTS} hole entry healed_at",
    "ledger_holereported": f"{_OF_EVENTS} {_PERIOD} value reported_at",
    "ledger_numberregistered": f"{_OF_EVENTS} entry authority reference digest registered_at | actor",
    "ledger_numbervoided": f"{_OF_EVENTS} entry replacement voided_at | actor reason",
    "ledger_periodchanged": f"{_OF_EVENTS} period old new changed_at | actor",
    "ledger_rangelapsed": f"{_OF_EVENTS} authorised first_value last_value lapsed_at | actor",
    "ledger_seal": f"{_OF_EVENTS} number signed_head",
    "ledger_sealanchored": f"{_OF_EVENTS} seal kind token_sha256 anchored_at",
    "ledger_serieschanged": f"{_OF_EVENTS} series old new changed_at | actor",
    # As they were when the seal was made; the first value and the counter of a period come last.
    "ledger_period": "id tenant series starts_on ordinal settings first_value last_value",
    "ledger_series": "id tenant code settings",
}

#: The fields in the line of a row, by its table, in this order.
COLUMNS = {table: ("table", *fields.partition("|")[0].split()) for table, fields in _TABLES.items()}

#: The personal texts of a row, by its table, in this order.
PERSONAL = {table: tuple(fields.partition("|")[2].split()) for table, fields in _TABLES.items()}

SEAL, EXPORT, HEADS, PROOF = "folio.seal/1", "folio.export/1", "folio.heads/1", "folio.proof/1"


class Wrong(Exception):
    """Something is not as it was sealed; the text says what."""


# The tree of RFC 6962.


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The root of leaves that come one by one: memory for one node of each height."""

    def __init__(self) -> None:
        self.size = 0
        self._nodes: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """The next leaf, by its hash."""
        size = self.size
        while size & 1:
            leaf = node_hash(self._nodes.pop(), leaf)
            size >>= 1
        self._nodes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of all leaves so far."""
        if not self._nodes:
            return hashlib.sha256(b"").digest()
        nodes = self._nodes[::-1]
        root = nodes[0]
        for node in nodes[1:]:
            root = node_hash(node, root)
        return root


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over the hashes of leaves."""
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def audit_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from a leaf to the root, from the bottom up."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*audit_path(leaves[:half], index), tree_root(leaves[half:])]
    return [*audit_path(leaves[half:], index - half), tree_root(leaves[:half])]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root to which a path leads (RFC 9162, 2.1.3.2); raises Wrong if it is no path of such a tree."""
    if not 0 <= index < size:
        raise Wrong(f"the seal has {size} rows, and none at place {index}")
    place, last, root = index, size - 1, leaf
    for node in path:
        if last == 0 or len(node) != 32:
            raise Wrong("the path is longer than the tree is high")
        if place & 1 or place == last:
            root = node_hash(node, root)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, node)
        place, last = place >> 1, last >> 1
    if last:
        raise Wrong("the path ends below the root")
    return root


# Rows.


def salts_of(key: bytes, table: str, row: int) -> tuple[bytes, bytes]:
    """The salts of a row and of its personal texts, by the key that each seal has for itself (keyed BLAKE2b)."""
    both = hashlib.blake2b(f"{table}/{row}".encode(), key=key).digest()
    return both[:32], both[32:]


def personal_hash(salt: bytes, text: str) -> str:
    """The hash that represents the personal texts in their row's leaf."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def leaf_by_key(key: bytes, table: str, row: int, line: str, personal: str | None) -> bytes:
    """The leaf of a row whose personal texts are known: as the functions above, in one go for millions of rows."""
    both = hashlib.blake2b(f"{table}/{row}".encode(), key=key).digest()
    if personal is not None:
        line = f"{line}\n{hashlib.sha256(both[32:] + personal.encode()).hexdigest()}"
    return hashlib.sha256(b"\0" + both[:32] + line.encode()).digest()


def leaf_of(shipped: dict[str, Any]) -> bytes:
    """The leaf of a row as an export or a proof ships it: withheld texts are a hash, any others have their salt."""
    personal, row, salt = shipped["personal"], json.loads(shipped["line"]), bytes.fromhex(shipped["salt"])
    if isinstance(personal, dict):
        personal = personal_hash(bytes.fromhex(personal["salt"]), personal["text"])
    if personal is not None and (len(personal) != 64 or set(personal) - set("0123456789abcdef")):
        raise Wrong("withheld texts have no proper hash")
    if (personal is None) == bool(PERSONAL[row[0]]) or len(row) != len(COLUMNS[row[0]]) or len(salt) != 32:
        raise Wrong("the row has more or fewer fields than its table")
    line = shipped["line"] if personal is None else f"{shipped['line']}\n{personal}"
    return leaf_hash(salt + line.encode())


# Ed25519 (RFC 8032), only to check signatures: slow and short; nothing here is secret.

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _add(a: _Point, b: _Point) -> _Point:
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    three, four = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _point(code: bytes) -> _Point | None:
    y = int.from_bytes(code, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_B = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the holder of the key signed this very message."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, commitment, scalar = _point(public_key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _L or _B is None:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _L
    one, two = _times(scalar, _B), _add(commitment, _times(challenge, key))
    return not (one[0] * two[2] - two[0] * one[2]) % _P and not (one[1] * two[2] - two[1] * one[2]) % _P


# Seals.

#: Checks a signature: public key, message, signature.
Signed = Callable[[bytes, bytes, bytes], bool]


def signed_head_hash(head: str, signature: str, cosignature: str) -> str:
    """What the next seal names as its previous one, and what a time stamp is about."""
    return hashlib.sha256(f"{head}\n{signature}\n{cosignature}".encode()).hexdigest()


def read_head(shipped: dict[str, Any], signed: Signed = is_signed) -> dict[str, Any]:
    """The facts of a head; raises Wrong unless its signature is that of the key that it names, where it names one."""
    head: dict[str, Any] = json.loads(shipped["head"])
    if head.get("folio") != SEAL or json.dumps(head, sort_keys=True, separators=(",", ":")) != shipped["head"]:
        raise Wrong("the head is not one of this format")
    key, signature = bytes.fromhex(head["key"]), bytes.fromhex(shipped["signature"])
    if not (signed(key, shipped["head"].encode(), signature) if key else not signature):
        raise Wrong(f"{name_of(head)} does not have the signature of its key {head['key'] or '(none)'}")
    return head


def name_of(head: dict[str, Any]) -> str:
    """What people call a seal."""
    of = "the database" if head["tenant"] is None else f"tenant {head['tenant']!r}"
    return f"seal {head['number']} of {of}"


def check_link(
    before: dict[str, Any] | None, shipped: dict[str, Any], keys: Iterable[str], signed: Signed = is_signed
) -> dict[str, Any]:
    """The facts of a head, which must follow ``before`` (as shipped, None for the first); raises Wrong.

    ``keys`` are those that are trusted; with none, each key vouches for the next by its cosignature.
    """
    head, known = read_head(shipped, signed), set(keys)
    name, last = name_of(head), None if before is None else json.loads(before["head"])
    previous = None if before is None else signed_head_hash(before["head"], before["signature"], before["cosignature"])
    if head["previous"] != previous or head["number"] != (1 if last is None else last["number"] + 1):
        raise Wrong(f"{name} does not follow the one before it")
    if head["total"] != head["size"] + (0 if last is None else last["total"]):
        raise Wrong(f"{name} does not count the rows of all seals before it")
    if known and head["key"] not in known:
        raise Wrong(f"{name} is signed by {head['key'] or 'nobody'}, which is not a key that you named")
    changed = last is not None and head["key"] != last["key"]
    if changed and last is not None and last["key"] and head["key"] not in known:
        cosignature = bytes.fromhex(shipped["cosignature"])
        if not signed(bytes.fromhex(last["key"]), shipped["head"].encode(), cosignature):
            raise Wrong(f"{name} has another key than the one before, which did not sign it")
    return head


# Files.


class Report:
    """What was found: what is wrong, what people should look at, and what holds."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.unproven: list[str] = []
        self.said: list[str] = []
        self.tokens: dict[str, bytes] = {}
        #: The hashes of tenants' heads that the database's chain has, by tenant and number.
        self.heads: dict[tuple[str, int], str] = {}

    def take_tokens(self, signed_head: str, shipped: dict[str, Any]) -> None:
        """Keep the time stamps of a seal, by the hash that they are about."""
        for one in shipped.get("anchors", ()):
            if one["kind"] == "rfc3161":
                self.tokens[signed_head] = base64.b64decode(one["token"])

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        return 2 if self.wrong else 1 if self.unproven else 0


class Numbers:
    """Counts the values of each period from the lines."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str, int], set[int]] = defaultdict(set)
        self.gaps: dict[tuple[str, str, int], list[tuple[int, int]]] = defaultdict(list)
        self.counters: dict[tuple[str, str, int], tuple[int, int]] = {}
        self.numbers: set[str] = set()
        self.twice: list[str] = []
        self.rows: set[tuple[str, int]] = set()

    def add(self, row: dict[str, Any]) -> None:
        """One row of a seal."""
        table, period = row["table"], (row.get("series"), row.get("starts_on"), row.get("ordinal"))
        if table == "ledger_period":
            self.counters[period] = (row["first_value"], row["last_value"])  # type: ignore[index]
        elif table != "ledger_series":
            if (table, row["id"]) in self.rows:
                self.twice.append(f"{table} {row['id']} is sealed twice")
            self.rows.add((table, row["id"]))
        if table == "ledger_adoptedgap":
            self.gaps[period].append((row["first_value"], row["last_value"]))  # type: ignore[index]
        elif table == "ledger_entry":
            if row["value"] in self.values[period] or row["number"].upper() in self.numbers:  # type: ignore[index]
                self.twice.append(f"the number {row['number']} is there twice")
            self.values[period].add(row["value"])  # type: ignore[index]
            self.numbers.add(row["number"].upper())

    def missing(self) -> Iterator[str]:
        """Ranges of values of a period that were taken from its counter, and that no sealed row accounts for."""
        for period in sorted(self.values.keys() | self.counters.keys()):
            known = sorted([(value, value) for value in self.values[period]] + self.gaps[period])
            first, last = self.counters.get(period, (known[0][0], 0) if known else (1, 0))
            after = first - 1
            for start, end in [*known, (last + 1, last + 1)]:
                if start > after + 1:
                    values = f"{after + 1}" if start == after + 2 else f"{after + 1} to {start - 1}"
                    pooled = "taken from the counter, without a sealed row (a pool keeps some)"
                    what = pooled if start == last + 1 else "without a sealed row"
                    yield f"series {period[0]}, period from {period[1]}: {values} {what}"
                after = max(after, end)


def check_export(
    tenant: str | None, lines: Iterable[dict[str, Any]], keys: Iterable[str], report: Report, *, with_rows: bool = True
) -> list[str]:
    """Check an export but for its first line, and return the hashes of its signed heads, the first seal first."""
    heads: list[str] = []
    before: dict[str, Any] | None = None
    head: dict[str, Any] = {"size": 0, "root": tree_root([]).hex()}
    tree, numbers, signers = Tree(), Numbers(), set()
    for shipped in lines:
        if "head" in shipped:
            if with_rows:
                _end(head, tree, report)
            try:
                head = check_link(before, shipped, keys)
                if head["tenant"] != tenant:
                    raise Wrong(f"{name_of(head)} stands in a file of tenant {tenant!r}")
            except Wrong as error:
                report.wrong.append(str(error))
                head = json.loads(shipped["head"])
            heads.append(signed_head_hash(shipped["head"], shipped["signature"], shipped["cosignature"]))
            report.take_tokens(heads[-1], shipped)
            before, tree = shipped, Tree()
            signers.add(head["key"])
        elif "line" in shipped:
            row = json.loads(shipped["line"])
            leaf = leaf_of(shipped)
            if leaf.hex() != shipped.get("leaf", leaf.hex()):
                source, pk, *_ = row
                report.wrong.append(f"{source} {pk} was changed after {name_of(head)}")
            tree.add(bytes.fromhex(shipped.get("leaf", leaf.hex())))
            told = dict(zip(COLUMNS[row[0]], row, strict=True))
            numbers.add(told)
            if told["table"] == "ledger_seal":
                report.heads[told["tenant"], told["number"]] = told["signed_head"]
        else:
            report.wrong.append(f"{shipped['was']}, which {name_of(head)} covers, is gone")
            tree.add(bytes.fromhex(shipped["leaf"]))
    if with_rows:
        _end(head, tree, report)
    report.wrong += numbers.twice
    report.unproven += numbers.missing()
    if not signers - {""}:
        report.unproven.append("nobody has signed these seals: only heads that you kept yourself can vouch for them")
    elif not set(keys):
        report.said.append(f"signed by {', '.join(sorted(signers - {''}))}: compare that with the merchant's key")
    report.said.append(f"{len(heads)} seals, {len(numbers.rows)} rows, {len(numbers.numbers)} numbers")
    if before is not None:
        report.said.append(f"sealed up to {head['made_at']}: {name_of(head)}, signed head {heads[-1]}")
    return heads


def _end(head: dict[str, Any], tree: Tree, report: Report) -> None:
    if tree.size != head["size"] or tree.root().hex() != head["root"]:
        report.wrong.append(f"the rows are not those of {name_of(head)}")


def check_proof(proof: dict[str, Any], keys: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row and the head of a proof; raises Wrong where the one is not in the other."""
    head, known = read_head(proof), set(keys)
    if known and head["key"] not in known:
        raise Wrong(f"{name_of(head)} is signed by {head['key'] or 'nobody'}, which is not a key that you named")
    path = [bytes.fromhex(node) for node in proof["path"]]
    if root_by_path(leaf_of(proof), proof["index"], head["size"], path).hex() != head["root"]:
        raise Wrong(f"the row is not in {name_of(head)}")
    row = json.loads(proof["line"])
    return dict(zip(COLUMNS[row[0]], row, strict=True)), head


def _check_proofs(proofs: Iterable[dict[str, Any]], keys: Iterable[str], report: Report) -> None:
    proven: set[str] = set()
    for proof in proofs:
        row, head = check_proof(proof, keys)
        if row["table"] == "ledger_seal" and row["signed_head"] not in proven:
            raise Wrong(f"seal {row['number']} in {name_of(head)} is not the one of the proof before")
        signed_head = signed_head_hash(proof["head"], proof["signature"], proof["cosignature"])
        proven.add(signed_head)
        report.take_tokens(signed_head, proof)
        key = f"key {head['key']}" if head["key"] else "nobody"
        said = f"{row['table']} {row.get('number', row['id'])} is in {name_of(head)} of {head['made_at']}"
        report.said.append(f"{said}, signed by {key}: {json.dumps(row, ensure_ascii=False)}")


def check_files(paths: Sequence[str], keys: Sequence[str]) -> Report:
    """Check each file, and that exports of one tenant, the oldest first, agree; what can't be read is wrong."""
    report, exports = Report(), {}
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123  (no pathlib: as plain as can be)
                lines = (json.loads(line) for line in file)
                first: dict[str, Any] = next(lines, {})
                if first.get("folio") in (EXPORT, HEADS):
                    with_rows = first["folio"] == EXPORT
                    tenant = first["tenant"]
                    exports[path] = (tenant, check_export(tenant, lines, keys, report, with_rows=with_rows))
                elif first.get("folio") == PROOF:
                    _check_proofs((first, *lines), keys, report)
                else:
                    report.wrong.append(f"{path} is neither an export nor a proof of Folio")
        except Wrong as error:
            report.wrong.append(f"{path}: {error}")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            report.wrong.append(f"{path} can't be read: {type(error).__name__}: {error}")
    for (one, (tenant, heads)), (other, (same, later)) in combinations(exports.items(), 2):
        if tenant == same and heads == later[: len(heads)]:
            report.said.append(f"{other} goes on from {one}")
        elif tenant == same and later == heads[: len(later)]:
            told = f"{other} ends before {one}, which you named first"
            report.wrong.append(f"{told}: seals were cut off, or the older file doesn't come first")
        elif tenant == same:
            report.wrong.append(f"{other} does not go on from {one}: history was rewritten between them")
    for tenant, heads in {tenant: heads for tenant, heads in exports.values() if tenant is not None}.items():
        known = {number: head for (owner, number), head in report.heads.items() if owner == tenant}
        if any(head != heads[number - 1] for number, head in known.items() if number <= len(heads)):
            report.wrong.append(f"the database's chain has other seals of tenant {tenant!r}")
        elif known and max(known) > len(heads):
            report.unproven.append(
                f"the database's chain has seal {max(known)} of tenant {tenant!r}, and no file here has"
            )
        elif known:
            report.said.append(f"the database's chain has seal {max(known)} of tenant {tenant!r} as it is here")
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(description="Checks exports and proofs of Folio's seals.")
    parser.add_argument("file", nargs="+", help="What ledger_seal export or prove wrote.")
    parser.add_argument("--key", action="append", default=[], help="A public key to trust, in hexadecimal.")
    parser.add_argument("--tokens", metavar="DIR", help="Write the time stamps there, for openssl to check.")
    options = parser.parse_args(arguments)
    report = check_files(options.file, [key.lower() for key in options.key])
    for digest, token in report.tokens.items() if options.tokens else ():
        path = os.path.join(options.tokens, f"{digest}.tsr")  # noqa: PTH118
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(token)
        report.said.append(f"openssl ts -verify -digest {digest} -in {path} -CAfile CERTIFICATES_OF_THE_AUTHORITY.pem")
    for label, texts in (("WRONG", report.wrong), ("UNPROVEN", report.unproven), ("ok", report.said)):
        for text in texts:
            sys.stdout.write(f"{label}: {text}\n")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
