# SPDX-License-Identifier: Apache-2.0
"""What the two bounds of ``rate_distortion`` are made of, so that every step can be checked.

The lower bound is R(D) >= h(Θ) - h(Z_D), arXiv 2602.13052, eq. (19) and (20), where Z_D is the
noise of the greatest entropy among all of E|Z| = D, Laplace's. The upper one lets Θ through a
channel that adds that noise, R(D) <= h(Θ + Z_D) - h(Z_D), eq. (27), and bounds the entropy of the
sum by that of Laplace noise of the same mean magnitude, eq. (28).
"""

from __future__ import annotations

import math

from coinfer_ros.core import checks, limits
from coinfer_ros.core import rate_distortion as rd


def source_entropy_bits(weight_rate: float = 1.0) -> float:
    """Return h(Θ) = log2(e/λ) of a magnitude, arXiv 2602.13052, eq. (21).

    :param weight_rate: λ in 1/weight unit.
    :returns: differential entropy, bits; it may be below 0.
    :raises InvalidInput: when λ is out of range.

    >>> source_entropy_bits(math.e)
    0.0
    """
    rate = limits.WEIGHT_RATE.check("weight_rate", weight_rate)
    return (1.0 - math.log(rate)) / math.log(2.0)


def noise_entropy_bits(distortion: float) -> float:
    """Return h(Z_D) = log2(2eD) = Φ(D) of Laplace noise of E|Z| = D, arXiv 2602.13052, eq. (22).

    No noise of that mean magnitude has more, so it is Φ(D) of eq. (20).

    :param distortion: D above 0, weight units.
    :returns: differential entropy, bits; it may be below 0.
    :raises InvalidInput: when D is out of range.
    """
    distance = checks.number("distortion", distortion, above=0.0, unit="weight units")
    return (1.0 + math.log(2.0) + math.log(distance)) / math.log(2.0)


def mean_noisy_magnitude(distortion: float, weight_rate: float = 1.0) -> float:
    """Return E|Θ + Z_D| = 1/λ + D·λD/(λD + 1), arXiv 2602.13052, eq. (29).

    :param distortion: D above 0, weight units.
    :param weight_rate: λ in 1/weight unit.
    :returns: mean magnitude of the noisy weight, weight units.
    :raises InvalidInput: when either is out of range.
    """
    mean = 1.0 / limits.WEIGHT_RATE.check("weight_rate", weight_rate)
    distance = checks.number("distortion", distortion, above=0.0, unit="weight units")
    return mean + distance * (distance / (distance + mean))


def gap(rate_bits: rd.Real, weight_rate: float = 1.0) -> rd.Real:
    """Return D^U(R) - D^L(R), which problem (P1), arXiv 2602.13052, Sec. V, minimises.

    The upper bound stays about twice the lower one, so no digit is lost at any rate. It falls and
    is convex in R, and λ is a mere factor: docs/theory.md, 3.

    :param rate_bits: R of at least 0, bits.
    :param weight_rate: λ in 1/weight unit.
    :returns: the gap, weight units; inf at R = 0.
    :raises InvalidInput: when either is out of range.
    """
    return rd.upper(rate_bits, weight_rate) - rd.lower(rate_bits, weight_rate)
