"""The fences: one file each, loaded on first use, in the order of the index."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from shellplay.fences.base.fence import LOADED, Fence, Option
from shellplay.fences.base.limit import Limit
from shellplay.fences.base.mount_over import MountOver
from shellplay.fences.base.namespace import Namespace
from shellplay.fences.base.restriction import Restriction
from shellplay.fences.index import ALIASES, ORDER
from shellplay.kernel.namespaces import KINDS


class Registry(Mapping[str, type[Fence]]):
    """The classes of the fences by kind."""

    def __getitem__(self, kind: str) -> type[Fence]:
        if kind not in LOADED:
            if kind not in ORDER:
                raise KeyError(kind)
            import_module(f"{__name__}.{kind.replace('-', '_')}")
        return LOADED[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(ORDER)

    def __len__(self) -> int:
        return len(ORDER)


REGISTRY = Registry()

__all__ = [
    "ALIASES", "KINDS", "ORDER", "REGISTRY", "Fence", "Limit", "MountOver", "Namespace",
    "Option", "Restriction",
]  # fmt: skip
