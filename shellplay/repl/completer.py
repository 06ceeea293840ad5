"""The completion menu of the prompt, fed by the command table."""

from collections.abc import Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from shellplay.cmdline.completion import complete
from shellplay.playground.playground import Playground


class TableCompleter(Completer):
    """Offers what can stand at the cursor, each with what it is."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield the completions of the text before the cursor."""
        line = document.text_before_cursor
        for one in complete(line, self.playground):
            yield Completion(
                one.text, start_position=one.start - len(line), display_meta=one.description
            )
