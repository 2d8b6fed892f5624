# SPDX-License-Identifier: Apache-2.0
"""A robot, an edge and a link with known laws, on which the planner can be watched."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import PAPER_EDGE, PAPER_ROBOT, Budget, Processor, Workload
from coinfer_ros.core.learning import Measured
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.planning import Cut, Planner, Question, Route, Setting, Steady, shrunk
from coinfer_ros.core.profile import ComputedHalf, Joint
from coinfer_ros.core.wire import size_bytes

WORK = Workload(robot_flop=212.27e9, edge_flop=183.13e9)
SHAPE = (197, 768)


def board(processor: Processor, steps: int) -> Board:
    clocks = tuple(processor.clock_max_hz * (k + 1) / steps for k in range(steps))
    return Board("b", processor, clocks, clocks[-1], 1.0, 0.0, 0.001, 0.001)


def joint(robot=PAPER_ROBOT, edge=PAPER_EDGE, steps: int = 20) -> Joint:
    return Joint(
        ComputedHalf(board(robot, steps), WORK.robot_flop_at),
        ComputedHalf(board(edge, steps), lambda _: WORK.edge_flop_in_all),
    )


def planner(routes=None, *, share: float = 0.95, initial_margin_s: float = 0.0) -> Planner:
    made = Planner(
        routes or [Route(0, "", joint())], share=share, initial_margin_s=initial_margin_s
    )
    made.see_cut(Cut("", SHAPE))
    return made


def question(delay_s: float, energy_j: float = math.inf, **changes) -> Question:
    return Question(Budget(delay_s, energy_j), WEIGHT_BITS, **changes)


@dataclass
class World:
    """What really happens, which the planner has to find out."""

    rng: np.random.Generator
    round_trip_s: float = 0.004
    goodput_bps: float = 200e6
    queue_s: float = 0.0
    robot_load: float = 1.0  # times as long as modelled
    edge_load: float = 1.0
    jitter: float = 0.02  # of every stage, as a share of it
    outliers: float = 0.0  # share of answers that a retransmission of 0.5 s holds up
    joint: Joint = field(default_factory=joint)

    def answer(self, setting: Setting) -> Measured:
        at, rng = setting.point, self.rng
        sent = size_bytes(SHAPE, setting.wire_bits)

        def around(value: float) -> float:
            return value * (1.0 + self.jitter * abs(rng.standard_normal()))

        robot_s, robot_j = self.joint.robot.at(at.bits, at.robot_clock_hz)
        edge_s, edge_j = self.joint.edge.at(16, at.edge_clock_hz)
        held_up_s = 0.5 if rng.random() < self.outliers else 0.0
        parts = {
            "head_s": around(robot_s * self.robot_load),
            "coding_s": around(0.002),
            "transmit_s": around(self.round_trip_s + 8.0 * sent / self.goodput_bps) + held_up_s,
            "queue_s": around(self.queue_s),
            "tail_s": around(edge_s * self.edge_load),
        }
        head_j, tail_j = around(robot_j * self.robot_load), around(edge_j * self.edge_load)
        return Measured(
            at.bits,
            wire_bits=setting.wire_bits,
            payload_bytes=sent,
            robot_clock_hz=at.robot_clock_hz,
            edge_clock_hz=at.edge_clock_hz,
            tokens=8,
            total_s=sum(parts.values()) + around(0.001),
            head_j=head_j,
            tail_j=tail_j,
            total_j=head_j + tail_j + 0.01,
            round_trip_s=around(self.round_trip_s),
            weight_rate=20.0,
            **parts,
        )


class Loop:
    """The closed loop: plan, answer, learn, plan again."""

    def __init__(
        self,
        world: World,
        asked: Question,
        *,
        dwell_s: float = 1.0,
        timeout_s: float = math.inf,
    ) -> None:
        self.world, self.asked, self.timeout_s = world, asked, timeout_s
        self.planner, self.steady = planner(), Steady(dwell_s=dwell_s, hysteresis=0.03)
        self.now_s, self.changes, self._last = 0.0, 0, None

    def plan(self):
        kept, self.now_s = self.steady.kept, self.now_s + 0.2
        cautious = dataclasses.replace(self.asked, budget=shrunk(self.asked.budget, 0.03))
        decision = self.steady.choose(
            self.planner.decide(self.asked),
            cautious=self.planner.decide(cautious),
            again=kept and self.planner.again(kept),
            question=(self.asked, self.planner.state.others_hz),
            switch_s=0.002,
            now_s=self.now_s,
        )
        if self._last and not decision.setting.sets_the_same(self._last):
            self.changes += 1
        self._last = decision.setting
        return decision

    def run(self, answers: int) -> list[bool]:
        """Return for each answer whether it kept its budgets."""
        kept = []
        for _ in range(answers):
            decision = self.plan()
            measured = self.world.answer(decision.setting)
            kept.append(self.asked.budget.kept(measured.total_s, measured.total_j))
            if measured.total_s > self.timeout_s:
                measured = measured.given_up(self.timeout_s)
            self.planner.learn(measured)
        return kept


@pytest.fixture
def rng():
    return np.random.default_rng(20260213)
