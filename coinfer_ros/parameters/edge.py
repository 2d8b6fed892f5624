# SPDX-License-Identifier: Apache-2.0
"""Parameters of the edge node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.limits import MOST_SIDE_PX
from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import (
    AUTOSTART,
    CUT,
    DEVICE,
    DEVICES,
    EDGE_ID,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    MODEL_PATH,
    MOST_FLOP,
    TAIL_FLOP,
    board,
)
from coinfer_ros.parameters.machine import MachineSettings


@dataclass(frozen=True)
class EdgeSettings(MachineSettings):
    """Parameters of the edge node."""

    autostart: bool = setting(*AUTOSTART)
    edge_id: str = setting(*EDGE_ID)
    model_path: str = setting(*MODEL_PATH)
    cut: str = setting(*CUT)
    image_width: int = setting(*IMAGE_WIDTH, low=0, high=MOST_SIDE_PX)
    image_height: int = setting(*IMAGE_HEIGHT, low=0, high=MOST_SIDE_PX)
    device: str = setting(*DEVICE, choices=DEVICES)
    precision: str = setting(
        "model.precision",
        "float32",
        "Type that the edge's half computes in; the narrower ones halve its memory.",
        choices=("float32", "bfloat16", "float16"),
    )
    max_new_tokens: int = setting(
        "model.max_new_tokens", 20, "Longest answer, tokens.", low=1, high=512
    )
    tail_flop: float = setting(*TAIL_FLOP, low=0.0, high=MOST_FLOP)
    max_robots: int = setting(
        "link.max_robots", 16, "Robots that may have a request waiting.", low=1, high=1000
    )
    most_together: int = setting(
        "batch.most",
        4,
        "Requests of different robots that the model answers together at most; 1: one at a time.",
        low=1,
        high=64,
    )
    engine_url: str = setting(
        "engine.url",
        "",
        "Server that runs the edge's half in place of this process, kserve://host:port/model "
        "(docs/engines.md); empty: this process.",
    )
    engine_timeout_s: float = setting(
        "engine.timeout_s", 5.0, "Longest wait for that server, s.", low=0.1, high=60.0
    )
    board_file: str = setting(*board("edge"))
