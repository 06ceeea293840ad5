"""What a stub and our end of it say to each other.

Messages are JSON objects over SOCK_SEQPACKET; descriptors travel in the same message
(SCM_RIGHTS, see unix(7)).  JSON, because a stub that has joined a fence must not be able
to send us anything but data.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from shellplay.kernel.caller import Argument, Program

MESSAGE_SIZE = 200_000
Encoded = int | dict[str, str] | None


class Answer(TypedDict):
    """What a stub answers: the raw result, and the buffers that the call filled, in hex.

    ``call`` is there if it was another one than was asked for, ``results`` if many were.
    """

    result: int
    buffers: list[str]
    call: NotRequired[str]
    results: NotRequired[list[int]]


def encoded(argument: Argument) -> Encoded:
    """Return an argument in a form that JSON has; bytes in hex."""
    match argument:
        case bytearray():
            return {"buffer": argument.hex()}
        case bytes():
            return {"bytes": argument.hex()}
        case Program():
            return {"program": argument.instructions.hex()}
        case _:
            return argument


def decoded(argument: Encoded) -> Argument:
    """Return the argument that was encoded; raise ValueError for an unknown form."""
    match argument:
        case {"buffer": content}:
            return bytearray.fromhex(content)
        case {"bytes": content}:
            return bytes.fromhex(content)
        case {"program": content}:
            return Program(bytes.fromhex(content))
        case dict():
            raise ValueError("an argument is neither a buffer nor bytes")
        case _:
            return argument
