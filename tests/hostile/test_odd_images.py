"""Images whose files and texts are odd: each is refused in one sentence, or does no harm."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from shellplay.errors import Refused
from shellplay.image.digest import Corrupt
from shellplay.image.import_archive import import_image
from shellplay.image.store import Store
from shellplay.shell.bash_symbols import symbols_of
from tests.hostile.test_files import imported
from tests.image.conftest import store
from tests.image.making import Member, busybox_root, drained, file, layout, member, tar_of
from tests.image.test_hostile import nothing_left
from tests.program.conftest import Run

__all__ = ["store"]
XATTR = "SCHILY.xattr."


# -- users ---------------------------------------------------------------------------------


@pytest.mark.root
@pytest.mark.parametrize("verb", ["run", "exec"])
def test_a_number_is_never_taken_for_the_name_of_root(
    verb: str, run: Run, tmp_path: Path
) -> None:
    """CVE-2016-3697: the image has a user 1000 with UID 0, and a group 77 with GID 0."""
    root = busybox_root(tmp_path / "evil")
    (root / "etc" / "passwd").write_text("1000:x:0:0::/:\nroot:x:0:0::/:\n")
    (root / "etc" / "group").write_text("77:x:0:\nroot:x:0:1000\n")
    image = imported(root, "evil")
    if verb == "run":
        said = run(f"run --rm -q --network none -u 1000:77 {image} busybox id")
    else:
        run(f"run -d -q --name c --network none {image} busybox sleep 100")
        said = run("exec -c c -u 1000:77 busybox id")
    assert said.printed == "uid=1000 gid=77 groups=77\n"


@pytest.mark.root
@pytest.mark.parametrize("number", [(1 << 32) - 1, 1 << 32, 10 * (1 << 32)])
def test_a_user_whose_number_the_kernel_would_cut_is_none(
    number: int, run: Run, tmp_path: Path
) -> None:
    root = busybox_root(tmp_path / "evil")
    (root / "etc" / "passwd").write_text(f"web:x:{number}:{number}::/:\n")
    said = run(f"run --rm -q --network none -u web {imported(root, 'evil')} busybox id")
    assert "no user web is in /etc/passwd inside" in said.told


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _hole(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


@pytest.mark.everyone
@pytest.mark.parametrize("make", [_pipe, _hole])
def test_users_are_read_from_a_file_and_from_nothing_else(
    make: Callable[[Path], None], run: Run, tmp_path: Path
) -> None:
    image = imported(busybox_root(tmp_path / "evil"), "evil")
    run(f"run -d -q --name c --network none {image} busybox sleep 100")
    make(Path(f"/proc/{_pid(run)}/root/etc/passwd"))
    said = run("exec -c c -u web busybox true")
    assert "no user web is in /etc/passwd inside" in said.told


@pytest.mark.root
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(run: Run, tmp_path: Path) -> None:
    image = imported(busybox_root(tmp_path / "evil"), "evil")
    script = "'busybox mkfifo /etc/passwd; exec 3<>/etc/passwd; busybox sleep 100'"
    run(f"run -d -q --name c --network none {image} sh -c {script}")
    said = run("exec -c c -u web busybox true")
    assert "no user web is in /etc/passwd inside" in said.told


def _pid(run: Run) -> int:
    (found,) = json.loads(run("containers --json").told)["containers"]
    return int(found["pid"])


# -- texts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b"], ids=["NUL", "half-a-pair"])
@pytest.mark.parametrize(
    "place",
    [
        *({"Env": ["A={}"]}, {"Entrypoint": ["/bin/{}"]}, {"Cmd": ["sh", "{}"]}),
        *({"WorkingDir": "/{}"}, {"User": "{}"}, {"Volumes": {"/{}": {}}}),
        *({"ExposedPorts": {"{}": {}}}, {"StopSignal": "{}"}),
    ],
    ids=lambda place: next(iter(place)),
)
def test_a_text_that_no_program_can_get_is_refused_at_the_import(
    place: dict[str, object], odd: str, store: Store, tmp_path: Path
) -> None:
    def filled(value: object) -> object:
        if isinstance(value, dict):
            return {key.replace("{}", odd): filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value.replace("{}", odd) if isinstance(value, str) else value

    config = filled(place)
    assert isinstance(config, dict)
    path = layout(tmp_path / "oci", tar_of(file("a")), config=config)
    with pytest.raises(Corrupt, match="has a character that no text may have"):
        drained(import_image(store, path))
    assert nothing_left(store)


# -- layers --------------------------------------------------------------------------------


def _device(major: int, minor: int) -> bytes:
    """Return a tar with a device: the format of GNU has numbers of any size."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        tar.addfile(member("d", tarfile.CHRTYPE, devmajor=major, devminor=minor)[0])
    return buffer.getvalue()


def _with(name: str, value: str) -> bytes:
    return tar_of(file("a", "x", pax_headers={name: value}))


@pytest.mark.parametrize(
    ("tar", "sentence"),
    [
        (_device(1 << 40, 0), "a device that cannot be"),
        (_device(1, 1 << 50), "a device that cannot be"),
        (_device(-1, -1), "a device that cannot be"),
        (_with("size", str(1 << 62)), "an entry that is larger than a layer may be"),
        (_with(f"{XATTR}user.a\0b", "x"), "an attribute with a NUL in its name"),
    ],
    ids=["major", "minor", "negative", "size", "attribute"],
)
def test_what_no_file_can_have_is_refused(
    tar: bytes, sentence: str, store: Store, tmp_path: Path
) -> None:
    path = layout(tmp_path / "oci", tar)
    with pytest.raises(Corrupt, match=sentence):
        drained(import_image(store, path))
    assert nothing_left(store)


@pytest.mark.everyone
@pytest.mark.parametrize(
    "odd",
    [
        file("a", pax_headers={f"{XATTR}user.a": "x" * 70_000}),
        file("a", pax_headers={f"{XATTR}user.{'n' * 300}": "x"}),
        file("a", pax_headers={XATTR: "x"}),
        file("a", pax_headers={f"{XATTR}user.{n}": "x" * 3000 for n in range(100)}),
    ],
    ids=["long-value", "long-name", "no-name", "many"],
)
def test_attributes_for_which_a_file_has_no_room_are_left_out(
    odd: Member, store: Store, tmp_path: Path
) -> None:
    said, images = drained(import_image(store, layout(tmp_path / "oci", tar_of(odd))))
    assert len(images) == 1
    assert len(said) < 15
    assert all(len(each) < 200 for each in said)


# -- programs ------------------------------------------------------------------------------


def _sections(bash: bytearray) -> int:
    (offset,) = struct.unpack_from("<Q", bash, 0x28)
    return int(offset)


def _no_sections(bash: bytearray) -> None:
    bash[_sections(bash) :] = bytes(len(bash) - _sections(bash))


def _sections_beyond_the_end(bash: bytearray) -> None:
    struct.pack_into("<Q", bash, 0x28, (1 << 63) - 8)


def _strange_kinds(bash: bytearray) -> None:
    for at in range(_sections(bash), len(bash) - 64, 64):
        # SHT_GNU_HASH, SHT_SYMTAB and others, at a place where nothing of that kind is.
        struct.pack_into("<I", bash, at + 4, (0x6FFFFFF6, 2, 11, 0x6FFFFFFF)[at // 64 % 4])


@pytest.mark.parametrize(
    "harm",
    [_no_sections, _sections_beyond_the_end, _strange_kinds],
    ids=lambda each: each.__name__,
)
def test_a_bash_with_a_false_symbol_table_is_refused(
    harm: Callable[[bytearray], None], tmp_path: Path
) -> None:
    """The kernel and ld.so(8) read no section, so such a bash runs."""
    content = bytearray(Path(shutil.which("bash") or "/bin/bash").resolve().read_bytes())
    harm(content)
    evil = tmp_path / "bash"
    evil.write_bytes(content)
    evil.chmod(0o755)
    with subprocess.Popen([evil, "-c", "echo; read"], stdin=-1, stdout=-1) as bash:
        assert bash.stdout is not None
        bash.stdout.readline()
        try:
            with pytest.raises(Refused, match="this bash"):
                symbols_of(bash.pid)
        finally:
            bash.kill()
