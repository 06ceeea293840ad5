"""The welcome of a new user: what to type, and a picture, before the very first prompt."""

from pathlib import Path

from shellplay.cmdline.printer import Printer
from shellplay.directories import base_directory
from shellplay.playground.playground import Playground
from shellplay.repl.osc133 import marks_key

TOUR = "  tour    a 3-minute introduction"
WELCOME = """\
New here? Begin with one of these:
{tour}  new     start a bash, then put fences around it: fence pid mnt
  help    list the everyday commands"""


def welcome(printer: Printer, playground: Playground) -> None:
    """Greet a new user, once: commands to type, and the picture of ``look``."""
    if marks_key() is None and _is_new():
        # Imported here: they are needed once.
        from shellplay.playground.picture import picture
        from shellplay.recipe.shipped import shipped
        from shellplay.views.look import Boxes

        printer.show(WELCOME.format(tour=f"{TOUR}\n" if shipped() else ""))
        printer.show(Boxes(picture(playground, playground.current)))


def _is_new() -> bool:
    """Tell whether the welcome was never shown, and remember that it is shown now."""
    state = base_directory("XDG_STATE_HOME", ".local/state")
    if state is None:
        return False
    directory = Path(state)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "welcomed").touch(exist_ok=False)
    except OSError:
        # The file exists; or it cannot be written, and the welcome would come each time.
        return False
    return True
