"""The configuration file: settings as ``set`` takes them, in TOML."""

from pathlib import Path

from shellplay.cmdline.setting_types import change_all
from shellplay.directories import base_directory
from shellplay.errors import ShellplayError, UsageError
from shellplay.settings import Settings


class ConfigUnreachable(ShellplayError):
    """The directory of the configuration file cannot be entered."""


def config_path() -> Path | None:
    """Return the path of the configuration file; None if the user has no home directory."""
    directory = base_directory("XDG_CONFIG_HOME", ".config")
    return directory and directory / "config.toml"


def read_settings(path: Path | None) -> Settings:
    """Return the settings in a file; the default ones if ``path`` is None or does not exist.

    Raises UsageError with the path, and ConfigUnreachable if the directory cannot be entered.
    """
    settings = Settings()
    if path is None:
        return settings
    try:
        path.stat()
    except FileNotFoundError:
        return settings
    except OSError as error:
        raise ConfigUnreachable(
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
