# SPDX-License-Identifier: Apache-2.0
"""A robot's and an edge's machine in simulated time: when an answer comes and what it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Workload
from coinfer_ros.core.learning import Measured
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.planning import Setting
from coinfer_ros.core.profile import ComputedHalf, Joint
from coinfer_ros.core.session import time_for
from coinfer_ros.core.wire import size_bytes
from coinfer_ros.sim.task.link import Link

SPREAD = 0.02  # by which a stage takes longer than modelled, a share of it; most take less
# Of a small embedding, as `make bench` has them to the nearest half millisecond.
CODING_S, QUEUE_S, OTHER_S = 0.0005, 0.0005, 0.0005
TIMEOUT_S = 2.0  # as the robot's link.timeout_s


def joint_of(robot: Board, edge: Board, work: Workload) -> Joint:
    """Return what both halves take by the analytic model, arXiv 2602.13052, eq. (4) to (7)."""
    return Joint(
        ComputedHalf(robot, work.robot_flop_at),
        ComputedHalf(edge, lambda _: work.edge_flop_in_all),
    )


@dataclass(frozen=True)
class Made:
    """What the model made of an image, as far as the machines notice it.

    :param shape: (T, C) of the embedding.
    :param tokens: of the answer.
    :param wire_loss: error that the wire made, over the embedding's mean magnitude.
    :param weight_rate: λ of the head's weights, 1/weight unit.
    """

    shape: tuple[int, int]
    tokens: int
    wire_loss: float
    weight_rate: float


@dataclass(frozen=True)
class Took:
    """What one request took.

    :param ends_s: when the robot is free again, s.
    :param measured: what is known of it; None: nobody was there to ask.
    :param broken: given up because the edge fell silent: as the controller node, the planner learns
        nothing from it, for a link that is gone is no slow link.
    """

    ends_s: float
    measured: Measured | None
    broken: bool = False

    @property
    def answered(self) -> bool:
        """True when an answer came."""
        return self.measured is not None and not self.measured.overdue


class Machines:
    """Both machines and the link between them, one request at a time.

    Delays and energies are those of the model with a little noise; a setting is in place as soon as
    it is asked for.

    :param joint: what both halves take.
    :param link: between them.
    :param rng: source of the noise.
    """

    def __init__(self, joint: Joint, link: Link, rng: np.random.Generator) -> None:
        self._joint, self._link, self._rng = joint, link, rng

    def run(self, setting: Setting, made: Made, begun_s: float) -> Took:
        """Return what a request takes.

        :param begun_s: when the robot takes up its image, s.
        """
        if self._link.is_gone(begun_s):
            return Took(self._link.back_s, None)
        measured = self._stages(setting, made, begun_s)
        ends_s = begun_s + measured.total_s
        given_up_s = begun_s + time_for(setting.point.delay_s, least_s=TIMEOUT_S)
        broken = False
        if self._link.falls_silent(begun_s):
            noticed_s = max(self._link.silent_s, begun_s + measured.head_s)
            broken, given_up_s = noticed_s < given_up_s, min(noticed_s, given_up_s)
        if ends_s <= given_up_s:
            return Took(ends_s, measured)
        return Took(given_up_s, measured.given_up(given_up_s - begun_s), broken)

    def _stages(self, setting: Setting, made: Made, begun_s: float) -> Measured:
        at, link = setting.point, self._link
        payload_bytes = size_bytes(made.shape, setting.wire_bits)
        robot_s, robot_j = self._joint.robot.at(at.bits, at.robot_clock_hz)
        edge_s, edge_j = self._joint.edge.at(FULL_BITS, at.edge_clock_hz)
        head, tail = self._factor(), self._factor()
        coding_s, queue_s = CODING_S * self._factor(), QUEUE_S * self._factor()
        way = link.carry(payload_bytes, begun_s + robot_s * head + coding_s)
        beside_s = coding_s + way.seconds + queue_s + OTHER_S
        return Measured(
            at.bits,
            wire_bits=setting.wire_bits,
            payload_bytes=payload_bytes,
            tokens=made.tokens,
            edge=setting.edge,
            cut=setting.cut,
            robot_clock_hz=at.robot_clock_hz,
            edge_clock_hz=at.edge_clock_hz,
            head_s=robot_s * head,
            coding_s=coding_s,
            transmit_s=way.seconds,
            queue_s=queue_s,
            tail_s=edge_s * tail,
            total_s=robot_s * head + edge_s * tail + beside_s,
            head_j=robot_j * head,
            tail_j=edge_j * tail,
            total_j=robot_j * head + edge_j * tail,
            round_trip_s=link.impairment.round_trip_s,
            wire_loss=made.wire_loss,
            weight_rate=made.weight_rate,
        )

    def _factor(self) -> float:
        return 1.0 + SPREAD * abs(float(self._rng.standard_normal()))
