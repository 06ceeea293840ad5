"""A word to who is new: said once, before the first prompt of all."""

from shellplay.cmdline.printer import Printer
from shellplay.directories import base_directory
from shellplay.recipe.shipped import shipped
from shellplay.repl.osc133 import key

OFFER = "New here? tour shows in a few minutes what a container is."


def welcome(printer: Printer) -> None:
    """Offer the tour to a person who has not been here before."""
    if key() is None and shipped() and _is_new():
        printer.show(OFFER)


def _is_new() -> bool:
    """Tell whether this is the first time, and remember it."""
    place = base_directory("XDG_STATE_HOME", ".local/state")
    if place is None:
        return False
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        (place / "welcomed").touch(exist_ok=False)
    except OSError:
        # It was said; or it cannot be remembered, and would be said each time.
        return False
    return True
