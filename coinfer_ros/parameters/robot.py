# SPDX-License-Identifier: Apache-2.0
"""Parameters of the robot node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.limits import MOST_SIDE_PX
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import (
    AUTOSTART,
    CUT,
    DEVICE,
    DEVICES,
    EDGES,
    HEAD_FLOP,
    IMAGE_HEIGHT,
    IMAGE_WIDTH,
    MODEL_PATH,
    MOST_FLOP,
    ROBOT_ID,
    SILENCE_S,
    board,
)
from coinfer_ros.parameters.machine import MachineSettings


@dataclass(frozen=True)
class RobotSettings(MachineSettings):
    """Parameters of the robot node."""

    autostart: bool = setting(*AUTOSTART)
    robot_id: str = setting(*ROBOT_ID)
    edges: str = setting(*EDGES)
    model_path: str = setting(*MODEL_PATH)
    cut: str = setting(*CUT)
    image_width: int = setting(*IMAGE_WIDTH, low=0, high=MOST_SIDE_PX)
    image_height: int = setting(*IMAGE_HEIGHT, low=0, high=MOST_SIDE_PX)
    prompt: str = setting(
        "model.prompt", "", "Text that every answer continues; empty: a caption.", live=True
    )
    weight_bits: int = setting(
        "quant.weight_bits", 16, "Bit-width before the first plan.", choices=WEIGHT_BITS
    )
    kernel: str = setting(
        "quant.kernel",
        "auto",
        "What linear layers run on, by name (docs/models.md); auto: the fastest here that holds "
        "the width.",
    )
    device: str = setting(*DEVICE, choices=DEVICES)
    compressed: bool = setting(
        "camera.compressed", False, "Take image/compressed (CompressedImage) instead of image."
    )
    clip_s: float = setting(
        "camera.clip_s",
        1.0,
        "Time that the frames of a video model span, s; of no effect for others.",
        low=0.05,
        high=60.0,
    )
    timeout_s: float = setting(
        "link.timeout_s",
        2.0,
        "Least time from taking an image until its answer is given up, s; twice the plan's delay "
        "where that is more.",
        low=0.01,
        high=60.0,
        live=True,
    )
    silence_s: float = setting(*SILENCE_S, low=0.1, high=60.0, live=True)
    retries: int = setting(
        "link.retries",
        2,
        "How often an embedding that the edge has not seen is sent again, where the answer can "
        "still come in time.",
        low=0,
        high=10,
        live=True,
    )
    fallback_model: str = setting(
        "fallback.model",
        "",
        "Checkpoint folder of a small model that answers on the robot alone while no edge does, or "
        "a shipped model's name; empty: the last answer again, with its age.",
    )
    fallback_flop: float = setting(
        "fallback.answer_flop",
        0.0,
        "Work of one of its answers on the robot, FLOP; 0: counted from the model.",
        low=0.0,
        high=MOST_FLOP,
    )
    head_flop: float = setting(*HEAD_FLOP, low=0.0, high=MOST_FLOP)
    board_file: str = setting(*board("robot"))
