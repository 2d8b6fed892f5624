# SPDX-License-Identifier: Apache-2.0
"""What goes on the wire comes off it, and nothing else is let in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from coinfer_ros.core import wire
from coinfer_ros.core.errors import InvalidInput

embeddings = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=20),
    elements=st.floats(-1e4, 1e4, width=32),
)


@given(embeddings)
def test_float32_comes_back_bit_for_bit(embedding):
    assert np.array_equal(wire.decode(wire.encode(embedding, 32)), embedding)


@given(embeddings)
def test_float16_comes_back_within_half_a_unit_in_the_last_place(embedding):
    back = wire.decode(wire.encode(embedding, 16))
    # 11 bits of significand; below 2^-14 the step is 2^-24.
    assert np.all(np.abs(back - embedding) <= np.maximum(np.abs(embedding) * 2.0**-11, 2.0**-25))


@given(embeddings)
def test_int8_comes_back_within_half_a_step_of_its_token(embedding):
    payload = wire.encode(embedding, 8)
    error = np.abs(wire.decode(payload) - embedding)
    step = np.abs(embedding).max(axis=1, keepdims=True) / 127.0
    assert np.all(error <= step * 0.5001 + 1e-30)


@pytest.mark.parametrize(("bits", "size"), [(32, 4 * 12), (16, 2 * 12), (8, 12 + 4 * 3)])
def test_a_payload_is_as_large_as_arithmetic_says(bits, size):
    assert wire.encode(np.ones((3, 4), np.float32), bits).size_bytes == size


def test_a_value_beyond_float16_becomes_its_greatest_and_not_infinity():
    back = wire.decode(wire.encode(np.array([[1e6, -1e6]], np.float32), 16))
    assert back.tolist() == [[65504.0, -65504.0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wire_bits": 7}, "wire_bits must be one of"),
        ({"shape": (3,)}, r"shape must be \[tokens, channels\]"),
        ({"shape": (0, 4)}, r"shape must be \[tokens, channels\]"),
        ({"shape": None}, r"shape must be \[tokens, channels\], got None"),
        ({"shape": (3.0, 4)}, r"shape must be \[tokens, channels\]"),
        ({"shape": (2**20, 2**20)}, "at most"),
        ({"shape": (1, wire.MOST_VALUES + 1)}, "at most"),
        ({"data": b"short"}, "data must be 12 bytes"),
        ({"scales": np.ones(2, np.float32)}, r"scales must be 3 values .*, got .*shape \(2,\)"),
        ({"scales": np.ones((3, 1), np.float32)}, r"scales must be 3 .*, got .*shape \(3, 1\)"),
        ({"scales": np.ones(3)}, "scales must be 3 values of float32, got float64"),
        ({"scales": [1.0, 1.0, 1.0]}, "scales must be 3 values of float32, got list"),
        ({"scales": np.array([1, np.nan, 1], np.float32)}, "scales must be finite .*, got nan"),
        ({"scales": np.array([1, -1, 1], np.float32)}, "at least 0, got -1"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change, message):
    good = {"wire_bits": 8, "shape": (3, 4), "scales": np.ones(3, np.float32), "data": bytes(12)}
    wire.Payload(**good)
    with pytest.raises(InvalidInput, match=message):
        wire.Payload(**(good | change))


@pytest.mark.parametrize("bits", [16, 32])
def test_an_infinite_value_is_refused_on_either_side(bits):
    kind = {16: np.float16, 32: np.float32}[bits]
    data = np.array([[np.inf, 1.0]], kind).tobytes()
    with pytest.raises(InvalidInput, match="finite"):
        wire.decode(wire.Payload(bits, (1, 2), np.zeros(0, np.float32), data))
    with pytest.raises(InvalidInput, match=r"^embedding must be finite, got nan$"):
        wire.encode(np.array([[1.0, np.nan]], np.float32), bits)


@pytest.mark.parametrize("bits", wire.WIRE_BITS)
@pytest.mark.parametrize(
    ("embedding", "got"),
    [
        (np.ones((2, 2)), r"float64 of shape \(2, 2\)"),
        (np.ones((2, 2), np.int64), r"int64 of shape \(2, 2\)"),
        (np.ones(2, np.float32), r"float32 of shape \(2,\)"),
        ([[1.0]], "list"),
    ],
)
def test_what_is_no_embedding_is_refused(embedding, got, bits):
    with pytest.raises(InvalidInput, match=rf"^embedding must be float32 .*, got {got}$"):
        wire.encode(embedding, bits)
