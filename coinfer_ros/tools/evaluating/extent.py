# SPDX-License-Identifier: Apache-2.0
"""How much an evaluation looks at: all of it, or what two minutes allow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.evaluation.comparison.front import WIRES
from coinfer_ros.evaluation.methods.ppo import STEPS_MOST


@dataclass(frozen=True)
class Extent:
    """What is looked at.

    :param samples: held-out images and clips that are captioned at every point.
    :param budgets: points of each sweep.
    :param policy_steps: settings that the policy may try while it is trained, at the most.
    :param front_bits: widths of the front of quality over energy.
    :param front_wires: widths of the embedding there.
    :param front_cuts: places to cut there, the model's own among them.
    :param timed: answers timed at each setting of this machine.
    """

    samples: int
    budgets: int
    policy_steps: int
    front_bits: tuple[int, ...]
    front_wires: tuple[int, ...]
    front_cuts: int
    timed: int

    def __post_init__(self) -> None:
        checks.whole("samples", self.samples, low=2, high=100_000)
        checks.whole("budgets", self.budgets, low=2, high=1000)

    def with_samples(self, samples: int | None) -> Extent:
        """Return the same with so many samples; None: as it is."""
        return self if samples is None else dataclasses.replace(self, samples=samples)


FULL = Extent(
    samples=500,
    budgets=13,
    policy_steps=STEPS_MOST,
    front_bits=WEIGHT_BITS,
    front_wires=WIRES,
    front_cuts=3,
    timed=200,
)
QUICK = Extent(
    samples=40,
    budgets=5,
    policy_steps=100_000,
    front_bits=(2, 4, 8),
    front_wires=(4, 16),
    front_cuts=2,
    timed=20,
)
