# SPDX-License-Identifier: Apache-2.0
"""The range of every quantity of the model: wider than any machine, safe for float arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core import checks


@dataclass(frozen=True)
class Limits:
    """The range of one quantity.

    :param low: least value.
    :param high: greatest value.
    :param unit: unit of both.
    :param above: excluded lower end, in place of ``low``.
    """

    low: float
    high: float
    unit: str
    above: float | None = None

    def check(self, name: str, value: object) -> float:
        """Return ``value`` as a float within the limits.

        :param name: what to call it in the message.
        :raises InvalidInput: naming it, the rule and what came.
        """
        return checks.number(
            name, value, low=self.low, high=self.high, above=self.above, unit=self.unit
        )

    def adopt(self, record: object, name: str) -> None:
        """Put a frozen record's field in its place as a plain float within the limits.

        A number of another type would else decide how precisely all that follows is computed.

        :param record: a frozen dataclass, in its ``__post_init__``.
        :param name: the field.
        :raises InvalidInput: naming it, the rule and what came.
        """
        object.__setattr__(record, name, self.check(name, getattr(record, name)))


FLOP = Limits(1.0, 1e24, "FLOP")
CLOCK_HZ = Limits(1.0, 1e18, "Hz")
FLOP_PER_CYCLE = Limits(1e-6, 1e12, "FLOP/cycle")
PUE = Limits(1e-6, 1e6, "")
POWER_COEFFICIENT = Limits(1e-60, 1.0, "W/Hz^3")
DELAY_S = Limits(-math.inf, 1e30, "s", above=0)
ENERGY_J = Limits(-math.inf, 1e30, "J", above=0)
POWER_W = Limits(0.0, 1e9, "W")
TOKEN_FLOP = Limits(0.0, 1e24, "FLOP")
PAYLOAD_BYTES = Limits(0.0, 1e15, "byte")
GOODPUT_BPS = Limits(1e-3, 1e18, "bit/s")
ROUND_TRIP_S = Limits(0.0, 1e6, "s")
DISTORTION = Limits(-math.inf, 1e30, "weight", above=0)
WEIGHT_RATE = Limits(1e-30, 1e30, "1/weight")

BITS_MAX = 32  # widest bit-width that is chosen from
TOKENS_MAX = 1_000_000
WEIGHT_BITS_MAX = 64  # widest that weights come in

# Images: a camera's largest, and what no camera makes. Resizing a very narrow image to the model's
# square first makes it very long.
MOST_PIXELS = 64_000_000
MOST_SIDE_PX = 8192
GREATEST_ASPECT = 16
