# SPDX-License-Identifier: Apache-2.0
"""How fast weights are quantized, packed and brought back, beside a plain copy of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from bench.options import Options
from bench.section import Section
from bench.stats import timed
from coinfer_ros.core.packing import code_type, pack, unpack
from coinfer_ros.core.quantizers import QUANTIZERS, Quantizer

COLUMNS = 1024  # weights of a row, about what a channel of a transformer has
QUANTIZED_BITS = (4, 8)
PACKED_BITS = (3, 4, 8)

Weights = NDArray[np.float32]
Work = tuple[str, Callable[[], object]]


def measure(options: Options) -> Section:
    """Time every verb of every quantizer in one thread, and packing."""
    weights = _weights(options.rounds(84_000, 4_000))
    rounds = options.rounds(7, 3)

    def rate(work: Callable[[], object]) -> float:
        return float(weights.size / timed(work, rounds=rounds, warm_up=1).p50)

    copied = rate(weights.copy)
    rates = [("copy of the float32", copied)]
    rates += [(name, rate(work)) for name, work in _works(weights)]
    return Section(
        title="Quantizing and packing",
        columns=("what", "M weights/s", "share of a copy"),
        rows=tuple((name, f"{each / 1e6:.0f}", f"{each / copied:.2f}") for name, each in rates),
        reading=(
            f"{weights.size / 1e6:.0f} M Laplace weights in rows of {COLUMNS} with a scale each, "
            "one thread, results in new memory, medians. `quantize` chooses the scales, too. What "
            "it is beside: `weights.copy()` in the same run."
        ),
    )


def _weights(rows: int) -> Weights:
    weights = np.random.default_rng(0).standard_exponential((rows, COLUMNS), np.float32)
    weights[:, ::2] *= -1.0
    return weights


def _works(weights: Weights) -> Iterator[Work]:
    for quantizer in QUANTIZERS.values():
        for bits in QUANTIZED_BITS:
            yield from _verbs(quantizer, weights, bits)
    for bits in PACKED_BITS:
        yield from _packing(weights, bits)


def _verbs(quantizer: Quantizer, weights: Weights, bits: int) -> Iterator[Work]:
    scales = quantizer.choose_qparams(weights, bits)
    codes = quantizer.quantize(weights, scales, bits)

    def quantize() -> object:
        return quantizer.quantize(weights, quantizer.choose_qparams(weights, bits), bits)

    yield f"{quantizer.name}: quantize, {bits} bits", quantize
    yield (
        f"{quantizer.name}: dequantize, {bits} bits",
        lambda: quantizer.dequantize(codes, scales, bits),
    )


def _packing(weights: Weights, bits: int) -> Iterator[Work]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1)
    codes = np.clip(weights, low, high - 1).astype(code_type(bits))
    data = pack(codes, bits)
    yield f"pack, {bits} bits", lambda: pack(codes, bits)
    yield f"unpack, {bits} bits", lambda: unpack(data, bits, codes.size)
