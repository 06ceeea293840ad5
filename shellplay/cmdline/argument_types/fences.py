"""Arguments that name fences: those to put up, with options, and those to take off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from shellplay.cmdline.argument_types.paths import files
from shellplay.cmdline.arguments import Argument, Candidate
from shellplay.errors import UsageError
from shellplay.model import Value
from shellplay.nearest import did_you_mean, quoted
from shellplay.playground.playground import Playground

if TYPE_CHECKING:
    from shellplay.fences import Fence
    from shellplay.model import FenceRecord

ALL = "all"


def kind_of(word: str) -> str | None:
    """Return the fence a word names, by its own name or an alias, or None."""
    from shellplay.fences.index import ALIASES, FENCES

    kind = ALIASES.get(word, word)
    return kind if kind in FENCES else None


def fence_type(kind: str) -> type[Fence]:
    """Return the class of a fence, which is loaded when it is first asked for."""
    from shellplay.fences import REGISTRY

    return REGISTRY[kind]


def unknown(word: str, *more: str) -> UsageError:
    """Return the error for a word that names no fence."""
    from shellplay.fences import ALIASES, ORDER

    fix = did_you_mean(word, [*ORDER, *ALIASES, *more], "fences lists them")
    return UsageError(f"unknown fence {quoted(word)}", fix)


def summary(kind: str) -> str:
    """Return what a fence hides, in one line, with its man page."""
    from shellplay.fences.index import FENCES

    return f"{FENCES[kind].hides}, {FENCES[kind].man}"


def hidden(kind: str) -> str:
    """Return what a fence hides, in one line."""
    from shellplay.fences.index import FENCES

    return FENCES[kind].hides


def lacking(standing: FenceRecord) -> str:
    """Say what a fence that stands has not, if it is one of Docker's and weaker than that."""
    from shellplay.fences import docker

    wanted = docker.OPTIONS.get(standing.fence, {})
    missing = [each for each in wanted if standing.options.get(each) != wanted[each]]
    if not missing:
        return ""
    return f", without {', '.join(missing)} (peel {standing.fence}, and fence docker again)"


class Chosen(Value):
    """The fences that were named, in order, and the kinds that only a preset named.

    ``notes`` are sentences about what that could not take.
    """

    fences: tuple[Fence, ...]
    preset: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


class FenceWords(Argument):
    """Fences with their options: ``uts ipc``, ``uts hostname=web``, ``pid mnt --no-proc``.

    An option belongs to the nearest fence before it that has it, and a value alone to the
    fence right before it: ``caps docker``, ``memory 64M``.  Alone ``docker`` stands for all
    of Docker's fences.
    """

    arity = "many"
    presets: tuple[str, ...] = ("docker",)

    def takes(self, word: str) -> bool:
        """Take options too: the fences know them."""
        return True

    def parse(self, words: Sequence[str], playground: Playground) -> Chosen:
        """Make each fence; raises UsageError on an unknown one, a double one or an option."""
        from shellplay.fences import docker

        chosen: dict[str, dict[str, str]] = {}
        preset: list[str] = []
        notes: list[str] = []
        last: str | None = None
        loose: list[tuple[int, str]] = []
        usual: Mapping[str, Mapping[str, str]] = {}
        for word in words:
            if (word.startswith("-") and not word[1:2].isdigit()) or "=" in word:
                loose.append((len(chosen), word))
                continue
            if last is not None and (given := _bare(last, chosen[last], word)) is not None:
                chosen[last][given] = word
                continue
            if word in self.presets:
                _choices(last, word)
                preset += [kind for kind in docker.preset() if kind not in chosen]
                usual = docker.OPTIONS
                chosen.update((kind, dict(usual.get(kind, {}))) for kind in preset)
                if "net" in preset:
                    chosen["net"], why = docker.network()
                    notes += [why] if why else []
                # What stands alone behind it is of none of them.
                last = None
                continue
            kind = kind_of(word)
            if kind is None:
                raise unknown(word, *_choices(last, word), *self.presets)
            if kind in chosen and kind not in preset:
                raise UsageError(f"fence {kind} is named twice", "name it once")
            preset = [each for each in preset if each != kind]
            # One of the preset stays in its place, and is as it is named.
            chosen[kind] = dict(usual.get(kind, {}))
            last = kind
        for named, word in loose:
            self._give(word, list(chosen), named, chosen)
        fences = [fence_type(kind).parse(options) for kind, options in chosen.items()]
        if "net" not in preset:
            notes.clear()
        return Chosen(docker.fitted(fences), frozenset(preset), tuple(notes))

    def kinds(self) -> Sequence[str]:
        """Return what to offer."""
        from shellplay.fences import ORDER

        return ORDER

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer options of the fences named so far, their values, and more fences."""
        named = [kind for kind in map(kind_of, before) if kind]
        if "=" in word:
            yield from _values(named, word, playground)
            return
        if before and kind_of(before[-1]) == "root" and "/" in word:
            yield from files(word)
            return
        for kind in reversed(named):
            for option in fence_type(kind).options():
                if option.bare and kind_of(before[-1]) == kind:
                    yield from (
                        Candidate(one, f"{kind}: {option.help}")
                        for one in (*option.choices, *option.words())
                    )
                flag = f"--no-{option.name}" if option.on else f"--{option.name}"
                spelled = flag if option.flag else f"{option.name}="
                yield Candidate(spelled, f"{kind}: {option.help}")
        for kind in self.kinds():
            if kind not in named:
                yield Candidate(kind, summary(kind))
        for preset in self.presets if not before else ():
            yield Candidate(preset, "all that docker run puts up, one by one")

    def _give(
        self, word: str, kinds: list[str], named: int, chosen: dict[str, dict[str, str]]
    ) -> None:
        """Give an option word to the nearest fence before it that has it, else any."""
        if not kinds:
            raise UsageError(f"{quoted(word)} comes without a fence", "as in: fence uts")
        key, _, value = word.lstrip("-").partition("=")
        for kind in [*reversed(kinds[:named]), *kinds[named:]]:
            for option in fence_type(kind).options():
                if option.name == (key.removeprefix("no-") if option.flag else key):
                    chosen[kind][key] = value
                    return
        # Nobody has it: the fence it stands behind knows how to say what it has instead.
        chosen[kinds[max(0, named - 1)]][key] = value


class LimitWords(FenceWords):
    """Limits with their values: ``memory 128M``."""

    presets = ()

    def kinds(self) -> Sequence[str]:
        """Return the limits."""
        from shellplay.fences import ORDER, Limit

        return [kind for kind in ORDER if issubclass(fence_type(kind), Limit)]


class AppliedFences(Argument):
    """Fences that stand, to be taken off, or ``all``."""

    arity = "many"

    def parse(self, words: Sequence[str], playground: Playground) -> tuple[str, ...]:
        """Return the kinds, or ``("all",)``; raises UsageError on an unknown one."""
        kinds = []
        for word in words:
            kind = ALL if word == ALL else kind_of(word)
            if word in FenceWords.presets:
                raise UsageError(f"{word} is many fences", f"peel each, or peel {ALL}")
            if kind is None:
                raise unknown(word, ALL)
            kinds.append(kind)
        return (ALL,) if ALL in kinds else tuple(dict.fromkeys(kinds))

    def complete(
        self, before: Sequence[str], word: str, playground: Playground
    ) -> Iterator[Candidate]:
        """Offer the fences that stand around the current container."""
        if playground.current is None:
            return
        for record in playground.current.fences():
            if record.up and record.fence not in before:
                yield Candidate(record.fence, record.peel or "")
        yield Candidate(ALL, "every fence, the last first")


def _bare(kind: str, options: Mapping[str, str], word: str) -> str | None:
    """Return the option of the last fence that a word gives without its key."""
    fence = fence_type(kind)
    name = fence.bare(word)
    if kind_of(word) is not None and not any(word in each.choices for each in fence.options()):
        return None  # Where any value would do, it is the next fence all the same.
    return None if name in options else name


def _choices(kind: str | None, word: str) -> tuple[str, ...]:
    """Return what may stand alone after the last fence; raise UsageError if that did."""
    bare = next((o for o in fence_type(kind).options() if o.bare), None) if kind else None
    if bare is None:
        return ()
    if word in bare.choices:
        raise UsageError(f"fence {kind}: it is {' or '.join(bare.choices)}", "name one of them")
    return bare.choices


def _values(named: list[str], word: str, playground: Playground) -> Iterator[Candidate]:
    key, _, value = word.partition("=")
    listed, comma, _ = value.rpartition(",")
    for kind in named:
        for option in fence_type(kind).options():
            if option.name != key:
                continue
            for choice in option.choices:
                yield Candidate(f"{key}={choice}", option.help)
            for one in option.words():
                if one not in listed.split(","):
                    yield Candidate(f"{key}={listed}{comma}{one}", option.help)
            if key == "profile":
                yield from (Candidate(f"{key}={each.text}") for each in files(value))
            if key == "image":
                from shellplay.cmdline.argument_types.images import images

                yield from (Candidate(f"{key}={one.text}", one.description) for one in images())
            if key == "join":
                for container in playground.containers:
                    yield Candidate(f"join={container.label}", f"share its {kind} namespace")
