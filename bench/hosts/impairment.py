# SPDX-License-Identifier: Apache-2.0
"""What a link does to the packets of either direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput


@dataclass(frozen=True)
class Impairment:
    """What happens to every packet, in each direction by itself, as tc-netem(8) has it.

    :param delay_ms: how long it is under way.
    :param jitter_ms: that time varies evenly by as much either way; packets may overtake others.
    :param loss_percent: share of packets that never arrive.
    :param reorder_percent: share of packets that overtake all others, without the delay.
    :param rate_mbit: what the link carries, Mbit/s of Ethernet frames; infinity: no limit.
    :raises InvalidInput: for a number out of its range, or an order changed without a delay.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss_percent: float = 0.0
    reorder_percent: float = 0.0
    rate_mbit: float = math.inf

    def __post_init__(self) -> None:
        checks.number("delay_ms", self.delay_ms, low=0.0, high=10_000.0, unit="ms")
        checks.number("jitter_ms", self.jitter_ms, low=0.0, high=self.delay_ms, unit="ms")
        for name in ("loss_percent", "reorder_percent"):
            checks.number(name, getattr(self, name), low=0.0, high=100.0, unit="%")
        if not self.rate_mbit > 0.0:
            raise InvalidInput(f"rate_mbit must be above 0 Mbit/s, got {self.rate_mbit}")
        if self.reorder_percent > 0.0 and self.delay_ms == 0.0:
            raise InvalidInput("delay_ms must be above 0 where packets overtake, got 0")

    def __str__(self) -> str:
        parts = []
        if self.delay_ms:
            jitter = f" ± {self.jitter_ms:g}" if self.jitter_ms else ""
            parts.append(f"{self.delay_ms:g}{jitter} ms")
        if self.loss_percent:
            parts.append(f"{self.loss_percent:g} % lost")
        if self.reorder_percent:
            parts.append(f"{self.reorder_percent:g} % reordered")
        if math.isfinite(self.rate_mbit):
            parts.append(f"{self.rate_mbit:g} Mbit/s")
        return ", ".join(parts) or "none"


NONE = Impairment()
CUT = Impairment(loss_percent=100.0)
