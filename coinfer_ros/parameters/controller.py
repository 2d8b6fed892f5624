# SPDX-License-Identifier: Apache-2.0
"""Parameters of the controller node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.limits import MOST_SIDE_PX
from coinfer_ros.core.optimizer import Policy
from coinfer_ros.core.planning.record import OBJECTIVES
from coinfer_ros.core.settings import setting
from coinfer_ros.core.wire import WIRE_BITS
from coinfer_ros.parameters.common import (
    AUTOSTART,
    CUT,
    EDGES,
    HEAD_FLOP,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    MODEL_PATH,
    MOST_FLOP,
    ROBOT_ID,
    SILENCE_S,
    TAIL_FLOP,
)

RENEWALS_A_LEASE = 4


@dataclass(frozen=True)
class ControllerSettings:
    """Parameters of the controller node."""

    autostart: bool = setting(*AUTOSTART)
    delay_s: float = setting(
        "budget.delay_s",
        0.35,
        "Most time from image to answer, s.",
        low=0.001,
        high=60.0,
        live=True,
    )
    energy_j: float = setting(
        "budget.energy_j",
        6.0,
        "Most energy of both machines above idle for an answer, J; 0: no limit.",
        low=0.0,
        high=10_000.0,
        live=True,
    )
    policy: str = setting(
        "budget.policy",
        "keep_energy",
        "What runs while no setting keeps both budgets: as fast as the energy budget allows, as "
        "cheap as the deadline allows, both overrun as little as can be, or nothing.",
        choices=tuple(policy.value for policy in Policy),
        live=True,
    )
    objective: str = setting(
        "plan.objective",
        "quality",
        "What plans make best within the budgets: the quality, or the least energy or delay at "
        "quant.min_bits and more.",
        choices=tuple(OBJECTIVES),
        live=True,
    )
    min_bits: int = setting(
        "quant.min_bits",
        2,
        "Narrowest weights to plan for: the budget of quality.",
        low=2,
        high=16,
        live=True,
    )
    max_bits: int = setting(
        "quant.max_bits", 16, "Widest weights to plan for.", low=2, high=16, live=True
    )
    min_wire_bits: int = setting(
        "quant.min_wire_bits",
        4,
        "Fewest bits a value of the embedding to plan for.",
        choices=WIRE_BITS,
        live=True,
    )
    max_wire_bits: int = setting(
        "quant.max_wire_bits",
        16,
        "Most bits a value of the embedding to plan for.",
        choices=WIRE_BITS,
        live=True,
    )
    robot_id: str = setting(*ROBOT_ID)
    edges: str = setting(*EDGES)
    silence_s: float = setting(*SILENCE_S, low=0.1, high=60.0)
    model_path: str = setting(*MODEL_PATH)
    cut: str = setting(*CUT)
    image_width: int = setting(*IMAGE_WIDTH, low=0, high=MOST_SIDE_PX)
    image_height: int = setting(*IMAGE_HEIGHT, low=0, high=MOST_SIDE_PX)
    head_flop: float = setting(*HEAD_FLOP, low=0.0, high=MOST_FLOP)
    tail_flop: float = setting(*TAIL_FLOP, low=0.0, high=MOST_FLOP)
    robot_board: str = setting(
        "robot.board_file", "jetson_agx_orin", "The robot's board file, or a shipped one's name."
    )
    edge_board: str = setting(
        "edge.board_file",
        "rtx_3090",
        "The edge's board file, or a shipped one's name; one an edge, separated by commas.",
    )
    robot_profile: str = setting(
        "robot.profile",
        "",
        "What `coinfer calibrate --role robot` wrote: its times, energies and errors are planned "
        "with; empty: the analytic model of the board. One a cut, separated by commas.",
    )
    edge_profile: str = setting(
        "edge.profile",
        "",
        "What `coinfer calibrate --role edge` wrote, likewise: for each edge, one a cut.",
    )
    percentile: float = setting(
        "plan.percentile",
        0.95,
        "Share of answers that are to keep the budgets: the margins for it are learnt.",
        low=0.5,
        high=1.0,
    )
    initial_margin_s: float = setting(
        "plan.initial_margin_s",
        0.02,
        "Delay to leave for what is not foreseen before the first answers, s.",
        low=0.0,
        high=10.0,
    )
    hysteresis: float = setting(
        "plan.hysteresis",
        0.03,
        "Share by which another plan must be better, in budgets smaller by that share, to take the "
        "place of one that keeps the budgets.",
        low=0.0,
        high=0.5,
        live=True,
    )
    dwell_s: float = setting(
        "plan.dwell_s",
        1.0,
        "How long another plan must have been better before it is taken, s; one that keeps the "
        "budgets where the present one does not is taken at once.",
        low=0.0,
        high=600.0,
        live=True,
    )
    lease_s: float = setting(
        "plan.lease_s",
        0.8,
        "How long devices keep a plan without hearing from here, s.",
        low=0.2,
        high=60.0,
    )

    @property
    def renewal_s(self) -> float:
        """How often a plan is renewed, so that a few lost messages end no lease, s."""
        return self.lease_s / RENEWALS_A_LEASE
