"""Turn Markdown into HTML that is safe in a page: no raw HTML, no image, no script."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from shellplay.errors import Refused
from shellplay.views.sanitize import safe

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def html_of(markdown: str) -> str:
    """Return Markdown as HTML; raises `Refused` if markdown-it-py is not installed."""
    parser = _parser()
    tokens = parser.parse(safe(markdown))
    for token in tokens:
        # markdown-it aligns the columns of tables with style attributes. The policy of the
        # page forbids these, so they are removed.
        token.attrs.pop("style", None)
    return str(parser.renderer.render(tokens, parser.options, {}))


@cache
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise Refused("pages need markdown-it-py", "pip install 'shellplay[html]'") from None
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
