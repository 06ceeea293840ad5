"""The configuration file: settings as ``set`` takes them, in TOML."""

import os

from shellplay.directories import base_directory
from shellplay.errors import ShellplayError, UsageError
from shellplay.settings import Settings


class ConfigUnreachable(ShellplayError):
    """The directory of the configuration file cannot be entered."""


def config_path() -> str | None:
    """Return the path of the configuration file; None if the user has no home directory."""
    directory = base_directory("XDG_CONFIG_HOME", ".config")
    return directory and os.path.join(directory, "config.toml")


def read_settings(path: str | os.PathLike[str] | None) -> Settings:
    """Return the settings in a file; the default ones if ``path`` is None or does not exist.

    Raises UsageError with the path, and ConfigUnreachable if the directory cannot be entered.
    """
    settings = Settings()
    if path is None:
        return settings
    try:
        os.stat(path)
    except FileNotFoundError:
        return settings
    except OSError as error:
        raise ConfigUnreachable(
            f"no settings are read: {path}: {error.strerror}", "--no-config says nothing"
        ) from error
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "or use --no-config") from error
    import tomllib

    from shellplay.cmdline.setting_types import change_all

    try:
        change_all(settings, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", "or use --no-config") from error
    except ShellplayError as error:
        raise UsageError(f"{path}: {error.message}", error.fix) from error
    return settings
