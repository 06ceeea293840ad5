"""Run the real program over pipes, with a neutral environment."""

import os
import subprocess
import sys


def environment(**more: str) -> dict[str, str]:
    """Return our environment without the variables that change the output, plus ``more``."""
    kept = {name: value for name, value in os.environ.items() if "SHELLPLAY_PL" not in name}
    for name in ("NO_COLOR", "COLUMNS", "SHELLPLAY_MARKS", "SHELLPLAY_PROMPT"):
        kept.pop(name, None)
    return kept | {"TERM": "dumb", "LC_ALL": "C.UTF-8"} | more


def shellplay(
    *arguments: str, typed: bytes = b"", **more: str
) -> subprocess.CompletedProcess[str]:
    """Run the program with arguments and input; return status, output and errors."""
    done = subprocess.run(
        [sys.executable, "-m", "shellplay", *arguments],
        input=typed,
        capture_output=True,
        check=False,
        env=environment(**more),
        timeout=60,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
