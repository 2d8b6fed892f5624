# SPDX-License-Identifier: Apache-2.0
"""Tests of the stored form: what it counts and what it refuses."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import PerChannel, PerGroup, Quantized, encode

WEIGHTS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


@pytest.mark.parametrize("bits", range(2, 17))
def test_every_stored_bit_is_counted(bits: int) -> None:
    stored = encode(WEIGHTS, quantizer="uniform", bits=bits, granularity=PerChannel())
    assert stored.stored_bits == 8 * (stored.data.nbytes + stored.qparams.nbytes)
    assert stored.stored_bits == 8 * math.ceil(15 * bits / 8) + 3 * 32
    assert stored.bits_a_weight == stored.stored_bits / 15


def test_groups_take_a_scale_each() -> None:
    weights = np.ones((4, 64), np.float32)
    stored = encode(weights, quantizer="exponential", bits=4, granularity=PerGroup(32))
    assert stored.bits_a_weight == 4 + 32 / 32


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"quantizer": "lloyd"}, "^quantizer must be one of"),
        ({"bits": 1}, r"^bits must be a whole number in \[2, 16\]"),
        ({"bits": 5}, r"^data must be uint8 of shape \(10,\)"),
        ({"granularity": "channel"}, "^granularity must be a PerTensor, .*, got 'channel'"),
        ({"granularity": PerGroup(2)}, "^size must divide"),
        ({"granularity": PerGroup(1)}, r"^qparams must be float32 of shape \(15,\)"),
        ({"shape": (15,)}, "^shape must have two axes"),
        ({"shape": None}, "^shape must have two axes or more, none empty, got None"),
        ({"shape": (3.0, 5)}, "^shape must have two axes"),
        ({"qparams": np.ones(3)}, r"^qparams must be float32 .*, got float64 of shape \(3,\)$"),
        ({"qparams": [1.0, 1.0, 1.0]}, "^qparams must be float32 .*, got list$"),
        ({"data": bytes(8)}, "^data must be uint8 .*, got bytes$"),
        ({"data": np.zeros(9, np.uint8)}, r"^data must be uint8 of shape \(8,\)"),
        ({"distortion": math.nan}, "^distortion must be"),
        ({"distortion": -1.0}, "^distortion must be"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(change: dict[str, Any], rule: str) -> None:
    stored = encode(WEIGHTS, quantizer="uniform", bits=4, granularity=PerChannel())
    fields = {f.name: getattr(stored, f.name) for f in dataclasses.fields(Quantized)}
    with pytest.raises(InvalidInput, match=rule):
        Quantized(**{**fields, **change})
