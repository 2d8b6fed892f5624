# SPDX-License-Identifier: Apache-2.0
"""Computes the rate-distortion function of the exponential law by numbers alone, as the paper does.

The closed form in ``rate_distortion`` knows nothing of what is done here, nor this of it, so each
checks the other. The source is Exp(λ) on a grid, the distortion |θ - θ'|, and a point of the curve
belongs to its slope there. The kernel exp(-s|θ - θ'|) on a grid is two recursive filters, one from
either end, so an iteration takes time in proportion to the grid.

Rounding θ to the grid moves it by half a step at most, and cutting it at ``end`` by exp(-λ end)/λ
in the mean; so D at a given rate is off by no more than both together. The step's part was measured
to be close to -(s + λ/2)·step²/12 from s = 3λ on. With λ = 1, a step of 0.01 and a tolerance of
1e-4 bits, s = 3 gives R = 1.0003 and D = 0.28758 where the curve has 1 and 0.28768, and s = 5 gives
1.5854 and 0.18221 where it has 1.5850 and 0.18232. A step above 1/(2s) may even put D below the
lower bound, which bounds the law without a grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from coinfer_ros.core import checks, limits
from coinfer_ros.core.errors import InvalidInput

Floats = NDArray[np.float64]

_SLOPE_HIGH = 1e6  # of λ: 19 bits
_POINTS_MAX = 1_000_000
_END_MAX = 100.0  # of 1/λ: what is left beyond it is 1e-44


class CurvePoint(NamedTuple):
    """A rate and the distortion that it costs.

    :param rate_bits: R, bits.
    :param distortion: D, weight units.
    """

    rate_bits: float
    distortion: float


def blahut_arimoto(
    slope: float,
    *,
    weight_rate: float = 1.0,
    step: float,
    end: float,
    tolerance: float = 1e-4,
    iterations: int = 20_000,
) -> CurvePoint:
    """Return the point of R(D), arXiv 2602.13052, eq. (18), where the curve falls by this slope.

    The pair is reached by a channel from the grid to itself, and no channel of that distortion has
    a rate lower by more than ``tolerance``. The gap of these bounds falls as 0.5 bits over the
    number of iterations.

    :param slope: s = -dR/dD in nats/weight unit, above λ, where the rate is 0, up to 10^6 λ.
    :param weight_rate: λ in 1/weight unit.
    :param step: distance of two points of the grid, weight units; well below 1/s.
    :param end: last point of the grid (what is no whole number of steps is cut off), weight units,
        up to 100/λ and 10^6 steps; 14/λ leaves 1e-6 of the weights out.
    :param tolerance: greatest gap of the bounds, bits.
    :param iterations: most that are spent.
    :raises InvalidInput: when an argument is out of range, or the iterations do not suffice.

    >>> point = blahut_arimoto(3.0, step=0.05, end=14.0, tolerance=1e-3)
    >>> round(point.rate_bits, 2), round(point.distortion, 2)
    (1.0, 0.29)
    """
    scale = 1.0 / limits.WEIGHT_RATE.check("weight_rate", weight_rate)
    relative = scale * checks.number("slope", slope, above=weight_rate, high=_SLOPE_HIGH / scale)
    checks.number("step", step, above=0.0, unit="weight units")
    checks.number("end", end, low=step, high=min(step * _POINTS_MAX, _END_MAX * scale))
    checks.number("tolerance", tolerance, above=0.0, unit="bits")
    checks.whole("iterations", iterations, low=1, high=1_000_000_000)
    # Without the small number, a rounding of the quotient would decide whether ``end`` is a point.
    points = int(end / step + 1e-9) + 1
    grid = np.arange(points) * (step / scale)  # (P,) in units of the mean magnitude
    source = np.exp(-grid)
    source /= source.sum()
    kernel = _Kernel(relative, step / scale)
    output, rate_bits = _alternate(source, kernel, tolerance, iterations)
    distortion = _mean(source, kernel.distance(output) / kernel(output))
    return CurvePoint(rate_bits - relative * distortion / math.log(2.0), distortion * scale)


def curve(
    slopes: Iterable[float], *, weight_rate: float = 1.0, step: float, end: float
) -> tuple[Floats, Floats]:
    """Return R(D) at S slopes.

    :param slopes: as :func:`blahut_arimoto` takes them.
    :param weight_rate: λ in 1/weight unit.
    :param step: distance of two points of the grid, weight units.
    :param end: last point of the grid, weight units.
    :returns: rates (S,), bits, and distortions (S,), weight units.
    :raises InvalidInput: when an argument is out of range.
    """
    points = [
        blahut_arimoto(slope, weight_rate=weight_rate, step=step, end=end) for slope in slopes
    ]
    rates_bits, distortions = np.array(points, np.float64).reshape(-1, 2).T
    return rates_bits, distortions


def _alternate(
    source: Floats, kernel: _Kernel, tolerance: float, iterations: int
) -> tuple[Floats, float]:
    """Return the output law (P,) and R + s·D in bits, an upper bound within the tolerance."""
    output, gap_nats = source, math.inf
    for _ in range(iterations):
        normaliser = kernel(output)
        factor = kernel(source / normaliser)  # above 1 where the output should have more mass
        spent = _mean(output, factor * np.log(factor))
        gap_nats = math.log(factor.max()) - spent
        if gap_nats <= tolerance * math.log(2.0):
            return output, -(_mean(source, np.log(normaliser)) + spent) / math.log(2.0)
        output = output * factor
    raise InvalidInput(
        f"iterations must suffice for a gap of {tolerance:g} bits, got {iterations} with a gap of "
        f"{gap_nats / math.log(2.0):.2g} bits"
    )


def _mean(masses: Floats, values: Floats) -> float:
    # Not masses @ values: BLAS has its threads meet for it, ten times as long on a busy machine.
    return float((masses * values).sum())


class _Kernel:
    """Sums over a grid of exp(-s|x - y|), and of |x - y| exp(-s|x - y|)."""

    def __init__(self, slope: float, step: float) -> None:
        self._decay, self._step = math.exp(-slope * step), step

    def __call__(self, values: Floats) -> Floats:
        """Return Σ exp(-s|x - y|) v(y)."""
        return self._decayed(values) + self._decayed(values[::-1])[::-1] - values

    def distance(self, values: Floats) -> Floats:
        """Return Σ |x - y| exp(-s|x - y|) v(y), in units of the grid's."""
        return self._weighted(values) + self._weighted(values[::-1])[::-1]

    def _decayed(self, values: Floats) -> Floats:
        """Return Σ a^k v(j - k) over k of at least 0: in z, 1 / (1 - a/z)."""
        return cast("Floats", signal.lfilter([1.0], [1.0, -self._decay], values))

    def _weighted(self, values: Floats) -> Floats:
        """Return Σ k step a^k v(j - k): in z, step (a/z) / (1 - a/z)²."""
        once = self._decayed(values)
        moved = [0.0, self._step * self._decay]
        return cast("Floats", signal.lfilter(moved, [1.0, -self._decay], once))
