# SPDX-License-Identifier: Apache-2.0
"""Fields of many numbers are set from bytes and lists, never from NumPy arrays or memoryviews.

rclpy takes all of them, and checks the latter two value by value in Python: 1 MiB from ``bytes`` or
an ``array.array`` costs 0.04 ms, from a memoryview 51 and from a NumPy array 145.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REASON = (
    "set it from bytes, an array.array or a short list (.tobytes(), .tolist()): 1 MiB costs "
    "0.04 ms from bytes, 51 from a memoryview and 145 from a NumPy array"
)
ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "coinfer_ros"
NODES = sorted((PACKAGE / "nodes").rglob("*.py"))
NUMBERS = re.compile(r"^(?:u?int|float)\d+\[\d*\]\s+(\w+)", re.MULTILINE)
MAKERS = {"bytes", "list", "sorted", "array", "array.array"}
METHODS = {"tobytes", "tolist"}
# Types of a record's field that may be handed on as it is.
KEPT = re.compile(r"(bytes|array(\.array)?(\[.*\])?|list\[.*\])")


def tensor_fields() -> dict[str, set[str]]:
    """Return by message its fields of any number of numbers; an image has its pixels."""
    files = (ROOT / "msg").glob("*.msg")
    ours = {file.stem: set(NUMBERS.findall(file.read_text(encoding="utf-8"))) for file in files}
    return {"Image": {"data"}, **ours}


def field_types(owner: str, name: str) -> set[str]:
    """Return how the record that a variable is named after declares a field: payload, Payload."""
    record = owner.rpartition(".")[2].title().replace("_", "")
    found = set()
    for file in [*(PACKAGE / "core").rglob("*.py"), *(PACKAGE / "adapters").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name == record:
                found |= {
                    ast.unparse(line.annotation)
                    for line in node.body
                    if isinstance(line, ast.AnnAssign) and ast.unparse(line.target) == name
                }
    return found


def is_cheap(value: ast.expr) -> bool:
    """Tell whether an expression is one of what rclpy takes without looking at every value."""
    match value:
        case ast.List() | ast.ListComp():
            return True
        case ast.Constant():
            return isinstance(value.value, bytes)
        case ast.IfExp():
            return is_cheap(value.body) and is_cheap(value.orelse)
        case ast.Call():
            called = ast.unparse(value.func)
            return called in MAKERS or called.rpartition(".")[2] in METHODS
        case ast.Attribute():
            types = field_types(ast.unparse(value.value), value.attr)
            return bool(types) and all(KEPT.fullmatch(kind) for kind in types)
        case _:
            return False


def assignments(source: str) -> Iterator[tuple[int, str, ast.expr]]:
    """Yield line, name and value of every tensor field that a source sets."""
    messages = tensor_fields()
    every = set().union(*messages.values())
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            fields = messages.get(ast.unparse(node.func).rpartition(".")[2], set())
            for given in node.keywords:
                if given.arg in fields:
                    yield given.value.lineno, given.arg, given.value
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr in every:
                    yield node.lineno, target.attr, node.value


def offences(source: str) -> list[str]:
    """Return a line for every tensor field that a source sets from what may be dear."""
    return [
        f"line {line}: {name} = {ast.unparse(value)}; {REASON}"
        for line, name, value in assignments(source)
        if not is_cheap(value)
    ]


@pytest.mark.parametrize("file", NODES, ids=lambda file: file.stem)
def test_no_node_sets_a_tensor_field_from_an_array(file: Path) -> None:
    assert offences(file.read_text(encoding="utf-8")) == []


def test_the_fields_that_carry_tensors_are_looked_at() -> None:
    found = {name for file in NODES for _, name, _ in assignments(file.read_text(encoding="utf-8"))}
    assert {"data", "scales", "shape", "rail_power_w"} <= found


@pytest.mark.parametrize(
    ("statement", "is_dear"),
    [
        ("Embedding(data=payload.tobytes())", False),
        ("Embedding(data=payload.data)", False),  # Payload.data: bytes
        ("Embedding(scales=payload.scales.tolist())", False),
        ("Embedding(shape=[16, 768])", False),
        ("message.data = array.array('B', pixels)", False),
        ("Embedding(scales=payload.scales)", True),  # Payload.scales: NDArray
        ("Embedding(data=pixels.ravel())", True),
        ("Embedding(data=memoryview(payload.data))", True),
        ("message.data = pixels", True),
        ("message.data = np.frombuffer(raw, np.uint8)", True),
        ("message.data = pixels.astype(np.uint8) if plain else b''", True),
    ],
)
def test_what_is_dear_is_told_from_what_is_not(statement: str, is_dear: bool) -> None:
    found = offences(statement)
    assert bool(found) == is_dear
    assert all("145 from a NumPy array" in line for line in found)
