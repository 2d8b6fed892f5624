# SPDX-License-Identifier: Apache-2.0
"""The laws that a row's magnitudes may follow, and the nested cells that are best for each.

Magnitudes x fall off as ``exp(-2ax)`` up to a joint j, and from there as ``1/x²`` to the row's end
at 1: a body, and a tail of the few that are far larger. Cells lie best as dense as the square root
of the law (docs/theory.md, 2): ``A·exp(-ax)``, then ``B/x``, a given share of them in the tail and
no step at the joint. Both integrate in closed form, so cells and their medians need no search.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks

Reals = NDArray[np.float64]

BITS_LOW, BITS_HIGH = 2, 8

# a·(row's end); the first is as good as a uniform law. 256 is an end at 512 means of the body.
RATES = (1 / 64, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256)
TAILS = (0.0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 3 / 4)  # share of the cells
COUNT = len(RATES) * len(TAILS)


def width(bits: int) -> int:
    """Return ``bits`` when it is a whole number in [2, 8].

    :raises InvalidInput: otherwise.
    """
    return checks.whole("bits", bits, low=BITS_LOW, high=BITS_HIGH)


@functools.cache
def values(bits: int) -> Reals:
    """Return what each law's cells come back as, over the row's greatest magnitude.

    :param bits: bit-width in [2, 8].
    :returns: (laws, 2^(b-1)); at 8 bits the last is 1: the greatest magnitude itself.
    :raises InvalidInput: when ``bits`` breaks its rule.

    >>> values(2)[0].round(2).tolist()
    [0.25, 0.75]
    """
    return medians(width(bits)) / medians(BITS_HIGH)[:, -1:]


@dataclass(frozen=True)
class _Densities:
    """Every law's cells a unit, A·exp(-ax) below the joint and B/x above; each (laws, 1).

    :param rate: a.
    :param tail: share of the cells above the joint.
    """

    rate: Reals
    tail: Reals
    joint: Reals
    a: Reals
    b: Reals


@functools.cache
def _densities() -> _Densities:
    rate, tail = np.array(list(itertools.product(RATES, TAILS))).T[:, :, None]
    joint = _joint(rate, tail)
    return _Densities(
        rate=rate,
        tail=tail,
        joint=joint,
        a=(1.0 - tail) * rate / -np.expm1(-rate * joint),
        b=_over(tail, -np.log(joint)),
    )


def magnitude_at(share: Reals) -> Reals:
    """Return the magnitudes that these shares of the cells lie below, over the row's end.

    :param share: (n,), in [0, 1).
    :returns: (laws, n).
    """
    laws = _densities()
    body = np.minimum(share, 1.0 - laws.tail)
    folds = _over(share - body, np.broadcast_to(laws.b, body.shape))
    below = -np.log1p(-body * laws.rate / laws.a) / laws.rate
    return np.where(folds > 0, laws.joint * np.exp(folds), below)


def medians(bits: int) -> Reals:
    """Return the medians of the laws' 2^(b-1) cells, (laws, cells)."""
    laws = _densities()
    share = np.linspace(0.0, 1.0, 2 ** (bits - 1) + 1)
    body = np.minimum(share, 1.0 - laws.tail)
    folds = _over(share - body, np.broadcast_to(laws.b, body.shape))
    # The law's mass is the integral of the squared density: up to a share, then to half a cell.
    inner = laws.a * body - laws.rate * body**2 / 2
    mass = inner - laws.b**2 * np.expm1(-folds) / laws.joint
    half = (mass[:, 1:] + mass[:, :-1]) / 2
    inner = np.minimum(half, inner[:, -1:])
    outer = _over(half - inner, np.broadcast_to(laws.b**2, half.shape))
    below = -np.log1p(-2.0 * laws.rate * inner / laws.a**2) / (2.0 * laws.rate)
    return np.where(outer > 0, laws.joint / (1.0 - outer * laws.joint), below)


def _over(numerator: Reals, denominator: Reals) -> Reals:
    """Return the quotient, 0 where there is no tail and both are 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _joint(rate: Reals, tail: Reals) -> Reals:
    """Return where body and tail are equally dense, 1 without a tail.

    That is (1-ε)·t/(e^t - 1)·ln(1/j) = ε with t = aj; the left side falls with j from ∞ to 0.
    """
    low, high = np.full_like(rate, -40.0), np.zeros_like(rate)  # of ln j
    for _ in range(60):
        middle = (low + high) / 2
        t = rate * np.exp(middle)
        denser = (1.0 - tail) * t / np.expm1(t) * -middle > tail
        low, high = np.where(denser, middle, low), np.where(denser, high, middle)
    joint: Reals = np.exp(high)
    return joint
