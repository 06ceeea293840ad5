"""Experiments with namespaces."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from shellplay.kernel.namespaces import CLONE_FLAGS
from shellplay.refusal.experiments.experiment import Experiment


def all_of() -> Iterator[Experiment]:
    """Yield the experiments with namespaces."""
    for kind, flag in CLONE_FLAGS.items():
        yield Experiment(
            f"new-{kind}", "namespaces", f"make a {kind} namespace", (("unshare", (flag,)),),
            alone=True,
        )  # fmt: skip
    yield Experiment(
        "join", "namespaces", "join another namespace, setns(2)", (("setns", (-1, 0)),),
        (errno.EBADF,),
    )  # fmt: skip
