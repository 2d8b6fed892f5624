# SPDX-License-Identifier: Apache-2.0
"""Knows the Jetson boards and which of their power rails make up the total."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.adapters.devices.sysfs import read_text
from coinfer_ros.core.errors import NotPermitted, Unavailable
from coinfer_ros.core.ports import Rail


@dataclass(frozen=True)
class Board:
    """One Jetson module.

    :param name: what NVIDIA calls it.
    :param marks: words that only its device tree's ``compatible`` has: part numbers, code names.
    :param models: words that only its device tree's ``model`` has, in lower case.
    :param covers: what the total is the power of.
    :param total: the rails to sum; each by the names that it has had in NVIDIA's releases.
    """

    name: str
    marks: tuple[str, ...]
    models: tuple[str, ...]
    covers: str
    total: tuple[tuple[str, ...], ...]

    def lacks(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the rails of the total that are not among ``names``."""
        present = set(names)
        return tuple(rail[0] for rail in self.total if present.isdisjoint(rail))


# Marks: /proc/device-tree/compatible as L4T and the mainline kernel (arch/arm64/boot/dts/nvidia)
# have it. Rails: the chapters on power of NVIDIA's Jetson Linux Developer Guide, with what is
# particular below.
BOARDS = (
    Board(
        # The INA238 measures what comes in at the carrier board, and its loss is the loss of the
        # total: forums.developer.nvidia.com/t/366461. Where the device tree gives it no label, its
        # only name is the chip's. tegrastats prints it as VIN (L4T r38.4: VIN 19.8 W where the
        # three rails of the module sum to 13.5 W).
        name="Jetson AGX Thor",
        marks=("p3834",),
        models=("agx thor", "jetson thor"),
        covers="module and carrier board",
        total=(("VIN", "ina238"),),
    ),
    Board(
        # There is no rail of the whole. VDDQ_VDD2_1V8AO is a part of VIN_SYS_5V0 and would count
        # twice: forums.developer.nvidia.com/t/217088. Labels: mainline tegra234-p3701.dtsi.
        name="Jetson AGX Orin",
        marks=("p3701",),
        models=("agx orin", "orin jetson-small"),
        covers="module",
        total=(("VDD_GPU_SOC",), ("VDD_CPU_CV",), ("VIN_SYS_5V0",)),
    ),
    Board(
        # Mainline tegra234-p3767.dtsi: VDD_IN, VDD_CPU_GPU_CV, VDD_SOC; the first is all.
        name="Jetson Orin NX or Orin Nano",
        marks=("p3767",),
        models=("orin nx", "orin nano"),
        covers="module",
        total=(("VDD_IN",),),
    ),
    Board(
        # The two supplies of the module feed these six and nothing besides: Jetson AGX Xavier
        # Product Design Guide DG-09840, 5.2 and 5.6.2; forums.developer.nvidia.com/t/81016.
        name="Jetson AGX Xavier",
        marks=("p2888",),
        models=("agx xavier", "jetson-agx"),
        covers="module",
        total=(("GPU",), ("CPU",), ("SOC",), ("CV",), ("VDDRQ",), ("SYS5V",)),
    ),
    Board(
        # "VDD_IN is the total power of module": forums.developer.nvidia.com/t/200883. The guide of
        # r32 calls it 5V_IN, the device tree does not.
        name="Jetson Xavier NX",
        marks=("p3668",),
        models=("xavier nx",),
        covers="module",
        total=(("VDD_IN", "5V_IN"),),
    ),
    Board(
        # VDD_IN is the module's input. VDD_MUX of the developer kit's carrier board lies beside it
        # and is not added: forums.developer.nvidia.com/t/201037. L4T says no more than "quill".
        name="Jetson TX2",
        marks=("p3310", "p3489", "p3636", "p2771", "quill"),
        models=("jetson tx2", "quill"),
        covers="module",
        total=(("VDD_IN",),),
    ),
    Board(
        # Developer Guide r32.6.1 and the device trees of that release: VDD_IN, VDD_GPU, VDD_CPU.
        name="Jetson TX1",
        marks=("p2180", "p2371-2180", "jetson-cv"),
        models=("jetson tx1",),
        covers="module",
        total=(("VDD_IN",),),
    ),
    Board(
        # "POM_5V_IN measures the overall 5V input to the board": forums.developer.nvidia.com/t/
        # 73608. The guide calls it VDD_IN, the device tree does not. The Nano 2GB has no sensor.
        name="Jetson Nano",
        marks=("p3448", "p3450", "jetson-nano"),
        models=("jetson nano",),
        covers="module and carrier board",
        total=(("POM_5V_IN", "VDD_IN"),),
    ),
)


def find(model_text: str, compatible: str) -> Board | None:
    r"""Return the board of a device tree, None when it is not in the table.

    :param model_text: the text of ``model``; asked only where ``compatible`` says nothing.
    :param compatible: the text of ``compatible``, its strings apart by NUL or anything else.

    >>> find("", "nvidia,p3768-0000+p3767-0005\0nvidia,p3767-0005\0nvidia,tegra234").name
    'Jetson Orin NX or Orin Nano'
    """
    model = model_text.lower()
    for board in BOARDS:
        if any(mark in compatible for mark in board.marks):
            return board
    for board in BOARDS:
        if any(words in model for words in board.models):
            return board
    return None


def detect(root: Path = Path("/")) -> Board | None:
    """Return the board that this is, None when it is no Jetson of the table."""
    return find(model(root), text(root / "proc/device-tree/compatible"))


def model(root: Path = Path("/")) -> str:
    """Return the device tree's name of this machine, empty where there is none."""
    return text(root / "proc/device-tree/model")


def total_w(board: Board, rails: Sequence[Rail]) -> float:
    """Return the board's total power, W; NaN when a rail that it needs is missing or there twice.

    >>> orin = find("", "nvidia,p3767-0005")
    >>> total_w(orin, [Rail("VDD_IN", 7.5), Rail("VDD_SOC", 1.5)])
    7.5
    """
    return math.fsum(_only_w(names, rails) for names in board.total)


def text(path: Path) -> str:
    """Return a file's text, empty where it cannot be read."""
    try:
        return read_text(path)
    except (NotPermitted, Unavailable):
        return ""


def _only_w(names: tuple[str, ...], rails: Sequence[Rail]) -> float:
    powers = [rail.power_w for rail in rails if rail.name in names]
    return powers[0] if len(powers) == 1 else math.nan
