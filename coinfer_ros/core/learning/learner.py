# SPDX-License-Identifier: Apache-2.0
"""Learns from every answer what the machines, the link and the queue really take."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from coinfer_ros.core.learning.filter import Filter, Prior
from coinfer_ros.core.learning.learnt import EdgeLearnt, HalfLearnt, Learnt
from coinfer_ros.core.learning.level import Level, LevelOfWire
from coinfer_ros.core.learning.link import Link
from coinfer_ros.core.learning.margin import Margin
from coinfer_ros.core.learning.measured import Measured
from coinfer_ros.core.learning.ratio import Ratio
from coinfer_ros.core.model import FULL_BITS, WEIGHT_BITS
from coinfer_ros.core.wire import WIRE_BITS

# Of a 17 x 128 and of a 197 x 768 embedding: coding takes some hundredths of a ms to some ms, and
# the error hangs on the width alone (core/wire.py on normal values and on the shipped models').
CODING_S = {4: 0.003, 6: 0.002, 8: 0.001, 16: 0.001, 32: 0.001}
WIRE_LOSSES = {4: 0.10, 6: 0.025, 8: 0.0085, 16: 1.8e-4, 32: 1e-9}
# Finer margins would change plans with every answer's noise.
DELAY_STEP_S, ENERGY_STEP_J = 0.005, 0.02
_MB = 1e6
# What the models miss of the first answers, of a life or after a step, the next ones will not.
ADAPTING = 3
# Answers that wait for a verdict on an outlier; of what is measured no more none will come.
MOST_PENDING = 10


class _Half:
    """One machine's stage: its time and its energy over the modelled ones."""

    def __init__(self, widths: Sequence[int], reference_hz: float) -> None:
        self.delay, self.energy = (Ratio(widths, reference_hz) for _ in range(2))

    @property
    def learnt(self) -> HalfLearnt:
        return HalfLearnt(self.delay.correction, self.energy.correction)


class _Edge:
    """One edge: its stage, the way there, its queue."""

    def __init__(self, reference_hz: float) -> None:
        self.half = _Half([FULL_BITS], reference_hz)
        self.link = Link()
        self.queue = Level(initial=0.001, scale=0.02)
        self.tokens = Level(initial=0.0, scale=10.0)
        self.tail = Level(initial=0.0, scale=0.1)

    @property
    def learnt(self) -> EdgeLearnt:
        return EdgeLearnt(self.half.learnt, self.link.costs, self.queue.estimate)


class Learner:
    """Keeps one estimate a part, and a margin for what all parts together leave unexplained.

    :param robot_clock_hz: the robot's greatest clock, Hz; NaN: its own pace.
    :param edge_clocks_hz: (E,) the edges' greatest clocks, Hz.
    :param share: share of answers that margins cover.
    :param initial_margin_s: margin before the first answer, s.
    """

    def __init__(
        self,
        robot_clock_hz: float,
        edge_clocks_hz: Sequence[float],
        *,
        share: float,
        initial_margin_s: float,
    ) -> None:
        self._robot = _Half(WEIGHT_BITS, robot_clock_hz)
        self._edges = [_Edge(clock_hz) for clock_hz in edge_clocks_hz]
        self._coding = LevelOfWire(WIRE_BITS, [CODING_S[w] for w in WIRE_BITS], scale=2.0)
        self._losses = LevelOfWire(WIRE_BITS, [WIRE_LOSSES[w] for w in WIRE_BITS], scale=0.5)
        self._other = Level(initial=0.001, scale=0.01)
        self._rest = Filter(
            [Prior(0.0, 0.1, 0.005, 0.0, 1e4), Prior(0.0, 0.5, 0.01, 0.0, 1e4)],
            noise=0.05,
            least_noise=0.005,
        )
        self._late = Margin(share=share, step=DELAY_STEP_S, initial=initial_margin_s)
        self._dear = Margin(share=share, step=ENERGY_STEP_J, initial=0.0)
        self._pending: list[tuple[float, float]] = []
        self._adapting = ADAPTING  # answers that still teach the models more than the margin

    @property
    def learnt(self) -> Learnt:
        """All that has been learnt."""
        rest_j, rest_mb_j = self._rest.x.tolist()
        return Learnt(
            robot=self._robot.learnt,
            edges=tuple(edge.learnt for edge in self._edges),
            coding_s=self._coding.estimates,
            wire_losses=self._losses.estimates,
            other_s=self._other.estimate,
            rest_j=rest_j,
            rest_byte_j=rest_mb_j / _MB,
            margin_s=self._late.estimate,
            margin_j=self._dear.estimate,
        )

    def observe(
        self,
        measured: Measured,
        *,
        robot: tuple[float, float],
        edge: tuple[float, float],
        predicted: Callable[[Learnt], tuple[float, float]],
    ) -> None:
        """Take one answer into account.

        :param robot: the robot half's modelled delay in s and energy in J at that setting, NaN
            where they are not known: a request that crossed a change of clocks says nothing.
        :param edge: the same of the edge's half.
        :param predicted: delay in s and energy in J of that setting, without margins, by what has
            been learnt.
        """
        foretold_s, foretold_j = predicted(self.learnt)
        if measured.overdue:
            stepped = self._given_up(measured)
        else:
            stepped = self._stages(measured, robot, edge)
            stepped |= self._energies(measured, robot, edge)
        excess = measured.total_s - foretold_s, measured.total_j - foretold_j
        if stepped:  # what was held was the change itself, and the margin before is out of date
            self._pending.clear()
            self._late.forget()
            self._dear.forget()
            self._adapting = ADAPTING
        if measured.overdue:
            return
        if self._adapting:
            self._adapting -= 1
            return
        self._pending.append(excess)
        if self._holding(measured.edge) and len(self._pending) < MOST_PENDING:
            return  # an outlier or the first of a change: the next answers will tell
        for late_s, dear_j in self._pending:
            self._late.add(late_s)
            self._dear.add(dear_j)
        self._pending.clear()

    def _stages(
        self, measured: Measured, robot: tuple[float, float], edge: tuple[float, float]
    ) -> bool:
        at = self._edges[measured.edge]
        at.link.beat(measured.round_trip_s)
        at.tail.observe(measured.tail_s)
        self._coding.observe(measured.wire_bits, measured.coding_s)
        self._losses.observe(measured.wire_bits, measured.wire_loss)
        stepped = [
            at.link.transfer(measured.payload_bytes, measured.transmit_s),
            at.queue.observe(measured.queue_s),
            self._other.observe(measured.other_s),
            self._robot.delay.observe(
                measured.head_s, robot[0], bits=measured.bits, clock_hz=measured.robot_clock_hz
            ),
            at.half.delay.observe(
                measured.tail_s,
                edge[0],
                bits=FULL_BITS,
                clock_hz=measured.edge_clock_hz,
                tokens=_share(measured.tokens, at.tokens),
            ),
        ]
        return any(stepped)

    def _given_up(self, measured: Measured) -> bool:
        """Take a request into account that no result came to in its time.

        Its way took at least what the stages leave of it. Were such requests left out, a link that
        has become so slow that all are given up would never be learnt. One alone is an outlier.
        """
        at = self._edges[measured.edge]
        at.link.beat(measured.round_trip_s)
        stages_s = measured.head_s + at.tail.estimate + at.queue.estimate
        least_s = measured.total_s - stages_s
        if not least_s > at.link.costs.delay_s(measured.payload_bytes):  # NaN is not known
            return False
        return at.link.transfer(measured.payload_bytes, least_s)

    def _energies(
        self, measured: Measured, robot: tuple[float, float], edge: tuple[float, float]
    ) -> bool:
        at = self._edges[measured.edge]
        head_j = measured.head_j
        if math.isnan(head_j):  # too short for the meter: the whole of the robot's is the nearest
            head_j = measured.total_j - measured.tail_j
        stepped = self._robot.energy.observe(
            head_j, robot[1], bits=measured.bits, clock_hz=measured.robot_clock_hz
        )
        stepped |= at.half.energy.observe(
            measured.tail_j, edge[1], bits=FULL_BITS, clock_hz=measured.edge_clock_hz
        )
        rest_j = measured.total_j - measured.head_j - measured.tail_j
        if math.isfinite(rest_j):
            stepped |= self._rest.observe(np.array([1.0, measured.payload_bytes / _MB]), rest_j)
        return stepped

    def _holding(self, edge: int) -> bool:
        at = self._edges[edge]
        return any(
            part.holding
            for part in (
                self._robot.delay,
                self._robot.energy,
                at.half.delay,
                at.half.energy,
                at.link,
                at.queue,
                self._other,
                self._rest,
            )
        )


def _share(tokens: int, usual: Level) -> float:
    """Return the tokens of an answer over those of a usual one, and learn from them."""
    usual.observe(float(tokens))
    return (1.0 + tokens) / (1.0 + usual.estimate)
