"""The layers: who may import whom, and that ctypes stays at the kernel's edge."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "shellplay"
# Each package imports only itself and what is above it here; names in one line are peers.
ORDER = [
    {"errors", "model", "settings", "nearest", "directories"},
    {"kernel"},
    {"image"},
    {"volume"},
    {"monitor"},
    {"shell"},
    {"network"},
    {"fences"},
    {"container"},
    {"playground", "docker", "refusal"},
    {"views"},
    {"recipe"},
    {"cast"},
    {"cmdline"},
    {"commands"},
    {"stage"},
    {"repl"},
    {"cli"},
    {"testing", "__main__"},
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
SEES_ONLY = {
    "views": {"errors", "model", "settings", "nearest", "views"},
    "recipe": {"errors", "model", "settings", "nearest", "recipe"},
    "cast": {"errors", "model", "settings", "views", "recipe", "cast"},
}
# The state of a container and what it is made of; the facade is above all of its parts.
FACADE = "shellplay.container.container"
LEAVES = {
    "shellplay.container.state": {"spec", "stdio", "user"},
    "shellplay.container.spec": set[str](),
    "shellplay.container.stdio": set[str](),
    "shellplay.container.user": set[str](),
    "shellplay.container.applied": set[str](),
}
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def layer_of(path: Path) -> str:
    """Return the name of the layer that a file of the package belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of everything that a module imports, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def complaints_about(path: Path, tree: ast.AST) -> Iterator[str]:
    """Yield a line for every import of one file that breaks a rule."""
    layer = layer_of(path)
    allowed = SEES_ONLY.get(layer, {name for name in RANK if RANK[name] <= RANK[layer]})
    for line, name in imports_of(tree):
        parts = name.split(".")
        where = f"{path.relative_to(ROOT)}:{line}"
        if name.startswith("."):
            yield f"{where}: relative import of {name}"
        elif parts[0] == "ctypes" and layer != "kernel":
            yield f"{where}: ctypes belongs to shellplay/kernel/"
        elif parts[0] == "shellplay" and parts[1] not in allowed | {"__version__"}:
            yield f"{where}: {layer} may not import {name}"


def test_every_module_belongs_to_a_layer() -> None:
    strays = {layer_of(path) for path in SOURCES} - set(RANK) - {"__init__"}
    assert not strays


def test_imports_only_go_down_and_ctypes_stays_in_the_kernel_layer() -> None:
    complaints = [
        complaint
        for path in SOURCES
        if layer_of(path) in RANK
        for complaint in complaints_about(path, ast.parse(path.read_text()))
    ]
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    ("layer", "line", "complaint"),
    [
        ("shell", "from shellplay.fences import Fence", "may not import shellplay.fences"),
        ("shell", "from . import pty", "relative import"),
        ("shell", "import ctypes", "ctypes belongs"),
        ("shell", "from ctypes import c_int", "ctypes belongs"),
        ("views", "from shellplay.kernel import procfs", "may not import"),
        ("kernel", "from shellplay import playground", "may not import"),
        ("image", "from shellplay.shell import pty", "may not import"),
        ("fences", "def f():\n    import shellplay.repl", "may not import"),
    ],
)
def test_a_forbidden_import_is_found(layer: str, line: str, complaint: str) -> None:
    found = complaints_about(PACKAGE / layer / "x.py", ast.parse(line))
    assert complaint in "\n".join(found)


def graph_of(sources: dict[str, ast.AST]) -> dict[str, set[str]]:
    """Return which of some modules each imports, also for typing only or in a function."""
    found: dict[str, set[str]] = {}
    for module, tree in sources.items():
        names = {name for _, name in imports_of(tree)}
        # ``from package import module`` imports a module, ``from module import name`` a name.
        modules = {name if name in sources else name.rpartition(".")[0] for name in names}
        found[module] = modules & sources.keys() - {module}
    return found


def circles_in(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, over however many steps."""
    below = {module: reached(graph, module) for module in graph}
    circles = {
        tuple(sorted(each for each in below[module] if module in below[each]))
        for module in graph
        if module in below[module]
    }
    return sorted(map(list, circles))


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return the modules that one imports, directly or not."""
    found, waiting = set[str](), [start]
    while waiting:
        fresh = graph[waiting.pop()] - found
        found |= fresh
        waiting.extend(fresh)
    return found


def strays_of(graph: dict[str, set[str]]) -> list[str]:
    """Return a line for each import in container/ that a leaf or a part must not have."""
    inside = {module for module in graph if module.startswith("shellplay.container.")}
    strays = [f"{module} imports the facade" for module in inside if FACADE in graph[module]]
    for leaf, allowed in LEAVES.items():
        names = {f"shellplay.container.{name}" for name in allowed}
        strays += [f"{leaf} imports {each}" for each in graph[leaf] & inside - names]
    return sorted(strays)


@cache
def modules_of_the_package() -> dict[str, ast.AST]:
    """Return the parsed modules of the package by their dotted names."""
    dotted = {path: path.relative_to(ROOT).with_suffix("").parts for path in SOURCES}
    names = {path: ".".join(parts).removesuffix(".__init__") for path, parts in dotted.items()}
    return {names[path]: ast.parse(path.read_text()) for path in SOURCES}


def test_no_files_import_each_other_in_a_circle() -> None:
    assert not circles_in(graph_of(modules_of_the_package()))


def test_a_circle_is_found_also_if_only_typing_needs_it() -> None:
    sources = {
        "shellplay.a": "from shellplay.b import B",
        "shellplay.b": "def f() -> None:\n    from shellplay.c import C",
        "shellplay.c": "if TYPE_CHECKING:\n    from shellplay import a",
        "shellplay.d": "import shellplay.a",
    }
    graph = graph_of({name: ast.parse(text) for name, text in sources.items()})
    assert circles_in(graph) == [["shellplay.a", "shellplay.b", "shellplay.c"]]


def test_parts_of_a_container_do_not_import_the_facade_and_leaves_no_part() -> None:
    assert not strays_of(graph_of(modules_of_the_package()))


@pytest.mark.parametrize(
    ("module", "line", "complaint"),
    [
        ("stack", f"from {FACADE} import Container", "stack imports the facade"),
        ("state", f"if TYPE_CHECKING:\n    import {FACADE}", "state imports the facade"),
        ("state", "from shellplay.container.stack import ShellStack", "state imports"),
        (
            "applied",
            "from shellplay.container import state",
            "imports shellplay.container.state",
        ),
    ],
)
def test_an_import_upward_within_a_container_is_found(
    module: str, line: str, complaint: str
) -> None:
    sources = dict(modules_of_the_package())
    sources[f"shellplay.container.{module}"] = ast.parse(line)
    assert complaint in "\n".join(strays_of(graph_of(sources)))


def test_no_file_is_named_after_its_lack_of_a_subject() -> None:
    assert not [path for path in SOURCES + TESTS if path.stem in FORBIDDEN_NAMES]


def test_tests_wait_for_conditions_and_do_not_sleep() -> None:
    sleepers = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in TESTS
        if path.name != "waiting.py"
        for line in sleeps_in(ast.parse(path.read_text()))
    ]
    assert not sleepers, "\n".join(sleepers)


def sleeps_in(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that call or import ``time.sleep``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "sleep":
            yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (node.lineno for name in node.names if name.name == "sleep")


def test_sleeping_is_found() -> None:
    assert list(sleeps_in(ast.parse("import time\ntime.sleep(1)"))) == [2]
    assert list(sleeps_in(ast.parse("from time import sleep"))) == [1]
