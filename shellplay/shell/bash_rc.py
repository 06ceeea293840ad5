"""The rc file of a bash: prompt marks, a prompt that follows the fences, and a hidden key.

Marks are OSC 133 sequences (semantic prompts) with a nonce, so that no program can forge
them.  The nonce is in a variable, so it can be changed while bash runs.  A and B are around
the prompt; S is in a continuation prompt.  C comes before a command runs, and D with its exit
status comes after it.  P is in the prompt and has the status again, for a bash whose
PROMPT_COMMAND is not ours any more.

The hidden key is a sequence that no keyboard sends.  Bash runs the script behind it in the
shell itself, and then draws the half-typed line again.  So we read and restore state without
a file, a descriptor or a fork behind the fence.

If a bash reports its lines, Enter is bound to two more hidden keys.  The first one prints the
edited line between the marks E and e; the second one accepts the line.

After a line that had the user's keyboard, bash returns the keys that no program has read
between the marks R and r, and asks before with U.
"""

from __future__ import annotations

import re

# These bytes are escaped for printf %b, as is a backslash: all but printable ASCII.
_UNTYPABLE = re.compile(rb"[^ -~]")
NONCE = "__shellplay_nonce"
# The commands of shellplay that a learner types into the bash, and no usual program has.
WORDS = "fence|fences|peel|look|containers|enter|recipes|replay|tour"
TEMPLATE = r"""
__shellplay_prompt() {
    __shellplay_keep_builtin
    local status= uid= host=
    builtin printf '\e]133;D;%s;k=%s\a' "$1" "NONCE"
    # Bash computes \h, \u and \$ once, but fences change host and user while it runs.  We read
    # /proc without a fork, because a fence may deny fork(2).
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
    [[ -z ${__shellplay_returns-} ]] || __shellplay_return_keys
    __shellplay_unseen_prompt
    return "$1"
}
# All code here needs ``builtin``, and a user may define a function of this name.  In POSIX
# mode, and only there, bash finds the builtin unset before a function of its name.  An
# assignment switches this mode on without a command.
__shellplay_keep_builtin() {
    builtin printf -v __shellplay_in kept >/dev/null 2>&1
    [[ ${__shellplay_in-} == kept ]] && { builtin unset __shellplay_in; return; }
    POSIXLY_CORRECT=1
    \unset -f builtin
    \unset POSIXLY_CORRECT
    builtin echo 'shellplay: the function builtin is undefined again, the prompt needs its name'
}
# Standard error goes to /dev/null: ``set -x`` shall show the user's commands only.
__shellplay_hook='{ __shellplay_prompt "$?"; } 2>/dev/null'
PROMPT_COMMAND=("$__shellplay_hook" "${PROMPT_COMMAND[@]}" __shellplay_rehook)
# A user may replace these variables.  ``PROMPT_COMMAND=...`` replaces only the first element;
# the last element then restores it, and PS0, PS1 and PS2.
__shellplay_rehook() {
    # An assignment to a read-only variable fails and ends this function, so we check first.
    [[ ${PROMPT_COMMAND[0]-} == "$__shellplay_hook" ||
        ${PROMPT_COMMAND+${PROMPT_COMMAND@a}} == *r* ]] ||
        PROMPT_COMMAND=("$__shellplay_hook" "${PROMPT_COMMAND[@]}")
    # A prompt has the nonce by the name of its variable, which bash expands each time.
    [[ $BASHOPTS == *promptvars* ]] || builtin shopt -s promptvars
    [[ ${PS0-} == *'NONCE'* || ${PS0+${PS0@a}} == *r* ]] || PS0='\e]133;C;k=NONCE\a'${PS0-}
    [[ ${PS1-} == *'NONCE'* || ${PS1+${PS1@a}} == *r* ]] ||
        PS1='\[\e]133;P;$?;k=NONCE\a\e]133;A;k=NONCE\a\]'${PS1-}'\[\e]133;B;k=NONCE\a\]'
    [[ ${PS2-} == *'NONCE'* || ${PS2+${PS2@a}} == *r* ]] ||
        PS2=${PS2-}'\[\e]133;S;k=NONCE\a\]'
}
# See shell/unread_keys.py.  In canonical mode a ^D is a zero byte for a later reader.
__shellplay_return_keys() {
    builtin unset __shellplay_returns
    local piece= keys= separator=
    builtin printf '\e]133;U;k=%s\a' "NONCE"
    while IFS= builtin read -rsd '' -t 2 piece; do
        [[ $piece != KEY ]] || break
        keys+=$separator$piece separator=$'\x04'
    done
    builtin printf '\e]133;R;k=%s\a%s\e]133;r;k=%s\a' "NONCE" "$keys" "NONCE"
}
# On a terminal that cannot move the cursor up, readline draws nothing of a prompt that is as
# wide as the screen.  So we print its marks here.
__shellplay_unseen_prompt() {
    [[ ${TERM-} == dumb ]] || return 0
    local shown=${PS1@P}
    while [[ $shown == *$'\001'*$'\002'* ]]; do
        shown=${shown%%$'\001'*}${shown#*$'\002'}
    done
    shown=${shown##*$'\n'}
    (( ${#shown} < ${COLUMNS:-80} - 8 )) ||
        builtin printf '\e]133;A;k=%s\a\e]133;B;k=%s\a' "NONCE" "NONCE"
}
__shellplay_bind() {
    local map key='"\e[7133;KEY~": { IFS= \builtin read -r __shellplay_in'
    key+='; \builtin printf -v __shellplay_in %b "$__shellplay_in"'
    key+='; \builtin eval "$__shellplay_in"; \builtin unset __shellplay_in; }'
    key+=' 3>&1 >/dev/null 2>&1'
    for map in emacs-standard vi-insert vi-command; do builtin bind -m $map -x "$key"; done
    for map in vi-insert vi-command; do builtin bind -m $map '"\C-g": abort'; done
    builtin bind 'set enable-bracketed-paste off'
}
# Bash calls this in a child process, for a word that is not a command; status 127 is its own.
__shellplay_not_found() {
    case $1 in
        SHELLPLAY_WORDS)
            builtin printf '%s is a shellplay command: ' "$1"
            builtin echo 'press Ctrl-] (the detach key) first' ;;
        *) builtin printf '%s: %s: command not found\n' "${0##*/}" "$1" ;;
    esac >&2
    return 127
}
__shellplay_keep_builtin
builtin declare -F command_not_found_handle >/dev/null ||
    command_not_found_handle() { __shellplay_not_found "$@"; }
__shellplay_bind
unset -f __shellplay_bind
unset HISTFILE
"""

REPORTING = r"""
__shellplay_bind() {
    local map key='"\e[7133;KEY;E~": { \builtin printf >&3 "\e]133;E;k=%s\a%s'
    key+='\e]133;e;k=%s\a" "NONCE" "$READLINE_LINE" "NONCE"; } 3>&1 >/dev/null 2>&1'
    for map in emacs-standard vi-insert vi-command; do
        bind -m $map -x "$key"
        bind -m $map '"ACCEPT": accept-line'
        bind -m $map '"\C-m": "\e[7133;KEY;E~ACCEPT"'
        bind -m $map '"\C-j": "\e[7133;KEY;E~ACCEPT"'
    done
}
__shellplay_bind
unset -f __shellplay_bind
"""
# Prints the state of bash for shell/state_dump.py: the less is typed, the faster it is.  The
# traps DEBUG and RETURN are not those of a function, so they are printed outside of it.
DUMP = r"""
__shellplay_dump() {
    __shellplay_words=$1
    \builtin shift
    {
        \builtin printf '\x1d%svariables\n' "$__shellplay_words"; \builtin declare -p
        \builtin printf '\x1d%sfunctions\n' "$__shellplay_words"; \builtin declare -F
        \builtin printf '\x1d%shandler\n' "$__shellplay_words"
        \builtin declare -f command_not_found_handle
        \builtin printf '\x1d%saliases\n' "$__shellplay_words"; \builtin alias -p
        \builtin printf '\x1d%scompletions\n' "$__shellplay_words"; \builtin complete -p
        \builtin printf '\x1d%sdirectories\n' "$__shellplay_words"; \builtin dirs -l -p
        \builtin printf '\x1d%sumask\n' "$__shellplay_words"; \builtin umask
        \builtin printf '\x1d%splace\n%s\x1f%s\x1f' "$__shellplay_words" "$PWD" "${OLDPWD-}"
        \builtin printf '\x1d%sline\n%s\x1f%s\x1f' "$__shellplay_words" "$READLINE_POINT" \
            "$READLINE_LINE"
        \builtin printf '\x1d%shistory\n' "$__shellplay_words"
        HISTTIMEFORMAT=$'\x1e'$__shellplay_words \builtin history
        \builtin printf '\x1d%swords\n' "$__shellplay_words"
        __shellplay_words=("$@")
        \builtin declare -p __shellplay_words
        \builtin unset __shellplay_words
    } >&3
}
"""
PROMPT = r"PS1='${__shellplay_user}@${__shellplay_host}:\w${__shellplay_sign} '"
# execveat(2) names a process by the number of the descriptor before Linux 6.14, and by the name
# of the file after.
NAME = "{ builtin printf bash >/proc/self/comm; } 2>/dev/null"
USER_FILE = "[[ -r ~/.bashrc ]] && . ~/.bashrc"


def rc_text(
    nonce: str, key: str, *, user_file: bool, reports_lines: bool, close: int, renames: bool
) -> str:
    """Return the text of the rc file; with ``user_file`` it reads ~/.bashrc first.

    ``nonce`` is that of the first marks, ``key`` is in the hidden keys.  With
    ``reports_lines`` bash reports each typed line.  ``close`` is the descriptor of the rc
    file in bash; the last line closes it.  With ``renames`` bash names its process ``bash``.
    """
    reporting = REPORTING.replace("ACCEPT", r"\e[7133;KEY;A~") if reports_lines else ""
    parts = [
        NAME if renames else "",
        "HISTCONTROL=" if not user_file else "",
        USER_FILE if user_file else PROMPT,
        nonce_change(nonce),
        (TEMPLATE + DUMP + reporting)
        .replace("NONCE", f"${NONCE}")
        .replace("KEY", key)
        .replace("SHELLPLAY_WORDS", WORDS),
        f"exec {close}<&-",
    ]
    lines = "\n".join(parts).splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("# ")) + "\n"


def nonce_change(nonce: str) -> str:
    """Return the script by which bash takes another nonce for its marks."""
    return f"{NONCE}={nonce}"


def accept_sequence(key: str) -> bytes:
    """Return the key by which a bash that reports lines accepts a line without a report."""
    return f"\x1b[7133;{key};A~".encode()


def key_sequence(key: str, script: str) -> bytes:
    """Return the hidden key and ``script``; bash runs the script and shows nothing.

    The script is sent as one line of printable ASCII: the terminal would interpret control
    characters, and bash would decode other bytes by its locale.
    """
    text = script.encode("utf-8", "surrogateescape").replace(b"\\", rb"\\")
    escaped = _UNTYPABLE.sub(lambda match: b"\\0%03o" % ord(match[0]), text)
    return f"\x1b[7133;{key}~".encode() + escaped + b"\n"
