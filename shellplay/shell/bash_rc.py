"""The rc file of a live bash: prompt marks, a prompt that follows the fences, one key.

Marks are OSC 133 (semantic prompts) with a nonce, so that a program inside that prints
marks of its own is not believed: A and B around the prompt, S in a continuation prompt, C
before a command runs, D with its status after it, and P with the status once more in the
prompt itself, for a bash that has lost our prompt command.

The key is a sequence that nobody types.  Bash runs what follows it, in the shell itself,
with the half-typed line set aside and drawn again: this is how state is read and carried
over without a file, a descriptor or a fork inside the fence.

A bash that is to tell its lines has Enter bound to two such keys: one prints the line as it
is edited, between the marks E and e, the other has it accepted.
"""

from __future__ import annotations

import re

# A backslash begins an escape of printf's %b; of the rest only printable ASCII is typed.
_UNTYPABLE = re.compile(rb"[^ -\[\]-~]")
TEMPLATE = r"""
__shellplay_prompt() {
    __shellplay_keep_builtin
    local status= uid= host=
    builtin printf '\e]133;D;%s;k=NONCE\a' "$1"
    # \h, \u and \$ are computed once by bash; the fences change them while it runs.  Read
    # without forking: a fork may be what a fence forbids.
    { IFS= builtin read -r host </proc/sys/kernel/hostname; } 2>/dev/null || host=$HOSTNAME
    { IFS= builtin read -rd '' status </proc/self/status; } 2>/dev/null || uid=
    uid=${status#*$'\nUid:\t'*$'\t'} uid=${uid%%[!0-9]*} uid=${uid:-$EUID}
    case $uid in
        0) __shellplay_user=root __shellplay_sign='#' ;;
        "$EUID") __shellplay_user=${USER:-$uid} __shellplay_sign='$' ;;
        *) __shellplay_user=$uid __shellplay_sign='$' ;;
    esac
    __shellplay_host=${host%%.*}
    __shellplay_rehook
    return "$1"
}
# Everything here needs ``builtin``, which a user may replace by a function of that name.  In
# POSIX mode alone unset is found before any function, and only an assignment can switch it
# on without one.
__shellplay_keep_builtin() {
    builtin printf -v __shellplay_in kept >/dev/null 2>&1
    [[ ${__shellplay_in-} == kept ]] && { builtin unset __shellplay_in; return; }
    POSIXLY_CORRECT=1
    \unset -f builtin
    \unset POSIXLY_CORRECT
    builtin echo 'shellplay: the function builtin is undefined again, the prompt needs its name'
}
# Without standard error: ``set -x`` is for the user's commands.
__shellplay_hook='{ __shellplay_prompt "$?"; } 2>/dev/null'
PROMPT_COMMAND=("$__shellplay_hook" "${PROMPT_COMMAND[@]}" __shellplay_rehook)
# A user may replace any of these.  ``PROMPT_COMMAND=...`` replaces its first element only,
# and the last one puts ours back; PS0 and the rest are seen to before the next line.
__shellplay_rehook() {
    # What was made read-only cannot be set, and to try would end this function.
    [[ ${PROMPT_COMMAND[0]-} == "$__shellplay_hook" ||
        ${PROMPT_COMMAND+${PROMPT_COMMAND@a}} == *r* ]] ||
        PROMPT_COMMAND=("$__shellplay_hook" "${PROMPT_COMMAND[@]}")
    [[ ${PS0-} == *NONCE* || ${PS0+${PS0@a}} == *r* ]] || PS0='\e]133;C;k=NONCE\a'${PS0-}
    [[ ${PS1-} == *NONCE* || ${PS1+${PS1@a}} == *r* ]] ||
        PS1='\[\e]133;P;$?;k=NONCE\a\e]133;A;k=NONCE\a\]'${PS1-}'\[\e]133;B;k=NONCE\a\]'
    [[ ${PS2-} == *NONCE* || ${PS2+${PS2@a}} == *r* ]] || PS2=${PS2-}'\[\e]133;S;k=NONCE\a\]'
}
__shellplay_bind() {
    local map key='"\e[7133;NONCE~": { IFS= \builtin read -r __shellplay_in'
    key+='; \builtin printf -v __shellplay_in %b "$__shellplay_in"'
    key+='; \builtin eval "$__shellplay_in"; \builtin unset __shellplay_in; }'
    key+=' 3>&1 >/dev/null 2>&1'
    for map in emacs-standard vi-insert vi-command; do builtin bind -m $map -x "$key"; done
    for map in vi-insert vi-command; do builtin bind -m $map '"\C-g": abort'; done
    builtin bind 'set enable-bracketed-paste off'
}
__shellplay_keep_builtin
__shellplay_bind
unset -f __shellplay_bind
unset HISTFILE
"""

TELLING = r"""
__shellplay_bind() {
    local map key='"\e[7133;NONCE;E~": { \builtin printf >&3 "\e]133;E;k=NONCE\a%s'
    key+='\e]133;e;k=NONCE\a" "$READLINE_LINE"; } 3>&1 >/dev/null 2>&1'
    for map in emacs-standard vi-insert vi-command; do
        bind -m $map -x "$key"
        bind -m $map '"ACCEPT": accept-line'
        bind -m $map '"\C-m": "\e[7133;NONCE;E~ACCEPT"'
        bind -m $map '"\C-j": "\e[7133;NONCE;E~ACCEPT"'
    done
}
__shellplay_bind
unset -f __shellplay_bind
"""
PROMPT = r"PS1='${__shellplay_user}@${__shellplay_host}:\w${__shellplay_sign} '"
USER_FILE = "[[ -r ~/.bashrc ]] && . ~/.bashrc"


def rc_text(nonce: str, *, user_file: bool, tells_lines: bool, close: int) -> str:
    """Return the rc file; ``user_file`` reads the user's ~/.bashrc first.

    ``tells_lines`` has each typed line reported; ``close`` is the descriptor that the file is
    read from, which bash closes at the end.
    """
    telling = TELLING.replace("ACCEPT", r"\e[7133;NONCE;A~") if tells_lines else ""
    parts = [
        "HISTCONTROL=" if not user_file else "",
        USER_FILE if user_file else PROMPT,
        TEMPLATE.replace("NONCE", nonce),
        telling.replace("NONCE", nonce),
        f"exec {close}<&-",
    ]
    lines = "\n".join(parts).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("# ")) + "\n"


def accept_sequence(nonce: str) -> bytes:
    """Return the bytes that make a bash that tells its lines accept one, and not tell it."""
    return f"\x1b[7133;{nonce};A~".encode()


def key_sequence(nonce: str, script: str) -> bytes:
    """Return the bytes that make a bash with this nonce run ``script`` unseen.

    The script is one line of printable ASCII, which bash reads in pieces of 4 KiB: the
    terminal would act on control characters, and a locale on the others.
    """
    text = script.encode("utf-8", "surrogateescape")
    escaped = _UNTYPABLE.sub(lambda match: b"\\0%03o" % ord(match[0]), text)
    return f"\x1b[7133;{nonce}~".encode() + escaped + b"\n"
