# SPDX-License-Identifier: Apache-2.0
"""A device has one owner among all processes, and a dead owner owns nothing."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable

import pytest

from coinfer_ros.adapters.devices.clocks.ownership import Ownership
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.core.errors import NotPermitted, Unavailable

from .. import clock_trees as trees


def _child(work: Callable[[int], object]) -> tuple[int, int]:
    """Fork a child that does ``work``, says so and waits.

    :return: its id, and a pipe whose closing ends it and all that hold ``work``'s argument.
    """
    said, says = os.pipe()
    waits, ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(ends)
            kept = work(waits)
            os.write(says, b"0" if kept is None else b"1")
            os.read(waits, 1)
        finally:
            os._exit(0)
    os.close(says)
    os.close(waits)
    assert os.read(said, 1) == b"1"
    os.close(said)
    return pid, ends


def test_a_second_owner_is_refused_and_told_who_the_first_is(tmp_path) -> None:
    folder = tmp_path / "made/here"
    first = Ownership(folder, "gpu")
    command = re.escape(" ".join(sys.orig_argv)[:20])
    message = f"the clock of gpu must have one owner, and process {os.getpid()} \\({command}"
    with pytest.raises(Unavailable, match=message):
        Ownership(folder, "gpu")
    Ownership(folder, "cpufreq").release()
    first.release()
    first.release()
    Ownership(folder, "gpu").release()


def test_an_owner_in_another_process_is_refused_until_it_is_killed(tmp_path) -> None:
    pid, ends = _child(lambda _: Ownership(tmp_path, "gpu"))
    with pytest.raises(Unavailable, match=f"process {pid} "):
        Ownership(tmp_path, "gpu")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    Ownership(tmp_path, "gpu").release()
    os.close(ends)


def test_a_worker_of_a_killed_owner_does_not_go_on_owning(tmp_path) -> None:
    def own_and_fork(waits: int) -> Ownership | None:
        owner = Ownership(tmp_path, "gpu")
        told, tells = os.pipe()
        if os.fork() == 0:
            held = owner.held
            owner.release()  # not its own to release
            os.write(tells, b"1" if held else b"0")
            os.read(waits, 1)
            os._exit(0)
        return owner if os.read(told, 1) == b"0" else None

    pid, ends = _child(own_and_fork)
    with pytest.raises(Unavailable, match=f"process {pid} "):
        Ownership(tmp_path, "gpu")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    Ownership(tmp_path, "gpu").release()
    os.close(ends)


def test_a_child_leaves_its_parents_ownership_alone(tmp_path) -> None:
    owner = Ownership(tmp_path, "gpu")
    pid = os.fork()
    if pid == 0:
        owner.release()
        os._exit(int(owner.held))
    assert os.waitpid(pid, 0)[1] == 0
    with pytest.raises(Unavailable, match="must have one owner"):
        Ownership(tmp_path, "gpu")
    owner.release()


def test_a_lock_that_root_has_made_does_not_shut_the_user_out() -> None:
    with trees.open_folder() as folder:
        Ownership(folder, "gpu").release()
        (folder / "users").mkdir()
        with trees.as_ordinary_user(folder / "users"):
            Ownership(folder, "gpu").release()


def test_a_link_at_the_locks_place_is_not_followed(tmp_path) -> None:
    (tmp_path / "target").write_text("keep")
    (tmp_path / "gpu.lock").symlink_to(tmp_path / "target")
    with pytest.raises(Unavailable, match="must take files"):
        Ownership(tmp_path, "gpu")
    assert (tmp_path / "target").read_text() == "keep"


def test_a_folder_that_may_not_be_written_is_named_with_the_remedy() -> None:
    with trees.open_folder() as folder, trees.as_ordinary_user(folder):
        folder.chmod(0o555)
        for place in (folder, folder / "new"):
            with pytest.raises(NotPermitted) as refused:
                Ownership(place, "gpu")
            assert str(refused.value) == f"{place} must be writable by this user; {REMEDY}"
        folder.chmod(0o755)


def test_another_folder_makes_no_second_owner(tmp_path) -> None:
    first = Ownership(tmp_path / "one", "gpu")
    with pytest.raises(Unavailable, match="one owner, and a process that keeps its state in"):
        Ownership(tmp_path / "other", "gpu")
    Ownership(tmp_path / "other", "another-gpu").release()
    first.release()
    Ownership(tmp_path / "other", "gpu").release()
