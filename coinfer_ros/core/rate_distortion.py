# SPDX-License-Identifier: Apache-2.0
"""What a rate costs in distortion: two bounds, the exact curve, the best scalar quantizer.

The source is a magnitude θ ~ Exp(λ), the distortion the mean of |θ - θ'| in weight units, the rate
R in bits a weight. One of a weight's b bits is its sign, so R = b - 1. With x = λD and n = 2^R:

==================  =====================================  =====================================
curve               distortion λD                          rate R
==================  =====================================  =====================================
lower               1 / (2n), eq. (24)                     -log2(2x), eq. (23)
exact               -ln(1 - 1/(2n)), derived               -log2(2(1 - exp(-x))), derived
scalar optimal      ln(1 + 1/n), derived                   -log2(exp(x) - 1), derived
upper               (√(1 + 4/(n-1)) - 1)/2, eq. (26)       log2(1/x + x/(x+1)), eq. (25)
==================  =====================================  =====================================

Equations are those of arXiv 2602.13052; what is derived is proved in docs/theory.md. Every function
takes a number or an array, and a rate stops at 0: more distortion than that costs no bits. A λD
below 1e-200, over 660 bits, is refused before its float64 runs out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import arrays, checks, limits
from coinfer_ros.core.errors import InvalidInput

Real = TypeVar("Real", float, NDArray[np.float64])


@dataclass(frozen=True)
class Distortion:
    """Mean absolute error of one weight at one bit-width, in weight units.

    :param rate_bits: bits that the magnitude gets.
    :param lower: no code of that rate does better, eq. (24).
    :param exact: what the best code of that rate reaches, derived.
    :param upper: some code of that rate does at least this well, eq. (26); inf at rate 0.
    :param scalar_optimal: what the best table of 2^R magnitudes reaches, derived.
    """

    rate_bits: float
    lower: float
    exact: float
    upper: float
    scalar_optimal: float


def at_bits(bits: int, weight_rate: float = 1.0) -> Distortion:
    """Return the distortion of weights of ``bits`` bits, the sign included.

    :param bits: bit-width b in [1, 32]; the rate is b - 1 bits.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.

    >>> at_bits(3, weight_rate=2.0).lower
    0.0625
    """
    rate_bits = checks.whole("bits", bits, low=1, high=limits.BITS_MAX) - 1.0
    return Distortion(
        rate_bits,
        lower(rate_bits, weight_rate),
        exact(rate_bits, weight_rate),
        upper(rate_bits, weight_rate),
        scalar_optimal(rate_bits, weight_rate),
    )


def lower(rate_bits: Real, weight_rate: float = 1.0) -> Real:
    """Return the lower bound D^L(R) = 1 / (λ 2^(R+1)), arXiv 2602.13052, eq. (24).

    :param rate_bits: R of at least 0, bits.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    n, scale = _levels(rate_bits), _scale(weight_rate)
    return _like(rate_bits, scale / (2.0 * n))


def exact(rate_bits: Real, weight_rate: float = 1.0) -> Real:
    """Return the exact D(R) = -ln(1 - 2^-(R+1)) / λ, derived here: docs/theory.md, 1.

    :param rate_bits: R of at least 0, bits.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    n, scale = _levels(rate_bits), _scale(weight_rate)
    return _like(rate_bits, -np.log1p(-0.5 / n) * scale)


def scalar_optimal(rate_bits: Real, weight_rate: float = 1.0) -> Real:
    """Return ln(1 + 2^-R) / λ, the best that a table of 2^R magnitudes does, docs/theory.md, 2.

    It lies between ``exact`` and ``upper`` and, unlike ``upper``, is finite at R = 0. For R that is
    no logarithm of a whole number it is that formula and no more.

    :param rate_bits: R of at least 0, bits.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    n, scale = _levels(rate_bits), _scale(weight_rate)
    return _like(rate_bits, np.log1p(1.0 / n) * scale)


def upper(rate_bits: Real, weight_rate: float = 1.0) -> Real:
    """Return the upper bound D^U(R), arXiv 2602.13052, eq. (26); inf at R = 0.

    :param rate_bits: R of at least 0, bits.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    scale = _scale(weight_rate)
    _levels(rate_bits)
    a = np.expm1(np.asarray(rate_bits, np.float64) * math.log(2.0))  # 2^R - 1
    with np.errstate(divide="ignore"):
        # (26) subtracts two numbers near 1; times its conjugate over itself it divides instead.
        return _like(rate_bits, 2.0 / (a + np.sqrt(a * (a + 4.0))) * scale)


def lower_rate(distortion: Real, weight_rate: float = 1.0) -> Real:
    """Return R^L(D) = -log2(2λD), arXiv 2602.13052, eq. (23), at least 0.

    :param distortion: D above 0, weight units; inf is allowed.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    return _like(distortion, _rate(-np.log2(2.0 * _relative(distortion, weight_rate))))


def exact_rate(distortion: Real, weight_rate: float = 1.0) -> Real:
    """Return R(D) = -log2(2(1 - exp(-λD))), at least 0, derived here: docs/theory.md, 1.

    :param distortion: D above 0, weight units; inf is allowed.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    return _like(distortion, _rate(-np.log2(-2.0 * np.expm1(-_relative(distortion, weight_rate)))))


def scalar_optimal_rate(distortion: Real, weight_rate: float = 1.0) -> Real:
    """Return R = -log2(exp(λD) - 1), at least 0, the inverse of ``scalar_optimal``.

    :param distortion: D above 0, weight units; inf is allowed.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    with np.errstate(over="ignore"):  # inf costs no bits
        return _like(distortion, _rate(-np.log2(np.expm1(_relative(distortion, weight_rate)))))


def upper_rate(distortion: Real, weight_rate: float = 1.0) -> Real:
    """Return R^U(D) = log2(1/(λD) + λD/(λD+1)), arXiv 2602.13052, eq. (25).

    :param distortion: D above 0, weight units; inf is allowed.
    :param weight_rate: λ in 1/weight unit.
    :raises InvalidInput: when either is out of range.
    """
    x = _relative(distortion, weight_rate)
    with np.errstate(over="ignore"):  # inf costs no bits
        # (25) written as log2(1 + 1/(x(x+1))): near R = 0 the sum of the two terms loses it.
        return _like(distortion, np.log1p(1.0 / (x * (x + 1.0))) / math.log(2.0))


def _levels(rate_bits: Real) -> NDArray[np.float64]:
    values = arrays.reals("rate_bits", rate_bits)
    if not np.all((values >= 0.0) & (values <= limits.BITS_MAX)):
        raise InvalidInput(f"rate_bits must be in [0, {limits.BITS_MAX}] bits, got {rate_bits!r}")
    return cast("NDArray[np.float64]", np.exp2(values))


def _relative(distortion: Real, weight_rate: float) -> NDArray[np.float64]:
    values = arrays.reals("distortion", distortion)
    if not np.all(values > 0.0):
        raise InvalidInput(f"distortion must be above 0 weight units, got {distortion!r}")
    with np.errstate(over="ignore"):
        relative = np.asarray(values / _scale(weight_rate))
    if not np.all(relative >= 1e-200):
        raise InvalidInput(f"distortion must be at least 1e-200/λ weight units, got {distortion!r}")
    return relative


def _scale(weight_rate: float) -> float:
    return 1.0 / limits.WEIGHT_RATE.check("weight_rate", weight_rate)


def _rate(unclipped: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(unclipped > 0.0, unclipped, 0.0)  # of -0.0, maximum may return either


def _like(given: Real, result: NDArray[np.float64]) -> Real:
    """Give a plain float back for a plain number, an array for an array."""
    return cast("Real", float(result) if np.ndim(given) == 0 else result)
