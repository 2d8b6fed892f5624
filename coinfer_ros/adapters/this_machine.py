# SPDX-License-Identifier: Apache-2.0
"""Says what this machine is, and waits until it has truly done what it was given."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import torch

from coinfer_ros.core.profile import Device

ROOT = Path("/")
# The first that is there: a Jetson's power mode, else how Linux governs the clock.
_MODES = ("var/lib/nvpmodel/status", "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def identify(*, backend: str, board: str, root: Path = ROOT) -> Device:
    """Return what this machine is.

    :param backend: what executes and measures, as in ``device.backend``.
    :param board: name of the simulated board; empty: this machine itself is measured.
    :param root: where the system's files lie.
    """
    return Device(
        processor=_processor(root),
        accelerator=torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        cores=len(os.sched_getaffinity(0)),
        threads=torch.get_num_threads(),
        torch=str(torch.__version__),
        backend=backend,
        mode=board or next(filter(None, (_text(root / name) for name in _MODES)), ""),
    )


def synchronise() -> None:
    """Wait until the accelerator, where there is one, has nothing left to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _processor(root: Path) -> str:
    """Return the board's name where firmware tells it, else the CPU's, else the architecture."""
    named = re.search(r"^model name\s*:\s*(.+)$", _text(root / "proc/cpuinfo"), re.MULTILINE)
    firmware = _text(root / "proc/device-tree/model")
    return firmware or (named.group(1) if named else platform.machine())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return ""
