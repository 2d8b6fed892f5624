# SPDX-License-Identifier: Apache-2.0
"""Proposition III.1 of arXiv 2602.13052: a network's output error by its layers' weight errors.

It is about f(x, W) = W^(L) σ(W^(L-1) σ(… W^(1) x)), eq. (10), without biases, and needs all three
of its assumptions:

- ‖x‖₁² ≤ 1: for other inputs the bound grows with ‖x‖₁; ``check_normalized`` refuses them.
- σ is 1-Lipschitz, eq. (11): GELU has slope 1.13 and exceeds the bound by up to that a layer.
- σ(0) = 0: a sigmoid passes on the error of a layer whose A^(l) is zero.

The bound holds for both 1-norms of a matrix, and is loose by a factor that grows with every layer:
good for a proof, never for an estimate.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from coinfer_ros.core.distortion.arrays import Reals, finite, norms
from coinfer_ros.core.errors import InvalidInput


class MatrixNorm(enum.Enum):
    """Which norm ‖W‖₁ of a matrix is meant; the paper does not say."""

    INDUCED = "induced"  # greatest column sum of magnitudes; what maps ‖x‖₁ to ‖Wx‖₁
    ENTRYWISE = "entrywise"  # sum of all magnitudes; never less than the induced norm

    def of(self, matrix: ArrayLike) -> float:
        """Return the norm of a matrix.

        :param matrix: (rows, columns), finite.
        :raises InvalidInput: when it has other axes, none, or a NaN or an infinity.

        >>> MatrixNorm.INDUCED.of([[1, -2], [3, 0]]), MatrixNorm.ENTRYWISE.of([[1, -2], [3, 0]])
        (4.0, 6.0)
        """
        values = finite("matrix", matrix)
        if values.ndim != 2 or values.size == 0:
            raise InvalidInput(f"matrix must have two axes, none empty, got shape {values.shape}")
        columns = np.abs(values).sum(axis=0)  # (columns,)
        return float(columns.max() if self is MatrixNorm.INDUCED else columns.sum())


def layer_coefficients(layer_norms: ArrayLike, budgets: ArrayLike) -> Reals:
    """Return A^(l), what an error in layer l is at most multiplied by on its way to the output.

    A^(l) = Π_{j<l} ‖W^(j)‖₁ · Π_{k>l} (‖W^(k)‖₁ + τ^(k)), arXiv 2602.13052, eq. (14); an empty
    product is 1. It overflows to inf where the product does.

    :param layer_norms: (L,) ‖W^(l)‖₁ of the original layers, first layer first, at least 0.
    :param budgets: (L,) greatest error norms τ^(l) of eq. (12), in the same norm, at least 0.
    :returns: (L,).
    :raises InvalidInput: when an argument breaks its rule.

    >>> layer_coefficients([2.0, 3.0, 5.0], [0.5, 0.5, 1.0])
    array([21., 12.,  6.])
    """
    before = norms("layer_norms", layer_norms)
    after = before + norms("budgets", budgets, before.size)
    with np.errstate(over="ignore", invalid="ignore"):
        below = np.cumprod(np.append(1.0, before[:-1]))  # (L,) layers under each
        above = np.cumprod(np.append(1.0, after[:0:-1]))[::-1]  # (L,) layers over each
        found = below * above
    return np.where(np.isnan(found), 0.0, found)  # where a zero met an overflow


def proposition_bound(
    layers: Sequence[ArrayLike],
    errors: ArrayLike,
    *,
    norm: MatrixNorm,
    budgets: ArrayLike | None = None,
) -> float:
    """Bound ‖f(x, W) - f(x, Ŵ)‖₁ by Σ A^(l) ‖W^(l) - Ŵ^(l)‖₁, arXiv 2602.13052, eq. (13).

    It holds for every x with ‖x‖₁ ≤ 1 under the assumptions above.

    :param layers: L matrices W^(l) (rows, columns) that fit each other, first layer first.
    :param errors: (L,) norms of W^(l) - Ŵ^(l) in ``norm``, at least 0.
    :param norm: norm of all matrices.
    :param budgets: (L,) τ^(l) of eq. (12), none below its error; left out, the errors themselves.
    :returns: the bound, in units of the output; inf where it overflows.
    :raises InvalidInput: when an argument breaks its rule.
    """
    _check_chain(layers)
    found = norms("errors", errors, len(layers))
    allowed = found if budgets is None else norms("budgets", budgets, len(layers))
    if (allowed < found).any():
        layer = int(np.argmax(allowed < found))
        raise InvalidInput(
            f"budgets[{layer}] must be at least the error {found[layer]}, got {allowed[layer]}"
        )
    factors = layer_coefficients([norm.of(layer) for layer in layers], allowed)
    with np.errstate(over="ignore"):  # where an error is 0 its factor, be it inf, adds nothing
        return float(np.multiply(factors, found, out=np.zeros_like(found), where=found > 0).sum())


def check_normalized(inputs: ArrayLike) -> Reals:
    """Return inputs that Proposition III.1 speaks about: ‖x‖₁² ≤ 1, arXiv 2602.13052, Sec. III.

    :param inputs: (..., N) vectors x, finite.
    :returns: the same as float64.
    :raises InvalidInput: when one is longer, or not finite.

    >>> check_normalized([0.5, -0.75])
    Traceback (most recent call last):
    ...
    coinfer_ros.core.errors.InvalidInput: inputs must have ‖x‖₁² of at most 1, got 1.5625
    """
    values = np.atleast_1d(finite("inputs", inputs))
    greatest = float(np.abs(values).sum(axis=-1).max(initial=0.0)) ** 2
    if greatest > 1.0:
        raise InvalidInput(f"inputs must have ‖x‖₁² of at most 1, got {greatest}")
    return values


def _check_chain(layers: Sequence[ArrayLike]) -> None:
    shapes = [np.shape(layer) for layer in layers]
    if not shapes:
        raise InvalidInput("layers must hold at least one matrix, got none")
    good = all(len(shape) == 2 for shape in shapes)
    if not good or any(up[1] != down[0] for down, up in itertools.pairwise(shapes)):
        raise InvalidInput(f"layers must be matrices that fit each other, got shapes {shapes}")
