"""Keys by which a system knows a request again. Made of what the request says, so that every process makes the same."""

from __future__ import annotations

import hashlib
import json

#: What QuickBooks takes; Xero takes more.
LENGTH = 50


def key(*parts: object) -> str:
    """The same for the same parts; another one if a correction changes what is sent, since that is another request."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
