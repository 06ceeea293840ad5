"""Turn the arguments of calls into words, and into memory of another process."""

from __future__ import annotations

from shellplay.kernel.caller import Argument
from shellplay.kernel.filter_program import SOCK_FPROG, Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Lowered:
    """The words of one call, and each buffer that the call fills, with its address."""

    def __init__(self, words: Sequence[int], buffers: Sequence[tuple[int, bytearray]]) -> None:
        self.words = words
        self.buffers = buffers


class Layout:
    """The memory for arguments in another process.

    ``content`` is the bytes to write at the address.  ``address`` returns this address; it
    is called when an argument needs memory.
    """

    def __init__(self, address: Callable[[], int]) -> None:
        self.content = b""
        self._address = address

    def lower(self, arguments: Sequence[Argument]) -> Lowered:
        """Turn arguments into words: an integer stays as it is, bytes become an address."""
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
        # With a NUL at the end, and aligned to 16 bytes.
        self.content += added.ljust((len(added) + 16) & ~15, b"\0")
        return address
