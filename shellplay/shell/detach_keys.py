"""The keys that leave a terminal: one as ``C-]``, or several as Docker's ``ctrl-p,ctrl-q``."""

from __future__ import annotations

import re

from shellplay.errors import UsageError

CONTROL = re.compile(r"(?:C-|\^|ctrl-)(.)", re.IGNORECASE)


class DetachKeys:
    """Finds the keys in what is typed; raises UsageError for a name that is not a key."""

    def __init__(self, names: str) -> None:
        keys = [
            b"(?:" + b"|".join(map(re.escape, _bytes(name))) + b")" for name in names.split(",")
        ]
        self._all = re.compile(b"".join(keys))
        # The first keys without the last, at the end of what was typed.
        begun = b""
        for key in reversed(keys[:-1]):
            begun = key + (b"(?:" + begun + b")?" if begun else b"")
        self._begun = re.compile(begun + rb"\Z") if begun else None
        self._held = b""

    def take(self, typed: bytes) -> tuple[bytes, bytes | None]:
        """Return the keys to pass on, and those behind the detach keys; None without these.

        Keys that may be the first of several are held until the next one.
        """
        typed, self._held = self._held + typed, b""
        if (found := self._all.search(typed)) is not None:
            return typed[: found.start()], typed[found.end() :]
        if self._begun is not None and (begun := self._begun.search(typed)) is not None:
            typed, self._held = typed[: begun.start()], typed[begun.start() :]
        return typed, None


def check(names: str) -> None:
    """Raise UsageError if a text names no keys."""
    DetachKeys(names)


def _bytes(name: str) -> tuple[bytes, ...]:
    """Return the byte sequences of a key.

    A control key has three, because a program inside may switch the terminal to newer key
    encodings.
    """
    if re.fullmatch("[!-~]", name):
        return (name.encode(),)
    match = CONTROL.fullmatch(name)
    if match is None or not 0x40 <= ord(match[1].upper()) < 0x60:
        raise UsageError(f"{name!r} is not a control key", "like C-], C-o or ctrl-p,ctrl-q")
    char = match[1].lower() if match[1].isalpha() else match[1]
    plain = bytes([ord(match[1].upper()) & 0x1F])
    return (plain, b"\x1b[%d;5u" % ord(char), b"\x1b[27;5;%d~" % ord(char))
