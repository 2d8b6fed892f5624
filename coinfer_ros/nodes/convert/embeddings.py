# SPDX-License-Identifier: Apache-2.0
"""A request's embedding to its message, and back once every field has been checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from builtin_interfaces.msg import Time

from coinfer_ros.adapters.stages import HeadReport
from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS, ModelInfo
from coinfer_ros.core.session import Request
from coinfer_ros.core.wire import Payload
from coinfer_ros.msg import Embedding, RobotState
from coinfer_ros.nodes.convert.texts import LONGEST_PROMPT_BYTES, check_name, check_text


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
