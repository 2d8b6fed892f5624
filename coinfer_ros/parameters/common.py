# SPDX-License-Identifier: Apache-2.0
"""What the settings of several nodes have in common: name, default, description."""

from __future__ import annotations

from coinfer_ros.core.errors import InvalidInput

DEFAULT_MODEL = "models/git-scenes"

AUTOSTART = ("autostart", True, "Configure and activate by itself when the process starts.")
MODEL_PATH = (
    "model.path",
    DEFAULT_MODEL,
    "Checkpoint folder (config, processor, tokenizer, safetensors), or a shipped model's name.",
)
CUT = (
    "split.cut",
    "",
    "Where the model is cut, as `coinfer inspect` names it; empty: after the image features. "
    "Several, separated by commas: each plan chooses one, and each is held in memory.",
)
ROBOT_ID = ("robot.id", "robot", "The robot's name, unique at its edges.")
EDGES = ("link.edges", "edge", "Edges that may answer, by their edge.id, separated by commas.")
EDGE_ID = ("edge.id", "edge", "The edge's name, the first part of its topics' names.")
SILENCE_S = (
    "link.silence_s",
    0.6,
    "An edge whose heartbeat, five a second, has not come for so long is gone, s.",
)
IMAGE_WIDTH = (
    "model.image_width",
    0,
    "Pixels that images are resized to where the model takes any size; 0: 448.",
)
IMAGE_HEIGHT = ("model.image_height", 0, "The same for the height.")
DEVICE = (
    "model.device",
    "auto",
    "Where it computes: a CUDA GPU, this processor, or whichever is.",
)
DEVICES = ("auto", "cpu", "cuda")
HEAD_FLOP = (
    "workload.head_flop",
    212.27e9,
    "FLOP of one image on the robot at full precision; 0: counted from the model.",
)
TAIL_FLOP = (
    "workload.tail_flop",
    183.13e9,
    "FLOP of one image on the edge; 0: counted from the model.",
)
MOST_FLOP = 1e18


def board(role: str) -> tuple[str, str, str]:
    """Return the setting of a machine's board file, with the default of its role."""
    default = "jetson_agx_orin" if role == "robot" else "rtx_3090"
    return ("board.file", default, "Board file (YAML), or the name of one in config/boards.")


def names(parameter: str, text: str) -> tuple[str, ...]:
    """Return the names that a setting lists, separated by commas; an empty text is one of them.

    :param parameter: the setting's name, for the message.
    :raises InvalidInput: when one is empty beside others, or twice there.
    """
    found = tuple(part.strip() for part in text.split(","))
    if len(set(found)) != len(found) or (len(found) > 1 and not all(found)):
        raise InvalidInput(f"{parameter} must list names, each once, got {text!r}")
    return found


def image_px(width: int, height: int) -> tuple[int, int] | None:
    """Return the size that images are resized to, None for the default.

    :raises InvalidInput: when only one side is given.
    """
    if (width == 0) != (height == 0):
        raise InvalidInput(
            f"model.image_width and model.image_height must both be given or both be 0, "
            f"got {width} and {height}"
        )
    return (width, height) if width else None
