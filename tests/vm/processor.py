"""The processors of the second kernel: their names in Debian, qemu and pip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Processor:
    """A processor: the kernel's and Debian's name, its qemu, and the first serial line."""

    machine: str
    debian: str
    qemu_package: str
    console: str
    options: tuple[str, ...]

    @property
    def qemu(self) -> str:
        """The program that emulates a machine with this processor."""
        return f"qemu-system-{self.machine}"

    @property
    def wheels(self) -> tuple[str, ...]:
        """The platform tags of the wheels that run on it under Debian."""
        tags = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
        return tuple(f"{tag}_{self.machine}" for tag in tags)


PROCESSORS = {
    each.debian: each
    for each in (
        Processor("x86_64", "amd64", "qemu-system-x86", "ttyS0", ("-cpu", "max")),
        # Authenticated pointers by the algorithm of the Arm manual are half of all the time.
        Processor(
            *("aarch64", "arm64", "qemu-system-arm", "ttyAMA0"),
            options=("-machine", "virt", "-cpu", "max,pauth-impdef=on"),
        ),
    )
}
