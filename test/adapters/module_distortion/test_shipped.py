# SPDX-License-Identifier: Apache-2.0
"""On the shipped model, a width for each layer moves the embedding less than one for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from coinfer_ros import resources
from coinfer_ros.adapters.models.head import plain_head
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.module_distortion import (
    Sensitivities,
    output_distortion,
    sensitivities,
)
from coinfer_ros.core.allocation import allocate, bit_costs, delay_costs_s, uniform_width
from coinfer_ros.core.quantizers import PerChannel
from coinfer_ros.sim.render import render
from coinfer_ros.tools.scene_data import held_out_scene

WIDTHS = tuple(range(2, 13))
AVERAGES = (3, 4, 5, 6)
IMAGE_PX = 64


@dataclass(frozen=True)
class Shipped:
    """The robot's half, scenes that widths are chosen on, and others that they are scored on."""

    half: nn.Module
    chosen_on: torch.Tensor
    scored_on: torch.Tensor
    flop: dict[str, float]

    def embed(self, pixels: torch.Tensor) -> torch.Tensor:
        each = [self.half({"pixel_values": image[None]}) for image in pixels]
        return torch.stack(each)  # (N, T, C)

    def error(self, bits: dict[str, int], quantizer: str) -> float:
        found = output_distortion(
            self.half,
            self.embed,
            [self.scored_on],
            bits,
            quantizer=quantizer,
            granularity=PerChannel(),
        )
        return found.mean


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    half = plain_head(open_model(resources.path("models/git-scenes")))
    images = np.stack([render(held_out_scene(index), IMAGE_PX) for index in range(18)])
    pixels = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255.0 - 0.5) / 0.25
    whole = Shipped(half, pixels[:6], pixels[6:], {})
    with torch.no_grad():
        whole.flop.update(flop_of_layers(half, lambda: whole.embed(pixels[:1])))
    return whole


def flop_of_layers(half: nn.Module, run: Callable[[], object]) -> dict[str, float]:
    """Count 2 FLOP a multiply-add of each matrix and kernel, by the name of its weight."""
    found: dict[str, float] = {}

    def count(name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            channels = output.shape[-1] if isinstance(layer, nn.Linear) else output.shape[1]
            found[f"{name}.weight"] = 2.0 * layer.weight.numel() * output.numel() / channels

        return hook

    hooks = [
        layer.register_forward_hook(count(name))
        for name, layer in half.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    ]
    run()
    for hook in hooks:
        hook.remove()
    return found


@pytest.fixture(scope="module", params=["uniform", "exponential"])
def table(shipped: Shipped, request: pytest.FixtureRequest) -> tuple[str, Sensitivities]:
    found = sensitivities(
        shipped.half,
        shipped.embed,
        [shipped.chosen_on],
        quantizer=request.param,
        widths=WIDTHS,
        granularity=PerChannel(),
    )
    return request.param, found


def ratio(shipped: Shipped, quantizer: str, names, distortion, cost, budget: float) -> float:
    """Error of the allocation over that of one width, both measured on other scenes."""
    each = allocate(distortion, cost, budget, WIDTHS)
    one = uniform_width(distortion, cost, budget, WIDTHS)
    assert each.cost <= budget
    assert each.distortion < one.distortion
    errors = [
        shipped.error(dict(zip(names, found.bits, strict=True)), quantizer) for found in (each, one)
    ]
    return errors[0] / errors[1]


@pytest.mark.slow
@pytest.mark.parametrize("average", AVERAGES)
def test_at_the_same_stored_bits_the_embedding_moves_less(shipped, table, average: int) -> None:
    quantizer, found = table
    cost = bit_costs(found.sizes, WIDTHS)
    budget = average * float(sum(found.sizes))
    # Layers err independently, so that their squares add, not their errors.
    assert ratio(shipped, quantizer, found.names, found.output**2, cost, budget) < 0.85


@pytest.mark.slow
@pytest.mark.parametrize("average", AVERAGES)
def test_at_the_same_delay_the_embedding_moves_less(shipped, table, average: int) -> None:
    quantizer, found = table
    rows = [row for row, name in enumerate(found.names) if name in shipped.flop]
    names = [found.names[row] for row in rows]  # a table of positions has no FLOP
    cost_s = delay_costs_s(
        [shipped.flop[name] for name in names],
        WIDTHS,
        weight_bits=16,
        clock_hz=1e9,
        flop_per_cycle=32.0,
    )
    budget_s = float(np.cumsum(cost_s[:, WIDTHS.index(average)])[-1])  # one width just keeps it
    assert ratio(shipped, quantizer, names, found.output[rows] ** 2, cost_s, budget_s) < 0.85


@pytest.mark.slow
def test_squares_of_the_layers_errors_add_up_to_nearly_all_of_the_whole_one(shipped, table) -> None:
    quantizer, found = table
    for average in AVERAGES:
        column = found.output[:, WIDTHS.index(average)]
        together = output_distortion(
            shipped.half,
            shipped.embed,
            [shipped.chosen_on],
            average,
            quantizer=quantizer,
            granularity=PerChannel(),
        ).mean
        # What the documentation of Sensitivities says.
        assert np.sqrt((column**2).sum()) == pytest.approx(together, rel=0.25)
        assert 2.6 * together < column.sum() < 3.6 * together
