"""Wait for a condition; no other file of the tests may sleep."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(
    condition: Callable[[], Value], what: str = "the condition", *, timeout: float = 10.0
) -> Value:
    """Call ``condition`` until its result is true, and return the result.

    ``timeout`` is in seconds; ``what`` is named in the AssertionError raised after it,
    together with the last value seen.
    """
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"waited {timeout} s for {what}; last seen: {value!r}")
        # The pause is a tenth of the time that has passed: short at first, then longer.
        time.sleep(min(max(waited / 10, 0.001), 0.05))
    return value


def at_random_moments(action: Callable[[], object], times: int, *, longest: float) -> None:
    """Call ``action`` again and again, after pauses of at most ``longest`` seconds.

    For events that may come at any moment: a test of them has no condition to wait for.
    """
    moments = random.Random(7)
    for _ in range(times):
        time.sleep(moments.uniform(0, longest))
        action()
