"""Waiting for a condition: the only place in the tests where time passes by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def wait_until(
    condition: Callable[[], Value], what: str = "the condition", *, timeout: float = 10.0
) -> Value:
    """Call ``condition`` until it returns something true, and return that.

    ``timeout`` is in seconds; ``what`` is named in the AssertionError raised after it,
    together with the last value seen.
    """
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        if waited > timeout:
            raise AssertionError(f"waited {timeout} s for {what}; last seen: {value!r}")
        # Often at first, and then a tenth of the time that it takes anyway.
        time.sleep(min(max(waited / 10, 0.001), 0.05))
    return value
