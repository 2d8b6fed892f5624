# SPDX-License-Identifier: Apache-2.0
"""An embedding goes through its message unchanged, and the message adds next to nothing."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from builtin_interfaces.msg import Time
from coinfer_ros.msg import Embedding
from rclpy.serialization import deserialize_message, serialize_message

from coinfer_ros.adapters.stages import HeadReport
from coinfer_ros.core import wire
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.core.ports import PowerReading
from coinfer_ros.core.session import Request
from coinfer_ros.nodes.convert import embedding_to_message, message_to_asked

pytestmark = pytest.mark.ros

MOST_OVERHEAD_BYTES = 256
LOOK = PowerReading(0.0, 0.0, 0.0, 0.0)
TOKENS, CHANNELS = 17, 33  # an odd number of codes: the last byte is not full


def info_of(shape: tuple[int, int]) -> ModelInfo:
    return ModelInfo(
        fingerprint="f" * 64,
        cut="c" * 32,
        embedding_shape=shape,
        head_parameters=1,
        tail_parameters=1,
        head_flop=1.0,
        tail_flop=1.0,
    )


def infos_of(shape: tuple[int, int]) -> dict[str, ModelInfo]:
    return {"c" * 32: info_of(shape)}


def message_of(embedding: np.ndarray, wire_bits: int) -> tuple[wire.Payload, Embedding]:
    """Return the payload and the message of the longest names and no prompt."""
    payload = wire.encode(embedding, wire_bits)
    report = HeadReport(
        payload=payload,
        embedding=embedding,
        bits=8,
        backend="int8",
        clock_hz=1e9,
        head_s=0.1,
        encode_s=0.001,
        window=(LOOK, LOOK),
    )
    message = embedding_to_message(
        report,
        Request(request_id=2**63, plan_id=2**63, begun_s=0.5, deadline_s=2.0),
        robot_id="r" * 64,
        stamp=Time(sec=1, nanosec=2),
        info=info_of(payload.shape),
        prompt="",
        now_s=1.0,
    )
    return payload, message


@pytest.mark.parametrize("wire_bits", wire.WIRE_BITS)
@pytest.mark.parametrize("tokens", [1, TOKENS])
def test_the_message_is_at_most_256_bytes_longer_than_data_and_scales(wire_bits, tokens):
    embedding = np.random.default_rng(0).normal(size=(tokens, CHANNELS)).astype(np.float32)
    payload, message = message_of(embedding, wire_bits)
    assert len(serialize_message(message)) - payload.size_bytes <= MOST_OVERHEAD_BYTES


@pytest.mark.parametrize("wire_bits", wire.WIRE_BITS)
def test_the_other_side_gets_the_same_embedding(wire_bits):
    embedding = np.random.default_rng(1).laplace(size=(TOKENS, CHANNELS)).astype(np.float32)
    payload, message = message_of(embedding, wire_bits)
    received = deserialize_message(serialize_message(message), Embedding)
    asked = message_to_asked(received, infos_of(payload.shape))
    assert asked.payload.law == payload.law
    assert np.array_equal(wire.decode(asked.payload), wire.decode(payload))


@pytest.mark.parametrize(
    ("wire_bits", "change", "reason"),
    [
        (4, {"law": 128}, r"^law must be a whole number in \[0, 127\], got 128"),
        (8, {"law": 1}, r"^law must be a whole number in \[0, 0\], got 1"),
        (6, {"scales": []}, "^scales must be 17 values"),
        (6, {"wire_bits": 4}, "^data must be 281 bytes"),
    ],
)
def test_a_message_whose_parts_do_not_fit_is_refused_by_name(wire_bits, change, reason):
    _, message = message_of(np.ones((TOKENS, CHANNELS), np.float32), wire_bits)
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(InvalidInput, match=reason):
        message_to_asked(message, infos_of((TOKENS, CHANNELS)))
