# SPDX-License-Identifier: Apache-2.0
"""Proposition III.1 holds for random networks, is attained, and fails where an assumption does."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core.distortion import (
    MatrixNorm,
    layer_coefficients,
    proposition_bound,
)
from coinfer_ros.core.errors import InvalidInput

ACTIVATIONS = {
    "relu": lambda z: np.maximum(z, 0.0),
    "leaky relu": lambda z: np.where(z > 0.0, z, 0.01 * z),
    "tanh": np.tanh,
}
NORMS = list(MatrixNorm)


def forward(layers, x, activation):
    """f(x, W) of eq. (10)."""
    for layer in layers[:-1]:
        x = activation(layer @ x)
    return layers[-1] @ x


def max_abs_uniform(matrix, bits):
    """Round to 2^(b-1) - 1 levels a side, one scale for all."""
    top, scale = 2 ** (bits - 1) - 1, np.abs(matrix).max()
    return np.rint(matrix * top / scale) * scale / top


def laplace_net(rng, sizes):
    """Layers whose weights are Laplace with He's variance 2/fan-in, so with scale 1/√fan-in."""
    return [
        rng.laplace(scale=fan_in**-0.5, size=(fan_out, fan_in))
        for fan_in, fan_out in itertools.pairwise(sizes)
    ]


def error_norms(layers, quantized, norm):
    return [norm.of(a - b) for a, b in zip(layers, quantized, strict=True)]


@settings(max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 12), min_size=2, max_size=6),
    st.integers(2, 8),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.sampled_from(NORMS),
    st.floats(0.0, 1.0),
)
def test_the_output_moves_by_no_more_than_the_bound(
    seed: int, sizes: list[int], bits: int, name: str, norm: MatrixNorm, length: float
) -> None:
    rng = np.random.default_rng(seed)
    layers = laplace_net(rng, sizes)
    quantized = [max_abs_uniform(layer, bits) for layer in layers]
    x = rng.laplace(size=sizes[0])
    x *= length / np.abs(x).sum() * (1.0 - 1e-15)
    moved = forward(layers, x, ACTIVATIONS[name]) - forward(quantized, x, ACTIVATIONS[name])
    bound = proposition_bound(layers, error_norms(layers, quantized, norm), norm=norm)
    # Roundings: one a multiplication and addition, each relative to terms that ‖W‖₁ bounds.
    rounding = 64 * 2.0**-53 * math.prod(1.0 + norm.of(layer) for layer in layers)
    assert np.abs(x).sum() <= 1.0
    assert np.abs(moved).sum() <= bound + rounding


@pytest.mark.parametrize("norm", NORMS)
def test_one_layer_attains_it_at_the_column_of_the_largest_error(norm: MatrixNorm) -> None:
    matrix = np.array([[0.0, 5.0], [0.0, -2.0]])
    quantized = np.array([[0.0, 4.5], [0.0, -1.0]])
    moved = np.abs((matrix - quantized) @ [0.0, 1.0]).sum()
    bound = proposition_bound([matrix], error_norms([matrix], [quantized], norm), norm=norm)
    assert bound == moved == 1.5


@pytest.mark.parametrize("norm", NORMS)
def test_three_layers_of_one_weight_attain_it(norm: MatrixNorm) -> None:
    layers, quantized = ([np.array([[w]]) for w in ws] for ws in ((2.0, 3.0, 5.0), (2.5, 3.25, 6)))
    relu = ACTIVATIONS["relu"]
    moved = (forward(quantized, np.ones(1), relu) - forward(layers, np.ones(1), relu))[0]
    assert moved == 2.5 * 3.25 * 6.0 - 2.0 * 3.0 * 5.0
    assert proposition_bound(layers, error_norms(layers, quantized, norm), norm=norm) == moved


@pytest.mark.parametrize("norm", NORMS)
def test_the_coefficients_are_the_products_that_the_paper_writes(norm: MatrixNorm) -> None:
    layers = laplace_net(np.random.default_rng(1), (3, 4, 5, 2))
    norms, budgets = [norm.of(layer) for layer in layers], [0.5, 0.25, 0.125]
    expected = [
        (norms[1] + budgets[1]) * (norms[2] + budgets[2]),
        norms[0] * (norms[2] + budgets[2]),
        norms[0] * norms[1],
    ]
    np.testing.assert_allclose(layer_coefficients(norms, budgets), expected, rtol=8 * 2.0**-53)


def test_budgets_above_the_errors_loosen_it() -> None:
    layers = [np.full((2, 2), 0.5)] * 2
    tight = proposition_bound(layers, [0.1, 0.1], norm=MatrixNorm.INDUCED)
    loose = proposition_bound(layers, [0.1, 0.1], norm=MatrixNorm.INDUCED, budgets=[0.5, 0.5])
    assert tight == pytest.approx(1.1 * 0.1 + 0.1, rel=1e-15)
    assert loose == pytest.approx(1.5 * 0.1 + 0.1, rel=1e-15)


def test_at_64_32_16_it_is_loose_by_a_hundred_and_by_a_hundred_thousand() -> None:
    rng = np.random.default_rng(0)
    looseness = {norm: [] for norm in NORMS}
    for _ in range(20):
        layers = laplace_net(rng, (64, 32, 16))
        quantized = [max_abs_uniform(layer, 8) for layer in layers]
        x = rng.standard_normal(64)
        x /= np.abs(x).sum()
        relu = ACTIVATIONS["relu"]
        moved = np.abs(forward(layers, x, relu) - forward(quantized, x, relu)).sum()
        for norm in NORMS:
            bound = proposition_bound(layers, error_norms(layers, quantized, norm), norm=norm)
            looseness[norm].append(bound / moved)
    # The figures of one such network, computed apart, are 1.4e2 and 1.5e5: the same decade.
    for norm, figure in ((MatrixNorm.INDUCED, 1.4e2), (MatrixNorm.ENTRYWISE, 1.5e5)):
        assert abs(math.log10(np.median(looseness[norm]) / figure)) < 0.5


def broken(layers, quantized, x, activation) -> bool:
    moved = np.abs(forward(layers, x, activation) - forward(quantized, x, activation)).sum()
    bounds = [
        proposition_bound(layers, error_norms(layers, quantized, norm), norm=norm) for norm in NORMS
    ]
    return moved > max(bounds) * (1.0 + 1e-6)


def gelu(z):
    return np.array([v * 0.5 * (1.0 + math.erf(v / math.sqrt(2.0))) for v in z])


def test_each_assumption_is_needed() -> None:
    # GELU is steepest at √2, with slope 1.13.
    steep = [np.array([[math.sqrt(2.0)]]), np.ones((1, 1))]
    assert broken(steep, [steep[0] + 1e-3, steep[1]], np.ones(1), gelu)
    assert not broken(steep, [steep[0] + 1e-3, steep[1]], np.ones(1), np.tanh)
    # A sigmoid is 1/2 at 0, so that a layer fed by zero weights still passes on its error.
    fed_by_nothing = [np.zeros((1, 1)), np.ones((1, 1))]
    quantized = [fed_by_nothing[0], fed_by_nothing[1] + 1e-3]
    assert broken(fed_by_nothing, quantized, np.ones(1), lambda z: 1.0 / (1.0 + np.exp(-z)))
    # Twice the input, twice the movement.
    line = [np.ones((1, 1))]
    assert broken(line, [line[0] + 1e-3], np.full(1, 2.0), np.tanh)


def test_a_product_that_overflows_bounds_by_infinity_and_a_zero_factor_by_nothing() -> None:
    huge = [np.full((1, 1), 1e200)] * 3
    assert proposition_bound(huge, [0.0, 1.0, 0.0], norm=MatrixNorm.INDUCED) == math.inf
    assert proposition_bound(huge, [0.0, 0.0, 0.0], norm=MatrixNorm.INDUCED) == 0.0
    assert layer_coefficients([0.0, 1e200, 1e200, 1e200], np.zeros(4)).tolist()[-1] == 0.0


def test_a_product_neither_over_nor_underflows_on_its_way() -> None:
    extreme = [1e-200, 1e-200, 1.0, 1e200, 1e200]
    expected = [1e200, 1e200, 1.0, 1e-200, 1e-200]
    for norms in (extreme, extreme[::-1]):
        order = 1 if norms is extreme else -1
        found = layer_coefficients(norms, np.zeros(5))
        np.testing.assert_allclose(found, expected[::order], rtol=8 * 2.0**-53)
    layers = [np.full((1, 1), norm) for norm in extreme]
    assert proposition_bound(layers, [0, 0, 0.5, 0, 0], norm=MatrixNorm.INDUCED) == pytest.approx(
        0.5, rel=8 * 2.0**-53
    )


def test_a_coefficient_that_overflows_times_a_tiny_error_need_not() -> None:
    layers, errors = [np.full((1, 1), 1e200)] * 3, [1e-300, 0.0, 0.0]
    assert layer_coefficients([1e200] * 3, errors)[0] == math.inf
    bound = proposition_bound(layers, errors, norm=MatrixNorm.INDUCED)
    assert bound == pytest.approx(1e100, rel=8 * 2.0**-53)


def test_a_norm_and_a_budget_whose_sum_overflows_are_still_two_factors() -> None:
    found = layer_coefficients([1.0, 1e308, 1e-200], [0.0, 1e308, 0.0])
    assert found[0] == pytest.approx(1e308 * 1e-200 * 2.0, rel=8 * 2.0**-53)
    assert layer_coefficients([1.0, 1e308, 0.0], [0.0, 1e308, 0.0])[0] == 0.0
    assert layer_coefficients([1.0, 5e-324, 1e300], np.zeros(3))[0] == 5e-324 * 1e300


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
def test_the_induced_norm_is_the_most_that_a_vector_grows(seed: int, rows: int, columns: int):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((rows, columns))
    induced, entrywise = (norm.of(matrix) for norm in NORMS)
    unit = np.eye(columns)
    assert induced == max(np.abs(matrix @ e).sum() for e in unit)
    assert induced <= entrywise <= columns * induced * (1.0 + columns * 2.0**-52)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), "layers must hold at least one matrix, got none"),
        (([np.ones((2, 3)), np.ones((2, 3))], [1, 1]), r"layers must be matrices that fit each"),
        (([np.ones(3)], [1.0]), r"layers must be matrices that fit each other, got shapes"),
        (([np.ones((1, 1))], [1.0, 2.0]), r"errors must be a list of 1, got shape \(2,\)"),
        (([np.ones((1, 1))], [-1.0]), r"errors\[0\] must be at least 0, got -1.0"),
        (([np.full((1, 1), math.nan)], [1.0]), r"layers\[0\] must be finite real numbers, got nan"),
        (([np.ones((0, 1))], [1.0]), r"layers\[0\] must have two axes, none empty"),
        (([[[1], [2, 3]]], [1.0]), r"layers\[0\] must be real numbers, got lists of unequal"),
        (([[[1e308], [1e308]]], [1.0]), r"layers\[0\] must have a finite induced norm, got inf"),
    ],
)
def test_what_is_no_network_is_refused(arguments, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        proposition_bound(*arguments, norm=MatrixNorm.INDUCED)


def test_a_norm_by_its_name_alone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="norm must be a MatrixNorm, got 'induced'"):
        proposition_bound([np.ones((1, 1))], [0.1], norm="induced")


def test_a_matrix_of_no_finite_norm_is_refused() -> None:
    with pytest.raises(InvalidInput, match="matrix must have a finite entrywise norm, got inf"):
        MatrixNorm.ENTRYWISE.of([[1e308, 1e308]])


def test_a_budget_below_its_error_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"budgets\[1\] must be at least the error 0.5, got 0.4"):
        proposition_bound(
            [np.ones((1, 1))] * 2, [0.1, 0.5], norm=MatrixNorm.INDUCED, budgets=[0.1, 0.4]
        )
