# SPDX-License-Identifier: Apache-2.0
"""Finds clocks whose owner was killed, and gives them back when asked to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from coinfer_ros import backends
from coinfer_ros.adapters.devices.clocks.former_state import SUFFIX
from coinfer_ros.adapters.devices.clocks.owned_clock import restore_all
from coinfer_ros.core.errors import CoinferError, Unavailable
from coinfer_ros.core.ports import ClockDriver
from coinfer_ros.parameters import CLOCKS, DeviceSettings
from coinfer_ros.tools.doctoring import owner
from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.driver import opened
from coinfer_ros.tools.doctoring.finding import Finding, Status, said

AREA = "leftovers"


def check(root: Path, state_dir: Path) -> Check:
    """Return the check that only looks.

    :param root: where the system's files lie.
    :param state_dir: where former states lie.
    """
    return Check(AREA, "clocks", partial(_look, root, state_dir))


def restoration(root: Path, state_dir: Path) -> Check:
    """Return the check that gives back what it finds; what could not be is a fault.

    :param root: where the system's files lie.
    """
    return Check(AREA, "clocks", partial(_restore, root, state_dir))


def _look(root: Path, state_dir: Path) -> Iterator[Finding]:
    found = _devices(state_dir)
    if not found:
        yield _nothing(state_dir)
    for device in found:
        if sets := owner.of(state_dir, device):
            yield Finding(AREA, device, Status.GOOD, f"set by {sets}, which will give it back")
        else:
            words = f"whoever set it ended without giving it back ({state_dir / device}{SUFFIX})"
            yield Finding(AREA, device, Status.LIMITED, words, _command(root, state_dir))


def _restore(root: Path, state_dir: Path) -> Iterator[Finding]:
    found = _devices(state_dir)
    if not found:
        yield _nothing(state_dir)
        return
    with contextlib.ExitStack() as held:
        drivers, refusals = _drivers(found, root, held)
        leftovers = restore_all(state_dir, drivers, root=root)
    for leftover in leftovers:
        device, words = leftover.device, leftover.words
        if leftover.settled:
            yield Finding(AREA, device, Status.GOOD, words or "given back")
        elif sets := owner.of(state_dir, device):
            yield Finding(AREA, device, Status.GOOD, f"set by {sets}, which will give it back")
        else:
            yield said(AREA, device, Status.FAULT, refusals.get(device, words), root)


def _devices(state_dir: Path) -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in state_dir.glob(f"*{SUFFIX}"))


def _drivers(
    devices: list[str], root: Path, held: contextlib.ExitStack
) -> tuple[list[ClockDriver], dict[str, str]]:
    """Open the clocks of these devices; return also why one could not be."""
    drivers: list[ClockDriver] = []
    refusals: dict[str, str] = {}
    for device in devices:
        source, _, serial = device.partition("-")
        if source not in CLOCKS:
            continue
        try:
            gpu = _index(serial) if source == "nvml" else 0
            asked = backends.Asked(backend="none", gpu=gpu, root=str(root))
            drivers.append(held.enter_context(opened(source, asked)))
        except CoinferError as error:
            refusals[device] = str(error)
    return drivers, refusals


def _index(uuid: str) -> int:
    """Return NVML's number of a GPU.

    :raises Unavailable: when it is not here.
    """
    from coinfer_ros.adapters.devices.nvml import gpus  # noqa: PLC0415

    for gpu in gpus():
        if gpu.uuid == uuid:
            return gpu.index
    raise Unavailable(f"the GPU {uuid} must be here for its clock to be given back")


def _nothing(state_dir: Path) -> Finding:
    there = state_dir.is_dir()
    words = (
        f"every clock was given back: nothing is left in {state_dir}"
        if there
        else f"no device node has set a clock here: {state_dir} is not there"
    )
    return Finding(AREA, "clocks", Status.GOOD, words)


def _command(root: Path, state_dir: Path) -> str:
    own = "" if str(state_dir) == DeviceSettings.clock_folder else f" --state-dir {state_dir}"
    of = "" if root == Path("/") else f" --root {root}"
    return f"coinfer doctor --restore{own}{of}"
