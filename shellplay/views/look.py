"""The picture of ``look``: nested boxes, one for each fence, with the processes in the middle.

Boxes need room.  Where they do not fit, fences of one family that stand together share a
box.  Where these do not fit either, the picture is a line for each fence, indented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from shellplay.model import Layer, Parked, Picture, Process, Role, Value
from shellplay.views import text_width
from shellplay.views.drawing import Drawing, Fragment, Line, cut
from shellplay.views.ps import STYLES, chain
from shellplay.views.sanitize import safe_line
from shellplay.views.wrap import wrap

# A picture fits into a terminal of 24 rows, with the line that asked for it and the prompt.
MOST_ROWS = 22
NARROW = 60
MOST_PROCESSES = 4
LONGEST_COMMAND = 40
MOST_PARKED = 3
BORDER, HOST, FENCE, QUIET = "ansibrightblack", "bold", "bold ansigreen", "ansibrightblack"


class Box(Value):
    """One box: the fences it stands for, and the words on what is inside."""

    fences: tuple[str, ...]
    title: str
    words: str
    style: str = FENCE


def nested(picture: Picture) -> dict[str, object]:
    """Return the picture for ``--json``: each box is a value of the box around it."""
    inner: object = None
    for layer in reversed(picture.layers):
        inner = {
            "fence": layer.fence,
            "family": layer.family,
            "contents": layer.contents,
            "shared_with": layer.shared_with,
            "box": inner,
        }
    return {
        "container": picture.label,
        "host": {"name": picture.host, "processes": picture.host_processes, "box": inner},
        "bash": picture.bash,
        "processes": picture.processes,
        "parked": picture.parked,
        "not_fenced": picture.not_fenced,
        "others": picture.others,
    }


class Boxes(Drawing):
    """A picture as nested boxes, or as indented lines where they do not fit."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        processes = f"{picture.host_processes} processes"
        self._host = Box((), f"host {safe_line(picture.host)}", processes, HOST)

    def lines(self, width: int) -> list[Line]:
        """Return the boxes, and below them what is not drawn as a box."""
        below = list(self._below(width))
        single, folded = (
            [self._host, *boxes_of(self.picture.layers, folded=folded)]
            for folded in (False, True)
        )
        for boxes in (single, folded):
            if width < NARROW:
                drawn = list(self._outline(boxes, width))
            else:
                drawn = _nested(boxes, self._middle(), width)
            if len(drawn) + len(below) <= MOST_ROWS:
                return drawn + below
        return list(self._outline(folded, width)) + below

    def _summary(self) -> str:
        up, others = len(self.picture.layers), " ".join(self.picture.not_fenced)
        if not up:
            return "nothing is fenced yet (try: fence pid mnt)"
        fences = f"{up} fence{'' if up == 1 else 's'} up"
        return f"{fences}; as on the host: {others}" if others else fences

    def _middle(self) -> list[Line]:
        if self.picture.label is None:
            return [[(QUIET, "no container yet: new starts one")]]
        # The live bash first: with many processes the others are only counted.
        ordered = sorted(self.picture.processes, key=lambda each: each.role is not Role.SHELL)
        shown = ordered[:MOST_PROCESSES]
        if self.picture.bash is None or not shown:
            return [[("ansiyellow", "its bash has ended")]]
        pids = [chain(each.inside[1:] or each.inside) for each in shown]
        room = max(map(len, pids))
        lines: list[Line] = []
        for pid, each in zip(pids, shown, strict=True):
            lines.append([("ansicyan", pid.rjust(room)), ("", "  "), *_told(each)])
        if more := len(self.picture.processes) - len(shown):
            lines.append([(QUIET, f"{'+':>{room}}  {more} more (ps)")])
        return lines

    def _outline(self, boxes: Sequence[Box], width: int) -> Iterator[Line]:
        """Yield a line for each box; a text that is too long goes on below."""
        for depth, box in enumerate(boxes):
            first = _stem(depth)
            rest = " " * len(first)
            room = max(width - len(first), 8)
            words = f"{box.title}: {box.words}" if box.words else box.title
            for number, text in enumerate(_wrapped(words, room)):
                stem: Fragment = (BORDER, rest if number else first)
                if number or not text.startswith(box.title):
                    yield cut([stem, ("", text)], width)
                else:
                    after = text.removeprefix(box.title)
                    yield cut([stem, (box.style, box.title), ("", after)], width)
        stem = (BORDER, _stem(len(boxes)))
        for line in self._middle():
            yield cut([stem, *line], width)

    def _below(self, width: int) -> Iterator[Line]:
        if self.picture.parked:
            yield from _texts("ansiyellow", _parked(self.picture.parked), width)
        if self.picture.label is not None:
            label = safe_line(self.picture.label)
            yield from _texts(QUIET, f"{label}: {self._summary()}", width)
        if self.picture.others:
            labels = " ".join(map(safe_line, self.picture.others))
            yield cut([(QUIET, f"other containers: {labels}")], width)


def boxes_of(layers: Sequence[Layer], *, folded: bool) -> list[Box]:
    """Return the boxes of layers: limits share one, and so do privileges that stand together.

    If they are ``folded``, all neighbours of one family share a box.
    """
    limits = [each for each in layers if each.family == "limits"]
    found: list[Box] = []
    for family, group in groupby(layers, lambda each: each.family):
        members = list(group)
        if family == "limits":
            if members[0] is limits[0]:
                found.append(_limits(limits))
        elif folded or family == "privileges":
            found.append(_box(members))
        else:
            found += [_box([each]) for each in members]
    return found


def _limits(layers: Sequence[Layer]) -> Box:
    words = ", ".join(f"{each.fence} {each.contents}".strip() for each in layers)
    return Box(tuple(each.fence for each in layers), "limits", safe_line(words))


def _box(layers: Sequence[Layer]) -> Box:
    kinds = tuple(each.fence for each in layers)
    texts = [
        each.contents + f" (shared with {', '.join(each.shared_with)})" * bool(each.shared_with)
        for each in layers
    ]
    words = "; ".join(text for text in texts if text)
    return Box(kinds, " ".join(kinds), safe_line(words))


def _nested(boxes: Sequence[Box], middle: list[Line], room: int) -> list[Line]:
    """Return the boxes, each drawn around the next, as lines of one width."""
    if not boxes:
        widest = max(min(_width(line), room) for line in middle)
        return [_padded(cut(line, room), widest) for line in middle]
    box, *rest = boxes
    inside = _nested(rest, middle, room - 4)
    in_border = text_width.width(box.title) + text_width.width(box.words) + 9 <= room
    words = [] if in_border or not box.words else _wrapped(box.words, room - 4)
    above = f" {box.words} " if in_border and box.words else ""
    title = text_width.fit(box.title, room - 7)
    head: Line = [(BORDER, "╭─ "), (box.style, title), (BORDER, " ")]
    if above:
        head += [(BORDER, "─"), ("", above)]
    widest = max(_width(inside[0]), _width(head) - 2, *map(text_width.width, words), 0)
    line = "─" * (widest + 3 - _width(head))
    body: list[Line] = [[("", text)] for text in words] + inside
    return [
        [*head, (BORDER, f"{line}╮")],
        *([(BORDER, "│ "), *_padded(each, widest), (BORDER, " │")] for each in body),
        [(BORDER, f"╰{'─' * (widest + 2)}╯")],
    ]


def _told(process: Process) -> list[Fragment]:
    command = text_width.fit(safe_line(process.command), LONGEST_COMMAND)
    found: list[Fragment] = [(STYLES.get(process.role, ""), command)]
    if len(process.inside) > 1:
        found.append((QUIET, f"  {process.pid} on the host"))
    return found


def _parked(parked: Sequence[Parked]) -> str:
    if len(parked) > MOST_PARKED:
        kinds = ", ".join(kind for each in parked for kind in each.fences)
        return f"parked: {len(parked)} bashes, outside {kinds}"
    told = [f"bash {each.pid} outside {' '.join(each.fences)}" for each in parked]
    return f"parked: {', '.join(told).removesuffix(' outside ')}"


def _stem(depth: int) -> str:
    return f"{' ' * (depth - 1)}└ " if depth else ""


def _texts(style: str, text: str, width: int) -> list[Line]:
    return [[(style, each)] for each in _wrapped(text, width)]


def _wrapped(text: str, room: int) -> list[str]:
    return [text_width.fit(line, room) for line in wrap(text, room).split("\n")]


def _width(line: Line) -> int:
    return sum(text_width.width(text) for _, text in line)


def _padded(line: Line, room: int) -> Line:
    return [*line, ("", " " * (room - _width(line)))]
