# SPDX-License-Identifier: Apache-2.0
"""Libraries and room for models are told as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import coinfer_ros
from coinfer_ros.tools.doctoring import software
from coinfer_ros.tools.doctoring.finding import Finding, Status

from ...adapters.devices.trees import put


def _found(root: Path, name: str, **environ: str) -> list[Finding]:
    (check,) = (one for one in software.checks(root, environ) if one.name == name)
    return list(check.look())


def test_the_versions_are_those_that_run(tmp_path: Path) -> None:
    own, _ = _found(tmp_path, "coinfer")
    assert own.detail.startswith(f"coinfer_ros {coinfer_ros.__version__}, Python 3.")


def test_the_room_is_that_of_the_folder_that_holds_models(tmp_path: Path) -> None:
    (found,) = _found(tmp_path, "disk", HF_HOME=str(tmp_path / "not/yet"), HOME="/")
    free = shutil.disk_usage(tmp_path).free / 1e9
    assert found.detail.endswith(f" GB free for models in {tmp_path}")
    assert float(found.detail.split()[0]) == pytest.approx(free, rel=0.5)  # others write too


@pytest.mark.slow
def test_torch_without_cuda_is_a_limit_where_there_is_a_gpu(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("CUDA is here")
    (found,) = _found(tmp_path, "torch")
    assert (found.status, found.detail.split()[0]) == (Status.GOOD, torch.__version__)
    put(tmp_path, {"proc/driver/nvidia/version": "NVRM version: x"})
    (found,) = _found(tmp_path, "torch")
    assert found.status is Status.LIMITED
