"""The whole command table: one module per group, in the order in which help lists them."""

from shellplay.cmdline.registry import ALIASES, TABLE, find
from shellplay.commands import (
    containers,
    cp,
    doctor,
    fence,
    image,
    inspect,
    mount,
    network,
    recipes,
    record,
    run,
    session,
    shell,
)

MODULES = (
    *(fence, mount, cp, network, shell, inspect, containers, run, image),
    *(doctor, recipes, record, session),
)

__all__ = ["ALIASES", "MODULES", "TABLE", "find"]
