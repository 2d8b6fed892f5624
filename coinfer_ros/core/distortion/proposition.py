# SPDX-License-Identifier: Apache-2.0
"""Proposition III.1 of arXiv 2602.13052: a network's output error by its layers' weight errors.

It is about f(x, W) = W^(L) σ(W^(L-1) σ(… W^(1) x)), eq. (10), without biases, and needs all three
of its assumptions:

- ‖x‖₁² ≤ 1: for other inputs the bound grows with ‖x‖₁.
- σ is 1-Lipschitz, eq. (11): GELU has slope 1.13 and exceeds the bound by up to that a layer.
- σ(0) = 0: a sigmoid passes on the error of a layer whose A^(l) is zero.

The bound holds for both 1-norms of a matrix, and is loose by a factor that grows with every layer:
good for a proof, never for an estimate. Products are kept as mantissa and exponent, so that one
over- or underflows only where its value does.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coinfer_ros.core.arrays import Reals, finite, nonnegative
from coinfer_ros.core.errors import InvalidInput


class MatrixNorm(enum.Enum):
    """Which norm ‖W‖₁ of a matrix is meant; the paper does not say."""

    INDUCED = "induced"  # greatest column sum of magnitudes; what maps ‖x‖₁ to ‖Wx‖₁
    ENTRYWISE = "entrywise"  # sum of all magnitudes; never less than the induced norm

    def of(self, matrix: ArrayLike) -> float:
        """Return the norm of a matrix.

        :param matrix: (rows, columns), finite.
        :raises InvalidInput: when it has other axes, none, a NaN or an infinity, or its norm
            overflows.

        >>> MatrixNorm.INDUCED.of([[1, -2], [3, 0]]), MatrixNorm.ENTRYWISE.of([[1, -2], [3, 0]])
        (4.0, 6.0)
        """
        return _norm("matrix", matrix, self)


def layer_coefficients(layer_norms: ArrayLike, budgets: ArrayLike) -> Reals:
    """Return A^(l), what an error in layer l is at most multiplied by on its way to the output.

    A^(l) = Π_{j<l} ‖W^(j)‖₁ · Π_{k>l} (‖W^(k)‖₁ + τ^(k)), arXiv 2602.13052, eq. (14); an empty
    product is 1, one with a factor of 0 is 0. It overflows to inf where the product does.

    :param layer_norms: (L,) ‖W^(l)‖₁ of the original layers, first layer first, at least 0.
    :param budgets: (L,) greatest error norms τ^(l) of eq. (12), in the same norm, at least 0.
    :returns: (L,).
    :raises InvalidInput: when an argument breaks its rule.

    >>> layer_coefficients([2.0, 3.0, 5.0], [0.5, 0.5, 1.0])
    array([21., 12.,  6.])
    """
    before = nonnegative("layer_norms", layer_norms)
    return _value(*_coefficients(before, nonnegative("budgets", budgets, count=before.size)))


def proposition_bound(
    layers: Sequence[ArrayLike],
    errors: ArrayLike,
    *,
    norm: MatrixNorm,
    budgets: ArrayLike | None = None,
) -> float:
    """Bound ‖f(x, W) - f(x, Ŵ)‖₁ by Σ A^(l) ‖W^(l) - Ŵ^(l)‖₁, arXiv 2602.13052, eq. (13).

    It holds for every x with ‖x‖₁ ≤ 1 under the assumptions above.

    :param layers: L matrices W^(l) (rows, columns) that fit each other, first layer first, each of
        finite norm.
    :param errors: (L,) norms of W^(l) - Ŵ^(l) in ``norm``, at least 0.
    :param norm: norm of all matrices.
    :param budgets: (L,) τ^(l) of eq. (12), none below its error; left out, the errors themselves.
    :returns: the bound, in units of the output; inf where it overflows.
    :raises InvalidInput: when an argument breaks its rule.
    """
    if not isinstance(norm, MatrixNorm):
        raise InvalidInput(f"norm must be a MatrixNorm, got {norm!r}")
    matrices = [finite(f"layers[{place}]", layer) for place, layer in enumerate(layers)]
    _check_chain([matrix.shape for matrix in matrices])
    found = nonnegative("errors", errors, count=len(layers))
    allowed = found if budgets is None else nonnegative("budgets", budgets, count=len(layers))
    if (allowed < found).any():
        layer = int(np.argmax(allowed < found))
        raise InvalidInput(
            f"budgets[{layer}] must be at least the error {found[layer]}, got {allowed[layer]}"
        )
    before = np.array([_norm(f"layers[{at}]", one, norm) for at, one in enumerate(matrices)])
    mantissas, exponents = _coefficients(before, allowed)
    of_errors, shifts = np.frexp(found)
    with np.errstate(over="ignore"):
        return float(_value(mantissas * of_errors, exponents + shifts).sum())


def _norm(name: str, matrix: ArrayLike, norm: MatrixNorm) -> float:
    values = finite(name, matrix)
    if values.ndim != 2 or values.size == 0:
        raise InvalidInput(f"{name} must have two axes, none empty, got shape {values.shape}")
    with np.errstate(over="ignore"):
        columns = np.abs(values).sum(axis=0)  # (columns,)
        found = float(columns.max() if norm is MatrixNorm.INDUCED else columns.sum())
    if math.isinf(found):
        raise InvalidInput(f"{name} must have a finite {norm.value} norm, got {found}")
    return found


def _coefficients(before: Reals, budgets: Reals) -> tuple[Reals, NDArray[np.int64]]:
    """Return mantissas (L,), 0 or in [1/4, 1), and exponents (L,) of each A^(l)."""
    with np.errstate(over="ignore"):
        after = before + budgets
    huge = np.isinf(after)
    halves = np.where(huge, 0.5 * before + 0.5 * budgets, after)
    below = list(_products(before[:-1], np.zeros(before.size - 1, bool)))
    above = list(_products(halves[:0:-1], huge[:0:-1]))[::-1]
    return (
        np.array([under * over for (under, _), (over, _) in zip(below, above, strict=True)]),
        np.array([under + over for (_, under), (_, over) in zip(below, above, strict=True)]),
    )


def _products(factors: Reals, doubled: NDArray[np.bool_]) -> Iterator[tuple[float, int]]:
    """Yield mantissa and exponent of the product of no factor, the first, …, all."""
    mantissa, exponent = 1.0, 0
    yield mantissa, exponent
    for factor, twice in zip(factors.tolist(), doubled.tolist(), strict=True):
        part, moved = math.frexp(factor)
        mantissa, carry = math.frexp(mantissa * part)
        exponent += moved + carry + twice
        yield mantissa, exponent


def _value(mantissas: Reals, exponents: NDArray[np.int64]) -> Reals:
    """Return mantissa times 2^exponent (L,), inf where that overflows."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.ldexp(mantissas, exponents))


def _check_chain(shapes: Sequence[tuple[int, ...]]) -> None:
    if not shapes:
        raise InvalidInput("layers must hold at least one matrix, got none")
    good = all(len(shape) == 2 for shape in shapes)
    if not good or any(up[1] != down[0] for down, up in itertools.pairwise(shapes)):
        raise InvalidInput(f"layers must be matrices that fit each other, got shapes {shapes}")
