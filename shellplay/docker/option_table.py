"""The options of ``docker run``: the table of those that ``run`` has, for parser and help."""

from __future__ import annotations

from typing import NamedTuple


class Option(NamedTuple):
    """One option; ``metavar`` is empty for a flag, ``short`` is its letter or empty.

    Completion offers the ``choices``.  If ``restricted`` is true, every other value is refused.
    """

    help: str
    metavar: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    restricted: bool = False


NETWORKS = ("none", "bridge", "pasta", "host", "container:")
OF_PROCESS: dict[str, Option] = {
    "help": Option("show this, and run nothing"),
    "interactive": Option("give it what is typed here", short="i"),
    "tty": Option("give it a terminal", short="t"),
    "attach": Option(
        "only this stream, and no other", "STREAM", "a", choices=("stdin", "stdout", "stderr")
    ),
    "detach": Option("leave it in the background, see logs, enter and wait", short="d"),
    "detach-keys": Option(
        "the keys that leave its terminal", "KEYS", choices=("ctrl-p,ctrl-q",)
    ),
    "sig-proxy": Option("pass the signals of shellplay run on to it; it is the default"),
    "rm": Option("forget it when it has ended"),
    "quiet": Option("do not tell the fences that go up, and do not warn", short="q"),
    "env": Option("a variable, or one of ours", "NAME[=VALUE]", "e"),
    "env-file": Option("variables, a line each", "FILE"),
    "workdir": Option("the directory it is started in", "PATH", "w"),
    "user": Option("who it is inside", "USER[:GROUP]", "u"),
    "group-add": Option("a group more that it is in", "GROUP"),
    "entrypoint": Option("the program, instead of the image's", "PROGRAM"),
    "init": Option("a process before it that reaps what it leaves behind"),
    "stop-signal": Option("the signal that stop sends", "SIGNAL"),
    "stop-timeout": Option("so long stop waits before KILL, -1: for ever", "SECONDS"),
}  # fmt: skip
OF_CONTAINER: dict[str, Option] = {
    "name": Option("what it is called", "NAME"),
    "cidfile": Option("a new file that gets its id", "FILE"),
    "label": Option("a note on it, see containers --filter", "NAME[=VALUE]", "l"),
    "label-file": Option("labels, a line each", "FILE"),
    "annotation": Option("a note for tools, which inspect shows", "NAME=VALUE"),
    "platform": Option("the image for this platform", "OS/ARCH"),
    "pull": Option(
        "when to fetch the image", "always|missing|never",
        choices=("always", "missing", "never"), restricted=True,
    ),
    "disable-content-trust": Option("check no signature of the image, as ever"),
    "runtime": Option("what starts it", "runc", choices=("runc", "io.containerd.runc.v2")),
    "isolation": Option("how it is fenced", "default", choices=("default",)),
    "log-driver": Option(
        "how its output is kept", "json-file|local|none", choices=("json-file", "local", "none")
    ),
    "log-opt": Option("how much of it", "max-size=AMOUNT", choices=("max-size=",)),
}  # fmt: skip
OF_FILES: dict[str, Option] = {
    "volume": Option("mount a file or directory of the host", "SOURCE:TARGET[:ro]", "v"),
    "mount": Option("mount by keys", "type=bind|tmpfs,source=,target=[,readonly]"),
    "tmpfs": Option("mount memory", "TARGET[:OPTIONS]"),
    "shm-size": Option("so much room in /dev/shm", "AMOUNT"),
    "read-only": Option("nothing in its root can be written"),
    "device": Option("a device of the host", "PATH[:INSIDE]"),
}
OF_NETWORK: dict[str, Option] = {
    "network": Option("its network", "none|bridge|pasta|host|container:NAME", choices=NETWORKS),
    "publish": Option("a port of the host that leads inside", "[ADDRESS:]HOST:INSIDE", "p"),
    "publish-all": Option("free ports of the host lead to all exposed ones", short="P"),
    "expose": Option("a port inside that is for others", "PORT[/udp]"),
    "hostname": Option("the host name inside, if not its id", "NAME", "h"),
    "domainname": Option("the NIS domain inside", "NAME"),
    "add-host": Option("a line of /etc/hosts", "NAME:ADDRESS|NAME:host-gateway"),
    "dns": Option("a name server", "ADDRESS"),
    "dns-search": Option("a domain that names are looked up in, . for none", "DOMAIN"),
    "dns-option": Option("an option of resolv.conf", "OPTION"),
    "network-alias": Option("one more name for its neighbours", "NAME"),
    "link": Option("a neighbour by another name", "CONTAINER[:NAME]"),
}
OF_LIMITS: dict[str, Option] = {
    "memory": Option("so much memory", "AMOUNT", "m"),
    "kernel-memory": Option("discarded, with a warning", "AMOUNT"),
    "oom-kill-disable": Option("discarded, with a warning"),
    "cpus": Option("so many processors' worth", "NUMBER"),
    "cpuset-cpus": Option("only these processors", "LIST"),
    "pids-limit": Option("so many processes, -1: as many as it likes", "NUMBER"),
    "ulimit": Option("a limit of each process", "NAME=SOFT[:HARD]"),
    "oom-score-adj": Option("how early the kernel kills it for memory", "-1000..1000"),
}
OF_KERNEL: dict[str, Option] = {
    "cap-add": Option("a capability more, or ALL", "NAME"),
    "cap-drop": Option("a capability less, or ALL", "NAME"),
    "security-opt": Option(
        "no-new-privileges, seccomp=unconfined or seccomp=FILE", "OPTION",
        choices=(
            "no-new-privileges", "seccomp=unconfined", "label=disable", "apparmor=unconfined",
            "systempaths=unconfined",
        ),
    ),
    "privileged": Option("all capabilities and devices, nothing hidden, no filter"),
    "sysctl": Option("a switch of the kernel that is its own", "NAME=VALUE"),
    "pid": Option("whose processes it sees", "host|container:NAME", choices=("host",)),
    "ipc": Option(
        "whose shared memory", "private|none|host|container:NAME",
        choices=("private", "none", "shareable", "host"),
    ),
    "uts": Option("whose host name", "host", choices=("host",)),
    "userns": Option("whose users", "host", choices=("host",), restricted=True),
    "cgroupns": Option(
        "whose view of cgroups", "host|private", choices=("host", "private"), restricted=True
    ),
}  # fmt: skip
OPTIONS: dict[str, Option] = {
    **OF_PROCESS,
    **OF_CONTAINER,
    **OF_FILES,
    **OF_NETWORK,
    **OF_LIMITS,
    **OF_KERNEL,
}
# Docker takes these with a warning as well, where the kernel does not keep them.
DISCARDED = {
    "kernel-memory": "the kernel keeps no limit of kernel memory alone",
    "oom-kill-disable": "the kernel still kills a program if memory runs out",
}
# The other words that Docker has for an option; it shows none of them in its help.
# The networks that no port is published from.
UNPUBLISHED = {
    "host": "a port inside is one of the host already",
    "none": "nothing outside can reach an address inside",
}
ALIASES = {"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}
SHORT = {option.short: name for name, option in OPTIONS.items() if option.short}
