"""The needs of recipes: why this machine does not meet one."""

from __future__ import annotations

import operator
import os
import platform
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from shellplay.errors import Refused, UsageError
from shellplay.kernel import landlock, mountinfo, namespaces, net_routes, procfs, seccomp
from shellplay.kernel.cgroup import hierarchies
from shellplay.kernel.explain import APPARMOR, USERNS_CLONE, YAMA, sysctl
from shellplay.nearest import did_you_mean, quoted
from shellplay.recipe.document import Header

COMPARED = re.compile(r"(>=|<=|==|<|>)\s*(\d+(?:\.\d+)*)")
COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


def unmet(header: Header) -> str | None:
    """Return why a recipe cannot be performed here; None if it can.

    Raises UsageError for an unknown need, and for a wrong kernel version.
    """
    any_of = [why_not(word) for word in header.needs.any]
    missing = [why for why in map(why_not, header.needs.all) if why]
    if any_of and all(any_of):
        missing.append(" and ".join(why for why in any_of if why))
    if why := _kernel(header.kernel):
        missing.append(why)
    if header.network and not net_routes.has_default_route("self"):
        missing.append("there is no way to the network")
    missing += [f"there is no {name}" for name in header.programs if not shutil.which(name)]
    return "; ".join(missing) or None


def lacking(words: Iterable[str]) -> str | None:
    """Return the reason of the first need that is not met; None if all are."""
    return next((why for why in map(why_not, words) if why), None)


def why_not(word: str) -> str | None:
    """Return why a need is not met here; None if it is.  Raises UsageError."""
    if word not in NEEDS:
        fix = did_you_mean(word, NEEDS, f"there are {', '.join(sorted(NEEDS))}")
        raise UsageError(f"unknown need {quoted(word)}", fix)
    return NEEDS[word]()


def _root() -> str | None:
    return "needs root" if os.geteuid() else None


def _ordinary() -> str | None:
    return None if os.geteuid() else "needs an ordinary user, no root"


def _machine() -> str | None:
    # On the host PID 2 is kthreadd; in a PID namespace it is another process, or none.
    status = procfs.status(2)
    if status is not None and status.name == "kthreadd":
        return None
    return "needs the whole machine, no container: the threads of the kernel are not seen"


def _user_namespaces() -> str | None:
    if not namespaces.supported("user"):
        return "this kernel has no user namespaces"
    forbidding = {"user.max_user_namespaces": "0"}
    if os.geteuid():
        forbidding |= {USERNS_CLONE: "0", APPARMOR: "1"}
    wrong = [name for name, value in forbidding.items() if sysctl(name) == value]
    return (
        f"user namespaces are not allowed: {wrong[0]} is {forbidding[wrong[0]]}"
        if wrong
        else None
    )


def _ranges_of_ids() -> str | None:
    if os.geteuid() == 0 or shutil.which("newuidmap"):
        return None
    return "there is no newuidmap, so only one's own uid can be mapped"


def _ptrace() -> str | None:
    scope = sysctl(YAMA)
    refused = scope == "3" or (scope == "2" and os.geteuid() != 0)
    return f"ptrace is refused: {YAMA} is {scope}" if refused else None


def _live() -> str | None:
    from shellplay.errors import ShellplayError
    from shellplay.kernel.architecture import native

    try:
        native()
    except ShellplayError as error:
        return error.message
    return _ptrace()


def _cgroup(version: str, kind: str) -> Callable[[], str | None]:
    def look() -> str | None:
        if any(mount.kind == kind for mount in mountinfo.mounts() or ()):
            return None
        return f"no cgroups of version {version} are mounted"

    return look


def _limit(controller: str) -> Callable[[], str | None]:
    def look() -> str | None:
        hierarchy = hierarchies.having(controller)
        if hierarchy is None:
            return f"this machine has no {controller} controller in cgroups of version 1 or 2"
        try:
            place = hierarchies.place(hierarchy)
        except Refused as error:
            return error.message
        if hierarchy.version == 2 and not hierarchies.may_enable(hierarchy, place, controller):
            return f"the controller {controller} is not delegated to {place}"
        return None

    return look


def _interfaces() -> str | None:
    return "needs root, to make network interfaces" if os.geteuid() else None


def _bridge() -> str | None:
    # Loaded here: few recipes have this need.
    from shellplay.network.bridge_client import BridgeClient

    missing = BridgeClient.missing()
    return missing.message if missing else None


def _overlay() -> str | None:
    if "overlay" in Path("/proc/filesystems").read_text("ascii").split():
        return None
    # The kernel loads the module at the first mount.
    modules = Path("/lib/modules", platform.release(), "modules.dep")
    if modules.is_file() and "/overlay.ko" in modules.read_text("utf-8", "replace"):
        return None
    return "this kernel has no overlay file system (modprobe overlay)"


def _program(name: str) -> Callable[[], str | None]:
    return lambda: None if shutil.which(name) else f"there is no {name}"


def _time() -> str | None:
    return None if namespaces.supported("time") else "this kernel has no time namespaces"


def _seccomp() -> str | None:
    if not Path("/proc/sys/kernel/seccomp/actions_avail").exists():
        return "this kernel has no seccomp filters"
    try:
        seccomp.knows_call("read")
    except Refused as error:
        return error.message
    return None


def _set_user_id() -> str | None:
    path = shutil.which("su")
    if path is None:
        return "there is no su"
    status, found = procfs.status("self"), Path(path).stat()
    if status is not None and status.no_new_privs:
        return "no program gets new privileges here: no_new_privs is set"
    # The set-user-ID bit has no effect if the user namespace does not map the file's owner.
    if found.st_uid or not found.st_mode & stat.S_ISUID:
        return f"{path} does not become root when it is started"
    if os.statvfs(path).f_flag & os.ST_NOSUID:
        return f"{path} is on a file system that is mounted with nosuid"
    return None


def _landlock() -> str | None:
    return None if landlock.abi() else "this kernel has no Landlock"


NEEDS: dict[str, Callable[[], str | None]] = {
    "bridge": _bridge,
    "cgroup1": _cgroup("1", "cgroup"),
    "cgroup2": _cgroup("2", "cgroup2"),
    **{controller: _limit(controller) for controller in hierarchies.CONTROLLERS},
    "landlock": _landlock,
    "live": _live,
    "machine": _machine,
    "net": _interfaces,
    "nft": _program("nft"),
    "ordinary": _ordinary,
    "overlay": _overlay,
    "ptrace": _ptrace,
    "root": _root,
    "seccomp": _seccomp,
    "setuid": _set_user_id,
    "subids": _ranges_of_ids,
    "time": _time,
    "userns": _user_namespaces,
}


def _kernel(wanted: str) -> str | None:
    if not wanted.strip():
        return None
    release = platform.release()
    ours = _version(release)
    for part in wanted.split(","):
        found = COMPARED.fullmatch(part.strip())
        if found is None:
            raise UsageError(f"{quoted(wanted)} names no kernels", 'as in ">=5.10, <7"')
        theirs = _version(found[2])
        if not COMPARISONS[found[1]](ours[: len(theirs)], theirs):
            return f"the kernel is {release}, and it needs {wanted}"
    return None


def _version(text: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, found[0].split("."))) if found else ()
