# SPDX-License-Identifier: Apache-2.0
"""Messages to records and back, in one place; nothing of a message is used before it is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from coinfer_ros.adapters.camera import decode_jpeg_or_png
from coinfer_ros.adapters.stages import HeadReport
from coinfer_ros.core import checks, limits
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import EdgeBeat
from coinfer_ros.core.learning import Measured
from coinfer_ros.core.model import WEIGHT_BITS, ModelInfo
from coinfer_ros.core.planning import Cut
from coinfer_ros.core.session import Request
from coinfer_ros.core.wire import WIRE_BITS, Payload, size_bytes
from coinfer_ros.msg import Answer, EdgeState, Embedding, Plan, RobotState, Trace

LONGEST_NAME_BYTES = 64
LONGEST_PROMPT_BYTES = 1024
LONGEST_REASON = 500
_MEASURABLE = limits.Limits(-1e6, 1e6, "s or J")
# What a trace says of stages: NaN where it is not known.
_MEASURED = (
    "head_s",
    "encode_s",
    "transmit_s",
    "decode_s",
    "queue_s",
    "tail_s",
    "total_s",
    "round_trip_s",
    "head_j",
    "tail_j",
    "energy_j",
    "wire_distortion",
)
_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}


def image_to_rgb(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """Return an image message's pixels as RGB (H, W, 3).

    :raises InvalidInput: for an unknown encoding or a size that does not fit the data.
    """
    if isinstance(message, CompressedImage):
        return _sane(decode_jpeg_or_png(bytes(message.data)))
    channels = _CHANNELS.get(message.encoding)
    if channels is None:
        raise InvalidInput(
            f"image.encoding must be one of {', '.join(_CHANNELS)}, got {message.encoding!r}"
        )
    rows, row_bytes = message.height, message.step
    if min(rows, message.width) < 1 or row_bytes < message.width * channels:
        raise InvalidInput(
            f"image must have rows of at least width * {channels} bytes, got {message.width} x "
            f"{rows} with step {row_bytes}"
        )
    if len(message.data) != rows * row_bytes:
        raise InvalidInput(
            f"image.data must be height * step = {rows * row_bytes} bytes, got {len(message.data)}"
        )
    pixels = np.frombuffer(message.data, np.uint8).reshape(rows, row_bytes)
    pixels = pixels[:, : message.width * channels].reshape(rows, message.width, channels)
    if channels == 1:
        return np.repeat(_sane(pixels), 3, axis=2)
    colours = pixels[:, :, 2::-1] if message.encoding.startswith("bgr") else pixels[:, :, :3]
    return np.ascontiguousarray(_sane(colours))


def _sane(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = pixels.shape[:2]
    narrow = max(rows, columns) > limits.GREATEST_ASPECT * min(rows, columns)
    if narrow or rows * columns > limits.MOST_PIXELS:
        raise InvalidInput(
            f"image must have sides of at most {limits.GREATEST_ASPECT} to 1 and at most "
            f"{limits.MOST_PIXELS} pixels, got {columns} x {rows}"
        )
    return pixels


def rgb_to_image(pixels: NDArray[np.uint8], *, stamp: Time, frame_id: str) -> Image:
    """Return an Image message of RGB pixels (H, W, 3)."""
    message = Image(height=pixels.shape[0], width=pixels.shape[1], encoding="rgb8")
    message.step = pixels.shape[1] * 3
    # bytes: 0.04 ms a MiB; the same from a NumPy array takes 145.
    message.data = pixels.tobytes()
    message.header.stamp, message.header.frame_id = stamp, frame_id
    return message


@dataclass(frozen=True)
class Asked:
    """A checked request for the tail."""

    stamp: Time
    robot_id: str
    request_id: int
    plan_id: int
    deadline_s: float
    payload: Payload
    prompt: str
    weight_bits: int
    model_fingerprint: str
    cut: str


def embedding_to_message(
    report: HeadReport,
    request: Request,
    *,
    robot_id: str,
    stamp: Time,
    info: ModelInfo,
    prompt: str,
    now_s: float,
) -> Embedding:
    """Return the message that takes the head's output to the edge."""
    payload = report.payload
    return Embedding(
        schema=RobotState.SCHEMA,
        stamp=stamp,
        robot_id=robot_id,
        request_id=request.request_id,
        plan_id=request.plan_id,
        deadline_s=request.deadline_s - now_s,
        model_fingerprint=info.fingerprint,
        cut=info.cut,
        wire_bits=payload.wire_bits,
        law=payload.law,
        shape=list(payload.shape),
        scales=payload.scales.tolist(),
        data=payload.data,
        prompt=prompt,
        weight_bits=report.bits,
    )


def message_to_asked(message: Embedding, infos: Mapping[str, ModelInfo]) -> Asked:
    """Check an embedding message field by field against the model at the edge.

    :param infos: the model at each of the edge's cuts, at least one.
    :raises InvalidInput: naming the field, its rule and what came.
    """
    if message.schema != RobotState.SCHEMA:
        raise InvalidInput(
            f"schema must be {RobotState.SCHEMA}: the robot runs another version of this package, "
            f"got {message.schema}"
        )
    check_name("robot_id", message.robot_id)
    check_text("prompt", message.prompt, LONGEST_PROMPT_BYTES)
    info = infos.get(message.cut) or next(iter(infos.values()))
    if message.model_fingerprint != info.fingerprint:
        raise InvalidInput(
            f"model_fingerprint must be {info.fingerprint[:12]}…, the edge's model, "
            f"got {message.model_fingerprint[:12]!r}…"
        )
    if message.cut != info.cut:
        cuts = " or ".join(repr(cut) for cut in infos)
        raise InvalidInput(f"cut must be {cuts}, got {message.cut[:64]!r}")
    if message.weight_bits not in WEIGHT_BITS:
        raise InvalidInput(f"weight_bits must be one of {WEIGHT_BITS}, got {message.weight_bits}")
    checks.number("deadline_s", message.deadline_s, above=0.0, high=3600.0, unit="s")
    shape = tuple(int(n) for n in message.shape[:8])
    if shape != info.embedding_shape:
        raise InvalidInput(f"shape must be {list(info.embedding_shape)}, got {list(shape)}")
    return Asked(
        stamp=message.stamp,
        robot_id=message.robot_id,
        request_id=message.request_id,
        plan_id=message.plan_id,
        deadline_s=message.deadline_s,
        payload=Payload(
            wire_bits=message.wire_bits,
            shape=info.embedding_shape,
            scales=np.asarray(message.scales, np.float32),
            data=bytes(message.data),
            law=message.law,
        ),
        prompt=message.prompt,
        weight_bits=message.weight_bits,
        model_fingerprint=message.model_fingerprint,
        cut=message.cut,
    )


def check_text(name: str, value: str, most_bytes: int) -> None:
    """Check that a text is no longer than may be.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        raise InvalidInput(f"{name} must be at most {most_bytes} bytes, got {size}")


def check_plan(plan: Plan, widths: tuple[int, ...]) -> None:
    """Check what a robot takes from a plan.

    :param widths: bit-widths that its half can run.
    :raises InvalidInput: naming the field, its rule and what came.
    """
    if plan.weight_bits not in widths:
        raise InvalidInput(f"weight_bits must be one of {widths}, got {plan.weight_bits}")
    if plan.wire_bits not in WIRE_BITS:
        raise InvalidInput(f"wire_bits must be one of {WIRE_BITS}, got {plan.wire_bits}")
    checks.number("predicted_delay_s", plan.predicted_delay_s, low=0.0, high=3600.0, unit="s")


def message_to_measured(trace: Trace, edges: Sequence[str]) -> Measured:
    """Check what a trace says was measured.

    :param edges: the edges' names; where none answered, the first stands for it.
    :raises InvalidInput: naming the field, its rule and what came.
    """
    if trace.weight_bits not in WEIGHT_BITS:
        raise InvalidInput(f"weight_bits must be one of {WEIGHT_BITS}, got {trace.weight_bits}")
    for name in ("robot_clock_hz", "edge_clock_hz"):
        _known(name, getattr(trace, name), limits.CLOCK_HZ)
    for name in _MEASURED:
        _known(name, getattr(trace, name), _MEASURABLE)
    if trace.edge and trace.edge not in edges:
        raise InvalidInput(f"edge must be one of {', '.join(edges)}, got {trace.edge[:64]!r}")
    return Measured(
        bits=trace.weight_bits,
        wire_bits=trace.wire_bits,
        payload_bytes=trace.embedding_bytes,
        tokens=trace.tokens,
        edge=edges.index(trace.edge) if trace.edge else 0,
        cut=trace.cut,
        robot_clock_hz=trace.robot_clock_hz,
        edge_clock_hz=trace.edge_clock_hz,
        head_s=trace.head_s,
        coding_s=trace.encode_s + trace.decode_s,
        transmit_s=trace.transmit_s,
        queue_s=trace.queue_s,
        tail_s=trace.tail_s,
        total_s=trace.total_s,
        head_j=trace.head_j,
        tail_j=trace.tail_j,
        total_j=trace.energy_j,
        round_trip_s=trace.round_trip_s,
        wire_loss=trace.wire_distortion,
        weight_rate=limits.WEIGHT_RATE.check("weight_rate", trace.weight_rate),
    )


def message_to_beat(state: EdgeState, robot_id: str) -> EdgeBeat:
    """Read an edge's heartbeat as one robot's.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    if state.schema != RobotState.SCHEMA:
        raise InvalidInput(
            f"schema must be {RobotState.SCHEMA}: the edge runs another version of this package, "
            f"got {state.schema}"
        )
    count = len(state.robots)
    for name in ("beats", "held_s", "requests"):
        if len(getattr(state, name)) != count:
            raise InvalidInput(
                f"{name} must be one a robot, {count}, got {len(getattr(state, name))}"
            )
    reason = state.reason[:LONGEST_REASON]
    if robot_id not in state.robots:
        return EdgeBeat(state.life, state.ready, reason)
    place = state.robots.index(robot_id)
    return EdgeBeat(
        state.life,
        state.ready,
        reason,
        beat=state.beats[place],
        held_s=state.held_s[place],
        request=state.requests[place],
    )


def message_to_cuts(state: EdgeState) -> tuple[Cut, ...]:
    """Read what crosses each of an edge's cuts.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    count = len(state.cuts)
    if not count == len(state.tokens) == len(state.channels):
        raise InvalidInput(
            f"tokens and channels must be one a cut, {count}, got {len(state.tokens)} and "
            f"{len(state.channels)}"
        )
    shapes = zip(state.cuts, state.tokens, state.channels, strict=True)
    found = tuple(Cut(name, (tokens, channels)) for name, tokens, channels in shapes)
    for cut in found:
        size_bytes(cut.shape, 32)  # a shape that can be sent
    return found


def check_name(field: str, name: str) -> str:
    """Return a robot's name that may stand in a message.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    check_text(field, name, LONGEST_NAME_BYTES)
    if not name:
        raise InvalidInput(f"{field} must not be empty, got ''")
    return name


def _known(name: str, value: float, allowed: limits.Limits) -> None:
    if not math.isnan(value):  # NaN says that it is not known
        allowed.check(name, value)


def unknown_answer(**fields: object) -> Answer:
    """Return an answer whose every measured figure is NaN until it is measured."""
    message = Answer(**fields)
    for name, kind in Answer.get_fields_and_field_types().items():
        if kind == "double" and name not in fields:
            setattr(message, name, math.nan)
    return message


def answer_to_trace(answer: Answer, **fields: object) -> Trace:
    """Return the trace of an answer: what both messages name, and ``fields`` beside it."""
    both = Answer.get_fields_and_field_types().keys() & Trace.get_fields_and_field_types().keys()
    return Trace(**{name: getattr(answer, name) for name in both}, **fields)
