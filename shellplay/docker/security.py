"""Translate --cap-add, --cap-drop, --privileged and --security-opt."""

from __future__ import annotations

from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError
from shellplay.fences.caps import ALL, PRESETS
from shellplay.kernel.capabilities import NAMES
from shellplay.nearest import did_you_mean


def capabilities(request: RunRequest) -> dict[str, str]:
    """Return the options of the caps fence, none if no capability is dropped.

    Raises UsageError.
    """
    if request.has("privileged"):
        return {}
    add = [name.lower().removeprefix("cap_") for name in request.all("cap-add")]
    drop = [name.lower().removeprefix("cap_") for name in request.all("cap-drop")]
    for name in (*add, *drop):
        if name not in (ALL, *NAMES):
            suggestion = did_you_mean(name, NAMES, "man 7 capabilities has them")
            raise UsageError(f"there is no capability {name!r}", suggestion)
    if ALL in add:
        dropped = [name for name in drop if name != ALL]
        return {"drop": ",".join(dropped)} if dropped else {}
    if ALL in drop:
        # Docker's rule: --cap-add counts even if --cap-drop ALL comes later.
        return {"keep": ",".join(add)} if add else {"preset": "none"}
    if not add and not drop:
        return {"preset": "docker"}
    kept = [*(name for name in PRESETS["docker"] if name not in drop), *add]
    return {"keep": ",".join(dict.fromkeys(kept))} if kept else {"preset": "none"}


def apply_security_option(word: str, options: dict[str, dict[str, str]]) -> None:
    """Change the options of the fences by one ``--security-opt``; raises UsageError."""
    key, _, value = word.replace(":", "=", 1).partition("=")
    if key == "no-new-privileges" and value in ("", "true"):
        options["nnp"] = {}
    elif key == "seccomp" and value == "unconfined":
        options.pop("seccomp", None)
    elif key == "seccomp" and value:
        options["seccomp"] = {"profile": value}
    elif (key, value) not in (("no-new-privileges", "false"), ("apparmor", "unconfined")):
        fix = "no-new-privileges, seccomp=unconfined or seccomp=FILE"
        raise UsageError(f"--security-opt {word} is not known here", fix)
