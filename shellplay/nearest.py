"""Suggestions for a mistyped word: the nearest known word."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 64


def nearest(word: str, known: Iterable[str], likeness: float | None = None) -> str | None:
    """Return the known word that is most like a word; None if no known word is similar.

    It begins with the same letter: people mistype the first one least.  Of a word of three
    letters two are enough.
    """
    if likeness is None:
        likeness = 0.75 if len(word) > 3 else 0.66
    if len(word) > LONGEST:
        return None
    from difflib import get_close_matches

    words = {each.lower(): each for each in known if each[:1].lower() == word[:1].lower()}
    found = get_close_matches(word.lower(), words, n=1, cutoff=likeness)
    return words[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return the fix for an unknown word: the nearest known word, else ``otherwise``.

    Without ``otherwise`` the fix lists the known words.
    """
    words = list(known)
    found = nearest(word, words)
    if found is not None:
        return f'did you mean "{found}"?'
    return f"known are {', '.join(words)}" if otherwise is None else otherwise


def quoted(text: str) -> str:
    """Return a text for an error message: quoted, short, and without control characters."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return '"' + "".join(c if c.isprintable() else repr(c)[1:-1] for c in short) + '"'
