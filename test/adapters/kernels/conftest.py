# SPDX-License-Identifier: Apache-2.0
"""Every kernel that runs on this machine, the one for the other kind of CPU included."""

from __future__ import annotations

import pytest
import torch

from coinfer_ros.adapters.kernels import Kernel, available
from coinfer_ros.adapters.kernels.int8_qnnpack import ENGINE, Int8QNNPACK

CPU = torch.device("cpu")
DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def every_kernel() -> list[Kernel]:
    found = [kernel for device in DEVICES for kernel in available(device)]
    if ENGINE in torch.backends.quantized.supported_engines:  # also in torch for x86
        found += [] if any(isinstance(k, Int8QNNPACK) for k in found) else [Int8QNNPACK(CPU)]
    return found


def _name(kernel: Kernel) -> str:
    return f"{type(kernel).__name__}-{kernel.device.type}"


@pytest.fixture(params=every_kernel(), ids=_name)
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return request.param


@pytest.fixture(params=[k for k in every_kernel() if k.name == "int8"], ids=_name)
def int8(request: pytest.FixtureRequest) -> Kernel:
    return request.param


@pytest.fixture(autouse=True)
def _frozen_weights():
    with torch.inference_mode():
        yield
