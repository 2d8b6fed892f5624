# SPDX-License-Identifier: Apache-2.0
"""What a calibration was asked for: all that its measurements depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coinfer_ros.core.model import FULL_BITS, ModelInfo
from coinfer_ros.core.profile import Device, plain

# Runs of one setting before the next has its turn: what drifts (heat, other work on the machine)
# then falls on all settings alike.
RUNS_A_VISIT = 10
# One scale a channel each: the paper's, and the one that meets its upper bound.
QUANTIZERS = ("uniform", "exponential")


@dataclass(frozen=True)
class Visit:
    """Some runs of one setting, one after the other.

    :param first: number of the first of them.
    :param runs: how many.
    :param bits: bit-width.
    :param clock_hz: clock, Hz; NaN: its own pace.
    """

    first: int
    runs: int
    bits: int
    clock_hz: float

    @property
    def key(self) -> str:
        """The name of its measurement."""
        return f"time/{self.first}/{self.bits}/{self.clock_hz!r}"


@dataclass(frozen=True)
class Asked:
    """The settings of a calibration.

    :param folder: the checkpoint's.
    :param info: what it is.
    :param image_px: (width, height) that images are brought to; None: the model's own size.
    :param role: ``robot`` or ``edge``.
    :param device: the machine.
    :param widths: (B,) bit-widths, rising; the original one alone on the edge.
    :param clocks_hz: (F,) clocks, rising, Hz; one NaN: its own pace.
    :param samples: runs of each setting.
    :param flop: what a simulated machine is told that a run at full width takes, FLOP.
    :param images: where the images come from that it is timed with.
    :param task: what answers are scored on; ``none``: nothing.
    :param examples: how many answers are scored at most.
    """

    folder: Path
    info: ModelInfo
    image_px: tuple[int, int] | None
    role: str
    device: Device
    widths: tuple[int, ...]
    clocks_hz: tuple[float, ...]
    samples: int
    flop: float
    images: str
    task: str
    examples: int

    def settings(self) -> dict[str, Any]:
        """Return all of it as JSON holds it; the folder's place does not matter, the model does."""
        named = {
            one.name: plain(getattr(self, one.name))
            for one in dataclasses.fields(self)
            if one.name not in ("folder", "info")
        }
        return {"model": self.info.fingerprint, "cut": self.info.cut, **named}

    def visits(self) -> Iterator[Visit]:
        """Yield every visit, all settings in turn.

        Every second round goes through the widths backwards, so that a steady drift cancels.
        """
        for round_, first in enumerate(range(0, self.samples, RUNS_A_VISIT)):
            runs = min(RUNS_A_VISIT, self.samples - first)
            for bits in self.widths if round_ % 2 == 0 else reversed(self.widths):
                for clock_hz in self.clocks_hz:
                    yield Visit(first, runs, bits, clock_hz)

    def flop_at(self, bits: int) -> float:
        """Return the work of one run at a width, linear as eq. (4) assumes, FLOP."""
        return self.flop * bits / FULL_BITS
