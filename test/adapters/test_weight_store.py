# SPDX-License-Identifier: Apache-2.0
"""One stored copy serves every width, names what runs it, and gives its memory back."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from torch import nn

from coinfer_ros.adapters.kernels import SwitchableLinear, available, kernel_for
from coinfer_ros.adapters.memory import give_back, resident
from coinfer_ros.adapters.weight_store import SAMPLED, WeightStore
from coinfer_ros.core.errors import InvalidInput, Unsupported
from coinfer_ros.core.model import WEIGHT_BITS, HeadWeights
from coinfer_ros.core.quantizers import nested


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 32, 4, 4),
        nn.Flatten(2),
        nn.LayerNorm(16),
        nn.Linear(16, 32),
        nn.Linear(32, 64),
    ).eval()


def stored(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def image() -> torch.Tensor:
    return torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(3))


def test_every_width_is_the_top_of_the_one_copy() -> None:
    module = network()
    weights = stored(module)
    store = WeightStore(module, weights, kernel="float32")
    for bits in WEIGHT_BITS:
        prepared = store.prepare(bits)
        store.use(prepared)
        with torch.inference_mode():
            found = module(image())
        for name, tensor in weights.items():
            if name in prepared.tensors and bits < 16:
                weights[name] = torch.from_numpy(nested.decode(nested.encode(tensor.numpy()), bits))
        plain = network()
        plain.load_state_dict(weights)
        with torch.inference_mode():
            torch.testing.assert_close(found, plain(image()), rtol=0, atol=0)
        weights = stored(network())


def test_the_copy_takes_little_more_than_a_byte_a_weight() -> None:
    wide = nn.Sequential(nn.Linear(256, 256, bias=False))
    store = WeightStore(wide, stored(wide))
    assert store.weights == 256 * 256
    assert store.nbytes == store.weights + 256 * (4 + 1)  # a scale and a law a row
    assert store.nbytes <= 1.1 * store.weights


def test_linear_layers_run_on_the_kernel_that_is_named() -> None:
    module = network()
    store = WeightStore(module, stored(module), kernel="float32")
    assert store.prepare(4).backend == "float32"
    assert all(isinstance(module[index], SwitchableLinear) for index in (3, 4))
    assert isinstance(module[0], nn.Conv2d)
    chosen = WeightStore(network(), stored(network())).prepare(8).backend
    assert chosen.split(" ")[0] == kernel_for(8, "cpu").name


def test_the_distortion_is_that_of_what_is_computed_with() -> None:
    module = network()
    weights = stored(module)
    store = WeightStore(module, weights)
    for bits in WEIGHT_BITS:
        prepared = store.prepare(bits)
        errors = []
        for name, used in prepared.tensors.items():
            values = used.data if isinstance(used, torch.Tensor) else used.weight()
            errors.append((values - weights[name]).abs().double().flatten())
        assert prepared.distortion == pytest.approx(float(torch.cat(errors).mean()), rel=1e-5)


def test_the_distortion_of_a_large_head_is_measured_on_some_of_its_rows() -> None:
    rows, columns = 4096, 1024  # four times what is measured
    module = nn.Sequential(nn.Linear(columns, rows, bias=False))
    weights = stored(module)
    store = WeightStore(module, weights, kernel="float32")
    assert rows * columns > 2 * SAMPLED
    prepared = store.prepare(3)
    exact = float((prepared.tensors["0.weight"].weight() - weights["0.weight"]).abs().mean())
    # The mean of a million errors that are about as large as they vary.
    assert prepared.distortion == pytest.approx(exact, rel=5 / math.sqrt(SAMPLED))


def test_the_weight_rate_is_the_reciprocal_of_the_mean_magnitude() -> None:
    module = network()
    kept = [stored(module)[name] for name in ("0.weight", "3.weight", "4.weight")]
    magnitudes = torch.cat([tensor.abs().double().flatten() for tensor in kept])
    assert WeightStore(module, stored(module)).weight_rate == pytest.approx(
        1 / float(magnitudes.mean()), rel=1e-6
    )
    silent = nn.Sequential(nn.Linear(4, 4, bias=False))
    silent[0].weight.data.zero_()
    assert WeightStore(silent, stored(silent)).weight_rate == math.inf


@pytest.mark.parametrize("bits", [0, 1, 9, 32, True, 4.5, "4", None])
def test_a_width_that_nobody_offers_is_refused(bits: object) -> None:
    store = WeightStore(network(), stored(network()))
    with pytest.raises(InvalidInput, match="bits must be one of 2, 3, 4, 5, 6, 7, 8, 16, got"):
        store.prepare(bits)  # type: ignore[arg-type]


def test_another_model_s_weights_are_refused() -> None:
    store = WeightStore(network(), stored(network()))
    with pytest.raises(InvalidInput, match="weights must be prepared by this model"):
        store.use(HeadWeights(bits=4, backend="float32", distortion=0.0, tensors={}))


def test_a_kernel_that_is_not_here_is_refused_before_any_work() -> None:
    with pytest.raises(Unsupported, match=r"kernel must be one of auto, .*got 'int3'"):
        WeightStore(network(), stored(network()), kernel="int3")


@pytest.mark.slow
def test_memory_returns_to_where_it_was() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(*(nn.Linear(1024, 2048, bias=False) for _ in range(12)))
    module = nn.Sequential(*(nn.Sequential(layer) for layer in module))
    store = WeightStore(module, stored(module), kernel="float32")
    weights = 12 * 1024 * 2048 * 4

    def held_over(rounds: int) -> float:
        held = []
        for bits in [8, 2, 16, 3, 4] * rounds:
            store.use(store.prepare(bits))
            if bits == 4:
                give_back()
                held.append(resident().own_bytes)
        return statistics.median(held)

    before = held_over(5)
    after = held_over(5)
    # The C library gives whole pages back: what lies between them moves a round by some 25 MB.
    assert after - before < weights / 2


def test_the_widths_are_those_that_the_kernel_holds() -> None:
    assert WeightStore(network(), stored(network())).widths == WEIGHT_BITS
    for kernel in available("cpu"):
        store = WeightStore(network(), stored(network()), kernel=kernel.name)
        assert store.widths == tuple(bits for bits in WEIGHT_BITS if bits <= kernel.bits)
