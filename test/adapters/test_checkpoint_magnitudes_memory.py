# SPDX-License-Identifier: Apache-2.0
"""Tests that large checkpoints and modules are counted in little memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


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


COUNT_A_MODULE = r"""
import re, sys, torch
from pathlib import Path
from coinfer_ros.adapters.checkpoint_magnitudes import module_magnitudes

def kib(field):
    return int(re.search(field + r":\s+(\d+) kB", Path("/proc/self/status").read_text())[1])

module = torch.nn.Module()
values = torch.full((4096, 16384), 0.5, dtype=torch.bfloat16)
module.weight = torch.nn.Parameter(values.T if sys.argv[1] == "transposed" else values)
before_kib = kib("VmRSS")
(one,) = module_magnitudes(module)
assert one.magnitudes.count == 1 << 26
print(kib("VmHWM") - before_kib)
"""


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["plain", "transposed"])
def test_a_live_parameter_of_128_mib_is_counted_in_90_mib(layout: str) -> None:
    command = [sys.executable, "-c", COUNT_A_MODULE, layout]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    # As float32 it would take 256 MiB, and a copy in another order 128.
    assert int(run.stdout) < 90 * 1024
