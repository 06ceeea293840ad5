"""The configuration file: settings as ``set`` takes them, in TOML."""

from pathlib import Path

from shellplay.cmdline.setting_types import change_all
from shellplay.directories import base_directory
from shellplay.errors import ShellplayError, UsageError
from shellplay.settings import Settings


class OutOfReach(ShellplayError):
    """Nobody can tell whether there is a configuration file."""


def config_path() -> Path | None:
    """Return the place of the file; None if the user has no home."""
    directory = base_directory("XDG_CONFIG_HOME", ".config")
    return directory and directory / "config.toml"


def read_settings(path: Path | None) -> Settings:
    """Return the settings that a file gives, or the usual ones if there is no such file.

    Raises UsageError that names the file, OutOfReach if its directory cannot be entered.
    """
    settings = Settings()
    if path is None:
        return settings
    try:
        path.stat()
    except FileNotFoundError:
        return settings
    except OSError as error:
        raise OutOfReach(
            f"no settings are read: {path}: {error.strerror}", "--no-config says nothing"
        ) from error
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "or use --no-config") from error
    import tomllib

    try:
        change_all(settings, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is no TOML: {error}", "or use --no-config") from error
    except ShellplayError as error:
        raise UsageError(f"{path}: {error.message}", error.fix) from error
    return settings
