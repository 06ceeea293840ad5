"""What the picture of a container says of its fences is what the kernel has."""

from __future__ import annotations

import pytest

from shellplay.container.container import Container
from shellplay.fences import REGISTRY
from shellplay.model import Picture
from shellplay.playground.picture import picture
from shellplay.playground.playground import Playground

pytestmark = pytest.mark.everyone


def put_up(container: Container, kind: str, **options: str) -> None:
    """Put one fence up."""
    container.fence(REGISTRY[kind].parse(options))


def contents(seen: Picture) -> dict[str, str]:
    """Return what the picture says of each fence, the outermost first."""
    return {layer.fence: layer.contents for layer in seen.layers}


def test_the_layers_stand_in_their_order_and_the_parked_bash_outside(
    playground: Playground, container: Container
) -> None:
    bare = picture(playground, container)
    assert bare.layers == ()
    put_up(container, "user")
    put_up(container, "uts", hostname="before")
    put_up(container, "net")
    put_up(container, "pid")
    seen = picture(playground, container)
    found = contents(seen)
    assert [kind for kind in found if kind != "mnt"] == ["user", "uts", "net", "pid"]
    assert found["net"] == "lo, and no way out"
    assert found["pid"].startswith("1 of the host's ")
    assert found["user"].startswith("UID 0 inside is ")
    # Without privileges the other fences are one-way, too.
    waiting = [kind for each in seen.parked for kind in each.fences]
    assert (waiting[0], waiting[-1]) == ("user", "pid")
    assert seen.bash is not None
    assert seen.bash.inside[-1] == 1


def test_the_host_name_is_the_one_that_was_set_last_inside(
    playground: Playground, container: Container
) -> None:
    put_up(container, "user")
    put_up(container, "uts", hostname="before")
    assert contents(picture(playground, container))["uts"] == 'host name "before"'
    container.run("python3 -c 'import socket; socket.sethostname(\"after\")'")
    assert contents(picture(playground, container))["uts"] == 'host name "after"'


def test_a_limit_and_a_restriction_say_what_the_kernel_holds(
    playground: Playground, container: Container
) -> None:
    put_up(container, "rlimit", nofile="64")
    put_up(container, "nnp")
    seen = picture(playground, container)
    assert contents(seen) == {
        "rlimit": "nofile 64",
        "nnp": "setuid programs gain nothing",
    }
    assert [layer.family for layer in seen.layers] == ["limits", "privileges"]
    assert not {"rlimit", "nnp"} & set(seen.not_fenced)


def test_the_middle_has_the_processes_of_the_container_alone(
    playground: Playground, container: Container
) -> None:
    other = playground.new("other")
    job = container.spawn("sleep 1000")
    seen = picture(playground, container)
    assert {each.pid for each in seen.processes} == {container.pid, job.pid}
    assert other.pid not in {each.pid for each in seen.processes}
    assert seen.others == (other.label,)
