"""Did you mean: the nearest known word to one that is not known."""

from collections.abc import Iterable

LONGEST = 64


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a typo most likely meant, or None if nothing is near."""
    if len(word) > LONGEST:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return the fix for an unknown word: the nearest one, or where to look."""
    found = nearest(word, known)
    return f'did you mean "{found}"?' if found else otherwise


def quoted(word: str) -> str:
    """Return a word as an error shows it: in quotes, one line, not too long, no escapes."""
    short = word if len(word) <= LONGEST else f"{word[:LONGEST]}…"
    return '"' + "".join(c if c.isprintable() else repr(c)[1:-1] for c in short) + '"'
