# SPDX-License-Identifier: Apache-2.0
"""All that has been learnt of a robot and its edges, as plain numbers: what plans are made with."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.learning.link import LinkCosts
from coinfer_ros.core.learning.ratio import Correction


@dataclass(frozen=True)
class HalfLearnt:
    """How one machine differs from its model.

    :param delay: of its stage's time.
    :param energy: of its stage's energy.
    """

    delay: Correction
    energy: Correction


@dataclass(frozen=True)
class EdgeLearnt:
    """One edge as a robot meets it.

    :param half: its stage.
    :param link: the way there and back.
    :param queue_s: time that a request waits there, s.
    """

    half: HalfLearnt
    link: LinkCosts
    queue_s: float


@dataclass(frozen=True)
class Learnt:
    """What no profile foretells.

    :param robot: the robot's stage.
    :param edges: (E,) the edges, in the order of the settings.
    :param coding_s: (W,) time of coding and decoding at each width of the wire, s.
    :param wire_losses: (W,) mean error of the embedding that each makes, over its mean magnitude.
    :param other_s: what the robot does beside, s.
    :param rest_j: energy beside both stages, J: waiting, the radio.
    :param rest_byte_j: the same for each byte sent, J.
    :param margin_s: delay to leave for what is not foreseen, s.
    :param margin_j: energy likewise, J.
    """

    robot: HalfLearnt
    edges: tuple[EdgeLearnt, ...]
    coding_s: tuple[float, ...]
    wire_losses: tuple[float, ...]
    other_s: float
    rest_j: float
    rest_byte_j: float
    margin_s: float
    margin_j: float
