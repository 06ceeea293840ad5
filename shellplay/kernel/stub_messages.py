"""The messages between ``Stub`` and the stub process, over SOCK_SEQPACKET, unix(7).

Descriptors are sent with the message (SCM_RIGHTS).  A request is marshalled, because a stub
trusts us.  An answer is numbers and bytes in a fixed form: a process behind a fence may
control the stub, and its answer must not create objects here.
"""

from __future__ import annotations

import struct

from shellplay.kernel.caller import Argument, Returned
from shellplay.kernel.filter_program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

MESSAGE_SIZE = 200_000
# The most descriptors in a message: enough for the standard streams.
MOST_DESCRIPTORS = 3
# Enough for the results of many calls and the buffers that a call fills.
ANSWER_SIZE = 65536
Encoded = int | bytes | tuple[str, bytes | int] | None
EncodedRequest = tuple[str, list[Encoded], tuple[int, ...]]
# A part of a request: its name, environment, words, descriptors, calls, or a path.
Part = None | str | dict[str, str] | list[str] | list[int] | list[EncodedRequest]
# The first message of a stub; or the errno with which the fork that was to make it failed.
HELLO, REFUSAL = b"{}", struct.Struct("i")
_COUNTS, _LENGTH = struct.Struct("HH"), struct.Struct("I")


class Answer:
    """The raw results of calls, and the buffers that the calls filled.

    ``call`` is the name of a failed call that the request did not contain, or empty.
    """

    def __init__(
        self, results: Sequence[int], buffers: Sequence[bytes | bytearray] = (), call: str = ""
    ) -> None:
        self.results = results
        self.buffers = buffers
        self.call = call

    def packed(self) -> bytes:
        """Return the answer as a message."""
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
        """Return the answer in a message; raise ValueError for a malformed message."""
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
    """Return an argument in a form that ``marshal`` can write."""
    if isinstance(argument, bytearray):
        return ("buffer", bytes(argument))
    if isinstance(argument, Program):
        return ("program", argument.instructions)
    if isinstance(argument, Returned):
        return ("returned", int(argument))
    return argument


def decoded(argument: Encoded) -> Argument:
    """Reverse ``encoded``; raise ValueError for an unknown form."""
    match argument:
        case ("buffer", bytes(content)):
            return bytearray(content)
        case ("program", bytes(content)):
            return Program(content)
        case ("returned", int(place)):
            return Returned(place)
        case tuple():
            raise ValueError("an argument is neither a buffer nor a program nor a result")
        case _:
            return argument
