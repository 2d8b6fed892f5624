# SPDX-License-Identifier: Apache-2.0
"""Tests of the counts of a checkpoint: those of its arrays, in memory that stays bounded."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from coinfer_ros.adapters.checkpoint_magnitudes import (
    left_out,
    module_magnitudes,
    tensor_magnitudes,
)
from coinfer_ros.core.distribution import fit
from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported
from coinfer_ros.core.magnitudes import Magnitudes

ROOT = Path(__file__).resolve().parents[2]
DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
SHAPES = {"float64": (3, 5, 2, 2), "float32": (1, 3001), "float16": (40, 33), "bfloat16": (977, 1)}


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
    for name in ("total", "squares", "logs"):  # chunks differ: pairwise sums of some thousand
        expected = float(getattr(second, name))
        assert float(getattr(first, name)) == pytest.approx(expected, rel=1e-13, abs=1e-12)
    ends = [(m.zeros, m.exact, m.least, m.greatest) for m in (first, second)]
    return ends[0] == ends[1] and bool((first.counters == second.counters).all())


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize("chunk_bytes", [4096, 1 << 22])
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


@pytest.mark.parametrize("shards", [False, True])
def test_what_is_left_out_is_named_and_counted(tmp_path: Path, shards: bool) -> None:
    told = left_out(folder(tmp_path, shards=shards))
    assert told.names == ("mask", "norm.weight", "positions", "scale")
    assert told.numbers == 7 + 1 + 12 + 4


def test_the_fit_of_all_tensors_is_that_of_all_weights(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "one.safetensors")
    counted = (one.magnitudes for one in tensor_magnitudes(tmp_path / "one.safetensors"))
    total = fit(reduce(Magnitudes.merge, counted))
    flat = np.concatenate([tensor.double().numpy().ravel() for tensor in weights().values()])
    whole = fit(Magnitudes().add(flat))
    assert total.best.law == whole.best.law == total.half_normal.law
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


@pytest.mark.parametrize("bad", [0, 4095, 1 << 31, 2.5])
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


def write_by_hand(file: Path, tensors: dict[str, tuple[str, np.ndarray, int]]) -> None:
    """Write tensors of one row, each a block of bits repeated, without holding one of them."""
    header, end = {}, 0
    for name, (dtype, block, repeats) in tensors.items():
        begin, end = end, end + block.nbytes * repeats
        shape = [1, block.size * repeats]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for _, block, repeats in tensors.values():
            for _ in range(repeats):
                stream.write(block.tobytes())


FIT_IN_A_PROCESS_OF_ITS_OWN = r"""
import json, re, sys
from pathlib import Path
from coinfer_ros.adapters.checkpoint_magnitudes import tensor_magnitudes
from coinfer_ros.core.distribution import fit
from coinfer_ros.core.magnitudes import Magnitudes

# getrusage's peak would be that of the parent, whose peak a child takes over.
def kib(field):
    return int(re.search(field + r":\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

before_kib, total, found = kib("VmRSS"), Magnitudes(), {}
for one in tensor_magnitudes(sys.argv[1]):
    total = total.merge(one.magnitudes)
    found[one.name] = type(fit(one.magnitudes).best.law).__name__
found["all"] = fit(total).exponential.law.rate
print(json.dumps({"found": found, "added_kib": kib("VmHWM") - before_kib}))
"""


@pytest.fixture
def gibibyte(tmp_path: Path) -> Iterator[tuple[Path, float]]:
    """Yield a checkpoint of 1 GiB in three tensors, and its λ."""
    rng, block = np.random.default_rng(4), 1 << 22
    laplace = rng.laplace(scale=0.02, size=block).astype(np.float32)
    normal = rng.normal(scale=0.02, size=block).astype(np.float16)
    upper = (rng.laplace(scale=0.05, size=block).astype(np.float32).view(np.uint32) >> 16).astype(
        np.uint16
    )
    file = tmp_path / "large.safetensors"
    write_by_hand(
        file, {"a": ("F32", laplace, 32), "b": ("F16", normal, 32), "c": ("BF16", upper, 32)}
    )
    brains = (upper.astype(np.uint32) << 16).view(np.float32)
    means = [
        float(np.abs(values.astype(np.float64)).mean()) for values in (laplace, normal, brains)
    ]
    yield file, 3.0 / sum(means)
    file.unlink()


@pytest.mark.slow
def test_a_gibibyte_is_fitted_in_150_mib(gibibyte: tuple[Path, float]) -> None:
    file, rate = gibibyte
    assert file.stat().st_size > 1 << 30
    run = subprocess.run(
        [sys.executable, "-c", FIT_IN_A_PROCESS_OF_ITS_OWN, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(run.stdout)
    assert 2 * 1024 < told["added_kib"] < 150 * 1024  # the counters alone take 2 MiB
    # Cutting float32 to bfloat16 moves each weight towards 0: of c no law is the right one.
    assert told["found"]["a"] == "Exponential"
    assert told["found"]["b"] == "HalfNormal"
    assert told["found"]["all"] == pytest.approx(rate, rel=1e-12)
