"""Keys at the prompt, and the way of keys between the prompt and the live bash."""

from collections.abc import Callable

from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings, KeyPress, KeyPressEvent
from prompt_toolkit.keys import Keys

LINES = {"c-]": "enter", "f1": "help", "f2": "fences", "f3": "ps", "f4": "ps host"}


def bindings(keep: Callable[[str], None]) -> KeyBindings:
    """Bind keys to commands; ``keep`` is given the line that was being typed."""
    found = KeyBindings()

    def bind(key: str, line: str) -> None:
        # Eager: emacs mode has longer bindings that begin with Ctrl-], and would wait.
        @found.add(key, eager=True)
        def _run(event: KeyPressEvent) -> None:
            buffer = event.current_buffer
            keep(buffer.text)
            buffer.text = line
            buffer.validate_and_handle()

    for key, line in LINES.items():
        bind(key, line)
    return found


def take_typed_ahead(source: Input) -> bytes:
    """Take the keys that the prompt has read beyond the line, as the bytes they were."""
    keys = get_typeahead(source)
    typed = "".join(key.data for key in keys if key.key != Keys.CPRResponse)
    return typed.encode("utf-8", "surrogateescape")


def store(source: Input, typed: bytes) -> None:
    """Hand bytes to the next prompt as if they had been typed at it."""
    keys: list[KeyPress] = []
    parser = Vt100Parser(keys.append)
    parser.feed(typed.decode("utf-8", "surrogateescape"))
    parser.flush()
    store_typeahead(source, keys)
