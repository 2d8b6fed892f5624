# SPDX-License-Identifier: Apache-2.0
"""Random instances of problem (P1), the same for every method that is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.costs import Budget, Processor, System, Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import Problem, paper_problem
from coinfer_ros.core.optimizer.canonical import Canonical

Numbers = NDArray[np.float64]
_FIELDS = ("robot_delay", "edge_delay", "robot_energy", "edge_energy")


@dataclass(frozen=True)
class Range:
    """Where instances are drawn from: logarithms evenly between two corners.

    :param low: least of each number.
    :param high: greatest of each, above it.
    :raises InvalidInput: when a number's range is empty.
    """

    low: Canonical
    high: Canonical

    def __post_init__(self) -> None:
        for name in _FIELDS:
            least, most = getattr(self.low, name), getattr(self.high, name)
            if not least < most:
                raise InvalidInput(f"{name} must rise from low to high, got {least} to {most}")

    @classmethod
    def around(cls, held: Sequence[Canonical], *, spare: float = 1.05) -> Range:
        """Return a range that holds some instances with a little room on every side."""
        rows = np.array([[getattr(one, name) for name in _FIELDS] for one in held])
        return cls(
            Canonical(*(rows.min(axis=0) / spare).tolist()),
            Canonical(*(rows.max(axis=0) * spare).tolist()),
        )

    @property
    def _logs(self) -> tuple[Numbers, Numbers]:
        low, high = (
            np.log([getattr(end, name) for name in _FIELDS]) for end in (self.low, self.high)
        )
        return low, high

    def draw(self, rng: np.random.Generator, count: int) -> Numbers:
        """Draw instances.

        :param count: how many, N.
        :returns: (N, 4) the fields of ``Canonical`` in their order.
        """
        low, high = self._logs
        return np.exp(rng.uniform(low, high, (count, len(_FIELDS))))

    def features(self, instances: Numbers) -> NDArray[np.float32]:
        """Return (N, 4) the instances' logarithms, -1 at ``low`` and 1 at ``high``."""
        low, high = self._logs
        scaled: Numbers = (2.0 * np.log(instances) - low - high) / (high - low)
        return scaled.astype(np.float32)


# Of 4000 instances 42 % are bound by energy, 30 % by delay and 20 % by the widest of 16 widths;
# 7 % have no plan.
GENERAL = Range(
    Canonical(robot_delay=0.01, edge_delay=0.02, robot_energy=0.01, edge_energy=0.02),
    Canonical(robot_delay=0.5, edge_delay=1.0, robot_energy=2.0, edge_energy=4.0),
)


def shares(drawn: Numbers, bits: Numbers, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """Return the shares of delay and energy that settings use; above 1 breaks a budget.

    :param drawn: (N, 4) instances.
    :param bits: (N,) bit-widths.
    :param x: (N,) robot clocks over the greatest, in (0, 1].
    :param y: (N,) edge clocks over the greatest, in (0, 1].
    """
    robot_delay, edge_delay, robot_energy, edge_energy = drawn.T
    return (
        bits * robot_delay / x + edge_delay / y,
        bits * robot_energy * x * x + edge_energy * y * y,
    )


def row(instance: Canonical) -> Numbers:
    """Return (1, 4) one instance as ``Range.draw`` gives many."""
    return np.array([[getattr(instance, name) for name in _FIELDS]])


def problem_of(instance: Canonical, widths: Sequence[int]) -> Problem:
    """Return (P1) with these four numbers: machines of 1 GHz, budgets of 1 s and 1 J.

    :param widths: allowed bit-widths, rising.
    """
    clock_hz = 1e9
    work, edge_work = instance.robot_delay * clock_hz, instance.edge_delay * clock_hz  # cycles
    robot, edge = (
        Processor(
            clock_max_hz=clock_hz,
            flop_per_cycle=1.0,
            pue=1.0,
            power_coefficient=energy / (cycles * clock_hz**2),
        )
        for energy, cycles in ((instance.robot_energy, work), (instance.edge_energy, edge_work))
    )
    workload = Workload(robot_flop=16.0 * work, edge_flop=edge_work, weight_bits=16)
    return paper_problem(System(robot, edge, workload), Budget(1.0, 1.0), widths)
