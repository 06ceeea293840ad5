"""The documents of ``--json``; docs/json.md describes them and their version."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum

from shellplay.errors import KernelError, ShellplayError
from shellplay.model import FenceRecord, Process, Value
from shellplay.views.sanitize import visible

VERSION = 1
# The key of a list in a document, if it is not the kind of the document.
LISTS = {"ps": "processes", "doctor": "findings"}


def document(kind: str, payload: object) -> str:
    """Return a payload as one line of JSON in ASCII, without control characters.

    The keys of a mapping or a value class become keys of the document.  A list becomes the
    value of one key, see `LISTS`.  Raises `TypeError` as `plain` does.
    """
    content = plain(payload)
    body = content if isinstance(content, dict) else {LISTS.get(kind, kind): content}
    return json.dumps({"shellplay": VERSION, "kind": kind, **body})


def error_document(error: ShellplayError, where: str) -> str:
    """Return an error as a document; ``where`` is the file and line of the command, or ""."""
    return document(
        "error",
        {
            "message": error.message,
            "fix": error.fix,
            "where": where or None,
            "call": error.call if isinstance(error, KernelError) else None,
            "errno": error.errno if isinstance(error, KernelError) else None,
            "exit_status": error.exit_status,
        },
    )


def plain(value: object) -> object:
    """Return a value as dicts, lists, strings, numbers, booleans and None.

    Raises `TypeError` for an object that is not a value of shellplay.
    """
    match value:
        case Enum():
            return plain(value.value)
        case str():
            return _valid_unicode(value)
        case bool() | int() | float() | None:
            return value
        case Process():
            return _process(value)
        case FenceRecord():
            return _fence(value)
        case Mapping():
            return {str(plain(key)): plain(content) for key, content in value.items()}
        case Value():
            return plain(vars(value))
        case Sequence():
            return [plain(each) for each in value]
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON shape")


def _process(process: Process) -> dict[str, object]:
    details = vars(process.details) if process.details else {}
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "inside": list(process.inside),
        "container": process.container,
        "role": str(process.role),
        "command": _valid_unicode(process.command),
        "state": process.state,
        "uid": process.uid,
        "namespace": process.namespace,
        **{name: plain(value) for name, value in details.items()},
    }


def _fence(record: FenceRecord) -> dict[str, object]:
    return {
        "fence": record.fence,
        "up": record.up,
        "how": str(record.how) if record.how else None,
        "namespace": {"host": record.host, "shell": record.shell},
        "state": {"host": plain(record.host_state), "shell": plain(record.shell_state)},
        "peel": plain(record.peel),
        "options": plain(record.options),
        "shared_with": list(record.shared_with),
    }


def _valid_unicode(text: str) -> str:
    # A lone surrogate is not a Unicode character; a strict reader refuses the document.
    if text.isascii():
        return text
    return "".join(visible(each) if "\ud800" <= each <= "\udfff" else each for each in text)
