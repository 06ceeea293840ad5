"""The mounts that a process sees, from /proc/PID/mountinfo."""

from __future__ import annotations

from functools import lru_cache

from shellplay.kernel.procfs import read, text

_OCTAL = rb"\\([0-7]{3})"


class Mount:
    """One line of /proc/PID/mountinfo, proc_pid_mountinfo(5).

    ``device`` is ``major:minor``.  ``propagation`` has tags like ``shared:1``; it is empty
    for a private mount.
    """

    def __init__(
        self,
        id: int,
        parent: int,
        device: str,
        root: str,
        point: str,
        options: tuple[str, ...],
        propagation: tuple[str, ...],
        kind: str,
        source: str,
        super_options: tuple[str, ...],
    ) -> None:
        self.id = id
        self.parent = parent
        self.device = device
        self.root = root
        self.point = point
        self.options = options
        self.propagation = propagation
        self.kind = kind
        self.source = source
        self.super_options = super_options

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mount) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(self.id)


def parse_mountinfo(content: bytes) -> list[Mount]:
    """Parse a mountinfo file, in the order of mounting."""
    return [_mount(line) for line in content.splitlines()]


def mounts(pid: int | str = "self") -> list[Mount] | None:
    """Read the mounts that a process sees; None if the process has ended."""
    content = read(pid, "mountinfo")
    return None if content is None else parse_mountinfo(content)


def mounts_below(pid: int | str, path: str) -> list[Mount]:
    """Read the mounts at a path and below it; mountinfo must not escape the path."""
    lines = (read(pid, "mountinfo") or b"").splitlines()
    at, below = f" {path} ".encode(), f" {path}/".encode()
    # Another field may have the path, too.
    found = (_mount(line) for line in lines if at in line or below in line)
    return [each for each in found if f"{each.point}/".startswith(f"{path}/")]


def mounts_at(pid: int | str, path: str) -> list[Mount]:
    """Read the mounts at a path, the topmost last; mountinfo must not escape the path."""
    lines = (read(pid, "mountinfo") or b"").splitlines()
    point = f" {path} ".encode()
    found = (_mount(line) for line in lines if point in line)
    return [each for each in found if each.point == path]


def location(pid: int | str, path: str) -> tuple[str, str] | None:
    """Return the device and the path on it to which a path leads for a process.

    The path must have no links.  Only its table of mounts is read, and no file system, which
    may not answer.  None if the process has ended.
    """
    found = None
    on_the_way = [
        each
        for each in mounts(pid) or ()
        if f"{path}/".startswith(f"{each.point.rstrip('/')}/")
    ]
    ids = {each.id for each in on_the_way}
    # The root of the tree of mounts has itself, or a mount out of sight, as its parent.
    next_ = [each for each in on_the_way if each.parent == each.id or each.parent not in ids]
    while next_:
        # The walk along the path comes to the mount at its shortest prefix first.
        found = top = min(next_, key=lambda each: len(each.point))
        next_ = [each for each in on_the_way if each.parent == top.id != each.id]
    if found is None:
        return None
    rest = path[len(found.point.rstrip("/")) :]
    return found.device, f"{found.root.rstrip('/')}{rest}".rstrip("/")


def mount_of(fd: int) -> int:
    """Return the ID of the mount of a descriptor of ours, proc_pid_fdinfo(5)."""
    content = read("self", f"fdinfo/{fd}") or b""
    return int(content.partition(b"\nmnt_id:")[2].split(None, 1)[0])


@lru_cache(256)  # Many processes see the same mounts, and so the same lines.
def _mount(line: bytes) -> Mount:
    before, _, after = line.partition(b" - ")
    first, second, device, root, point, options, *tags = before.split(b" ")
    kind, source, supers = [*after.split(b" "), b"", b""][:3]
    return Mount(
        id=int(first),
        parent=int(second),
        device=text(device),
        root=_unescaped(root),
        point=_unescaped(point),
        options=tuple(text(options).split(",")),
        propagation=tuple(text(tag) for tag in tags if tag),
        kind=_unescaped(kind),
        source=_unescaped(source),
        super_options=tuple(text(supers).split(",")),
    )


def _unescaped(content: bytes) -> str:
    if b"\\" not in content:
        return text(content)
    # Loaded here: few paths have escapes.
    import re

    return text(re.sub(_OCTAL, lambda match: bytes([int(match[1], 8)]), content))
