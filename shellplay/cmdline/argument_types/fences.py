"""Argument types for fences: fences to apply, with their options, and fences to remove."""

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
    """Return the kind of fence for its name or an alias; None for another word."""
    from shellplay.fences.index import ALIASES, FENCES

    kind = ALIASES.get(word, word)
    return kind if kind in FENCES else None


def fence_type(kind: str) -> type[Fence]:
    """Return the class of a kind of fence; the first call loads its module."""
    from shellplay.fences import REGISTRY

    return REGISTRY[kind]


def unknown(word: str, *more: str) -> UsageError:
    """Return the error for a word that is not the name of a fence."""
    from shellplay.fences import ALIASES, ORDER

    fix = did_you_mean(word, [*ORDER, *ALIASES, *more], "fences lists them")
    return UsageError(f"unknown fence {quoted(word)}", fix)


def summary(kind: str) -> str:
    """Return the effect of a fence and its man page, in one line."""
    from shellplay.fences.index import FENCES

    return f"{FENCES[kind].effect}, {FENCES[kind].man}"


def effect(kind: str) -> str:
    """Return the effect of a fence, in one line."""
    from shellplay.fences.index import FENCES

    return FENCES[kind].effect


def lacking(standing: FenceRecord) -> str:
    """Return a note on the options of Docker that an applied fence lacks, "" if none."""
    from shellplay.fences import docker

    wanted = docker.OPTIONS.get(standing.fence, {})
    missing = [each for each in wanted if standing.options.get(each) != wanted[each]]
    if not missing:
        return ""
    return f", without {', '.join(missing)} (peel {standing.fence}, and fence docker again)"


class Chosen(Value):
    """The fences of a command line, in order, and the kinds that are there by a preset only.

    ``notes`` are sentences about parts of the preset that are left out.
    """

    fences: tuple[Fence, ...]
    preset: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


class FenceWords(Argument):
    """Fences with their options: ``uts ipc``, ``uts hostname=web``, ``pid mnt --no-proc``.

    An option belongs to the nearest fence before it that has such an option.  A value without
    a key belongs to the fence directly before it: ``caps docker``, ``memory 64M``.  The word
    ``docker`` without a fence before it means all fences of ``docker run``.
    """

    arity = "many"
    presets: tuple[str, ...] = ("docker",)

    def takes(self, word: str) -> bool:
        """Take options, too: each fence has its own."""
        return True

    def parse(self, words: Sequence[str], playground: Playground) -> Chosen:
        """Make the fences; UsageError for an unknown or repeated fence or a wrong option."""
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
                # A value without a key after a preset belongs to none of its fences.
                last = None
                continue
            kind = kind_of(word)
            if kind is None:
                raise unknown(word, *_choices(last, word), *self.presets)
            if kind in chosen and kind not in preset:
                raise UsageError(f"fence {kind} is named twice", "name it once")
            preset = [each for each in preset if each != kind]
            # A fence of the preset keeps its place, and gets the options of the line.
            chosen[kind] = dict(usual.get(kind, {}))
            last = kind
        for named, word in loose:
            self._give(word, list(chosen), named, chosen)
        fences = [fence_type(kind).parse(options) for kind, options in chosen.items()]
        if "net" not in preset:
            notes.clear()
        return Chosen(docker.fitted(fences), frozenset(preset), tuple(notes))

    def kinds(self) -> Sequence[str]:
        """Return the kinds for completion."""
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
                flag = option.name if option.bare else flag
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
        """Set an option of the nearest fence that has it, preferably before the word."""
        if not kinds:
            raise UsageError(f"{quoted(word)} comes without a fence", "as in: fence uts")
        key, _, value = word.lstrip("-").partition("=")
        for kind in [*reversed(kinds[:named]), *kinds[named:]]:
            for option in fence_type(kind).options():
                if option.name == (key.removeprefix("no-") if option.flag else key):
                    chosen[kind][key] = value
                    return
        # No fence has the option: the one before it raises the error, with its own options.
        chosen[kinds[max(0, named - 1)]][key] = value


class LimitWords(FenceWords):
    """Limits with their values: ``memory 128M``."""

    presets = ()

    def kinds(self) -> Sequence[str]:
        """Return the limits."""
        from shellplay.fences import ORDER, Limit

        return [kind for kind in ORDER if issubclass(fence_type(kind), Limit)]


class AppliedFences(Argument):
    """Applied fences to remove, or ``all``."""

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
        """Offer the applied fences of the current container."""
        if playground.current is None:
            return
        for record in playground.current.fences():
            if record.up and record.fence not in before:
                yield Candidate(record.fence, record.peel or "")
        yield Candidate(ALL, "every fence, the last first")


def _bare(kind: str, options: Mapping[str, str], word: str) -> str | None:
    """Return the option of a fence that a word sets without a key; None if it sets none."""
    fence = fence_type(kind)
    name = fence.bare(word)
    if kind_of(word) is not None and not any(word in each.choices for each in fence.options()):
        return None  # Where any value would do, it is the next fence all the same.
    return None if name in options else name


def _choices(kind: str | None, word: str) -> tuple[str, ...]:
    """Return the values that need no key; UsageError if the word is a second one."""
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
