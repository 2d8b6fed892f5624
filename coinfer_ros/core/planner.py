# SPDX-License-Identifier: Apache-2.0
"""The controller's decision: budgets and what was measured in, a plan for everyone out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Budget, System, Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Point,
    Solution,
    Status,
    analytic_tables,
    best_effort,
    paper_problem,
    solve,
)
from coinfer_ros.core.overhead import Overhead

# Finer estimates would change the plan with every answer's noise.
DELAY_STEP_S = 0.005
ENERGY_STEP_J = 0.02


@dataclass(frozen=True)
class Decision:
    """What everyone should run, and why.

    :param solution: the optimizer's answer; infeasible ones say what would help.
    :param point: what to run: the optimum, or the best effort while nothing keeps both budgets.
    :param budget: the budgets it was made for.
    :param overhead_s: measured delay beside computation that it allows for, s.
    """

    solution: Solution
    point: Point
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
    """Plans over the clock steps of two boards and learns what the model leaves out.

    :param robot: the robot's board.
    :param edge: the edge's board.
    :param workload: the work of one answer, eq. (4) to (7).
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
        initial_overhead_s: float,
        window: int,
        quantile: float,
    ) -> None:
        self._robot, self._edge = robot, edge
        self._system = System(robot.processor, edge.processor, workload)
        self._delay = Overhead(
            window=window, quantile=quantile, step=DELAY_STEP_S, initial=initial_overhead_s
        )
        self._energy = Overhead(window=window, quantile=quantile, step=ENERGY_STEP_J, initial=0.0)

    @property
    def overhead_s(self) -> float:
        """Delay beside computation that plans allow for, s."""
        return self._delay.estimate

    def learn(self, measured: Measured) -> None:
        """Take one answer into account.

        A request that crossed a change of clocks says nothing about either setting: its clocks are
        NaN, and what is NaN is left out.
        """
        setting = measured.bits, measured.robot_clock_hz, measured.edge_clock_hz
        self._delay.add(measured=measured.delay_s, modelled=self._system.delay_s(*setting))
        self._energy.add(measured=measured.energy_j, modelled=self._system.energy_j(*setting))

    def decide(self, budget: Budget, widths: Sequence[int]) -> Decision:
        """Return the plan of least distortion, then least energy, that keeps the budgets.

        :param budget: greatest delay and energy of one answer.
        :param widths: bit-widths that the robot can run, rising.
        :raises InvalidInput: when no width is left.
        """
        if not widths:
            raise InvalidInput("widths must hold at least one bit-width, got none")
        tables = analytic_tables(
            self._system,
            widths=widths,
            robot_clocks_hz=self._robot.clock_steps_hz,
            edge_clocks_hz=self._edge.clock_steps_hz,
        ).with_overhead(delay_s=self._delay.estimate, energy_j=self._energy.estimate)
        solution = solve(paper_problem(tables, budget))
        point = solution.plan or best_effort(tables, budget)
        if point is None:
            raise InvalidInput("boards must have a setting that can be run, got none")
        return Decision(solution, point, budget, self._delay.estimate)
