"""Lay the arguments of calls out in the memory of another process."""

from __future__ import annotations

from shellplay.kernel.caller import SOCK_FPROG, Argument, Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Lowered:
    """The words of one call, and the buffers that it fills, by their addresses there."""

    def __init__(self, words: Sequence[int], buffers: Sequence[tuple[int, bytearray]]) -> None:
        self.words = words
        self.buffers = buffers


class Layout:
    """Memory of another process that is filled from an address on.

    ``content`` is what has to be written there; ``address`` is asked for when the first
    argument needs memory.
    """

    def __init__(self, address: Callable[[], int]) -> None:
        self.content = b""
        self._address = address

    def lower(self, arguments: Sequence[Argument]) -> Lowered:
        """Turn arguments into words: an integer stays one, the rest becomes its address."""
        words: list[int] = []
        buffers: list[tuple[int, bytearray]] = []
        for each in arguments:
            if each is None:
                words.append(0)
            elif isinstance(each, int):
                words.append(each)
            else:
                address = self._add(each)
                words.append(address)
                if isinstance(each, bytearray):
                    buffers.append((address, each))
        return Lowered(words, buffers)

    def _add(self, argument: bytes | bytearray | Program) -> int:
        address = self._address() + len(self.content)
        if isinstance(argument, Program):
            added = argument.header(address + SOCK_FPROG.size) + argument.instructions
        else:
            added = bytes(argument)
        # NUL-terminated, and aligned.
        self.content += added.ljust((len(added) + 16) & ~15, b"\0")
        return address
