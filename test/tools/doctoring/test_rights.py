# SPDX-License-Identifier: Apache-2.0
"""A user is told the one command that helps that user, and none that does not."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from coinfer_ros.core.errors import NotPermitted, Unavailable, Unsupported
from coinfer_ros.tools.doctoring import rights
from coinfer_ros.tools.doctoring.finding import Finding, Status, refused

from ...adapters.devices import clock_trees as trees
from ...adapters.devices.trees import put

FREE = 54321  # a group that nobody is in


def _caps(root: Path, *, effective: int, users: str = "0 0 4294967295") -> None:
    put(
        root,
        {"proc/self/status": f"Name:\tx\nCapPrm:\t{effective:016x}\nCapEff:\t{effective:016x}"},
    )
    put(root, {"proc/self/uid_map": f"   {users}"})


@pytest.fixture
def user():
    """Be an ordinary user whose name is known."""
    with trees.open_folder() as folder, trees.as_ordinary_user(folder):
        yield folder, pwd.getpwuid(os.geteuid()).pw_name


def test_who_is_in_no_group_runs_the_script(user) -> None:
    root, name = user
    assert rights.remedy(root) == rights.PERMIT
    put(root, {"etc/group": f"root:x:0:\ncoinfer:x:{FREE}:other"})
    assert rights.remedy(root) == rights.PERMIT
    put(root, {"etc/group": f"coinferno:x:{FREE}:{name}"})
    assert rights.remedy(root) == rights.PERMIT


def test_who_has_joined_the_group_since_login_logs_in_again(user) -> None:
    root, name = user
    put(root, {"etc/group": f"coinfer:x:{FREE}:other,{name}"})
    assert rights.remedy(root).startswith("newgrp coinfer")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is not helped by root's commands")
def test_root_is_told_to_run_nothing(tmp_path: Path) -> None:
    assert rights.remedy(tmp_path) == ""


def test_a_file_that_may_not_be_written_is_named(user) -> None:
    root, _ = user
    put(root, {"a": 1, "b": 2, "c": 3})
    paths = [root / name for name in "abc"]
    assert rights.unwritable(paths) == ""
    for path in paths[1:]:
        path.chmod(0o444)
    assert rights.unwritable(paths) == f"{root / 'b'} and 1 more may not be written"


@pytest.mark.parametrize(
    ("effective", "users", "may"),
    [
        (1 << 21, "0 0 4294967295", True),
        (0x1FFFFFFFFFF & ~(1 << 21), "0 0 4294967295", False),
        (0x1FFFFFFFFFF, "0 100000 65536", False),  # root of a rootless container
    ],
)
def test_only_a_capability_outside_of_user_namespaces_counts(
    tmp_path: Path, effective: int, users: str, may: bool
) -> None:
    _caps(tmp_path, effective=effective, users=users)
    assert rights.may_administer(tmp_path) is may


def test_without_proc_no_capability_is_taken_for_granted(tmp_path: Path) -> None:
    assert not rights.may_administer(tmp_path)


def test_a_refusal_says_what_it_is_and_what_helps(user) -> None:
    root, _ = user
    denied = NotPermitted(f"/sys/x must be readable by this user; run once: {rights.PERMIT}")
    detail = "/sys/x must be readable by this user"
    assert refused("power", "rapl", denied, root) == Finding(
        "power", "rapl", Status.LIMITED, detail, rights.PERMIT
    )
    absent = Unavailable("NVML: no driver; run: sudo modprobe nvidia; see that\nnvidia-smi works")
    words = "NVML: no driver; run: sudo modprobe nvidia; see that nvidia-smi works"
    assert refused("power", "nvml", absent, root) == Finding("power", "nvml", Status.MISSING, words)
    assert refused("power", "nvml", absent, root, absent=Status.FAULT) == Finding(
        "power", "nvml", Status.FAULT, words, "sudo modprobe nvidia"
    )
    blocked = refused("power", "nvml", NotPermitted("the cgroup blocks the GPU"), root)
    assert (blocked.status, blocked.remedy) == (Status.LIMITED, "")
    unable = refused("clocks", "devfreq", Unsupported("no table"), root)
    assert (unable.status, unable.remedy) == (Status.LIMITED, "")
