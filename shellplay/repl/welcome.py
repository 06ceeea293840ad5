"""The welcome of a new user: one sentence before the first prompt of the first session."""

from pathlib import Path

from shellplay.cmdline.printer import Printer
from shellplay.directories import base_directory
from shellplay.repl.osc133 import marks_key

OFFER = "New here? tour shows in a few minutes what a container is."


def welcome(printer: Printer) -> None:
    """Offer the tour to a user who has not seen this sentence before."""
    if marks_key() is None and _is_new():
        # Imported here: the recipes are listed once.
        from shellplay.recipe.shipped import shipped

        if shipped():
            printer.show(OFFER)


def _is_new() -> bool:
    """Tell whether the sentence was never shown, and remember that it is shown now."""
    state = base_directory("XDG_STATE_HOME", ".local/state")
    if state is None:
        return False
    directory = Path(state)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "welcomed").touch(exist_ok=False)
    except OSError:
        # The file exists; or it cannot be written, and the sentence would come each time.
        return False
    return True
