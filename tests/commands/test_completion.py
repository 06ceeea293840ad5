"""Completion from the table: commands, fences, options, containers, values."""

from pathlib import Path

import pytest

from shellplay.cmdline.completion import complete
from shellplay.fences import REGISTRY
from shellplay.playground.playground import Playground


def texts(line: str, playground: Playground) -> list[str]:
    return [one.text for one in complete(line, playground)]


def test_an_empty_line_offers_every_command_with_its_summary(playground: Playground) -> None:
    found = complete("", playground)
    assert {"fence", "enter", "ps", "help"} <= {one.text for one in found}
    assert all(one.description for one in found)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("fe", "fence"),
        ("atta", "attach"),
        ("fence ", "net"),
        ("fence uts ", "hostname="),
        ("fence uts ho", "hostname="),
        ("fence mnt propagation=", "propagation=private"),
        ("fence pid --", "--no-proc"),
        ("new web; fence n", "net"),
        ("ps h", "host"),
        ("ps --j", "--json"),
        ("kill -K", "-KILL"),
        ("set de", "detach_key"),
        ("set live ", "off"),
        ("help fen", "fences"),
        ("trace ", "on"),
    ],
)
def test_what_can_stand_here_is_offered(line: str, wanted: str, playground: Playground) -> None:
    assert wanted in texts(line, playground)


def test_letters_in_order_are_enough_but_prefixes_come_first(playground: Playground) -> None:
    found = texts("ns", playground)
    assert "containers" in found
    assert texts("pe", playground)[0] == "peel"


def test_a_fence_that_is_named_is_not_offered_again(playground: Playground) -> None:
    assert "uts" not in texts("fence uts ", playground)


def test_the_completed_part_begins_at_the_word(playground: Playground) -> None:
    (found,) = [one for one in complete("new web; fence ne", playground) if one.text == "net"]
    assert found.start == len("new web; fence ")


def test_containers_are_offered_with_their_bash(playground: Playground) -> None:
    container = playground.new("web")
    (found,) = complete("use w", playground)
    assert (found.text, str(container.pid) in found.description) == ("web", True)
    assert "join=web" in texts("fence net join=", playground)
    assert "web" in texts("ps -c ", playground)


def test_only_standing_fences_are_offered_to_peel(playground: Playground) -> None:
    assert texts("peel ", playground) == []
    container = playground.new()
    assert texts("peel ", playground)[:1] == ["all"]
    assert container is playground.current


def test_the_line_for_the_bash_is_left_alone(playground: Playground) -> None:
    assert texts("in fen", playground) == []
    assert texts("in 'fen", playground) == []


def test_a_fence_to_peel_is_offered_with_how_it_comes_off(playground: Playground) -> None:
    box = playground.new()
    box.fence(REGISTRY["user"]())
    (fence, _) = complete("peel ", playground)
    assert fence.description == f"wakes the parked bash {box.parked[0].pid}"


def test_what_to_mount_is_offered_part_by_part(
    playground: Playground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").mkdir()
    monkeypatch.chdir(tmp_path)
    assert texts("mount ", playground) == ["tmpfs:", "source/"]
    assert texts("mount ./so", playground) == ["./source/"]
    assert texts("mount ./source:", playground) == ["./source:/source"]
    assert texts("mount a:/b:", playground) == ["a:/b:ro", "a:/b:idmap"]
    assert texts("mount a:/b:ro,", playground) == ["a:/b:ro,idmap"]
    assert texts("fence root ./s", playground) == ["./source/"]
    assert texts("fence seccomp profile=so", playground) == ["profile=source/"]


def test_what_is_mounted_is_offered_to_be_unmounted(playground: Playground) -> None:
    assert texts("unmount ", playground) == []
    container = playground.new()
    assert texts("unmount ", playground) == []
    container.fence(REGISTRY["root"]())
    container.files.mount(None, "/cache")
    assert texts("unmount ", playground) == ["/cache"]
