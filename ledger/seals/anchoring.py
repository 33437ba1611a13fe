"""Anchors the database's last seal outside: at a time stamp authority (RFC 3161), and by a function of the host.

The owner of the database can't take back what they know. Each is asked once for a seal, after the seal is durable; its
answer is kept as an event.
"""

import base64
import secrets

from django.utils.module_loading import import_string

from ledger.conf import ledger_settings
from ledger.cursors import fetch
from ledger.errors import SealError
from ledger.models import LedgerSeal, SealAnchored
from ledger.seals import sql
from ledger.seals.folio_verify import signed_head_hash
from ledger.seals.reading import shipped

#: Seconds that an authority has to answer.
_PATIENCE = 30.0

#: The object identifier of SHA-256, as an AlgorithmIdentifier in DER.
_SHA256 = bytes.fromhex("300d06096086480165030402010500")


def anchor_last(*, using: str) -> int:
    """Anchor the database's last seal wherever the settings say, unless it is anchored there; returns at how many.

    Raises SealError if one of them can't.
    """
    seal = LedgerSeal.objects.using(using).filter(tenant=None).order_by("-number").first()
    if seal is None:
        return 0
    known = set(SealAnchored.objects.using(using).filter(seal=seal).values_list("kind", flat=True))
    signed_head, settings, done = signed_head_hash(**shipped(seal)), ledger_settings().seals, 0
    if settings.get("time_stamps") and "rfc3161" not in known:
        token = _time_stamp(settings["time_stamps"], bytes.fromhex(signed_head))
        done += len(fetch(using, sql.KEEP_ANCHOR, [seal.pk, "rfc3161", token]))
    if settings.get("anchor") and "host" not in known:
        # The host's function gets the text of the head and the hash of the signed head; what it returns is kept.
        token = str(import_string(settings["anchor"])(seal.head, signed_head) or "")
        done += len(fetch(using, sql.KEEP_ANCHOR, [seal.pk, "host", token]))
    return done


def _time_stamp(url: str, digest: bytes) -> str:
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
