"""Give events the times of a person who types and reads; the same seed gives the same times."""

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

# Seconds to type one key on average, and the smallest and largest random factor.
KEYSTROKE = 0.06
MIN_FACTOR, MAX_FACTOR = 0.4, 4.0
# Factors for keys that take longer: the first key of a line, a blank, a shifted key, the
# same key again, and Enter.
SHIFTED = set('~!@#$%^&*()_+{}|:"<>?')
FIRST, BLANK, SHIFT, SAME, ENTER = 3.0, 1.5, 1.4, 0.7, 3.5

# Seconds to read one word, and the longest time to read a text.
WORD = 0.08
MAX_READING = 4.0
# Seconds before an answer, before a prompt, and before a heading.
ANSWER, LINE, SECTION = 0.12, 0.05, 0.8


def keystrokes(
    text: str, seed: object, *, mean: float = KEYSTROKE
) -> Iterator[tuple[float, str]]:
    """Yield each key with the seconds before it; a combining mark belongs to its letter.

    The delays depend only on ``text``, ``seed`` and ``mean``, the usual time of one key in
    seconds.
    """
    generator = random.Random(f"{seed}:{text}")
    before = "\n"
    for key in _clusters(text):
        factor = min(max(generator.lognormvariate(0.0, 0.35), MIN_FACTOR), MAX_FACTOR)
        yield mean * factor * _key_factor(before, key), key
        before = key


def split_keys(event: Typed, seed: object, *, mean: float = KEYSTROKE) -> Iterator[Typed]:
    """Yield one event for each key of an event; the first delay begins at its time."""
    time = event.time
    for delay, key in keystrokes(event.text, seed, mean=mean):
        time += delay
        yield Typed(time, key)


class Paced:
    """A sink that passes events on with new times, as if a person typed and read them.

    The measured times do not count, so the same events always get the same times.  An
    output that arrives in several events has one delay, before the first of them.
    """

    def __init__(self, sink: Sink, seed: object, *, mean: float = KEYSTROKE) -> None:
        self._sink = sink
        self._seed = seed
        self._mean = mean
        self._now = 0.0
        self._reading = 0.0
        self._answered = False

    def __call__(self, event: Event) -> None:
        """Pass one event on with its new time; a typed line becomes one event for each key."""
        match event:
            case Typed():
                self._wait(self._reading)
                self._reading = 0.0
                mean = self._mean if event.pace is None else event.pace
                for key in split_keys(Typed(self._now, event.text), self._seed, mean=mean):
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
                self._wait(MAX_READING if seconds is None else seconds)
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
        self._reading = min(self._reading + SECTION + words * WORD, MAX_READING)


def _clusters(text: str) -> Iterator[str]:
    cluster = ""
    for character in text:
        if cluster and not unicodedata.combining(character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _key_factor(before: str, key: str) -> float:
    if key == "\n":
        return ENTER
    if before == "\n":
        return FIRST
    if key == before:
        return SAME
    if key == " ":
        return BLANK
    return SHIFT if key in SHIFTED or key.isupper() else 1.0
