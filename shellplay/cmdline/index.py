"""The index of the commands: the facts that help and completion need before a module is loaded.

``help`` lists the commands in this order.  ``python -m tests.index`` writes the entries from the
commands; it keeps the order, and appends new commands.
"""

from collections.abc import Mapping

from shellplay.model import Value


class Entry(Value):
    """The module of ``commands`` that a command is in, its group, summary and other names.

    ``rest`` maps each option before a raw tail to whether it has a value; None if the command
    has no raw tail.  ``alone`` is true if ``shellplay NAME`` runs the command without a session.
    """

    module: str
    group: str
    summary: str
    aliases: tuple[str, ...] = ()
    rest: Mapping[str, bool] | None = None
    alone: bool = False


COMMANDS = {
    "fence": Entry(
        "fence",
        "fences",
        "Put fences around the live bash, which goes on with all it has.",
        ("unshare",),
    ),
    "limit": Entry(
        "fence",
        "fences",
        "Change limits that are up, while everything inside runs on.",
        ("update",),
    ),
    "peel": Entry(
        "fence",
        "fences",
        "Take fences off the live bash again; what was written inside is not executed outside.",
    ),
    "fences": Entry(
        "fence",
        "fences",
        "List the fences that are up, and how each of them comes off.",
        alone=True,
    ),
    "mount": Entry(
        "mount",
        "files",
        "Mount a file or directory of the host, or a tmpfs, inside, while the bash runs.",
    ),
    "unmount": Entry(
        "mount",
        "files",
        "Unmount what is mounted inside; what uses it just now keeps it until it ends.",
        ("umount",),
    ),
    "diff": Entry(
        "mount",
        "files",
        "Show which files are not as they were: A added, C changed, D deleted.",
    ),
    "commit": Entry(
        "mount",
        "files",
        "Make an image of the files: of the image below, and what was changed.",
    ),
    "cp": Entry(
        "cp",
        "files",
        "Copy a file or directory into a container, or out of one, also if that has ended.",
    ),
    "publish": Entry(
        "network", "network", "Have a port of the host lead to one inside, while both run."
    ),
    "unpublish": Entry(
        "network", "network", "Close a published port, with every connection to it."
    ),
    "connect": Entry(
        "network",
        "network",
        "Lead an interface of the playground's bridge into a container with a network of its own.",
    ),
    "disconnect": Entry(
        "network",
        "network",
        "Take the interface of the bridge away; the loopback and published ports stay.",
    ),
    "enter": Entry(
        "shell",
        "living",
        "Hand the terminal to the live bash; Ctrl-] leaves it, and it lives on.",
        ("attach", "nsenter"),
    ),
    "in": Entry(
        "shell",
        "living",
        "Type a line into the live bash, and show its output and exit status.",
        rest={"-c": True, "--container": True, "--timeout": True},
    ),
    "spawn": Entry(
        "shell",
        "living",
        "Start a command in the background, as a child of the live bash.",
        rest={"-c": True, "--container": True},
    ),
    "exec": Entry(
        "shell",
        "living",
        "Run a program beside the live bash, inside all of its fences, as docker exec does.",
        rest={
            "-c": True,
            "--container": True,
            "-e": True,
            "--env": True,
            "--env-file": True,
            "-u": True,
            "--user": True,
            "-w": True,
            "--workdir": True,
            "-d": False,
            "--detach": False,
            "-i": False,
            "--interactive": False,
            "-t": False,
            "--tty": False,
        },
    ),
    "kill": Entry(
        "shell", "living", "Send a signal to processes of the container, by host PID or by job."
    ),
    "look": Entry(
        "look",
        "looking",
        "Show the fences as nested boxes, with the processes in the middle.",
        alone=True,
    ),
    "ps": Entry(
        "inspect",
        "looking",
        "Show processes with their PIDs inside and on the host.",
        alone=True,
    ),
    "tree": Entry(
        "inspect",
        "looking",
        "Show as a tree the processes, the owners of namespaces, the mounts or the cgroups.",
        ("pstree",),
    ),
    "inspect": Entry("inspect", "looking", "Show all there is to know of a container."),
    "stats": Entry(
        "stats",
        "looking",
        "Show what containers use beside their limits, and what these have done.",
    ),
    "trace": Entry(
        "inspect",
        "looking",
        "Show the system calls that each command makes, and the shell command that does the same.",
    ),
    "logs": Entry(
        "logs",
        "looking",
        "Show what the terminal or the program has printed, as far as it is kept.",
    ),
    "new": Entry(
        "containers",
        "containers",
        "Make a container: one live bash with no fence yet.",
        ("create",),
    ),
    "use": Entry("containers", "containers", "Make a container the current one."),
    "containers": Entry(
        "containers",
        "containers",
        "List the containers: bash, state and fences of each.",
        ("ls",),
    ),
    "pause": Entry(
        "containers",
        "containers",
        "Freeze everything in a container by a cgroup: no process notices, and none can refuse.",
        ("freeze",),
    ),
    "resume": Entry(
        "containers",
        "containers",
        "Let a paused container go on where it was.",
        ("unpause", "thaw"),
    ),
    "stop": Entry(
        "containers",
        "containers",
        "End containers: every process of theirs, and what their fences made on the host.",
    ),
    "run": Entry(
        "run",
        "containers",
        "Run a program as docker run does: behind every fence, put up one after the other.",
    ),
    "wait": Entry(
        "run",
        "containers",
        "Wait until containers have ended, and show the exit status of each.",
    ),
    "rm": Entry(
        "run", "containers", "Forget containers that have ended, with what they have written."
    ),
    "image": Entry(
        "image",
        "images",
        "Keep images: list, import, show, export and remove them.",
        ("images",),
        alone=True,
    ),
    "pull": Entry(
        "image", "images", "Fetch an image from a registry; the same as image pull.", alone=True
    ),
    "doctor": Entry(
        "doctor",
        "other",
        "Look at what this machine allows and what weakens fences here, and say the fix.",
        alone=True,
    ),
    "recipes": Entry(
        "recipes",
        "recipes",
        "List the recipes that come with shellplay: their length, their fences, what is done.",
        alone=True,
    ),
    "replay": Entry(
        "recipes", "recipes", "Perform a recipe: it is told and typed, and Space goes on."
    ),
    "tour": Entry(
        "recipes",
        "recipes",
        "Perform the first recipe: what a container is, in a few minutes.",
        alone=True,
    ),
    "record": Entry(
        "record",
        "recipes",
        "Write down what is done from now on, as a recipe that can be tested and replayed.",
    ),
    "set": Entry(
        "session", "other", "Show the settings with their defaults, or change one.", alone=True
    ),
    "help": Entry(
        "session",
        "other",
        "List the everyday commands, or explain a command, a fence, or the keys.",
        ("?", "man"),
        alone=True,
    ),
    "!": Entry("session", "other", "Run a line on the host, outside every fence.", rest={}),
    "quit": Entry(
        "session", "other", "End every container and leave; nothing stays behind.", ("exit",)
    ),
    "volume": Entry(
        "volume",
        "files",
        "Keep volumes: directories that outlive a container, and that several can have.",
        ("volumes",),
        alone=True,
    ),
    "version": Entry(
        "session", "other", "Show the versions of shellplay, Python and the kernel.", alone=True
    ),
    "why": Entry(
        "why",
        "looking",
        "Explain why the kernel refused a line, and prove which fences are the cause.",
        rest={
            "-c": True,
            "--container": True,
            "-y": False,
            "--yes": False,
            "--timeout": True,
            "--json": False,
        },
    ),
    "probe": Entry(
        "probe",
        "looking",
        "Try what a process inside can do, and say which fence closes the rest.",
    ),
    "restart": Entry(
        "containers",
        "containers",
        "Start a container again: a new bash under the same name, with no fence yet.",
    ),
}

ALIASES = {alias: name for name, entry in COMMANDS.items() for alias in entry.aliases}
