# SPDX-License-Identifier: Apache-2.0
"""What a quantizer loses on the law that the theory assumes, exactly: magnitudes θ ~ Exp(1).

Exact integrals of |θ - θ'| over the quantizer's cells. A scale that is the mean magnitude is the
law's, as in a row without end; one that is the greatest never settles, however long the row, and is
taken at its mean. Divided by λ the loss is that on Exp(λ), so it is called λD.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import table


def law_distortion(quantizer: str, bits: int, *, samples: float | None = None) -> float:
    """Return λD of a quantizer on Exp(1).

    :param quantizer: a key of ``QUANTIZERS``.
    :param bits: bit-width in the quantizer's range.
    :param samples: length of a row, above 1e3. A scale that comes from the greatest magnitude
        needs it: the greatest of q samples is about ln q + 0.5772 (Euler's constant), its mean.
    :returns: mean |θ - θ'| over mean θ.
    :raises InvalidInput: when an argument breaks its rule, or ``samples`` is needed and missing.

    >>> round(law_distortion("exponential", 4), 6)
    0.117783
    >>> round(law_distortion("uniform", 4, samples=1e6), 4)
    0.4731
    """
    chosen = table.named(quantizer)
    checks.whole("bits", bits, low=chosen.bits_low, high=chosen.bits_high)
    typical = 1.0
    if chosen.scaled_by == "greatest":
        if samples is None:
            raise InvalidInput(f"samples must be given for {quantizer}, got None")
        typical = float(np.log(checks.number("samples", samples, low=1e3)) + np.euler_gamma)
    scale = chosen.choose_qparams(np.array([[typical]], np.float32), bits)[0]
    return mean_error(*chosen.cells(bits, float(scale)))


def mean_error(values: NDArray[np.float64], lower_ends: NDArray[np.float64]) -> float:
    """Return the mean of |θ - θ'| for θ ~ Exp(1), the integral taken cell by cell.

    With F(θ) = (θ - c + 1)·exp(-θ), the integral of |θ - c|·exp(-θ) over a cell [p, q] of value c
    is 2F(m) - F(p) - F(q), m being c or, where c is outside, the end next to it.

    :param values: (n,), what a magnitude comes back as in each cell.
    :param lower_ends: (n,), ascending, the first 0; the last cell has no upper end.
    """
    upper_ends = np.append(lower_ends[1:], np.inf)
    nearest = np.clip(values, lower_ends, upper_ends)
    ends = _primitive(lower_ends, values) + _primitive(upper_ends, values)
    return float(np.sum(2.0 * _primitive(nearest, values) - ends))


def _primitive(at: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = np.minimum(at, 1e4)  # exp(-1e4) is 0, and 0 times infinity is not
    return (finite - value + 1.0) * np.exp(-finite)
