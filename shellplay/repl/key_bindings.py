"""The key bindings of the prompt, and the typeahead of prompt_toolkit as bytes."""

from collections.abc import Callable

from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.keys import Keys

LINES = {"c-]": "enter", "f1": "help", "f2": "fences", "f3": "ps", "f4": "ps host"}


def bindings(save_line: Callable[[str], None]) -> KeyBindings:
    """Bind keys to commands; ``save_line`` gets the unfinished line before a command runs."""
    key_bindings = KeyBindings()

    def bind(key: str, line: str) -> None:
        # Emacs mode has longer bindings that begin with Ctrl-]: without ``eager``
        # prompt_toolkit would wait for a second key.
        @key_bindings.add(key, eager=True)
        def _run(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            save_line(buffer.text)
            buffer.text = line
            buffer.validate_and_handle()

    for key, line in LINES.items():
        bind(key, line)
    return key_bindings


def take_typeahead(source: Input) -> bytes:
    """Return and forget the bytes that the prompt has read after the end of the line."""
    keys = get_typeahead(source)
    typed = "".join(key.data for key in keys if key.key != Keys.CPRResponse)
    return typed.encode("utf-8", "surrogateescape")


def store_keys(source: Input, typed: bytes) -> None:
    """Give bytes to the next prompt, which reads them as typed keys."""
    keys: list[KeyPress] = []
    parser = Vt100Parser(keys.append)
    parser.feed(typed.decode("utf-8", "surrogateescape"))
    parser.flush()
    store_typeahead(source, keys)
