"""Unknown names, each with the known one that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown(given: Iterable[object], known: Iterable[str]) -> str:
    """Those of ``given`` that aren't among ``known``, for a sentence: ``evry (every?), x``; empty if all are known."""
    words = list(known)
    return ", ".join(f"{word}{meant(word, words)}" for word in sorted(map(str, given)) if word not in words)


def meant(word: str, known: Iterable[str], *, alike: float = 0.6) -> str:
    """The known word nearest to a misspelt one, as ``" (every?)"``; empty if none is ``alike`` enough (0 to 1)."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=alike)
    return f" ({by_lower[near[0]]}?)" if near else ""
