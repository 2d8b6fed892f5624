# SPDX-License-Identifier: Apache-2.0
"""Tests of the counts of a checkpoint: those of its arrays, in memory that stays bounded."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from coinfer_ros.adapters.checkpoint_magnitudes import (
    module_magnitudes,
    tensor_magnitudes,
)
from coinfer_ros.core.distribution import fit
from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported
from coinfer_ros.core.magnitudes import Magnitudes

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
# More than 2^18 bytes each, the smallest chunk; float64 and float32 end within one.
SHAPES = {
    "float64": (3, 5, 47, 47),
    "float32": (1, 90_001),
    "float16": (400, 333),
    "bfloat16": (140_000, 1),
}


def weights(seed: int = 2) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return {name: torch.randn(SHAPES[name]).to(dtype) for name, dtype in DTYPES.items()}


def others() -> dict[str, torch.Tensor]:
    return {
        "norm.weight": torch.ones(7),
        "scale": torch.tensor(2.0),
        "positions": torch.arange(12)[None],
        "mask": torch.ones(2, 2, dtype=torch.bool),
    }


def folder(path: Path, *, shards: bool) -> Path:
    """Write a checkpoint folder of one file or of two."""
    (path / "config.json").write_text("{}")
    if not shards:
        save_file({**weights(), **others()}, path / "model.safetensors")
        return path
    save_file(weights(), path / "model-1.safetensors")
    save_file(others(), path / "model-2.safetensors")
    index = dict.fromkeys(weights(), "model-1.safetensors")
    index |= dict.fromkeys(others(), "model-2.safetensors")
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    return path


def same(first: Magnitudes, second: Magnitudes) -> bool:
    """Return whether two records agree in all but the last bits of their sums."""
    for name in ("total", "squares", "logs"):  # chunks differ, and so do their pairwise sums
        expected = float(getattr(second, name))
        assert float(getattr(first, name)) == pytest.approx(expected, rel=1e-13, abs=1e-12)
    ends = [(m.zeros, m.exact, m.least, m.greatest) for m in (first, second)]
    return ends[0] == ends[1] and bool((first.counters == second.counters).all())


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize("chunk_bytes", [1 << 18, 1 << 22])
def test_a_folder_is_counted_as_its_tensors_are(
    tmp_path: Path, shards: bool, chunk_bytes: int
) -> None:
    path = folder(tmp_path, shards=shards)
    found = {one.name: one for one in tensor_magnitudes(path, chunk_bytes=chunk_bytes)}
    assert found.keys() == weights().keys()
    for name, tensor in weights().items():
        assert (found[name].dtype, found[name].shape) == (name, tuple(tensor.shape))
        assert same(found[name].magnitudes, Magnitudes().add(tensor.double().numpy()))
        assert found[name].magnitudes.exact is (name in ("float16", "bfloat16"))


def test_a_lone_file_is_counted_as_its_folder(tmp_path: Path) -> None:
    file = folder(tmp_path, shards=False) / "model.safetensors"
    for one, other in zip(tensor_magnitudes(file), tensor_magnitudes(tmp_path), strict=True):
        assert one.name == other.name
        assert same(one.magnitudes, other.magnitudes)


def test_the_fit_of_all_tensors_is_that_of_all_weights(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "one.safetensors")
    counted = (one.magnitudes for one in tensor_magnitudes(tmp_path / "one.safetensors"))
    total = fit(reduce(Magnitudes.merge, counted))
    flat = np.concatenate([tensor.double().numpy().ravel() for tensor in weights().values()])
    whole = fit(Magnitudes().add(flat))
    assert total.best is total.half_normal
    assert total.half_normal.law.scale == pytest.approx(whole.half_normal.law.scale, rel=1e-13)
    assert total.exponential.distance == pytest.approx(whole.exponential.distance, abs=1e-12)


def test_a_live_module_is_counted_as_its_checkpoint_and_a_shared_table_once() -> None:
    module = torch.nn.Sequential(torch.nn.Embedding(50, 8), torch.nn.Linear(8, 50))
    module[1].weight = module[0].weight
    module.to(torch.bfloat16)
    (one,) = module_magnitudes(module)
    assert (one.name, one.shape, one.dtype) == ("0.weight", (50, 8), "bfloat16")
    assert same(one.magnitudes, Magnitudes().add(module[0].weight.detach().float().numpy()))


def test_an_empty_tensor_is_counted_as_nothing(tmp_path: Path) -> None:
    save_file({"none": torch.zeros(0, 4)}, tmp_path / "one.safetensors")
    (one,) = tensor_magnitudes(tmp_path / "one.safetensors")
    assert one.magnitudes.count == 0


def test_a_weight_that_is_not_finite_is_refused_by_its_tensors_name(tmp_path: Path) -> None:
    save_file({"broken": torch.tensor([[1.0, float("nan")]])}, tmp_path / "one.safetensors")
    rule = r"^weights must be finite in float32, got 1 of 2 that are not, in broken$"
    with pytest.raises(InvalidInput, match=rule):
        list(tensor_magnitudes(tmp_path / "one.safetensors"))


def test_weights_of_fewer_bits_are_refused(tmp_path: Path) -> None:
    save_file({"small": torch.ones(2, 2).to(torch.float8_e4m3fn)}, tmp_path / "one.safetensors")
    with pytest.raises(Unsupported, match=r"^path must hold weights of .*, got F8_E4M3 in small"):
        list(tensor_magnitudes(tmp_path / "one.safetensors"))


@pytest.mark.parametrize(
    ("name", "dtype", "spelt"),
    [
        ("q_proj.qweight", torch.int32, "I32"),
        ("q_proj.qzeros", torch.int32, "I32"),
        ("q_proj.weight_packed", torch.int32, "I32"),
        ("q_proj.weight", torch.int8, "I8"),
        ("q_proj.weight", torch.uint8, "U8"),
        ("q_proj.B", torch.int8, "I8"),
    ],
)
def test_weights_that_are_whole_numbers_are_refused_rather_than_their_scales_counted(
    tmp_path: Path, name: str, dtype: torch.dtype, spelt: str
) -> None:
    file = tmp_path / "one.safetensors"
    save_file({name: torch.ones(4, 4, dtype=dtype), "q_proj.scales": torch.rand(2, 4).half()}, file)
    rule = rf"^path must hold weights of .*, got {spelt} in {name}: take the checkpoint that has "
    with pytest.raises(Unsupported, match=rule):
        list(tensor_magnitudes(file))


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.int8])
def test_a_live_module_that_is_quantized_is_refused(dtype: torch.dtype) -> None:
    module = torch.nn.Linear(3, 3)
    module.weight = torch.nn.Parameter(torch.ones(3, 3).to(dtype), requires_grad=False)
    rule = r"^module must hold weights of float64, .*, got .* in weight: take the checkpoint"
    with pytest.raises(Unsupported, match=rule):
        list(module_magnitudes(module))


def test_a_module_without_memory_has_no_weights() -> None:
    with pytest.raises(Unavailable, match=r"^module must hold its weights, got weight on the meta"):
        list(module_magnitudes(torch.nn.Linear(3, 3, device="meta")))


@pytest.mark.parametrize("view", [lambda t: t.T, lambda t: t[:, ::3], lambda t: t.expand(2, 3, 4)])
def test_the_layout_of_a_live_parameter_does_not_matter(
    view: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    torch.manual_seed(1)
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(view(torch.randn(3, 4)))
    (one,) = module_magnitudes(module)
    assert one.shape == tuple(module.weight.shape)
    assert same(one.magnitudes, Magnitudes().add(module.weight.detach().numpy()))


def test_tensors_come_in_the_order_in_which_they_lie_in_the_file(tmp_path: Path) -> None:
    header = {
        name: {"dtype": "F32", "shape": [1, 1], "data_offsets": [4 * i, 4 * i + 4]}
        for i, name in reversed(list(enumerate("cab")))
    }
    text = json.dumps(header).encode()
    file = tmp_path / "one.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text + np.arange(3, dtype="<f4").tobytes())
    found = [(one.name, one.magnitudes.greatest) for one in tensor_magnitudes(file)]
    assert found == [("c", 0.0), ("a", 1.0), ("b", 2.0)]


@pytest.mark.parametrize("bad", [0, (1 << 18) - 1, 1 << 31, 2.5])
def test_a_chunk_size_out_of_range_is_refused(tmp_path: Path, bad: int) -> None:
    with pytest.raises(InvalidInput, match=r"^chunk_bytes must be a whole number in .*, got "):
        list(tensor_magnitudes(tmp_path, chunk_bytes=bad))


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"^path must be a checkpoint folder or a file, got "):
        list(tensor_magnitudes(tmp_path / "absent"))
    file = tmp_path / "cut.safetensors"
    save_file(weights(), file)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InvalidInput, match=r"^path must hold whole safetensors files, got cut\."):
        list(tensor_magnitudes(file))
