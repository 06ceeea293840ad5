"""Boot an image in qemu, show its console, and return the exit status of its command."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.vm.image import Image
from tests.vm.processor import Processor

TIMED_OUT = 124
BROKEN = 1
KERNEL_COMMAND_LINE = "quiet panic=-1 rdinit=/init lsm=landlock,lockdown,yama,apparmor,bpf"


def boot(
    processor: Processor,
    image: Image,
    run: Path,
    *,
    accelerator: str,
    memory: int,
    timeout: float,
) -> int:
    """Boot ``image`` with the layer ``run`` on top; ``memory`` in MiB, ``timeout`` in seconds.

    The console is our stdout.  Returns pytest's exit status, 124 when time was up, 1 when
    the machine ended without telling one.
    """
    with tempfile.TemporaryDirectory(prefix="sp-vm-") as folder:
        initrd = Path(folder) / "initrd"
        _concatenate([*image.layers, run], initrd)
        report = Path(folder) / "report"
        command = [
            # The machine must end with the process that waits for it.
            *("setpriv", "--pdeathsig", "KILL", processor.qemu),
            *("-accel", accelerator, *processor.options, "-smp", "2"),
            *("-m", str(memory), "-nodefaults", "-display", "none", "-no-reboot"),
            *("-serial", "stdio", "-chardev", f"file,id=report,path={report}"),
            # A second serial line is not on every machine, this port is.
            *("-device", "virtio-serial", "-device", "virtserialport,chardev=report"),
            *("-kernel", str(image.kernel), "-initrd", str(initrd)),
            *("-append", f"console={processor.console} {KERNEL_COMMAND_LINE}"),
        ]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as machine:
            try:
                machine.wait(timeout)
            except subprocess.TimeoutExpired:
                return TIMED_OUT
            finally:
                machine.kill()
        return _status(report)


def _concatenate(layers: list[Path], target: Path) -> None:
    with target.open("wb") as output:
        for layer in layers:
            with layer.open("rb") as source:
                shutil.copyfileobj(source, output)
            # Each archive must begin on a multiple of four bytes.
            output.write(b"\0" * (-output.tell() % 4))


def _status(report: Path) -> int:
    words = report.read_text().split() if report.exists() else []
    return int(words[1]) if words[:1] == ["exit"] else BROKEN
