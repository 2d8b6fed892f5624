# SPDX-License-Identifier: Apache-2.0
"""Every parameter of every node, declared once: type, default, range, description, unit.

ROS parameters, the files in config/ and docs/parameters.md follow from these classes.
"""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.limits import MOST_SIDE_PX
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Objective, Policy
from coinfer_ros.core.settings import setting
from coinfer_ros.core.wire import WIRE_BITS

DEFAULT_MODEL = "models/git-scenes"

_AUTOSTART = ("autostart", True, "Configure and activate by itself when the process starts.")
_MODEL_PATH = (
    "model.path",
    DEFAULT_MODEL,
    "Checkpoint folder (config, processor, tokenizer, safetensors), or a shipped model's name.",
)
_CUT = (
    "split.cut",
    "",
    "Where the model is cut, as `coinfer inspect` names it; empty: after the image features.",
)
_IMAGE_WIDTH = (
    "model.image_width",
    0,
    "Pixels that images are resized to where the model takes any size; 0: 448.",
)
_IMAGE_HEIGHT = ("model.image_height", 0, "The same for the height.")
_DEVICE = (
    "model.device",
    "auto",
    "Where it computes: a CUDA GPU, this processor, or whichever is.",
)
_DEVICES = ("auto", "cpu", "cuda")
_HEAD_FLOP = (
    "workload.head_flop",
    212.27e9,
    "FLOP of one image on the robot at full precision; 0: counted from the model.",
)
_TAIL_FLOP = (
    "workload.tail_flop",
    183.13e9,
    "FLOP of one image on the edge; 0: counted from the model.",
)
_MOST_FLOP = 1e18
BACKENDS = ("simulated", "none", "nvml", "jetson", "cpu")
METERS = ("auto", "none", "nvml", "hwmon", "tegrastats", "rapl", "battery", "replay")
OBJECTIVES = {
    "quality": Objective.LOSS,
    "energy": Objective.ENERGY,
    "delay": Objective.DELAY,
}
CLOCKS = ("auto", "none", "nvml", "devfreq", "cpufreq")


def _board(role: str) -> tuple[str, str, str]:
    default = "jetson_agx_orin" if role == "robot" else "rtx_3090"
    return ("board.file", default, "Board file (YAML), or the name of one in config/boards.")


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


@dataclass(frozen=True)
class MachineSettings:
    """Parameters of every node that sits on a machine: what measures it, what its clock is."""

    backend: str = setting(
        "device.backend",
        "simulated",
        "What the machine is: simulated silicon, or real (its own pace) with the meter and clock "
        "of an NVIDIA GPU, a Jetson, a CPU, or neither (docs/devices.md).",
        choices=BACKENDS,
    )
    meter: str = setting(
        "device.meter", "auto", "What measures its power; auto: the backend's own.", choices=METERS
    )
    clock: str = setting(
        "device.clock", "auto", "Which clock plans set; auto: the backend's own.", choices=CLOCKS
    )
    gpu: int = setting(
        "device.gpu", 0, "Index of the NVIDIA GPU, as nvidia-smi counts.", low=0, high=63
    )
    idle_power_w: float = setting(
        "device.idle_power_w",
        0.0,
        "What the machine draws with nothing to do, W; 0: learnt, the calmest second so far (a "
        "simulated board's is in its file).",
        low=0.0,
        high=10_000.0,
    )
    trace: str = setting(
        "device.trace", "", "Recorded power that the meter `replay` plays again (docs/devices.md)."
    )
    trace_interval_s: float = setting(
        "device.trace_interval_s",
        0.0,
        "Time between two lines of a tegrastats log, s; 0: as their dates say.",
        low=0.0,
        high=3600.0,
    )
    root: str = setting(
        "device.root", "/", "Where the system's files lie; another folder in a container."
    )
    state_dir: str = setting(
        "board.state_dir",
        "",
        "Folder of the simulated board's registers; empty: one for this user and ROS domain.",
    )


@dataclass(frozen=True)
class CameraSettings:
    """Parameters of the camera node."""

    autostart: bool = setting(*_AUTOSTART)
    source: str = setting(
        "camera.source",
        "media/scenes.mp4",
        "Device (0, /dev/video0), URL, video file or folder; relative: here, else in the share.",
    )
    loop: bool = setting("camera.loop", True, "Begin again at the end of a file or folder.")
    rate_hz: float = setting(
        "camera.rate_hz",
        0.0,
        "Images a second; 0: the source's own pace (10 where it has none).",
        low=0.0,
        high=240.0,
        live=True,
    )
    frame_id: str = setting("camera.frame_id", "camera", "Frame of the images' headers.")


@dataclass(frozen=True)
class RobotSettings(MachineSettings):
    """Parameters of the robot node."""

    autostart: bool = setting(*_AUTOSTART)
    robot_id: str = setting("robot.id", "robot", "This robot's name, unique at the edge.")
    model_path: str = setting(*_MODEL_PATH)
    cut: str = setting(*_CUT)
    image_width: int = setting(*_IMAGE_WIDTH, low=0, high=MOST_SIDE_PX)
    image_height: int = setting(*_IMAGE_HEIGHT, low=0, high=MOST_SIDE_PX)
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
    device: str = setting(*_DEVICE, choices=_DEVICES)
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
    head_flop: float = setting(*_HEAD_FLOP, low=0.0, high=_MOST_FLOP)
    board_file: str = setting(*_board("robot"))


@dataclass(frozen=True)
class EdgeSettings(MachineSettings):
    """Parameters of the edge node."""

    autostart: bool = setting(*_AUTOSTART)
    model_path: str = setting(*_MODEL_PATH)
    cut: str = setting(*_CUT)
    image_width: int = setting(*_IMAGE_WIDTH, low=0, high=MOST_SIDE_PX)
    image_height: int = setting(*_IMAGE_HEIGHT, low=0, high=MOST_SIDE_PX)
    device: str = setting(*_DEVICE, choices=_DEVICES)
    precision: str = setting(
        "model.precision",
        "float32",
        "Type that the edge's half computes in; the narrower ones halve its memory.",
        choices=("float32", "bfloat16", "float16"),
    )
    max_new_tokens: int = setting(
        "model.max_new_tokens", 20, "Longest answer, tokens.", low=1, high=512
    )
    tail_flop: float = setting(*_TAIL_FLOP, low=0.0, high=_MOST_FLOP)
    max_robots: int = setting(
        "link.max_robots", 16, "Robots that may have a request waiting.", low=1, high=1000
    )
    board_file: str = setting(*_board("edge"))


@dataclass(frozen=True)
class DeviceSettings(MachineSettings):
    """Parameters of a device node."""

    autostart: bool = setting(*_AUTOSTART)
    role: str = setting(
        "device.role",
        "robot",
        "Which clock of a plan is this machine's.",
        choices=("robot", "edge"),
    )
    exit_on_refusal: bool = setting(
        "exit_on_refusal",
        False,
        "End the process with status 1 where it refuses to start, for a service manager that tries "
        "again.",
    )
    board_file: str = setting(*_board("robot"))
    rate_hz: float = setting(
        "state.rate_hz", 10.0, "States published a second.", low=0.1, high=100.0, live=True
    )
    clock_folder: str = setting(
        "clock.state_dir",
        "/var/lib/coinfer",
        "Folder that keeps what a clock was before the first plan, and its one owner.",
    )
    dwell_s: float = setting(
        "clock.dwell_s",
        0.1,
        "Least time between two changes of the clock, s; giving it back waits for nothing.",
        low=0.0,
        high=60.0,
        live=True,
    )
    changes_a_minute: int = setting(
        "clock.changes_a_minute",
        120,
        "Changes of the clock in any minute at most; the newest plan waits.",
        low=1,
        high=6000,
        live=True,
    )
    tolerance: float = setting(
        "clock.tolerance",
        0.03,
        "Share by which the achieved clock may be off before the plan counts as not applied.",
        low=0.0,
        high=1.0,
        live=True,
    )
    settle_s: float = setting(
        "clock.settle_s",
        0.5,
        "How long a clock may take to be reached before it is judged, s.",
        low=0.0,
        high=60.0,
        live=True,
    )


@dataclass(frozen=True)
class ControllerSettings:
    """Parameters of the controller node."""

    autostart: bool = setting(*_AUTOSTART)
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
    wire_bits: int = setting(
        "quant.wire_bits", 16, "Bits a value of the embedding.", choices=WIRE_BITS, live=True
    )
    model_path: str = setting(*_MODEL_PATH)
    cut: str = setting(*_CUT)
    image_width: int = setting(*_IMAGE_WIDTH, low=0, high=MOST_SIDE_PX)
    image_height: int = setting(*_IMAGE_HEIGHT, low=0, high=MOST_SIDE_PX)
    head_flop: float = setting(*_HEAD_FLOP, low=0.0, high=_MOST_FLOP)
    tail_flop: float = setting(*_TAIL_FLOP, low=0.0, high=_MOST_FLOP)
    robot_board: str = setting(
        "robot.board_file", "jetson_agx_orin", "The robot's board file, or a shipped one's name."
    )
    edge_board: str = setting(
        "edge.board_file", "rtx_3090", "The edge's board file, or a shipped one's name."
    )
    robot_profile: str = setting(
        "robot.profile",
        "",
        "What `coinfer calibrate --role robot` wrote: its times, energies and errors are planned "
        "with; empty: the analytic model of the board.",
    )
    edge_profile: str = setting(
        "edge.profile", "", "What `coinfer calibrate --role edge` wrote, likewise."
    )
    overhead_s: float = setting(
        "overhead.initial_s",
        0.02,
        "Delay beside computation to plan with before the first answer, s.",
        low=0.0,
        high=10.0,
    )
    overhead_window: int = setting(
        "overhead.window", 20, "Answers that the overhead is learnt from.", low=1, high=1000
    )
    overhead_quantile: float = setting(
        "overhead.quantile", 0.95, "Share of answers that the overhead covers.", low=0.5, high=1.0
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


@dataclass(frozen=True)
class RecorderSettings:
    """Parameters of the recorder node."""

    autostart: bool = setting(*_AUTOSTART)
    bag: str = setting("record.bag", "", "Folder of the bag to write; empty: none.")


NODES: dict[str, type] = {
    "camera": CameraSettings,
    "robot": RobotSettings,
    "edge": EdgeSettings,
    "device": DeviceSettings,
    "controller": ControllerSettings,
    "recorder": RecorderSettings,
}
