# SPDX-License-Identifier: Apache-2.0
"""Holds NVML open while this process uses it, and lists the GPUs."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from coinfer_ros.adapters.devices.nvml.errors import pynvml, translated
from coinfer_ros.core.errors import CoinferError, Unavailable


@dataclass(frozen=True)
class Gpu:
    """One GPU as NVML lists it.

    :param index: NVML's number of it, which may change when GPUs come and go.
    :param name: its product name.
    :param uuid: its name for life.
    :param mig: whether it is divided into MIG instances; power, energy and clock are those of the
        whole board even then, and NVML gives no load.
    :param fault: why it cannot be used now, with the remedy; empty: it can.
    """

    index: int
    name: str = ""
    uuid: str = ""
    mig: bool = False
    fault: str = ""


class Library:
    """NVML in one process: initialised while it has users.

    :ivar lock: held while NVML starts or stops and while handles are found. Calls on a handle go
        without it, for a call may hang with its GPU, and others must not.
    :ivar life: number of the newest initialisation; handles of an older one are void.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.life = 0
        self.calls = 0  # on handles, now
        self._users = 0
        self._up = False

    def open(self) -> None:
        """Add a user.

        :raises Unavailable: when there is no NVML: no library, no driver.
        :raises NotPermitted: when this user may not use it.
        """
        with self.lock:
            if not self._up:
                self._start()
            self._users += 1

    def close(self) -> None:
        """Take a user away; the last one shuts NVML down."""
        with self.lock:
            self._users -= 1
            if not self._users:
                self._stop()

    def restart(self) -> None:
        """Begin again, because NVML looks for GPUs only when it is initialised; as ``open``.

        :raises Unavailable: while a call is under way, whose handle would become void under it.
        """
        if self.calls:
            raise Unavailable("NVML must have no call under way to begin again, and one is; later")
        self._stop()
        self._start()

    def _start(self) -> None:
        with translated("NVML"):
            pynvml().nvmlInit()
        self._up = True
        self.life += 1

    def _stop(self) -> None:
        self._up = False
        with suppress(CoinferError), translated("NVML"):
            pynvml().nvmlShutdown()


LIBRARY = Library()


def gpus() -> tuple[Gpu, ...]:
    """List the GPUs of this machine, those that have a fault included.

    :raises Unavailable: when there is no NVML: no library, no driver.
    :raises NotPermitted: when this user may not use it.
    """
    LIBRARY.open()
    try:
        with LIBRARY.lock:
            return tuple(_listed(index) for index in range(_count()))
    finally:
        LIBRARY.close()


def _listed(index: int) -> Gpu:
    try:
        return described(index, handle_of(index))
    except CoinferError as error:
        return Gpu(index, fault=str(error))


def _count() -> int:
    with translated("number of GPUs"):
        return int(pynvml().nvmlDeviceGetCount())


def handle_of(index: int) -> Any:
    """Return NVML's handle of a GPU.

    :raises Unavailable: when there is none of this index; with those that there are.
    """
    count = _count()
    if index >= count:
        exist = (
            f"one of {', '.join(map(str, range(count)))}" if count else "of a GPU, and none is here"
        )
        raise Unavailable(f"index must be {exist}, got {index}; see nvidia-smi -L")
    with translated(f"GPU {index}"):
        return pynvml().nvmlDeviceGetHandleByIndex(index)


def described(index: int, handle: Any) -> Gpu:
    """Return what NVML says of the GPU behind a handle."""
    with translated(f"GPU {index}"):
        name, uuid = pynvml().nvmlDeviceGetName(handle), pynvml().nvmlDeviceGetUUID(handle)
    return Gpu(index, str(name), str(uuid), _is_mig(handle))


def _is_mig(handle: Any) -> bool:
    try:
        with translated("MIG mode"):
            current, _pending = pynvml().nvmlDeviceGetMigMode(handle)
    except CoinferError:  # every GPU without MIG says so
        return False
    return bool(current)
