# SPDX-License-Identifier: Apache-2.0
"""Fits every law to counted magnitudes and ranks them, so that the paper's can be judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coinfer_ros.core import arrays
from coinfer_ros.core.distribution.distance import Distance, distance
from coinfer_ros.core.distribution.laws import (
    Exponential,
    Gamma,
    HalfNormal,
    Law,
    fit_exponential,
    fit_gamma,
    fit_half_normal,
)
from coinfer_ros.core.distribution.moments import Moments
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.magnitudes import Bins, Magnitudes

AnyLaw = TypeVar("AnyLaw", bound=Law)
Law_co = TypeVar("Law_co", bound=Law, covariant=True)


@dataclass(frozen=True)
class Fitted(Generic[Law_co]):
    """A law with its most likely parameters, and how well it fits.

    :param law: the law.
    :param distance: its Kolmogorov-Smirnov distance to the weights that it was fitted to.
    :param log_likelihood_nats: greatest mean of ln(density) over the weights that are not 0 that
        any parameters of the law reach; inf when there are none. Those of ``law`` reach it where no
        weight is 0, or where it leaves zeros out.
    """

    law: Law_co
    distance: Distance
    log_likelihood_nats: float


@dataclass(frozen=True)
class Fit:
    """The laws fitted to the same weights.

    :param count: weights q that went in.
    :param zeros: weights among them that are 0; the gamma law leaves them out.
    :param exponential: the paper's law, arXiv 2602.13052, eq. (3).
    :param half_normal: the magnitudes of a Gaussian.
    :param gamma: a law with one parameter more; None where no gamma law is the most likely.
    """

    count: int
    zeros: int
    exponential: Fitted[Exponential]
    half_normal: Fitted[HalfNormal]
    gamma: Fitted[Gamma] | None

    @property
    def zero_share(self) -> float:
        """Share of the weights that are 0, in [0, 1]."""
        return self.zeros / self.count

    @property
    def laws(self) -> tuple[Fitted[Law], ...]:
        """Every law that there is, best first."""
        found: list[Fitted[Law]] = [self.exponential, self.half_normal]
        if self.gamma is not None:
            found.append(self.gamma)
        return tuple(sorted(found, key=self._score_nats, reverse=True))

    @property
    def best(self) -> Fitted[Law]:
        """The law of the greatest likelihood, less ln(q')/2 for each parameter (Schwarz).

        Without that the gamma law, which holds the exponential, would never be behind it. q' counts
        the weights that are not 0, over which the likelihoods are compared.
        """
        return self.laws[0]

    def _score_nats(self, fitted: Fitted[Law]) -> float:
        nonzero = max(self.count - self.zeros, 1)
        penalty = 0.5 * fitted.law.parameters * math.log(nonzero) / nonzero
        return fitted.log_likelihood_nats - penalty


def fit(magnitudes: Magnitudes) -> Fit:
    """Fit each law by maximum likelihood.

    Weights that are all 0 follow the limit of both laws that take zeros exactly: λ is inf and σ is
    0, their distances are 0, and there is no gamma law.

    :param magnitudes: counted weights, at least one.
    :raises InvalidInput: when none was counted.

    >>> fit(Magnitudes().add([0.5, -0.25, 0.0, 0.25])).exponential.law
    Exponential(rate=4.0, rate_error=2.0)
    """
    count, zeros = magnitudes.count, magnitudes.zeros
    if not count:
        raise InvalidInput("magnitudes must hold at least one weight, got none")
    if zeros == count:
        none, inf = Distance(0.0, 0.0), math.inf
        exponential = Fitted(Exponential(inf, inf), none, inf)
        return Fit(count, zeros, exponential, Fitted(HalfNormal(0.0, 0.0), none, inf), None)
    moments, bins = Moments.of(magnitudes), magnitudes.bins()
    gamma = fit_gamma(moments)
    return Fit(
        count,
        zeros,
        _judge(fit_exponential, moments, bins),
        _judge(fit_half_normal, moments, bins),
        None if gamma is None else _judge_gamma(gamma, moments, bins),
    )


def density(magnitudes: Magnitudes, edges: ArrayLike) -> NDArray[np.float64]:
    """Return the share of the weights in each cell over its width, as a histogram shows it.

    A bin that an edge cuts goes to the cell of its middle: an edge is off by 2^-11 of itself at
    most, and by nothing for weights of 16 bits. The last cell holds its upper edge.

    :param magnitudes: counted weights, at least one.
    :param edges: (C + 1,) rising edges of the cells, weight units.
    :returns: (C,) densities, 1/weight unit.
    :raises InvalidInput: when none was counted, or the edges are not finite and rising.
    """
    if not magnitudes.count:
        raise InvalidInput("magnitudes must hold at least one weight, got none")
    cells = arrays.reals("edges", edges)
    if (
        cells.ndim != 1
        or cells.size < 2
        or not np.isfinite(cells).all()
        or (np.diff(cells) <= 0).any()
    ):
        raise InvalidInput(f"edges must be two finite rising numbers or more, got {edges!r:.80}")
    bins = magnitudes.bins()
    middles = 0.5 * (bins.least + bins.greatest)
    counts, _ = np.histogram(middles, bins=cells, weights=bins.counts)
    return counts / (magnitudes.count * np.diff(cells))


def _judge(likeliest: Callable[[Moments], AnyLaw], moments: Moments, bins: Bins) -> Fitted[AnyLaw]:
    law, alone = likeliest(moments), likeliest(moments.without_zeros())
    return Fitted(law, distance(bins, law.cumulative), alone.mean_log_density(moments))


def _judge_gamma(law: Gamma, moments: Moments, bins: Bins) -> Fitted[Gamma]:
    held = bins.greatest > 0
    nonzero = Bins(bins.least[held], bins.greatest[held], bins.counts[held])
    return Fitted(law, distance(nonzero, law.cumulative), law.mean_log_density(moments))
