"""The whole command table: one module per group, in the order in which help lists them."""

from shellplay.commands import (
    containers,
    copying,
    doctor,
    fencing,
    files,
    images,
    living,
    looking,
    network,
    other,
    recipes,
    record,
    running,
)
from shellplay.commands.command import ALIASES, TABLE, find

MODULES = (
    *(fencing, files, copying, network, living, looking, containers, running, images),
    *(doctor, recipes, record, other),
)

__all__ = ["ALIASES", "MODULES", "TABLE", "find"]
