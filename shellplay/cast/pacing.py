"""The times of a performance: how a person types and reads, the same for the same seed."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from shellplay.cast.events import (
    Event,
    Heading,
    Narration,
    Output,
    Pause,
    Prompt,
    Scene,
    Sink,
    Typed,
)

KEYSTROKE = 0.06
QUICKEST, SLOWEST = 0.4, 4.0
# How much longer than usual it takes to reach some keys, and to begin and end a line.
SHIFTED = set('~!@#$%^&*()_+{}|:"<>?')
FIRST, WORD, SHIFT, SAME, ENTER = 3.0, 1.5, 1.4, 0.7, 3.5

READING = 0.04
LONGEST_READING = 4.0
ANSWER, LINE, SECTION = 0.12, 0.05, 0.8


def keystrokes(
    text: str, seed: object, *, mean: float = KEYSTROKE
) -> Iterator[tuple[float, str]]:
    """Yield the seconds before each key and the key; a combining mark comes with its letter.

    The delays depend on nothing but text, seed and ``mean``, in seconds.
    """
    chance = random.Random(f"{seed}:{text}")
    before = "\n"
    for key in _clusters(text):
        factor = min(max(chance.lognormvariate(0.0, 0.35), QUICKEST), SLOWEST)
        yield mean * factor * _reach(before, key), key
        before = key


def spread(event: Typed, seed: object, *, mean: float = KEYSTROKE) -> Iterator[Typed]:
    """Yield one event for each key of what was typed, beginning at its time."""
    time = event.time
    for delay, key in keystrokes(event.text, seed, mean=mean):
        time += delay
        yield Typed(time, key)


class Paced:
    """A sink that passes events on with new times: typed, answered and read at leisure.

    How long a machine really took is forgotten, so the same events give the same times.
    What comes in many pieces is waited for once.
    """

    def __init__(self, sink: Sink, seed: object, *, mean: float = KEYSTROKE) -> None:
        self._sink = sink
        self._seed = seed
        self._mean = mean
        self._now = 0.0
        self._reading = 0.0
        self._answered = False

    def __call__(self, event: Event) -> None:
        """Pass one event on."""
        match event:
            case Typed():
                self._wait(self._reading)
                self._reading = 0.0
                mean = self._mean if event.pace is None else event.pace
                for key in spread(Typed(self._now, event.text), self._seed, mean=mean):
                    self._sink(key)
                    self._now = key.time
                self._answered = False
                return
            case Prompt():
                self._wait(LINE)
            case Output(text=text):
                self._wait(0.0 if self._answered else ANSWER)
                self._answered = True
                self._read(text)
            case Pause(seconds=seconds):
                self._sink(replace(event, time=self._now))
                self._wait(LONGEST_READING if seconds is None else seconds)
                self._reading = 0.0
                return
            case Narration(markdown=markdown):
                self._read(markdown)
            case Heading():
                self._wait(SECTION + self._reading if self._now else 0.0)
                self._reading = 0.0
            case Scene():
                pass
            case _:
                self._wait(self._reading)
        self._sink(replace(event, time=self._now))

    def _wait(self, seconds: float) -> None:
        self._now += seconds

    def _read(self, text: str) -> None:
        words = len(text.split())
        self._reading = min(self._reading + SECTION + words * READING * 2, LONGEST_READING)


def _clusters(text: str) -> Iterator[str]:
    cluster = ""
    for character in text:
        if cluster and not unicodedata.combining(character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _reach(before: str, key: str) -> float:
    if key == "\n":
        return ENTER
    if before == "\n":
        return FIRST
    if key == before:
        return SAME
    if key == " ":
        return WORD
    return SHIFT if key in SHIFTED or key.isupper() else 1.0
