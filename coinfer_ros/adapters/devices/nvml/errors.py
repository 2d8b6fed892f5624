# SPDX-License-Identifier: Apache-2.0
"""Translates what NVML answers when it refuses: in which error, by what cause, with what remedy."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from coinfer_ros.adapters.devices.permission import NVML_REMEDY
from coinfer_ros.core.errors import CoinferError, NotPermitted, Unavailable, Unsupported


class Lost(Unavailable):
    """The GPU, or the driver under it, is gone; the next call looks for it again."""


class NotFound(Unavailable):
    """NVML knows none of what was asked for; often that is an answer rather than a failure."""


@dataclass(frozen=True)
class Meaning:
    """What one NVML error means to the user."""

    error: type[CoinferError]
    cause: str
    remedy: str


_RETRY = "try again"
_UPDATE = "install a newer NVIDIA driver"
_RESTART = "look for Xid in the kernel's log (dmesg), then reset the GPU or restart the machine"
# By the name of the error in nvml.h, as pynvml names its classes: NVML_ERROR_GPU_IS_LOST.
MEANINGS = {
    "Uninitialized": Meaning(Lost, "NVML was shut down in this process", _RETRY),
    "InvalidArgument": Meaning(Unsupported, "this driver refuses the argument", _UPDATE),
    "NotSupported": Meaning(Unsupported, "this GPU does not support it", "go without it"),
    "NoPermission": Meaning(NotPermitted, "this user may not do it", NVML_REMEDY),
    "NotFound": Meaning(NotFound, "there is none", "look at nvidia-smi -L"),
    "InsufficientSize": Meaning(Unavailable, "the answer grew meanwhile", _RETRY),
    "InsufficientPower": Meaning(Lost, "external power is missing", "plug the GPU's power cables"),
    "DriverNotLoaded": Meaning(
        Lost,
        "the NVIDIA driver is not loaded",
        "run: sudo modprobe nvidia; see that nvidia-smi works",
    ),
    "Timeout": Meaning(Unavailable, "the driver did not answer in time", _RETRY),
    "IrqIssue": Meaning(Lost, "the kernel has an interrupt problem with the GPU", _RESTART),
    "LibraryNotFound": Meaning(
        Unavailable,
        "libnvidia-ml.so.1 is not found",
        "install the NVIDIA driver; give a container the GPU (docker run --gpus all)",
    ),
    "FunctionNotFound": Meaning(Unsupported, "this driver does not have it", _UPDATE),
    "CorruptedInforom": Meaning(Unavailable, "the board's infoROM is corrupted", _RESTART),
    "GpuIsLost": Meaning(Lost, "the GPU has fallen off the bus", _RESTART),
    "ResetRequired": Meaning(Lost, "the GPU needs a reset", "run: sudo nvidia-smi --gpu-reset"),
    "OperatingSystem": Meaning(
        NotPermitted,
        "the operating system or the container's cgroup blocks the GPU",
        "give the container the GPU (docker run --gpus all)",
    ),
    "LibRmVersionMismatch": Meaning(
        Lost,
        "the library and the loaded driver are of different versions",
        "restart the machine, or reload the driver, after its update",
    ),
    "InUse": Meaning(Unavailable, "the GPU is in use by another process", _RETRY),
    "NoData": Meaning(Unavailable, "there is no reading yet", _RETRY),
    "FreqNotSupported": Meaning(
        Unsupported, "the GPU has no such clock", "ask for one of its steps"
    ),
    "ArgumentVersionMismatch": Meaning(
        Unsupported, "the driver has another version of it", _UPDATE
    ),
    "Deprecated": Meaning(
        Unsupported, "this driver no longer has it", "install a newer nvidia-ml-py"
    ),
    "NotReady": Meaning(Unavailable, "the GPU is not ready", _RETRY),
    "GpuNotFound": Meaning(Lost, "the GPU is gone", _RESTART),
    "InvalidState": Meaning(Unavailable, "the GPU is in no state for it", _RETRY),
}
_OTHER = Meaning(Unavailable, "NVML failed", _RESTART)


def pynvml() -> Any:
    """Return NVIDIA's binding of NVML.

    :raises Unavailable: when it is not installed.
    """
    try:
        return importlib.import_module("pynvml")
    except ImportError as error:
        raise Unavailable("pynvml must be installed; run: pip install nvidia-ml-py") from error


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Turn an NVML error into one of this package.

    :param asked: what NVML was asked for, to begin the message with.
    :raises Lost: when the GPU or its driver is gone.
    :raises NotFound: when there is none of what was asked for.
    :raises Unavailable: when the library is not there, or it failed.
    :raises NotPermitted: when this user may not ask.
    :raises Unsupported: when this GPU, or its driver, cannot answer.
    """
    try:
        yield
    except pynvml().NVMLError as error:
        name = type(error).__name__.removeprefix("NVMLError_")
        meaning = MEANINGS.get(name, _OTHER)
        cause = f"{asked}: {meaning.cause} (NVML: {error})"
        raise meaning.error(f"{cause}; {meaning.remedy}") from error
