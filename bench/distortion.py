# SPDX-License-Identifier: Apache-2.0
"""What each quantizer loses at each bit-width, and how far that is from the limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.options import Options
from bench.section import Section
from coinfer_ros.core import rate_distortion
from coinfer_ros.core.quantizers import QUANTIZERS, PerTensor, Quantizer, restored

WIDTHS = range(1, 10)


def measure(options: Options) -> Section:
    """Quantize exponential magnitudes at every width."""
    samples = options.rounds(4_000_000, 200_000)
    weights = np.random.default_rng(0).standard_exponential(samples, np.float32)
    return Section(
        title="Distortion over bits",
        columns=("bits", "D(R)", *(name.replace("_", " ") for name in QUANTIZERS)),
        rows=tuple(_row(weights, bits) for bits in WIDTHS),
        reading=(
            f"λD, the mean |w - w'| over the mean |w|, of {samples / 1e6:g} M samples of an "
            "exponential law with one scale for all, beside the exact D(R). In brackets, bits "
            "short of that limit: the width less what the best code of any length needs for as "
            "much distortion, 1 + R(D). The greatest sample is the scale of `uniform` and of the "
            "powers of two, which start at 2 bits."
        ),
    )


def _row(weights: NDArray[np.float32], bits: int) -> tuple[str, ...]:
    limit = rate_distortion.exact(bits - 1.0)
    cells = [_cell(one, weights, bits) for one in QUANTIZERS.values()]
    return str(bits), f"{limit:.6f}", *cells


def _cell(quantizer: Quantizer, weights: NDArray[np.float32], bits: int) -> str:
    if bits < quantizer.bits_low:
        return "-"
    back = restored(weights, quantizer=quantizer.name, bits=bits, granularity=PerTensor())
    lost = float(np.abs(weights - back).mean(dtype=np.float64) / weights.mean(dtype=np.float64))
    short = bits - 1.0 - rate_distortion.exact_rate(lost)
    return f"{lost:.6f} ({max(short, 0.0):.2f})"
