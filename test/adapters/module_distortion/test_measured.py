# SPDX-License-Identifier: Apache-2.0
"""What is measured of a module's output is what closed forms say, for one layer and for many."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from coinfer_ros.adapters.module_distortion import (
    measure,
    output_distortion,
    quantizable,
    sensitivities,
)
from coinfer_ros.core.distortion import empirical_constant, gradient_bound
from coinfer_ros.core.distribution import fit_rate
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import PerChannel

PER_ROW = {"granularity": PerChannel()}


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)
    ).eval()


def some_inputs(count: int = 4) -> list[torch.Tensor]:
    return list(torch.randn(count, 6, generator=torch.Generator().manual_seed(1)))


def test_one_linear_layer_moves_by_its_weights_error_at_a_unit_input() -> None:
    module = nn.Linear(2, 2, bias=False).eval()
    module.weight.data = torch.tensor([[1.0, 0.3], [-1.0, 0.2]])
    # At 2 bits each row holds -1, 0 and 1 of its greatest weight: the second column goes to 0.
    found = output_distortion(
        module, module, [torch.tensor([0.0, 1.0])], 2, quantizer="uniform", **PER_ROW
    )
    moved = float(np.float32(0.3)) + float(np.float32(0.2))
    assert found.output.tolist() == found.reference.tolist() == pytest.approx([moved])
    assert found.parameter.total == pytest.approx(moved)
    assert (found.mean, found.relative) == (pytest.approx(moved), 1.0)


def test_every_quantizer_and_width_is_measured_in_order() -> None:
    module, inputs = network(), some_inputs()
    found = measure(
        module, module, inputs, quantizers=("exponential", "uniform"), widths=(3, 8), **PER_ROW
    )
    assert [(one.quantizer, one.bits) for one in found] == [
        ("exponential", 3),
        ("exponential", 8),
        ("uniform", 3),
        ("uniform", 8),
    ]
    for one in found:
        alone = output_distortion(
            module, module, inputs, one.bits, quantizer=one.quantizer, **PER_ROW
        )
        assert np.array_equal(alone.output, one.distortion.output)
        assert alone.parameter == one.distortion.parameter
    for coarse, fine in (found[:2], found[2:]):
        assert fine.distortion.parameter.total < coarse.distortion.parameter.total
        assert fine.distortion.mean < coarse.distortion.mean


def test_the_empirical_constant_of_the_curves_bounds_all_of_them() -> None:
    module, inputs = network(), some_inputs()
    found = measure(module, module, inputs, quantizers=("uniform",), widths=range(2, 9), **PER_ROW)
    outputs = np.stack([one.distortion.output for one in found], axis=1)  # (N, B)
    constant = empirical_constant(outputs, [one.distortion.parameter.total for one in found])
    for one in found:
        bound = gradient_bound(constant, one.distortion.parameter)
        assert (one.distortion.output <= bound * (1.0 + 2.0**-52)).all()


def test_an_entry_of_the_table_is_the_module_with_that_layer_alone_quantized() -> None:
    module, inputs = network(), some_inputs()
    table = sensitivities(module, module, inputs, quantizer="uniform", widths=(2, 5), **PER_ROW)
    assert table.names == ("0.weight", "2.weight", "4.weight")
    assert table.sizes == (30, 20, 12)
    assert table.widths == (2, 5)
    for layer, (name, weight) in enumerate(quantizable(module).items()):
        rate = fit_rate(weight.detach().numpy()).rate
        assert table.weight_rates[layer] == pytest.approx(rate, rel=1e-12)
        for column, bits in enumerate(table.widths):
            alone = output_distortion(
                module, module, inputs, {name: bits}, quantizer="uniform", **PER_ROW
            )
            assert table.output[layer, column] == alone.mean
            assert table.parameter[layer, column] == alone.parameter.total


def test_a_layer_of_zeros_has_no_finite_weight_rate_and_moves_nothing() -> None:
    module = nn.Linear(3, 2).eval()
    nn.init.zeros_(module.weight)
    table = sensitivities(
        module, module, [torch.ones(3)], quantizer="uniform", widths=(2,), **PER_ROW
    )
    assert table.weight_rates == (math.inf,)
    assert table.output.tolist() == table.parameter.tolist() == [[0.0]]


def test_an_output_without_a_norm_has_no_relative_error() -> None:
    module = nn.Linear(2, 1, bias=False).eval()
    found = output_distortion(module, module, [torch.zeros(2)], 2, quantizer="uniform", **PER_ROW)
    assert (found.mean, found.relative) == (0.0, math.inf)


def test_forward_may_return_an_array_that_it_uses_again() -> None:
    module, buffer = nn.Linear(2, 2).eval(), np.zeros(2, np.float32)

    def forward(x: torch.Tensor) -> np.ndarray:
        buffer[:] = module(x).numpy()
        return buffer

    found = output_distortion(module, forward, [torch.ones(2)], 2, quantizer="uniform", **PER_ROW)
    direct = output_distortion(module, module, [torch.ones(2)], 2, quantizer="uniform", **PER_ROW)
    assert found.mean == direct.mean > 0.0


def test_outputs_are_compared_in_float64() -> None:
    module = nn.Linear(2, 1, bias=False).eval()
    module.weight.data = torch.tensor([[1.0, 0.25]])
    found = output_distortion(
        module,
        lambda x: module(x).double() + 2.0**30,
        [torch.tensor([0.0, 1.0])],
        2,
        quantizer="uniform",
        **PER_ROW,
    )
    assert found.mean == 0.25  # at 2^30 float32 tells multiples of 64 apart


def test_what_cannot_be_measured_is_refused() -> None:
    module, x = network(), some_inputs()
    uniform = {"quantizer": "uniform", **PER_ROW}
    with pytest.raises(InvalidInput, match=r"what forward returns must be finite .*, got nan"):
        output_distortion(module, module, [torch.full((6,), math.nan)], 4, **uniform)
    with pytest.raises(InvalidInput, match="module must have a weight that is quantized, got none"):
        sensitivities(nn.ReLU().eval(), nn.ReLU(), x, widths=(4,), **uniform)
    with pytest.raises(InvalidInput, match="widths must hold at least one, got none"):
        sensitivities(module, module, x, widths=(), **uniform)


@pytest.mark.parametrize("inputs", [[], torch.ones(3, 6), np.ones((3, 6)), "abc"])
def test_inputs_that_are_no_list_are_refused(inputs: object) -> None:
    module = network()
    with pytest.raises(InvalidInput, match="inputs must be a list of at least one, got"):
        output_distortion(module, module, inputs, 4, quantizer="uniform", **PER_ROW)


def test_a_part_that_trains_is_named() -> None:
    module = nn.Sequential(nn.Linear(6, 6), nn.Dropout(), nn.Linear(6, 2)).eval()
    module[1].train()
    with pytest.raises(InvalidInput, match="module must be in evaluation mode, got 1 in training"):
        output_distortion(module, module, some_inputs(), 4, quantizer="uniform", **PER_ROW)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ((torch.ones(1), torch.ones(1)), "forward must return one array or tensor, got tuple"),
        (1.0, "forward must return one array or tensor, got float"),
        (torch.ones(1, dtype=torch.complex64), "what forward returns must be real numbers"),
    ],
)
def test_what_is_no_array_of_real_numbers_is_no_output(returned: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        output_distortion(
            network(), lambda _: returned, some_inputs(), 4, quantizer="uniform", **PER_ROW
        )


def test_an_output_that_changes_its_shape_is_refused() -> None:
    module, lengths = network(), iter([3, 1])

    def forward(x: torch.Tensor) -> torch.Tensor:
        return module(x)[: next(lengths)]

    with pytest.raises(InvalidInput, match=r"forward must return the same shape .* \(1,\) after"):
        output_distortion(module, forward, some_inputs(1), 4, quantizer="uniform", **PER_ROW)
