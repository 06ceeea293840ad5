"""Keep of a terminal's output what draws: a state machine as terminals have, and a list.

Terminals parse as the VT500 did (https://vt100.net/emu/dec_ansi_parser): a control character
within a sequence is executed at once, and the sequence goes on behind it.  So no pattern over
the text tells where a sequence ends, and every sequence that is not in the list is left out:
titles, the clipboard, reports that a terminal answers as if the user typed, mouse modes.
"""

from __future__ import annotations

import re
from enum import Enum, auto

MAX_SEQUENCE = 256
# What a control character does alone: bell, motion, the two character sets.
_DRAWING_CONTROLS = frozenset("\a\b\t\n\v\f\r\x0e\x0f")
# What follows ESC: cursor, index, tabulator, keypad, reset, and the character sets of VT100.
_DRAWING_ESCAPES = re.compile(r"[78DEHM=>c]|[()*+][0AB]|#[3-6,8]")
# What follows CSI.  Cursor, erase, insert, scroll, repeat, tabulators, colours and margins;
# insert mode; soft reset and shape of the cursor.  Then the private modes of the screen:
# origin, wrap, blink, cursor, alternate screens, brackets around what is pasted.
_NUMBERS = "[0-9]{0,5}(?:[;:][0-9]{0,5}){0,31}"
_MODES = "(?:1|5|6|7|12|25|45|47|69|1047|1048|1049|2004|2026)"
_DRAWING_CONTROL_SEQUENCES = re.compile(
    rf"{_NUMBERS}[@A-HI-MPSTXZ`abdefgmrsu]|\?[0-2]?[JK]|4[hl]|!p|[0-6]? q"
    rf"|\?{_MODES}(?:;{_MODES})*[hl]"
)
# In plain text nothing is looked at twice.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_END_OF_STRING = re.compile("[\x07\x18\x1a\x1b\x9c]")
_CANCEL = "\x18\x1a"
_STRINGS, _EIGHT_BIT_STRINGS = "]PX^_", "\x90\x98\x9d\x9e\x9f"


class _State(Enum):
    GROUND = auto()
    ESCAPE = auto()
    CONTROL_SEQUENCE = auto()
    STRING = auto()


class ControlSequenceFilter:
    """Passes a stream on without the controls that do not draw; with ``draw`` off, without any.

    Line ends and tabs stay in any case.  Each piece may end within a sequence.
    """

    def __init__(self, *, draw: bool = True) -> None:
        self._draw = draw
        self._state = _State.GROUND
        self._sequence = ""

    def feed(self, piece: str) -> str:
        """Return the text that is complete so far; of an unfinished sequence nothing."""
        shown: list[str] = []
        at = 0
        while at < len(piece):
            match self._state:
                case _State.GROUND:
                    found = _CONTROL.search(piece, at)
                    end = found.start() if found else len(piece)
                    shown.append(piece[at:end])
                    at = end
                case _State.STRING:
                    found = _END_OF_STRING.search(piece, at)
                    if found is None:
                        break
                    at = found.start()
            if at < len(piece):
                shown.append(self._step(piece[at]))
                at += 1
        return "".join(shown)

    def _step(self, character: str) -> str:
        """Take one character that may change the state; return what is shown of it."""
        code = ord(character)
        if character == "\x1b":
            self._enter(_State.ESCAPE)
        elif character in _CANCEL:
            self._enter(_State.GROUND)
        elif self._state is _State.STRING:
            self._enter(_State.GROUND)  # the end of it, by BEL or ST
        elif code < 0x20 or code == 0x7F:
            return self._control(character)
        elif 0x80 <= code < 0xA0:
            self._eight_bit(character)
        elif self._state is _State.ESCAPE:
            return self._escape(character)
        elif self._state is _State.CONTROL_SEQUENCE:
            return self._control_sequence(character)
        else:
            return character
        return ""

    def _enter(self, state: _State) -> None:
        self._state, self._sequence = state, ""

    def _control(self, character: str) -> str:
        kept = _DRAWING_CONTROLS if self._draw else "\n\t"
        return character if character in kept else ""

    def _eight_bit(self, character: str) -> None:
        if character in _EIGHT_BIT_STRINGS:
            self._enter(_State.STRING)
        else:
            self._enter(_State.CONTROL_SEQUENCE if character == "\x9b" else _State.GROUND)

    def _escape(self, character: str) -> str:
        if not self._sequence and character == "[":
            self._enter(_State.CONTROL_SEQUENCE)
            return ""
        if not self._sequence and character in _STRINGS:
            self._enter(_State.STRING)
            return ""
        return self._collected(character, " " <= character <= "/", "\x1b", _DRAWING_ESCAPES)

    def _control_sequence(self, character: str) -> str:
        more = " " <= character <= "?"
        return self._collected(character, more, "\x1b[", _DRAWING_CONTROL_SEQUENCES)

    def _collected(
        self, character: str, more: bool, introducer: str, drawing: re.Pattern[str]
    ) -> str:
        # What is longer than all in the list loses its end, and so is not in the list.
        if len(self._sequence) <= MAX_SEQUENCE:
            self._sequence += character
        if more:
            return ""
        sequence = self._sequence
        self._enter(_State.GROUND)
        return f"{introducer}{sequence}" if self._draw and drawing.fullmatch(sequence) else ""


def strip_sequences(text: str) -> str:
    """Return text without control sequences and control characters but line ends and tabs."""
    return ControlSequenceFilter(draw=False).feed(text)
