"""The options of ``docker run``: the table of those that ``run`` has, for parser and help."""

from __future__ import annotations

from typing import NamedTuple

from shellplay.fences.base.fence import OnHost
from shellplay.fences.net import BRIDGE, ON_HOST

# An option that does not say what it does on the host counts as one that reaches it.
UNDESCRIBED = "does something that is not described"


class Option(NamedTuple):
    """One option; ``metavar`` is empty for a flag, ``short`` is its letter or empty.

    Completion offers the ``choices``.  If ``restricted`` is true, every other value is refused.
    ``host`` says what it does on the host, as for an option of a fence; None: nothing.
    """

    help: str
    metavar: str = ""
    short: str = ""
    choices: tuple[str, ...] = ()
    restricted: bool = False
    host: OnHost = UNDESCRIBED


SHARED = "lets programs inside use {}"
NETWORKS = ("none", "bridge", "isolated", "pasta", "host", "container:")
OF_PROCESS: dict[str, Option] = {
    "help": Option("show this, and run nothing", host=None),
    "interactive": Option("give it what is typed here", host=None, short="i"),
    "tty": Option("give it a terminal", host=None, short="t"),
    "attach": Option(
        "only this stream, and no other",
        "STREAM",
        "a",
        host=None,
        choices=("stdin", "stdout", "stderr"),
    ),
    "detach": Option(
        "leave it in the background, see logs, enter and wait", host=None, short="d"
    ),
    "detach-keys": Option(
        "the keys that leave its terminal", "KEYS", host=None, choices=("ctrl-p,ctrl-q",)
    ),
    "sig-proxy": Option(
        "pass the signals of shellplay run on to it; it is the default", host=None
    ),
    "rm": Option("forget it when it has ended", host=None),
    "quiet": Option("do not tell the fences that go up, and do not warn", host=None, short="q"),
    "env": Option("a variable, or one of ours", "NAME[=VALUE]", "e", host=None),
    "env-file": Option("variables, a line each", "FILE", host="reads {}"),
    "workdir": Option("the directory it is started in", "PATH", "w", host=None),
    "user": Option("who it is inside", "USER[:GROUP]", "u", host=None),
    "group-add": Option("a group more that it is in", "GROUP", host=None),
    "entrypoint": Option("the program, instead of the image's", "PROGRAM", host=None),
    "init": Option("a process before it that reaps what it leaves behind", host=None),
    "stop-signal": Option("the signal that stop sends", "SIGNAL", host=None),
    "stop-timeout": Option(
        "so long stop waits before KILL, -1: for ever", "SECONDS", host=None
    ),
}
OF_CONTAINER: dict[str, Option] = {
    "name": Option("what it is called", "NAME", host=None),
    "cidfile": Option("a new file that gets its id", "FILE", host="writes {}"),
    "label": Option("a note on it, see containers --filter", "NAME[=VALUE]", "l", host=None),
    "label-file": Option("labels, a line each", "FILE", host="reads {}"),
    "annotation": Option("a note for tools, which inspect shows", "NAME=VALUE", host=None),
    "platform": Option("the image for this platform", "OS/ARCH", host=None),
    "pull": Option(
        "when to fetch the image",
        "always|missing|never",
        host={"always": "fetches the image from a registry"},
        choices=("always", "missing", "never"),
        restricted=True,
    ),
    "disable-content-trust": Option("check no signature of the image, as ever", host=None),
    "runtime": Option(
        "what starts it", "runc", host=None, choices=("runc", "io.containerd.runc.v2")
    ),
    "isolation": Option("how it is fenced", "default", host=None, choices=("default",)),
    "log-driver": Option(
        "how its output is kept",
        "json-file|local|none",
        host=None,
        choices=("json-file", "local", "none"),
    ),
    "log-opt": Option("how much of it", "max-size=AMOUNT", host=None, choices=("max-size=",)),
}
OF_FILES: dict[str, Option] = {
    "volume": Option(
        "mount a file of the host, or a volume", "SOURCE:TARGET[:ro]", "v", host=SHARED
    ),
    "volumes-from": Option(
        "the volumes of another container, too", "CONTAINER[:ro]", host=None
    ),
    "volume-driver": Option("what makes its volumes", "local", host=None, choices=("local",)),
    "mount": Option(
        "mount by keys", "type=bind|volume|tmpfs,source=,target=[,readonly]", host=SHARED
    ),
    "tmpfs": Option("mount memory", "TARGET[:OPTIONS]", host=None),
    "shm-size": Option("so much room in /dev/shm", "AMOUNT", host=None),
    "read-only": Option("nothing in its root can be written", host=None),
    "storage-opt": Option(
        "how much can be written in its root", "size=AMOUNT", host=None, choices=("size=",)
    ),
    "device": Option("a device of the host", "PATH[:INSIDE]", host="opens the device {}"),
}
OF_NETWORK: dict[str, Option] = {
    "network": Option(
        "its network",
        "none|bridge|isolated|pasta|host|container:NAME",
        host={**ON_HOST, "isolated": ON_HOST[BRIDGE], "host": "shares the network of the host"},
        choices=NETWORKS,
    ),
    "publish": Option(
        "a port of the host that leads inside",
        "[ADDRESS:]HOST:INSIDE",
        "p",
        host="opens the port {}",
    ),
    "publish-all": Option(
        "free ports of the host lead to all exposed ones", host="opens free ports", short="P"
    ),
    "expose": Option("a port inside that is for others", "PORT[/udp]", host=None),
    "hostname": Option("the host name inside, if not its id", "NAME", "h", host=None),
    "domainname": Option("the NIS domain inside", "NAME", host=None),
    "add-host": Option("a line of /etc/hosts", "NAME:ADDRESS|NAME:host-gateway", host=None),
    "dns": Option("a name server", "ADDRESS", host=None),
    "dns-search": Option(
        "a domain that names are looked up in, . for none", "DOMAIN", host=None
    ),
    "dns-option": Option("an option of resolv.conf", "OPTION", host=None),
    "network-alias": Option("one more name for its neighbours", "NAME", host=None),
    "ip": Option("its address at the bridge", "ADDRESS", host=None),
    "ip6": Option("its IPv6 address at the bridge", "ADDRESS", host=None),
    "mac-address": Option("the hardware address of its interface", "MAC", host=None),
    "link": Option("a neighbour by another name", "CONTAINER[:NAME]", host=None),
}
OF_LIMITS: dict[str, Option] = {
    "memory": Option("so much memory", "AMOUNT", "m", host=None),
    "kernel-memory": Option("discarded, with a warning", "AMOUNT", host=None),
    "oom-kill-disable": Option(
        "have nobody killed for memory; discarded in version 2", host=None
    ),
    "memory-swap": Option("so much memory and swap, -1: no limit", "AMOUNT", host=None),
    "memory-reservation": Option(
        "memory that it keeps when memory is short", "AMOUNT", host=None
    ),
    "memory-swappiness": Option("how early it is swapped, 0 to 100", "NUMBER", host=None),
    "cpu-shares": Option("its share of processors that are busy", "NUMBER", "c", host=None),
    "cpu-quota": Option("microseconds of a processor in each period", "NUMBER", host=None),
    "cpu-period": Option("the period, in microseconds", "NUMBER", host=None),
    "cpuset-mems": Option("only memory of these nodes", "LIST", host=None),
    "blkio-weight": Option("its share of busy disks, 10 to 1000", "NUMBER", host=None),
    "blkio-weight-device": Option("its share of one disk", "PATH:WEIGHT", host=None),
    "device-read-bps": Option("bytes read from a disk in a second", "PATH:AMOUNT", host=None),
    "device-write-bps": Option("bytes written to a disk in a second", "PATH:AMOUNT", host=None),
    "device-read-iops": Option("reads from a disk in a second", "PATH:NUMBER", host=None),
    "device-write-iops": Option("writes to a disk in a second", "PATH:NUMBER", host=None),
    "cgroup-parent": Option("the cgroup above its own", "PATH", host="makes a cgroup in {}"),
    "cpus": Option("so many processors' worth", "NUMBER", host=None),
    "cpuset-cpus": Option("only these processors", "LIST", host=None),
    "pids-limit": Option("so many processes, -1: as many as it likes", "NUMBER", host=None),
    "ulimit": Option("a limit of each process", "NAME=SOFT[:HARD]", host=None),
    "oom-score-adj": Option(
        "how early the kernel kills it for memory", "-1000..1000", host=None
    ),
}
OF_KERNEL: dict[str, Option] = {
    "cap-add": Option("a capability more, or ALL", "NAME", host="gives the capability {}"),
    "cap-drop": Option("a capability less, or ALL", "NAME", host=None),
    "security-opt": Option(
        "no-new-privileges, seccomp=unconfined or seccomp=FILE",
        "OPTION",
        host={
            "seccomp": "takes another filter of system calls: {}",
            "systempaths": "hides no setting",
        },
        choices=(
            "no-new-privileges",
            "seccomp=unconfined",
            "label=disable",
            "apparmor=unconfined",
            "systempaths=unconfined",
        ),
    ),
    "privileged": Option(
        "all capabilities and devices, nothing hidden, no filter",
        host="gives all capabilities and devices",
    ),
    "sysctl": Option("a switch of the kernel that is its own", "NAME=VALUE", host=None),
    "pid": Option(
        "whose processes it sees",
        "host|container:NAME",
        host={"host": "shares the processes of the host"},
        choices=("host",),
    ),
    "ipc": Option(
        "whose shared memory",
        "private|none|host|container:NAME",
        host={"host": "shares the memory of programs of the host"},
        choices=("private", "none", "shareable", "host"),
    ),
    "uts": Option(
        "whose host name", "host", host={"host": "shares the host name"}, choices=("host",)
    ),
    "userns": Option("whose users", "host", host=None, choices=("host",), restricted=True),
    "cgroupns": Option(
        "whose view of cgroups",
        "host|private",
        host=None,
        choices=("host", "private"),
        restricted=True,
    ),
}
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
ALIASES = {"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}
SHORT = {option.short: name for name, option in OPTIONS.items() if option.short}
