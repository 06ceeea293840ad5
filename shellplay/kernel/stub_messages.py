"""The messages between a stub and our end of it, over SOCK_SEQPACKET.

Descriptors travel in the same message (SCM_RIGHTS, see unix(7)).  A request is marshalled: a
stub trusts us.  An answer has numbers and bytes in a fixed form: a stub that has joined a
fence must not be able to send us anything but data.
"""

from __future__ import annotations

import struct

from shellplay.kernel.caller import Argument, Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_SIZE = 200_000
# Longer than an answer: the buffers that one call fills, and the results of many.
ANSWER_SIZE = 65536
Encoded = int | bytes | tuple[str, bytes] | None
# What a request is made of: its name, and behind it calls, or words, environment and numbers.
Part = str | dict[str, str] | list[str] | list[int] | list[tuple[str, list[Encoded]]]
_COUNTS, _LENGTH = struct.Struct("HH"), struct.Struct("I")


class Answer:
    """The raw results of the calls that were made, and the buffers that they filled.

    ``call`` is the name of the call that failed, if it was not a requested one.
    """

    def __init__(
        self, results: Sequence[int], buffers: Sequence[bytes | bytearray] = (), call: str = ""
    ) -> None:
        self.results = results
        self.buffers = buffers
        self.call = call

    def packed(self) -> bytes:
        """Return the message."""
        return b"".join(
            (
                _COUNTS.pack(len(self.results), len(self.buffers)),
                struct.pack(f"{len(self.results)}q", *self.results),
                *(_LENGTH.pack(len(each)) + each for each in self.buffers),
                self.call.encode(),
            )
        )

    @classmethod
    def unpacked(cls, message: bytes) -> Answer:
        """Return the answer in a message; raise ValueError if there is none in it."""
        try:
            results, buffers = _COUNTS.unpack_from(message)
            place = _COUNTS.size + 8 * results
            numbers = struct.unpack_from(f"{results}q", message, _COUNTS.size)
            found = []
            for _ in range(buffers):
                (length,) = _LENGTH.unpack_from(message, place)
                place += _LENGTH.size + length
                found.append(message[place - length : place])
        except struct.error as error:
            raise ValueError("an answer is too short") from error
        return cls(numbers, found, message[place:].decode())


def encoded(argument: Argument) -> Encoded:
    """Return an argument in a form that can be marshalled."""
    if isinstance(argument, bytearray):
        return ("buffer", bytes(argument))
    if isinstance(argument, Program):
        return ("program", argument.instructions)
    return argument


def decoded(argument: Encoded) -> Argument:
    """Return the argument that was encoded; raise ValueError for an unknown form."""
    match argument:
        case ("buffer", bytes(content)):
            return bytearray(content)
        case ("program", bytes(content)):
            return Program(content)
        case tuple():
            raise ValueError("an argument is neither a buffer nor a program")
        case _:
            return argument
