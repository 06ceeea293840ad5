"""The fixture of ``run``, for tests of the command ``why``."""

from tests.program.conftest import run

__all__ = ["run"]
