"""Words of a shell at the prompt of shellplay: programs, builtins and assignments."""

import re

from shellplay.errors import UsageError

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
# Builtins and keywords of bash(1), without those that are programs, too.
BUILTINS = frozenset(
    {
        *(".", ":", "[[", "{", "(", "alias", "bg", "bind", "builtin", "caller", "case", "cd"),
        *("command", "compgen", "complete", "compopt", "coproc", "declare", "dirs", "disown"),
        *("echo", "enable", "eval", "export", "false", "fc", "fg", "for", "function"),
        *("getopts", "hash", "history", "if", "jobs", "let", "local", "logout", "mapfile"),
        *("popd", "printf", "pushd", "pwd", "read", "readarray", "readonly", "select"),
        *("shift", "shopt", "source", "suspend", "test", "time", "times", "trap", "true"),
        *("type", "typeset", "ulimit", "umask", "unalias", "unset", "until", "while"),
    }
)
LONGEST = 60


def shell_error(word: str, line: str) -> UsageError | None:
    """Return the error for a line of a shell; None if its first word means nothing to one."""
    if not (word in BUILTINS or ASSIGNMENT.match(word) or _is_program(word)):
        return None
    shown = line if len(line) <= LONGEST and line.isprintable() else f"{word} ..."
    return UsageError(
        f"{word} is not a shellplay command", f"inside: in {shown}; on the host: ! {shown}"
    )


def _is_program(word: str) -> bool:
    from shutil import which

    return which(word) is not None
