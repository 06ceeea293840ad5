"""A recipe on disk while it is being written: whole after every step, whatever ends us."""

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

END = b"```\n"
CUT = 40


class Manuscript:
    """One file: a header and a title at first, then whole steps and paragraphs."""

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
        self._put(write_header(header).encode())
        self.add_prose(f"# {header.title}")

    def add_prose(self, text: str) -> None:
        """Add a paragraph, or a heading; what would be read as something else is quoted."""
        part = Prose(text)
        if parse(f"{write_header(self._header)}\n{write_part(part)}").parts != (part,):
            part = Prose(f"> {text}")
        self._put(f"\n{write_part(part)}".encode("utf-8", "replace"))
        self._in_block = False

    def add(self, step: Step, bindings: Bindings) -> bool:
        """Add a step; ``bindings`` are the names that lines above bind.

        A step that no recipe can say becomes a comment, and False is returned.
        """
        if SUFFIX.search(step.text):
            # A line that ends so would be output.
            step = replace(step, text=f"{step.text} ")
        said = self._says(step, bindings)
        if said:
            self._add(step)
        else:
            self.refuse(step.text)
        return said

    def refuse(self, text: str) -> None:
        """Add a comment in the place of a step that no recipe can say."""
        first, *more = text.strip().split("\n")
        short = ascii(first[:CUT])[1:-1] + ("..." if more or len(first) > CUT else "")
        self.remark(f"not recorded, since no recipe can say it: {short}")

    def remark(self, text: str) -> None:
        """Add a comment to the steps."""
        self._add(Comment(text))

    def close(self) -> None:
        """Let go of the file; it is complete."""
        os.close(self._fd)

    def _says(self, step: Step, bindings: Bindings) -> bool:
        """Tell whether a step, once written, would be read as it is."""
        known = tuple(Expected(f"<word:{name}>") for name in bindings)
        above = Block((Step(Actor.HOST, "above", expected=known),))
        parts = (above, Block((step,)))
        text = "\n".join([write_header(self._header), *map(write_part, parts)])
        named = tag.names_in(step.text)
        try:
            text.encode()
            return all(name in bindings for name, _ in named) and parse(text).parts == parts
        except (RecipeError, UnicodeEncodeError):
            return False

    def _add(self, item: Step | Comment) -> None:
        text = write_part(Block((item,))).encode()
        if self._in_block:
            # One write that begins where the block ended: there is no moment without an end.
            self._size -= len(END)
            text = text.partition(b"\n")[2]
        else:
            text = b"\n" + text
        self._put(text)
        self._in_block = True

    def _put(self, text: bytes) -> None:
        while text:
            written = os.pwrite(self._fd, text, self._size)
            self._size += written
            text = text[written:]
