# SPDX-License-Identifier: Apache-2.0
"""The controller's decision: budgets and what was measured in, a plan for everyone out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coinfer_ros.core.boards import Board
from coinfer_ros.core.clock_limits import ALL, Band
from coinfer_ros.core.costs import Budget, Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Objective,
    Point,
    Policy,
    Problem,
    Quality,
    Solution,
    Status,
    fallback,
    solve,
)
from coinfer_ros.core.overhead import Overhead
from coinfer_ros.core.profile import ComputedHalf, HalfCosts, Joint, MeasuredHalf, Profile

# Finer estimates would change the plan with every answer's noise.
DELAY_STEP_S = 0.005
ENERGY_STEP_J = 0.02


@dataclass(frozen=True)
class Decision:
    """What everyone should run, and why.

    :param solution: the optimizer's answer; infeasible ones say what would help.
    :param point: what to run: the optimum, or what the policy says while nothing keeps the budgets;
        None: nothing.
    :param budget: the budgets it was made for.
    :param overhead_s: measured delay beside computation that it allows for, s.
    """

    solution: Solution
    point: Point | None
    budget: Budget
    overhead_s: float

    @property
    def feasible(self) -> bool:
        """True when the point keeps both budgets."""
        return self.solution.status is Status.OPTIMAL


@dataclass(frozen=True)
class Measured:
    """What one answer took; NaN is not known.

    :param bits: bit-width of the robot's half.
    :param robot_clock_hz: Hz, NaN when it changed meanwhile.
    :param edge_clock_hz: Hz, NaN when it changed meanwhile.
    :param delay_s: image to answer, s.
    :param energy_j: both machines above idle, J.
    :param weight_rate: λ of the robot half's weights, 1/weight unit.
    """

    bits: int
    robot_clock_hz: float
    edge_clock_hz: float
    delay_s: float
    energy_j: float
    weight_rate: float


class Planner:
    """Plans over the settings of two machines and learns what the model leaves out.

    :param robot: the robot's board.
    :param edge: the edge's board.
    :param workload: the work of one answer, eq. (4) to (7).
    :param robot_profile: what was measured of the robot's half; None: computed from its board.
    :param edge_profile: likewise of the edge's.
    :param initial_overhead_s: delay beside computation before the first answer, s.
    :param window: answers that the overheads are learnt from.
    :param quantile: share of answers that the overheads cover.
    """

    def __init__(
        self,
        robot: Board,
        edge: Board,
        workload: Workload,
        *,
        robot_profile: Profile | None = None,
        edge_profile: Profile | None = None,
        initial_overhead_s: float,
        window: int,
        quantile: float,
    ) -> None:
        self._reached = {"robot": ALL, "edge": ALL}
        self._costs = Joint(
            _half(robot_profile, robot, workload.robot_flop_at),
            _half(edge_profile, edge, lambda _: workload.edge_flop_in_all),
        )
        self._losses = _losses(robot_profile)
        self._delay = Overhead(
            window=window, quantile=quantile, step=DELAY_STEP_S, initial=initial_overhead_s
        )
        self._energy = Overhead(window=window, quantile=quantile, step=ENERGY_STEP_J, initial=0.0)

    @property
    def overhead_s(self) -> float:
        """Delay beside computation that plans allow for, s."""
        return self._delay.estimate

    @property
    def unmetered(self) -> tuple[str, ...]:
        """The halves, ``robot`` or ``edge``, whose energy is not known; no budget can be kept."""
        return self._costs.unmetered

    def learn(self, measured: Measured) -> None:
        """Take one answer into account.

        A request that crossed a change of clocks says nothing about either setting: its clocks are
        NaN, and what is NaN is left out.
        """
        delay_s, energy_j = self._costs.at(
            measured.bits,
            robot_clock_hz=measured.robot_clock_hz,
            edge_clock_hz=measured.edge_clock_hz,
        )
        self._delay.add(measured=measured.delay_s, modelled=delay_s)
        self._energy.add(measured=measured.energy_j, modelled=energy_j)

    def reach(self, role: str, band: Band) -> None:
        """Plan with no other clocks of a machine than those that it reaches.

        :param role: ``robot`` or ``edge``.
        """
        self._reached[role] = band

    def decide(
        self,
        budget: Budget,
        widths: Sequence[int],
        *,
        objective: Objective = Objective.LOSS,
        policy: Policy = Policy.KEEP_ENERGY,
    ) -> Decision:
        """Return the plan that makes the objective least and keeps the budgets.

        The distortion is the embedding's where it was measured, else that of the law, eq. (30).

        :param budget: greatest delay and energy of one answer.
        :param widths: bit-widths that the robot may run, rising: the narrowest is the third budget,
            that of quality.
        :param objective: least distortion (then energy), least energy or least delay.
        :param policy: what to run while nothing keeps the budgets.
        :raises InvalidInput: when no width is left, or an energy is to be kept that is not known.
        """
        if not widths:
            raise InvalidInput("widths must hold at least one bit-width, got none")
        if self.unmetered and budget.energy_j != math.inf:
            raise InvalidInput(
                f"energy_j must be without a limit where the energy of {_halves(self.unmetered)} "
                f"was not measured, got {budget.energy_j:g} J"
            )
        costs = self._costs.within(**self._reached)
        tables = costs.tables(widths).with_overhead(
            delay_s=self._delay.estimate, energy_j=self._energy.estimate
        )
        problem = Problem(tables, budget, self._quality(tables.widths), objective)
        solution = solve(problem)
        point = solution.plan or fallback(tables, budget, policy)
        if point is None and policy is not Policy.STOP:
            raise InvalidInput("boards must have a setting that can be run, got none")
        known = None if point is None else self._costs.known(point)
        return Decision(self._told(solution), known, budget, self._delay.estimate)

    def keeps(self, point: Point, budget: Budget) -> bool:
        """Tell whether a setting keeps the budgets by what has been learnt; True if not known."""
        delay_s, energy_j = self._costs.at(
            point.bits, robot_clock_hz=point.robot_clock_hz, edge_clock_hz=point.edge_clock_hz
        )
        late = delay_s + self._delay.estimate > budget.delay_s
        dear = energy_j + self._energy.estimate > budget.energy_j
        return not (late or dear)

    @property
    def reached(self) -> tuple[Band, ...]:
        """The clocks that the robot and the edge reach."""
        return tuple(self._reached.values())

    def _quality(self, widths: tuple[int, ...]) -> Quality:
        if self._losses is None:
            return Quality.of_law(widths)
        return Quality(widths, tuple(self._losses[bits] for bits in widths))

    def _told(self, solution: Solution) -> Solution:
        """Return the solution with what is not known left out of it."""
        plan, message = solution.plan, solution.message
        for role, band in self._reached.items():
            if band != ALL:
                message = f"{message}; the {role} reaches {band} alone"
        if self.unmetered:
            message = f"{message}; joules are without those of {_halves(self.unmetered)}"
        return dataclasses.replace(
            solution, plan=None if plan is None else self._costs.known(plan), message=message
        )


def _half(profile: Profile | None, board: Board, flop_at: Callable[[int], float]) -> HalfCosts:
    return ComputedHalf(board, flop_at) if profile is None else MeasuredHalf(profile)


def _losses(profile: Profile | None) -> dict[int, float] | None:
    if profile is None or profile.losses is None:
        return None
    return dict(zip(profile.widths, profile.losses, strict=True))


def _halves(roles: Sequence[str]) -> str:
    return " and ".join(f"the {role}'s half" for role in roles)
