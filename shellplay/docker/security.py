"""Translate --cap-add, --cap-drop, --privileged and --security-opt."""

from __future__ import annotations

from shellplay.docker.options import RunRequest
from shellplay.errors import UsageError
from shellplay.fences.caps import ALL, PRESETS
from shellplay.kernel.capabilities import NAMES
from shellplay.nearest import did_you_mean

KNOWN = "no-new-privileges, seccomp=unconfined, seccomp=FILE or systempaths=unconfined"
# What is done anyway: no label is set, and no profile.
AS_EVER = (
    *(("no-new-privileges", "false"), ("seccomp", "builtin"), ("writable-cgroups", "false")),
    *(("label", "disable"), ("apparmor", "unconfined")),
)
NOT_HERE = {
    "label": ("no label of SELinux is set here", "label=disable"),
    "apparmor": (
        "no profile of AppArmor is put on here",
        "apparmor=unconfined, and aa-exec -p PROFILE before shellplay",
    ),
    "writable-cgroups": ("cgroups inside are to be looked at", "leave it out"),
    "systempaths": ("it is unconfined or not there", "systempaths=unconfined"),
}


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
    match key, value:
        case "no-new-privileges", "" | "true":
            options["nnp"] = {}
        case "seccomp", "unconfined":
            options.pop("seccomp", None)
        case "seccomp", file if file and file != "builtin":
            options["seccomp"] = {"profile": file}
        case "systempaths", "unconfined":
            # A fresh /proc is mounted all the same, with nothing hidden in it.
            options.pop("proc", None)
            if "sys" in options:
                options["sys"] = {"mask": "no"}
        case _ if (key, value) not in AS_EVER:
            reason, fix = NOT_HERE.get(key, ("it is not known here", KNOWN))
            raise UsageError(f"--security-opt {word}: {reason}", fix)
