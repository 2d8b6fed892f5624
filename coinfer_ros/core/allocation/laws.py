# SPDX-License-Identifier: Apache-2.0
"""Fills an allocation's tables by law: distortion from λ_l and H_l, cost from sizes or FLOP."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from coinfer_ros.core import arrays, checks, limits, rate_distortion
from coinfer_ros.core.arrays import Reals
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.widths import check_widths

Curve = Callable[[Reals, float], Reals]


def law_table(
    *,
    sizes: ArrayLike,
    steepness: ArrayLike,
    weight_rates: ArrayLike,
    widths: Sequence[int],
    curve: Curve = rate_distortion.scalar_optimal,
) -> Reals:
    """Return q_l·H_l·D(b - 1), how far layer l moves the output at b bits by arXiv 2602.13052.

    D is the mean error of one weight, eq. (24) or (26) or what docs/theory.md has in their place,
    q_l times it the layer's L1 error, eq. (15), and H_l times that its output error, eq. (17).

    :param sizes: (L,) weights q_l, above 0.
    :param steepness: (L,) H_l at least 0, units of the output for each weight unit.
    :param weight_rates: (L,) λ_l in [1e-30, 1e30], 1/weight unit.
    :param widths: (B,) bit-widths, rising, in [1, 32]; the rate is one bit less.
    :param curve: D of rates (B,) in bits and λ, one of ``rate_distortion``; ``exact`` is what the
        best code reaches, ``scalar_optimal`` what a table of values reaches.
    :returns: (L, B), units of the output; 0 where H_l is 0, be D inf: no error moves the output.
    :raises InvalidInput: when an argument breaks its rule, or an entry overflows.
    """
    rates = np.array(check_widths(widths), np.float64) - 1.0
    q = arrays.positive("sizes", sizes)
    h = arrays.nonnegative("steepness", steepness, count=q.size)
    lambdas = check_rates(weight_rates, q.size)
    means = np.stack([curve(rates, rate) for rate in lambdas.tolist()])  # (L, B)
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.where(h[:, None] > 0.0, (q * h)[:, None] * means, 0.0)
    if (np.isinf(found) & np.isfinite(means)).any():
        raise InvalidInput("sizes times steepness over weight_rates must be finite, got inf")
    return found


def bit_costs(sizes: ArrayLike, widths: Sequence[int], *, fixed_bits: ArrayLike = 0.0) -> Reals:
    """Return the stored bits q_l·b + fixed; a budget of a bits a weight is a·Σ q_l of them.

    :param sizes: (L,) weights q_l, above 0.
    :param widths: (B,) bit-widths, rising, in [1, 32].
    :param fixed_bits: (L,) or one number for all: bits of the layer's scales, at least 0.
    :returns: (L, B), bits.
    :raises InvalidInput: when an argument breaks its rule.

    >>> bit_costs([100, 200], widths=(4, 8), fixed_bits=32)
    array([[ 432.,  832.],
           [ 832., 1632.]])
    """
    q = arrays.positive("sizes", sizes)
    each = np.full(q.shape, fixed_bits) if np.ndim(fixed_bits) == 0 else fixed_bits
    fixed = arrays.nonnegative("fixed_bits", each, count=q.size)
    return np.asarray(q[:, None] * np.array(check_widths(widths), np.float64) + fixed[:, None])


def delay_costs_s(
    flop: ArrayLike,
    widths: Sequence[int],
    *,
    weight_bits: int,
    clock_hz: float,
    flop_per_cycle: float,
) -> Reals:
    """Return b·N_l/(b0·f·c), arXiv 2602.13052, eq. (4) for each layer.

    :param flop: (L,) FLOP N_l of each layer at its original width, above 0.
    :param widths: (B,) bit-widths, rising, in [1, 32].
    :param weight_bits: original bits b0 a weight, in [1, 64].
    :param clock_hz: f, Hz.
    :param flop_per_cycle: c, FLOP/cycle.
    :returns: (L, B), s.
    :raises InvalidInput: when an argument breaks its rule.

    >>> delay_costs_s([64e9], (8, 16), weight_bits=16, clock_hz=2e9, flop_per_cycle=32)
    array([[0.5, 1. ]])
    """
    checks.whole("weight_bits", weight_bits, low=1, high=limits.WEIGHT_BITS_MAX)
    pace = limits.CLOCK_HZ.check("clock_hz", clock_hz) * limits.FLOP_PER_CYCLE.check(
        "flop_per_cycle", flop_per_cycle
    )
    shares = np.array(check_widths(widths), np.float64) / weight_bits  # (B,)
    return np.asarray(arrays.positive("flop", flop)[:, None] / pace * shares)


def check_rates(weight_rates: ArrayLike, count: int) -> Reals:
    """Return the λ_l of all layers when each is in [1e-30, 1e30].

    :param weight_rates: (L,) λ_l, 1/weight unit.
    :param count: L.
    :raises InvalidInput: otherwise.
    """
    found = arrays.positive("weight_rates", weight_rates, count=count)
    for place, rate in enumerate(found.tolist()):
        limits.WEIGHT_RATE.check(f"weight_rates[{place}]", rate)
    return found
