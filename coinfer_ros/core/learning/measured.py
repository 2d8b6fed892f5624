# SPDX-License-Identifier: Apache-2.0
"""What one answer took, stage by stage: the evidence that plans learn from."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One answer; NaN is not known.

    :param bits: bit-width of the robot's half.
    :param wire_bits: bits a value on the wire.
    :param payload_bytes: bytes of the embedding.
    :param tokens: of the answer.
    :param edge: place of the edge that answered, among those of the settings.
    :param cut: where the model was cut; empty: its only cut.
    :param robot_clock_hz: Hz, NaN when it changed meanwhile.
    :param edge_clock_hz: Hz, NaN when it changed meanwhile.
    :param head_s: the robot's half, s.
    :param coding_s: coding and decoding, s.
    :param transmit_s: the way there and back, s.
    :param queue_s: waiting at the edge, s.
    :param tail_s: the edge's half, s.
    :param total_s: image to answer, s.
    :param head_j: the robot's half above idle, J.
    :param tail_j: the edge's half above idle, J.
    :param total_j: both machines above idle from image to answer, J.
    :param round_trip_s: of the heartbeats since the last answer, s.
    :param wire_loss: mean error of the embedding that the wire made, over its mean magnitude.
    :param weight_rate: λ of the robot half's weights, 1/weight unit.
    :param overdue: it was given up: its total is the least that it would have taken.
    """

    bits: int
    wire_bits: int = 16
    payload_bytes: int = 0
    tokens: int = 0
    edge: int = 0
    cut: str = ""
    robot_clock_hz: float = math.nan
    edge_clock_hz: float = math.nan
    head_s: float = math.nan
    coding_s: float = math.nan
    transmit_s: float = math.nan
    queue_s: float = math.nan
    tail_s: float = math.nan
    total_s: float = math.nan
    head_j: float = math.nan
    tail_j: float = math.nan
    total_j: float = math.nan
    round_trip_s: float = math.nan
    wire_loss: float = math.nan
    weight_rate: float = math.nan
    overdue: bool = False

    def given_up(self, waited_s: float) -> Measured:
        """Return what the robot would know of it had no result come in ``waited_s``."""
        return dataclasses.replace(
            self,
            tokens=0,
            edge_clock_hz=math.nan,
            coding_s=math.nan,
            transmit_s=math.nan,
            queue_s=math.nan,
            tail_s=math.nan,
            total_s=waited_s,
            tail_j=math.nan,
            total_j=math.nan,
            overdue=True,
        )

    @property
    def other_s(self) -> float:
        """What the robot did beside the stages, s."""
        known = self.head_s + self.coding_s + self.transmit_s + self.queue_s + self.tail_s
        return self.total_s - known
