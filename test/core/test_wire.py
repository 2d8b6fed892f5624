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
from coinfer_ros.core.quantizers import uniform, uniform_l1

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


@given(embeddings, st.sampled_from(wire.LAW_BITS))
def test_codes_of_a_law_keep_signs_zeros_and_what_is_greatest_in_a_token(embedding, bits):
    payload = wire.encode(embedding, bits)
    back = wire.decode(payload)
    greatest = np.abs(embedding).max(axis=1)
    assert np.array_equal(payload.scales, greatest)
    assert np.array_equal(np.signbit(back), np.signbit(embedding))
    assert (np.abs(back) <= greatest[:, None]).all()
    assert (back[greatest == 0] == 0).all()


@pytest.mark.parametrize(
    ("bits", "size"),
    [(32, 4 * 15), (16, 2 * 15), (8, 15 + 4 * 3), (6, 12 + 4 * 3), (4, 8 + 4 * 3)],
)
def test_a_payload_is_as_large_as_arithmetic_says(bits, size):
    assert wire.encode(np.ones((3, 5), np.float32), bits).size_bytes == size
    assert wire.size_bytes((3, 5), bits) == size


def outlier_channels(times: float) -> np.ndarray:
    """Return the embedding of a large model: four channels are far larger, for every token."""
    embedding = np.random.default_rng(0).normal(size=(50, 768)).astype(np.float32)
    embedding[:, [5, 100, 300, 700]] *= np.float32(times)
    return embedding


def even_steps(embedding, scales, bits):
    return uniform.dequantize(uniform.quantize(embedding, scales, bits), scales, bits)


def mean_error(embedding, back):
    return float(np.abs(back - embedding).mean(dtype=np.float64))


@pytest.mark.parametrize("times", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("bits", wire.LAW_BITS)
def test_a_law_loses_less_than_even_steps_up_to_the_largest_or_fitted_to_the_mean(times, bits):
    embedding = outlier_channels(times)
    greatest = np.abs(embedding).max(axis=1)
    means = uniform_l1.choose_qparams(embedding, bits)
    fitted = uniform_l1.dequantize(uniform_l1.quantize(embedding, means, bits), means, bits)
    others = [even_steps(embedding, greatest, bits), fitted]
    found = wire.distortion(embedding, wire.encode(embedding, bits)).mean
    assert found < min(mean_error(embedding, back) for back in others)


@given(embeddings, st.sampled_from(wire.WIRE_BITS))
def test_the_distortion_is_what_the_other_side_sees(embedding, bits):
    payload = wire.encode(embedding, bits)
    lost = wire.distortion(embedding, payload)
    expected = mean_error(embedding, wire.decode(payload))
    assert lost.mean == pytest.approx(expected, rel=1e-6)
    magnitude = float(np.abs(embedding).mean(dtype=np.float64))
    assert lost.relative * magnitude == pytest.approx(lost.mean, rel=1e-6)
    assert lost == wire.Distortion(0.0, 0.0) or bits < 32


def test_the_distortion_of_another_embedding_is_refused():
    payload = wire.encode(np.ones((3, 4), np.float32), 8)
    with pytest.raises(InvalidInput, match=r"^embedding must have shape \(3, 4\), got \(4, 3\)"):
        wire.distortion(np.ones((4, 3), np.float32), payload)


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
        ({"law": 1}, r"law must be a whole number in \[0, 0\], got 1"),
        ({"wire_bits": 4}, "data must be 6 bytes"),
        ({"wire_bits": 6}, "data must be 9 bytes"),
        ({"wire_bits": 4, "data": bytes(6), "law": 128}, r"law must be .* in \[0, 127\], got 128"),
        ({"wire_bits": 6, "data": bytes(9), "scales": np.ones(0, np.float32)}, "scales must be 3"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change, message):
    good = {"wire_bits": 8, "shape": (3, 4), "scales": np.ones(3, np.float32), "data": bytes(12)}
    wire.Payload(**good)
    wire.Payload(**(good | {"wire_bits": 4, "data": bytes(6), "law": 127}))
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


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_a_value_that_is_not_finite_has_no_code(bits):
    with pytest.raises(InvalidInput, match=r"^embedding must be finite, got -inf$"):
        wire.encode(np.array([[1.0, -np.inf]], np.float32), bits)


@pytest.mark.parametrize("bits", [0, 5, 7, 64])
def test_another_width_is_refused(bits):
    with pytest.raises(InvalidInput, match=r"^wire_bits must be one of \(4, 6, 8, 16, 32\)"):
        wire.encode(np.ones((2, 2), np.float32), bits)


@pytest.mark.parametrize("bits", wire.WIRE_BITS)
@pytest.mark.parametrize(
    ("embedding", "got"),
    [
        (np.ones((2, 2)), r"float64 of shape \(2, 2\)"),
        (np.ones((2, 2), np.int64), r"int64 of shape \(2, 2\)"),
        (np.ones(2, np.float32), r"float32 of shape \(2,\)"),
        (np.ones((0, 4), np.float32), r"float32 of shape \(0, 4\)"),
        ([[1.0]], "list"),
    ],
)
def test_what_is_no_embedding_is_refused(embedding, got, bits):
    with pytest.raises(InvalidInput, match=rf"^embedding must be float32 .*, got {got}$"):
        wire.encode(embedding, bits)
