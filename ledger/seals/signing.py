"""The signer of seals: an Ed25519 key from the environment, a file or a function of the host, never the database.

``LEDGER["SEALS"]["key"]`` is ``"env:NAME"``, ``"file:/path"``, or the dotted path of a function without arguments. The
first two hold a private key as PEM (``openssl genpkey -algorithm ed25519``) or its 32 bytes in hexadecimal; the
function returns the same, or an object with ``public_key`` (32 bytes) and ``sign(message)``, which may ask an HSM.
"""

import os
from pathlib import Path
from typing import Any, Protocol

from django.utils.module_loading import import_string

from ledger.conf import ledger_settings
from ledger.errors import SealError


class Signer(Protocol):
    """Signs heads."""

    @property
    def public_key(self) -> bytes:
        """32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature, 64 bytes."""


class KeySigner:
    """Signs with a private key in memory."""

    def __init__(self, key: Any) -> None:
        self._key = key

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        return bytes(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return bytes(self._key.sign(message))


def signer(which: str = "key") -> Signer | None:
    """The current signer; None without a key. Raises SealError for a key that can't be read.

    ``"previous_key"`` is the signer from before the key was changed, who also signs the first head of the new key.
    """
    source = ledger_settings().seals.get(which, "")
    if not source:
        return None
    try:
        given = _read(source)
        return given if hasattr(given, "sign") else KeySigner(_private_key(given))
    except ModuleNotFoundError as error:
        raise _no_key(which, f"{error.name} is not installed") from error
    except (OSError, ValueError, TypeError, ImportError, KeyError) as error:
        # The error of a parser may quote what it read.
        raise _no_key(which, f"{type(error).__name__}") from None


def trusted_keys() -> list[str]:
    """The public keys that the settings trust as the merchant's, in hexadecimal."""
    return list(ledger_settings().seals.get("trusted", []))


def _read(source: str) -> Any:
    kind, _, rest = source.partition(":")
    if kind == "env":
        return os.environ[rest]
    if kind == "file":
        return Path(rest).read_text(encoding="ascii")
    return import_string(source)()


def _private_key(given: str | bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if isinstance(given, bytes) and len(given) == 32:
        return Ed25519PrivateKey.from_private_bytes(given)
    text = (given if isinstance(given, str) else given.decode()).strip()
    if not text.startswith("-----"):
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))
    key = load_pem_private_key(text.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("it is a key of another kind")
    return key


def _no_key(which: str, why: str) -> SealError:
    return SealError(
        f"The key that LEDGER['SEALS']['{which}'] names can't be used: {why}.",
        rule="A head is signed with an Ed25519 key, by cryptography (pip install 'django-folio[seals]').",
        remedy="Make one by openssl genpkey -algorithm ed25519, and name it as env:NAME, file:/path or the path of a "
        "function. Nothing was sealed.",
    )
