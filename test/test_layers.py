# SPDX-License-Identifier: Apache-2.0
"""The layering rule: an import that points down docs/architecture.md's picture fails here."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "coinfer_ros"
SHARED = "the modules beside the layers"


@dataclass(frozen=True)
class Layer:
    """What one layer may import of this package, and why no more."""

    may_import: frozenset[str]
    reason: str


LAYERS = {
    "core": Layer(
        frozenset({"core"}),
        "core decides with numbers alone, so that every decision can be tested in milliseconds",
    ),
    "adapters": Layer(
        frozenset({"core", "adapters"}),
        "an adapter meets one piece of the world; which one is used is decided above it",
    ),
    "sim": Layer(
        frozenset({"core", "sim"}),
        "the simulated world enters by the same ports as the real one and cannot lean on it",
    ),
    "backends": Layer(
        frozenset({"core", "adapters", "sim", "backends"}),
        "backends turns a name into a class, and knows nobody who asks for one",
    ),
    SHARED: Layer(
        frozenset({"core", SHARED}),
        "these are data that tools and nodes both read, and must load in no time anywhere",
    ),
    "evaluation": Layer(
        frozenset({"core", "adapters", "sim", "backends", "evaluation", SHARED}),
        "evaluation measures all that runs, and nothing that runs may lean on a measurement",
    ),
    "tools": Layer(
        frozenset({"core", "adapters", "sim", "backends", "evaluation", "tools", SHARED}),
        "the command works without ROS, so it cannot know the nodes",
    ),
    "nodes": Layer(
        frozenset({"core", "adapters", "sim", "backends", "nodes", SHARED}),
        "a node is started by itself and never needs the command",
    ),
}

LAZY_REASON = (
    "import it in the function that was asked for it: a machine without torch or NVML must be "
    "able to use the other backends"
)
INTERFACES = ("coinfer_ros.action", "coinfer_ros.msg", "coinfer_ros.srv")
ROS = frozenset(
    ("rclpy", "launch", "launch_ros", "ament_index_python", "rcl_interfaces", "cv_bridge")
)
ROS_REASON = "only nodes may speak ROS, so that all else is tested and used without it"

CORE_LIBRARIES = frozenset({"numpy", "scipy"})
# Of the standard library core may have what computes; none of these does.
NOT_IN_CORE = frozenset(
    {
        *("asyncio", "concurrent", "contextvars", "multiprocessing", "queue", "sched"),
        *("signal", "threading", "_thread"),
        *("datetime", "time"),
        *("random", "secrets", "uuid"),
        *("ctypes", "fcntl", "glob", "io", "mmap", "os", "pathlib", "shutil", "tempfile"),
        *("http", "select", "selectors", "socket", "ssl", "subprocess", "urllib"),
        *("argparse", "logging", "sys"),
    }
)
CORE_REASON = (
    "core takes time, randomness and file contents as arguments and has no threads, so that the "
    "same input always gives the same decision"
)


def layer_of(module: str) -> str:
    """Return the layer of a module of this package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LAYERS else SHARED


@dataclass(frozen=True)
class Import:
    """One imported name; ``lazy`` when it happens inside a function."""

    line: int
    name: str
    lazy: bool


def imports(source: str, module: str, *, is_package: bool = False) -> Iterator[Import]:
    """Yield everything that a module imports, anywhere in it, by full name."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    tree = ast.parse(source)
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    lazy = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            # `from coinfer_ros import graph` names a module only with the last part.
            names = [f"{origin}.{alias.name}" for alias in node.names]
        yield from (Import(node.lineno, name, id(node) in lazy) for name in names)  # type: ignore[attr-defined]


def offence(module: str, imported: Import) -> str | None:
    """Return the reason why ``module`` may not import this, or None."""
    layer, top = layer_of(module), imported.name.partition(".")[0]
    if top in ROS or top.endswith("_msgs") or imported.name.startswith(INTERFACES):
        return None if layer == "nodes" else ROS_REASON
    if top == "coinfer_ros":
        target = layer_of(imported.name)
        if target not in LAYERS[layer].may_import:
            return LAYERS[layer].reason
        must_wait = layer == "backends" and target in ("adapters", "sim")
        return LAZY_REASON if must_wait and not imported.lazy else None
    return CORE_REASON if layer == "core" and not _computes(top) else None


def _computes(top: str) -> bool:
    return top in CORE_LIBRARIES or (top in sys.stdlib_module_names and top not in NOT_IN_CORE)


def offences(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """List what a module's source imports against the rule."""
    return [
        f"{module}, line {imported.line}: may not import {imported.name}: {reason}"
        for imported in imports(source, module, is_package=is_package)
        if (reason := offence(module, imported))
    ]


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def test_every_import_points_up_the_picture() -> None:
    found = [
        line
        for module, path in _modules()
        for line in offences(path.read_text(), module, is_package=path.name == "__init__.py")
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("coinfer_ros.core.energy", "import time"),
        ("coinfer_ros.core.energy", "from pathlib import Path"),
        ("coinfer_ros.core.energy", "def f():\n    import torch"),
        ("coinfer_ros.core.energy", "import coinfer_ros.adapters.nvml"),
        ("coinfer_ros.core.energy", "from ..adapters import nvml"),
        ("coinfer_ros.core.energy", "from std_msgs.msg import Header"),
        ("coinfer_ros.adapters.nvml", "from coinfer_ros.sim import silicon"),
        ("coinfer_ros.adapters.nvml", "from coinfer_ros import sim"),
        ("coinfer_ros.sim.silicon", "from coinfer_ros.adapters.nvml import Meter"),
        ("coinfer_ros.backends", "from coinfer_ros.adapters import nvml"),
        ("coinfer_ros.backends", "def f():\n    from coinfer_ros import graph"),
        ("coinfer_ros.graph", "import coinfer_ros.tools.cli"),
        ("coinfer_ros.graph", "from coinfer_ros import backends"),
        ("coinfer_ros.tools.demo", "import rclpy"),
        ("coinfer_ros.tools.demo", "from coinfer_ros.msg import Plan"),
        ("coinfer_ros.tools.demo.view", "from ...nodes import robot"),
        ("coinfer_ros.nodes.robot", "from coinfer_ros.tools import cli"),
        ("coinfer_ros.nodes.robot", "from coinfer_ros.evaluation import figures"),
        ("coinfer_ros.evaluation.figures", "from coinfer_ros.tools import cli"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str) -> None:
    assert len(offences(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("coinfer_ros.core.energy", "import math, numpy\nfrom scipy import integrate"),
        ("coinfer_ros.core.energy", "from . import checks"),
        ("coinfer_ros.adapters.nvml", "import os, time, torch\nfrom coinfer_ros.core import ports"),
        ("coinfer_ros.backends", "def f():\n    from coinfer_ros.adapters import nvml"),
        ("coinfer_ros.tools.demo", "from coinfer_ros import graph, resources, sim"),
        ("coinfer_ros.tools.figures", "from coinfer_ros.evaluation import figures"),
        ("coinfer_ros.evaluation.autoencoder", "import torch\nfrom coinfer_ros.sim import scene"),
        ("coinfer_ros.nodes.robot", "import rclpy\nfrom coinfer_ros.msg import Plan"),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    assert offences(source, module) == []


def test_the_message_gives_place_and_reason() -> None:
    (line,) = offences("\nimport rclpy", "coinfer_ros.tools.demo")
    assert line == f"coinfer_ros.tools.demo, line 2: may not import rclpy: {ROS_REASON}"


def test_a_package_resolves_its_relative_imports_from_itself() -> None:
    found = list(imports("from .a import b", "coinfer_ros.core", is_package=True))
    assert [one.name for one in found] == ["coinfer_ros.core.a.b"]
