"""The completion menu of the prompt; the command table gives the candidates."""

from collections.abc import Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from shellplay.cmdline.completion import complete
from shellplay.playground.playground import Playground


class TableCompleter(Completer):
    """Offers the words that fit at the cursor, each with a description."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield the completions of the text before the cursor."""
        line = document.text_before_cursor
        for candidate in complete(line, self.playground):
            yield Completion(
                candidate.text,
                start_position=candidate.start - len(line),
                display_meta=candidate.description,
            )
