"""What a user can set for a playground."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """Settings of one playground; ``timeout`` is in seconds, None waits for ever."""

    live: bool = True
    bashrc: bool = False
    detach_key: str = "C-]"
    timeout: float | None = None
    trace: bool = False
