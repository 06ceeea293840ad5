"""A recipe file that grows step by step; it is complete after each step, also after SIGKILL."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from shellplay.errors import RecipeError, Refused, UsageError
from shellplay.recipe import tag
from shellplay.recipe.bindings import Bindings
from shellplay.recipe.document import Actor, Block, Comment, Expected, Header, Prose, Step
from shellplay.recipe.line import SUFFIX
from shellplay.recipe.parse import parse
from shellplay.recipe.write import write_header, write_part

CLOSING_FENCE = b"```\n"
MAX_QUOTE = 40


class RecipeFile:
    """A recipe file: first a header and a title, then steps, comments and paragraphs.

    Raises `Refused` if the file exists and not ``force``, `UsageError` if it cannot be
    opened.  Each write raises `OSError` with the path.
    """

    def __init__(self, path: Path, header: Header, *, force: bool = False) -> None:
        self.path = path
        self._header = header
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if force else os.O_EXCL)
        try:
            self._fd = os.open(path, flags, 0o666)
        except FileExistsError as error:
            raise Refused(f"{path} is there already", "--force replaces it") from error
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from error
        self._size = 0
        self._in_block = False
        try:
            self._append(write_header(header).encode())
            self.add_prose(f"# {header.title}")
        except OSError:
            os.close(self._fd)
            if not force:
                path.unlink()
            raise

    def add_prose(self, text: str) -> None:
        """Add a paragraph or a heading.

        Text that the parser would not read as prose becomes a Markdown quotation.
        """
        part = Prose(text)
        if parse(f"{write_header(self._header)}\n{write_part(part)}").parts != (part,):
            part = Prose(f"> {text}")
        self._append(f"\n{write_part(part)}".encode("utf-8", "replace"))
        self._in_block = False

    def add(self, step: Step, bindings: Bindings) -> bool:
        """Add a step and return True; ``bindings`` are the names that earlier lines bind.

        If no text of a recipe is read as this step, add a comment and return False.
        """
        if SUFFIX.search(step.text):
            # The parser reads a line that ends in (lit) as output. A blank prevents this.
            step = replace(step, text=f"{step.text} ")
        is_writable = self._is_writable(step, bindings)
        if is_writable:
            self._add(step)
        else:
            self.refuse(step.text)
        return is_writable

    def refuse(self, text: str) -> None:
        """Add a comment in the place of a step that cannot be written."""
        first, *more = text.strip().split("\n")
        short = ascii(first[:MAX_QUOTE])[1:-1] + (
            "..." if more or len(first) > MAX_QUOTE else ""
        )
        self.remark(f"not recorded, since no recipe can say it: {short}")

    def remark(self, text: str) -> None:
        """Add a comment to the block of steps."""
        self._add(Comment(text))

    def close(self) -> None:
        """Close the file; it is complete already."""
        os.close(self._fd)

    def _is_writable(self, step: Step, bindings: Bindings) -> bool:
        """Return whether the parser reads the text of a step as an equal step."""
        known = tuple(Expected(f"<word:{name}>") for name in bindings)
        above = Block((Step(Actor.HOST, "above", expected=known),))
        parts = (above, Block((step,)))
        text = "\n".join([write_header(self._header), *map(write_part, parts)])
        names = tag.names_in(step.text)
        try:
            text.encode()
            return all(name in bindings for name, _ in names) and parse(text).parts == parts
        except (RecipeError, UnicodeEncodeError):
            return False

    def _add(self, item: Step | Comment) -> None:
        text = write_part(Block((item,))).encode()
        if self._in_block:
            # One pwrite(2) replaces the closing fence by the step and a new closing fence.
            # So the file has a closing fence at each moment.
            self._size -= len(CLOSING_FENCE)
            text = text.partition(b"\n")[2]
        else:
            text = b"\n" + text
        self._append(text)
        self._in_block = True

    def _append(self, text: bytes) -> None:
        while text:
            try:
                written = os.pwrite(self._fd, text, self._size)
            except OSError as error:
                raise OSError(error.errno, error.strerror, self.path) from error
            self._size += written
            text = text[written:]
