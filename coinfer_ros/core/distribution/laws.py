# SPDX-License-Identifier: Apache-2.0
"""Laws that magnitudes of weights may follow, each fitted by maximum likelihood to a few sums.

With q weights, q' of them not 0, means over all of them are written E, over those not 0 E':

===========  ========================================  ============================================
law          density at θ > 0                          most likely parameters
===========  ========================================  ============================================
exponential  λ exp(-λθ), arXiv 2602.13052, eq. (3)     λ = 1/Eθ
half-normal  √(2/π)/σ · exp(-θ²/(2σ²))                 σ² = Eθ²
gamma        θ^(k-1) exp(-θ/s) / (Γ(k) s^k)            ln k - ψ(k) = ln E'θ - E'ln θ and s = E'θ/k
===========  ========================================  ============================================

A signed law that is symmetric about 0 has the magnitudes: of Laplace, the exponential; of Gauss,
the half-normal. The gamma's density at 0 is 0 or inf, so zeros, which storing in 16 bits or pruning
makes, are left out of its fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from coinfer_ros.core.distribution.moments import Moments

Floats = NDArray[np.float64]
SHAPE_MAX = 1e6  # beyond it the difference of two logarithms that gives the shape is all rounding


class Law(Protocol):
    """A law of magnitudes with its parameters."""

    @property
    def parameters(self) -> int:
        """How many parameters were fitted."""

    def cumulative(self, magnitude: Floats) -> Floats:
        """Return the probability of at most this magnitude, weight units of at least 0."""

    def density(self, magnitude: Floats) -> Floats:
        """Return the density at this magnitude above 0, 1/weight unit."""

    def mean_log_density(self, moments: Moments) -> float:
        """Return the mean of ln(density) over the weights that are not 0, nats."""


@dataclass(frozen=True)
class Exponential:
    """The paper's law, arXiv 2602.13052, eq. (3).

    :param rate: λ in 1/weight unit.
    :param rate_error: its asymptotic standard error λ/√q.
    """

    rate: float
    rate_error: float
    parameters: ClassVar[int] = 1

    def cumulative(self, magnitude: Floats) -> Floats:
        """Return 1 - exp(-λθ); 1 where λ is inf and all weights are 0."""
        if math.isinf(self.rate):
            return np.ones_like(magnitude)
        return -np.expm1(-self.rate * magnitude)

    def density(self, magnitude: Floats) -> Floats:
        """Return λ exp(-λθ), 1/weight unit; 0 where λ is inf, but inf at 0."""
        if math.isinf(self.rate):
            return np.where(magnitude > 0, 0.0, math.inf)
        return self.rate * np.exp(-self.rate * magnitude)

    def mean_log_density(self, moments: Moments) -> float:
        """Return ln λ - λ E'θ, nats."""
        return math.log(self.rate) - self.rate * moments.nonzero_mean


@dataclass(frozen=True)
class HalfNormal:
    """The magnitudes of a Gaussian of mean 0.

    :param scale: σ, weight units.
    :param scale_error: its asymptotic standard error σ/√(2q).
    """

    scale: float
    scale_error: float
    parameters: ClassVar[int] = 1

    def cumulative(self, magnitude: Floats) -> Floats:
        """Return erf(θ / (σ√2)); 1 where σ is 0 and all weights are 0."""
        if self.scale == 0.0:
            return np.ones_like(magnitude)
        return cast("Floats", special.erf(magnitude / (self.scale * math.sqrt(2.0))))

    def density(self, magnitude: Floats) -> Floats:
        """Return √(2/π)/σ · exp(-θ²/(2σ²)), 1/weight unit; 0 where σ is 0, but inf at 0."""
        if self.scale == 0.0:
            return np.where(magnitude > 0, 0.0, math.inf)
        peak = math.sqrt(2.0 / math.pi) / self.scale
        return peak * np.exp(-0.5 * np.square(magnitude / self.scale))

    def mean_log_density(self, moments: Moments) -> float:
        """Return ln(√(2/π)/σ) - E'θ²/(2σ²), nats."""
        peak = 0.5 * math.log(2.0 / math.pi) - math.log(self.scale)
        return peak - 0.5 * moments.nonzero_mean_square / self.scale**2


@dataclass(frozen=True)
class Gamma:
    """A law with the exponential inside, k = 1; below it more weights lie near 0 and far out.

    :param shape: k.
    :param shape_error: its asymptotic standard error.
    :param scale: s, weight units.
    :param scale_error: its asymptotic standard error.
    """

    shape: float
    shape_error: float
    scale: float
    scale_error: float
    parameters: ClassVar[int] = 2

    def cumulative(self, magnitude: Floats) -> Floats:
        """Return the regularised lower incomplete gamma function P(k, θ/s)."""
        return cast("Floats", special.gammainc(self.shape, magnitude / self.scale))

    def density(self, magnitude: Floats) -> Floats:
        """Return θ^(k-1) exp(-θ/s) / (Γ(k) s^k), 1/weight unit."""
        ratio = magnitude / self.scale
        log = special.xlogy(self.shape - 1.0, ratio) - ratio - special.gammaln(self.shape)
        return cast("Floats", np.exp(log) / self.scale)

    def mean_log_density(self, moments: Moments) -> float:
        """Return (k-1) E'ln(θ/s) - E'θ/s - ln Γ(k) - ln s, nats."""
        mean_log = moments.nonzero_mean_log - math.log(self.scale)
        rest = moments.nonzero_mean / self.scale + math.lgamma(self.shape) + math.log(self.scale)
        return (self.shape - 1.0) * mean_log - rest


def fit_exponential(moments: Moments) -> Exponential:
    """Return the most likely exponential law of all the weights."""
    rate = 1.0 / moments.mean
    return Exponential(rate, rate / math.sqrt(moments.count))


def fit_half_normal(moments: Moments) -> HalfNormal:
    """Return the most likely half-normal law of all the weights."""
    scale = math.sqrt(moments.mean_square)
    return HalfNormal(scale, scale / math.sqrt(2.0 * moments.count))


def fit_gamma(moments: Moments) -> Gamma | None:
    """Return the most likely gamma law of the weights that are not 0.

    :returns: None where there is none: the magnitudes are all the same, or so nearly that the shape
        would pass 10^6.
    """
    gap = math.log(moments.nonzero_mean) - moments.nonzero_mean_log
    if not moments.spread or gap < 0.5 / SHAPE_MAX:
        return None
    # 1/(2k) < ln k - ψ(k) < 1/k holds the root between two numbers.
    low, high = 0.5 / gap, 1.0 / gap
    shape = optimize.brentq(
        lambda k: math.log(k) - special.digamma(k) - gap, low, high, xtol=1e-16, rtol=1e-15
    )
    scale = moments.nonzero_mean / shape
    # The inverse of the information matrix ((ψ'(k), 1/s), (1/s, k/s²)) of one weight.
    curvature = float(special.polygamma(1, shape))
    both = moments.nonzero_count * (shape * curvature - 1.0)
    return Gamma(shape, math.sqrt(shape / both), scale, scale * math.sqrt(curvature / both))
