# SPDX-License-Identifier: Apache-2.0
"""Whatever a message's fields are, its reader returns what is sound or names what is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.msg import EdgeState, Embedding, Plan, Trace
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core import wire
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS, ModelInfo
from coinfer_ros.nodes.convert import (
    check_plan,
    message_to_asked,
    message_to_beat,
    message_to_cuts,
    message_to_measured,
)

pytestmark = [pytest.mark.ros, pytest.mark.slow]

# Four readers: at least 10,000 messages in all.
EXAMPLES = settings(max_examples=2500)
TOKENS, CHANNELS = 3, 5
INFO = ModelInfo("f" * 64, "cut", (TOKENS, CHANNELS), 1, 1, 1.0, 1.0)


def numbers(kind):
    """Return values of a field of a ROS type, the right ones often among them."""
    if kind in ("double", "float"):
        width = 64 if kind == "double" else 32
        return st.floats(width=width) | st.sampled_from([0.0, 1.0, 0.5, math.nan])
    bits = int(kind.removeprefix("uint"))
    usual = st.sampled_from([0, 1, 3, 4, 5, 6, 8, 15, 16, 32])
    return usual | st.integers(0, 2**bits - 1)


def values(kind):
    if kind == "string":
        words = st.sampled_from(["", "r", "edge", INFO.cut, INFO.fingerprint])
        return words | st.text(max_size=80).filter(_can_be_sent)
    if kind == "boolean":
        return st.booleans()
    return numbers(kind)


def _can_be_sent(text: str) -> bool:
    return "\x00" not in text and not any(0xD800 <= ord(letter) < 0xE000 for letter in text)


def any_of(message):
    """Return messages of a type, every field but the stamp as it likes."""
    fields = {}
    for name, kind in message.get_fields_and_field_types().items():
        if kind == "builtin_interfaces/Time":
            continue
        inner = kind.removeprefix("sequence<").removesuffix(">")
        if kind == "sequence<uint8>":
            lengths = st.sampled_from([0, 1, 8, 12, 15, 30, 60])
            fields[name] = lengths.flatmap(lambda n: st.binary(min_size=n, max_size=n))
        elif kind.startswith("sequence<"):
            fields[name] = st.lists(values(inner), max_size=4)
        else:
            fields[name] = values(kind)
    return st.builds(message, **fields)


def sound(message):
    """Return the sound embedding with some of its fields as they like."""
    good = {
        "schema": 1,
        "robot_id": "r",
        "request_id": 1,
        "deadline_s": 1.0,
        "model_fingerprint": INFO.fingerprint,
        "cut": INFO.cut,
        "wire_bits": 16,
        "law": 0,
        "shape": [TOKENS, CHANNELS],
        "scales": [],
        "data": bytes(2 * TOKENS * CHANNELS),
        "weight_bits": 8,
    }

    def spoilt(wild, kept):
        fields = {name: value for name, value in good.items() if name in kept}
        for name, value in fields.items():
            setattr(wild, name, value)
        return wild

    return st.builds(spoilt, any_of(message), st.sets(st.sampled_from(sorted(good)), min_size=8))


def check_words(error):
    """A refusal names the field, the rule and what came."""
    assert "must" in str(error)


@EXAMPLES
@given(any_of(Embedding) | sound(Embedding))
def test_an_embedding_is_decoded_to_finite_values_or_refused(message):
    try:
        asked = message_to_asked(message, {INFO.cut: INFO})
        embedding = wire.decode(asked.payload)
    except InvalidInput as error:
        check_words(error)
        return
    assert embedding.shape == INFO.embedding_shape
    assert np.isfinite(embedding).all()
    assert 0.0 < asked.deadline_s <= 3600.0


@EXAMPLES
@given(any_of(Trace))
def test_a_trace_is_evidence_within_bounds_or_refused(message):
    try:
        measured = message_to_measured(message, ("edge",))
    except InvalidInput as error:
        check_words(error)
        return
    assert measured.bits in WEIGHT_BITS
    assert not math.isinf(measured.total_s)
    assert math.isfinite(measured.weight_rate)


@EXAMPLES
@given(any_of(EdgeState))
def test_a_heartbeat_is_read_or_refused(message):
    try:
        beat, cuts = message_to_beat(message, "r"), message_to_cuts(message)
    except InvalidInput as error:
        check_words(error)
        return
    assert len(beat.reason) <= 500
    assert all(min(cut.shape) >= 1 for cut in cuts)


@EXAMPLES
@given(any_of(Plan))
def test_a_plan_can_be_followed_or_is_refused(message):
    try:
        check_plan(message, WEIGHT_BITS)
    except InvalidInput as error:
        check_words(error)
        return
    assert message.weight_bits in WEIGHT_BITS
    assert message.wire_bits in wire.WIRE_BITS
    assert math.isfinite(message.predicted_delay_s)
