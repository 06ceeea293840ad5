"""Prose as HTML that can be put into a page: no markup of its own, no image, no script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shellplay.errors import Refused
from shellplay.views.sanitize import safe

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def html_of(markdown: str) -> str:
    """Return Markdown as HTML; raises Refused if there is no Markdown library."""
    reader = _reader()
    tokens = reader.parse(safe(markdown))
    for token in tokens:
        # The columns of tables are aligned by style attributes, which the page forbids.
        token.attrs.pop("style", None)
    return str(reader.renderer.render(tokens, reader.options, {}))


@cache
def _reader() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise Refused("pages need markdown-it-py", "pip install 'shellplay[html]'") from None
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
