"""Telling the outside of the database's last seal: a time stamp authority (RFC 3161), and a function of the host.

What they know, the owner of the database can't take back. Each is asked once for a seal, after the seal is durable;
what comes back is an event.
"""

import base64
import secrets
from collections.abc import Callable

from django.utils.module_loading import import_string

from ledger.conf import ledger_settings
from ledger.cursors import open_cursor
from ledger.errors import SealError
from ledger.models import LedgerSeal, SealAnchored
from ledger.seals import sql
from ledger.seals.folio_verify import signed_head_hash

#: Seconds that an authority has to answer.
_PATIENCE = 30.0

#: The object identifier of SHA-256, as an AlgorithmIdentifier in DER.
_SHA256 = bytes.fromhex("300d06096086480165030402010500")


def anchor_last(*, using: str) -> int:
    """Anchor the database's last seal with all that the settings name and that don't know it yet; how many did.

    Raises SealError where one can't.
    """
    seal = LedgerSeal.objects.using(using).filter(tenant=None).order_by("-number").first()
    if seal is None:
        return 0
    known = set(SealAnchored.objects.using(using).filter(seal=seal).values_list("kind", flat=True))
    ways: dict[str, Callable[[LedgerSeal], str]] = {"rfc3161": _time_stamp, "host": _told_to_host}
    settings = ledger_settings().seals
    wanted = {"rfc3161": settings.get("time_stamps"), "host": settings.get("anchor")}
    done = 0
    for kind, ask in ways.items():
        if not wanted[kind] or kind in known:
            continue
        token = ask(seal)
        with open_cursor(using) as cursor:
            cursor.execute(sql.KEEP_ANCHOR, [seal.pk, kind, token])
        done += 1
    return done


def _hash(seal: LedgerSeal) -> str:
    return signed_head_hash(seal.head, seal.signature, seal.cosignature)


def _told_to_host(seal: LedgerSeal) -> str:
    """The host's function gets the text of the head and the hash of the signed head; what it returns is kept."""
    return str(import_string(ledger_settings().seals["anchor"])(seal.head, _hash(seal)) or "")


def _time_stamp(seal: LedgerSeal) -> str:
    url, digest = ledger_settings().seals["time_stamps"], bytes.fromhex(_hash(seal))
    try:
        import httpx

        answer = httpx.post(
            url,
            content=time_stamp_query(digest),
            headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
            timeout=_PATIENCE,
        )
        answer.raise_for_status()
    except ModuleNotFoundError as error:
        raise _refused(url, "httpx is not installed: pip install 'django-folio[seals]'") from error
    except httpx.HTTPError as error:
        raise _refused(url, f"{type(error).__name__}: {error}") from error
    if not _is_granted(answer.content) or digest not in answer.content:
        raise _refused(url, "its answer is no time stamp of this seal")
    return base64.b64encode(answer.content).decode()


def time_stamp_query(digest: bytes) -> bytes:
    """A TimeStampReq (RFC 3161, 2.4.1) for a SHA-256 digest, which asks for the authority's certificate too."""
    imprint = _der(0x30, _SHA256 + _der(0x04, digest))
    # A positive INTEGER in the shortest form, whatever comes after its first byte.
    nonce = _der(0x02, b"\1" + secrets.token_bytes(15))
    return _der(0x30, _der(0x02, b"\1") + imprint + nonce + _der(0x01, b"\xff"))


def _der(tag: int, content: bytes) -> bytes:
    """A short value: everything here has fewer than 128 bytes."""
    return bytes([tag, len(content)]) + content


def _is_granted(response: bytes) -> bool:
    """Whether the status of a TimeStampResp (its first INTEGER) is 0 or 1: granted, or granted with modifications."""
    at = response.find(b"\x02\x01")
    return response[:1] == b"\x30" and 0 < at < 12 and response[at + 2 : at + 3] in (b"\0", b"\1")


def _refused(url: str, why: str) -> SealError:
    return SealError(
        f"The time stamp authority {url} did not stamp the database's last seal: {why}.",
        rule="An authority of RFC 3161 answers with a token for the hash that it was sent.",
        remedy="See LEDGER['SEALS']['time_stamps']. The seals are kept, and the next sweep asks again.",
    )
