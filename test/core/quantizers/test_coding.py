# SPDX-License-Identifier: Apache-2.0
"""Tests of whole tensors on their way to the stored form and back."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import (
    QUANTIZERS,
    Granularity,
    PerChannel,
    PerGroup,
    PerTensor,
    coding,
    decode,
    encode,
    restored,
)

GRANULARITIES = [PerTensor(), PerChannel(), PerGroup(7)]


def laplace(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(5).laplace(size=shape).astype(np.float32)


@pytest.mark.parametrize("granularity", GRANULARITIES, ids=str)
@pytest.mark.parametrize("name", QUANTIZERS)
def test_what_is_stored_comes_back_as_the_verbs_make_it(
    name: str, granularity: Granularity
) -> None:
    weights, one = laplace(5, 3, 7), QUANTIZERS[name]
    in_rows = weights.reshape(granularity.rows(weights.shape))
    for bits in range(one.bits_low, one.bits_high + 1):
        given: dict[str, Any] = {"quantizer": name, "bits": bits, "granularity": granularity}
        stored = encode(weights, **given)
        back = decode(stored)
        scales = one.choose_qparams(in_rows, bits)
        expected = one.dequantize(one.quantize(in_rows, scales, bits), scales, bits)
        assert (back == expected.reshape(weights.shape)).all()
        assert (restored(weights, **given) == back).all()
        assert back.dtype == np.float32
        assert stored.shape == weights.shape
        # Sums of float64, in another order.
        assert stored.distortion == pytest.approx(
            np.abs(weights - back).mean(dtype=np.float64), rel=1e-12
        )


@pytest.mark.parametrize(
    ("name", "granularity"),
    [(name, PerTensor()) for name in QUANTIZERS] + [("uniform", PerGroup(1 << 19))],
    ids=str,
)
def test_bands_join_without_a_seam(name: str, granularity: Granularity) -> None:
    weights = laplace(3, coding.BAND // 2)
    given: dict[str, Any] = {"quantizer": name, "bits": 5, "granularity": granularity}
    one, in_rows = QUANTIZERS[name], weights.reshape(granularity.rows(weights.shape))
    scales = one.choose_qparams(in_rows, 5)
    whole = one.dequantize(one.quantize(in_rows, scales, 5), scales, 5).reshape(weights.shape)
    assert (decode(encode(weights, **given)) == whole).all()
    assert (restored(weights, **given) == whole).all()


@pytest.mark.parametrize("name", QUANTIZERS)
def test_a_group_of_everything_is_the_channel_and_one_channel_is_the_tensor(name: str) -> None:
    weights = laplace(1, 12, 5)
    results = [
        restored(weights, quantizer=name, bits=4, granularity=granularity)
        for granularity in (PerTensor(), PerChannel(), PerGroup(60))
    ]
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


@pytest.mark.parametrize("name", QUANTIZERS)
def test_a_vector_can_be_quantized_as_one_tensor(name: str) -> None:
    weights = laplace(11)
    back = restored(weights, quantizer=name, bits=8, granularity=PerTensor())
    assert back.shape == (11,)
    assert (back == restored(weights[None], quantizer=name, bits=8, granularity=PerTensor())).all()


def test_the_memory_layout_of_a_tensor_does_not_matter() -> None:
    weights = laplace(6, 8)
    given: dict[str, Any] = {"quantizer": "uniform", "bits": 4, "granularity": PerGroup(3)}
    there = np.asfortranarray(weights).T
    assert (restored(there, **given) == restored(there.copy(), **given)).all()
    assert (decode(encode(there, **given)) == restored(there.copy(), **given)).all()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"quantizer": "lloyd"}, "^quantizer must be one of"),
        ({"bits": 1}, r"^bits must be a whole number in \[2, 16\], got 1"),
        ({"bits": 17}, "^bits must be"),
        ({"granularity": PerGroup(4)}, "^size must divide"),
        ({"granularity": "channel"}, "^granularity must be a PerTensor, .*, got 'channel'$"),
        ({"granularity": PerChannel}, "^granularity must be a PerTensor, .*, got <class"),
    ],
)
def test_a_choice_that_breaks_its_rule_is_refused(change: dict[str, Any], rule: str) -> None:
    given = {"quantizer": "uniform", "bits": 4, "granularity": PerTensor(), **change}
    for call in (encode, restored):
        with pytest.raises(InvalidInput, match=rule):
            call(laplace(2, 3), **given)


@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        (np.ones((2, 3)), "^weights must be an array of float32, got float64"),
        ([1.0], "^weights must be an array of float32, got list"),
        (np.ones((2, 0), np.float32), "none empty"),
        (np.array([1.0, np.nan], np.float32), "^weights must be finite"),
        (np.array([1.0, -np.inf], np.float32), "^weights must be finite"),
    ],
)
@pytest.mark.parametrize("name", QUANTIZERS)
def test_a_tensor_that_cannot_be_quantized_is_refused(
    name: str, weights: NDArray[np.float32], rule: str
) -> None:
    for call in (encode, restored):
        with pytest.raises(InvalidInput, match=rule):
            call(weights, quantizer=name, bits=4, granularity=PerTensor())


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"data": np.full(3, 0x88, np.uint8)}, r"^codes must be in \[-7, 7\] at 4 bits, got -8"),
        ({"qparams": np.array([np.nan], np.float32)}, "^scales must be finite"),
    ],
)
def test_stored_forms_that_encode_never_makes_are_refused(
    change: dict[str, Any], rule: str
) -> None:
    stored = encode(laplace(6), quantizer="uniform", bits=4, granularity=PerTensor())
    with pytest.raises(InvalidInput, match=rule):
        decode(dataclasses.replace(stored, **change))
