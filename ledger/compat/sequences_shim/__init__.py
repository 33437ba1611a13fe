"""Lets ``from sequences import get_next_value`` import Folio's. List it first, in the place of ``"sequences"``.

To have it before ``django.setup()`` as well, say ``import ledger.compat.sequences_shim`` where that is first wanted.
"""

from ledger.compat.sequences_shim.names import DISTRIBUTION, GONE, MODULES, OURS, PACKAGE
from ledger.compat.standing_in import make_modules, original

if original(PACKAGE) is None:
    make_modules(PACKAGE, DISTRIBUTION, OURS, MODULES, GONE)
