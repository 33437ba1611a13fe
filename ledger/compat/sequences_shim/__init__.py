"""An app that lets ``from sequences import get_next_value`` import Folio's. List it in the place of ``"sequences"``."""
