"""Images from registries: a real one, and one that does everything wrong."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shellplay.errors import Refused, ShellplayError
from shellplay.image import pull
from shellplay.image.collect import ConnectionLost
from shellplay.image.digest import Corrupt, digest_of
from shellplay.image.garbage import PARTIAL
from shellplay.image.manifest import Image
from shellplay.image.pull import pull_image
from shellplay.image.store import Store
from shellplay.image.unpack import unpack
from tests.image.making import busybox_root, drained, file, layout, tar_of
from tests.image.registry import Misbehaving, real_registry
from tests.repl.program import shellplay

pytestmark = pytest.mark.everyone
PIECE = 1 << 16
BIG = tar_of(file("a", "x" * 300_000))


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Misbehaving]:
    """A registry that can be told to misbehave."""
    monkeypatch.setattr(pull, "RETRY_PAUSE", 0)
    with Misbehaving(layout(tmp_path / "oci", BIG)).running() as found:
        yield found


def pulled(store: Store, registry: Misbehaving) -> tuple[list[str], Image]:
    """Pull its image."""
    return drained(pull_image(store, f"{registry.address}/web:1"))


def test_an_image_comes_from_a_real_registry(store: Store, tmp_path: Path) -> None:
    root = busybox_root(tmp_path / "root")
    subprocess.run(["tar", "-C", root, "-cf", tmp_path / "root.tar", "."], check=True)
    layout(tmp_path / "oci", (tmp_path / "root.tar").read_bytes(), name="web:1")
    with real_registry(tmp_path) as address:
        for target in ("web:1", "web:docker"):
            kind = "v2s2" if target == "web:docker" else "oci"
            subprocess.run(
                ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false",
                 "--format", kind, f"oci:{tmp_path}/oci:web:1", f"docker://{address}/me/{target}"],
                check=True, timeout=60,
            )  # fmt: skip
        said, image = drained(pull_image(store, f"{address}/me/web:1"))
        digest = image.descriptor.digest
        _, same = drained(pull_image(store, f"{address}/me/web@{digest}"))
        _, docker = drained(pull_image(store, f"{address}/me/web:docker"))
        with pytest.raises(Refused, match=f"{address}/me/web:no is not in its registry"):
            drained(pull_image(store, f"{address}/me/web:no"))
        line = f"pull {address}/me/web:1"
        done = shellplay("-c", line, XDG_DATA_HOME=str(tmp_path / "data"))
    assert said[0] == f"{address}/me/web:1: {digest}"
    assert image.name == f"{address}/me/web:1"
    assert same.descriptor == image.descriptor
    assert docker.config.diff_ids == image.config.diff_ids
    assert docker.descriptor.media_type.startswith("application/vnd.docker.")
    _, unpacked = drained(unpack(store, image))
    with unpacked:
        content = (unpacked.directories[0] / "bin/busybox").read_bytes()
        assert content == (root / "bin/busybox").read_bytes()
    assert (done.returncode, done.stdout) == (0, "")
    assert f"{address}/me/web:1: 1 layer, " in done.stderr


def test_what_is_in_the_store_is_not_fetched_again(store: Store, registry: Misbehaving) -> None:
    pulled(store, registry)
    registry.asked.clear()
    pulled(store, registry)
    assert registry.asked == ["", "1"]


def test_a_broken_download_goes_on_where_it_broke_off(
    store: Store, registry: Misbehaving
) -> None:
    registry.cut, registry.cuts = 100_000, 2
    said, image = pulled(store, registry)
    blob = digest_of(BIG)
    assert [one for one in registry.asked if one.startswith(blob)] == [
        blob,
        f"{blob} bytes={PIECE}-",
        f"{blob} bytes={2 * PIECE}-",
    ]
    assert any("going on at 0.1 MB" in line for line in said)
    assert store.blob_path(image.layers[0].digest).read_bytes() == BIG


def test_a_registry_without_ranges_begins_again(store: Store, registry: Misbehaving) -> None:
    registry.cut, registry.cuts, registry.ranges = 100_000, 1, False
    _, image = pulled(store, registry)
    assert store.blob_path(image.layers[0].digest).read_bytes() == BIG


def test_what_came_waits_for_the_next_pull(store: Store, registry: Misbehaving) -> None:
    registry.cut, registry.cuts = 100_000, 1
    steps = pull_image(store, f"{registry.address}/web:1")
    while "going on" not in next(steps):
        continue
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)
    assert not store.manifests()
    assert [path.suffix for path in store.incoming.iterdir()] == [PARTIAL]
    assert not list(store.blobs.iterdir())
    registry.asked.clear()
    pulled(store, registry)
    assert f"{digest_of(BIG)} bytes={PIECE}-" in registry.asked
    assert not list(store.incoming.iterdir())


def test_a_connection_that_never_holds_is_given_up(store: Store, registry: Misbehaving) -> None:
    registry.cut, registry.cuts = 0, 1000
    with pytest.raises(ConnectionLost, match="image pull goes on where it stopped") as caught:
        pulled(store, registry)
    assert "\n" not in str(caught.value)
    assert not store.manifests()


def test_what_is_not_its_digest_is_thrown_away(store: Store, registry: Misbehaving) -> None:
    registry.forged = b"x"
    with pytest.raises(ShellplayError):
        pulled(store, registry)
    registry.forged = b"x" * len(BIG)
    with pytest.raises(Corrupt):
        pulled(store, registry)
    assert not store.manifests()
    assert not [path for path in store.blobs.iterdir() if path.stat().st_size == len(BIG)]


def test_a_layer_of_the_right_length_with_other_bytes_is_named(
    store: Store, registry: Misbehaving
) -> None:
    blob = registry.layout / "blobs" / "sha256" / digest_of(BIG).partition(":")[2]
    blob.write_bytes(b"y" * len(BIG))
    with pytest.raises(Corrupt, match=f"{digest_of(BIG)} is damaged"):
        pulled(store, registry)
    assert not list(store.incoming.iterdir())
    assert not list(store.blobs.iterdir())


@pytest.mark.parametrize("login", ["Basic", "Bearer"])
def test_a_log_in_is_asked_for_in_a_sentence(
    login: str, store: Store, registry: Misbehaving, private_home: Path
) -> None:
    registry.login = login
    if login == "Bearer":
        # A token for nobody is what the hub gives to everybody.
        pulled(store, registry)
        assert "token" in registry.asked
        return
    with pytest.raises(Refused, match=f"docker login {registry.address}"):
        pulled(store, registry)
    config = Path.home() / ".docker" / "config.json"
    config.parent.mkdir()
    auth = {"auth": "bWU6cHc="}
    config.write_text(json.dumps({"auths": {registry.address: auth}}))
    try:
        pulled(store, registry)
    finally:
        config.unlink()
        config.parent.rmdir()


def test_plain_http_is_for_this_machine_only(store: Store, registry: Misbehaving) -> None:
    registry.elsewhere = "http://example.com/blob"
    with pytest.raises(Refused, match=r"example\.com answers without encryption"):
        pulled(store, registry)
    assert not store.manifests()


def test_a_registry_that_is_not_there_is_one_sentence(store: Store) -> None:
    with pytest.raises(
        ConnectionLost, match=r"127.0.0.1:1 cannot be reached: Connection refused"
    ):
        drained(pull_image(store, "127.0.0.1:1/web"))


def test_two_processes_pull_the_same_image_at_once(
    registry: Misbehaving, tmp_path: Path
) -> None:
    import sys

    command = [sys.executable, "-m", "shellplay", "--no-config", "-c"]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "data")}
    processes = [
        subprocess.Popen(
            [*command, f"pull {registry.address}/web:1"],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    fetched = [one for one in registry.asked if one == digest_of(BIG)]
    assert len(fetched) == 1


def test_without_the_library_it_is_said_how_to_get_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "oras.auth", None)
    monkeypatch.delitem(sys.modules, "shellplay.image.registry", raising=False)
    with pytest.raises(
        Refused, match=r"needs the library oras.* \(pip install 'shellplay\[pull"
    ):
        drained(pull_image(store, "busybox"))
