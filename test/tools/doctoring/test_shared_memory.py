# SPDX-License-Identifier: Apache-2.0
"""Shared memory is counted, told in use or left behind, and other users' is told to be silent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coinfer_ros.tools.doctoring import shared_memory
from coinfer_ros.tools.doctoring.finding import Finding, Status

from ...adapters.devices import clock_trees as trees

DATA, PORT = "fastrtps_11795b17bb5d4205", "fastrtps_port7413"
# Of a process of Fast DDS 2.14.5, the second after its file was removed.
MAPS = """\
7f1c9a200000-7f1c9a286000 rw-s 00000000 00:1a 1288 /dev/shm/{}
7f1c9a2a0000-7f1c9a2ad000 rw-s 00000000 00:1a 1290 /dev/shm/gone (deleted)
7f1c9b000000-7f1c9b028000 r--p 00000000 fe:01 4242 /usr/lib/x86_64-linux-gnu/libc.so.6
"""
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a tree with a participant that runs, a port that was left, and what is no segment."""
    folder = tmp_path / "dev/shm"
    folder.mkdir(parents=True)
    sizes = {DATA: 549_408, PORT: 52_400, f"{DATA}_el": 0, f"sem.{PORT}_mutex": 32, "other": 99}
    for name, size in sizes.items():
        (folder / name).write_bytes(bytes(size))
    trees.write(tmp_path, "proc/71/maps", MAPS.format(DATA))
    trees.write(tmp_path, "proc/self/maps", MAPS.format(PORT))  # no process of its own
    return tmp_path


def _found(root: Path, **environ: str) -> list[Finding]:
    return list(shared_memory.check(root, environ).look())


def _give(root: Path, name: str, uid: int) -> None:
    os.chown(root / "dev/shm" / name, uid, uid)


def test_segments_are_told_from_locks_and_the_used_from_the_left(root: Path) -> None:
    found = {one.name: (one.size_bytes, one.in_use) for one in shared_memory.segments(root)}
    assert found == {DATA: (549_408, True), PORT: (52_400, False)}
    (said,) = _found(root)
    assert (said.name, said.status) == ("shared memory", Status.GOOD)
    assert "; 2 segments (0.6 MB) of Fast DDS, 1 segments (0.1 MB) of them left" in said.detail


@pytest.fixture
def hidden(root: Path) -> Iterator[Path]:
    """Return a tree with a process into which this user cannot look."""
    with trees.open_folder() as folder:
        tree = root.rename(folder / "tree")
        trees.write(tree, "proc/72/maps", "")
        with trees.as_ordinary_user(tree):
            (tree / "proc/72/maps").chmod(0)
            yield tree


def test_what_a_hidden_process_may_hold_is_not_called_left(hidden: Path) -> None:
    assert {one.in_use for one in shared_memory.segments(hidden)} == {True, None}
    (said,) = _found(hidden)
    assert "this user cannot see whether 1 segments (0.1 MB) of them are in use" in said.detail
    assert "left by" not in said.detail


@ROOT_ONLY
def test_a_running_node_of_another_user_is_seen_and_not_heard(root: Path) -> None:
    _give(root, DATA, 65534)
    _, said = _found(root)
    assert (said.name, said.status) == ("user nobody", Status.LIMITED)
    assert ", in use: their nodes and yours see each other's topics and get no data" in said.detail
    assert said.remedy.startswith("export FASTDDS_BUILTIN_TRANSPORTS=UDPv4 ")


@ROOT_ONLY
def test_what_another_user_left_may_be_removed(root: Path) -> None:
    _give(root, PORT, 65534)
    _, said = _found(root)
    assert "left by nodes that ended" in said.detail
    command = "sudo find /dev/shm -maxdepth 1 -name '*fast*_*' -uid 65534 -delete"
    assert said.remedy == command


@ROOT_ONLY
@pytest.mark.parametrize(
    ("environ", "concerned"),
    [
        ({"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4"}, False),
        ({"FASTDDS_BUILTIN_TRANSPORTS": "SHM"}, True),
        # With either the variable has no effect.
        ({"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4", "ROS_LOCALHOST_ONLY": "1"}, True),
        (
            {"FASTDDS_BUILTIN_TRANSPORTS": "UDPv4", "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"},
            True,
        ),
    ],
)
def test_other_users_concern_only_who_uses_shared_memory(
    root: Path, environ: dict[str, str], concerned: bool
) -> None:
    _give(root, DATA, 65534)
    assert len(_found(root, **environ)) == 1 + concerned


def test_another_middleware_has_no_such_memory(root: Path) -> None:
    assert _found(root, RMW_IMPLEMENTATION="rmw_cyclonedds_cpp") == []


def test_without_a_folder_that_can_be_written_there_is_none(tmp_path: Path) -> None:
    (found,) = _found(tmp_path)
    assert found.status is Status.FAULT
