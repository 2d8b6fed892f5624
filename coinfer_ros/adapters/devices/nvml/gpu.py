# SPDX-License-Identifier: Apache-2.0
"""Asks one GPU through NVML, and finds it again when it was lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from coinfer_ros.adapters.devices.nvml.errors import Lost, pynvml, translated
from coinfer_ros.adapters.devices.nvml.library import LIBRARY, described, handle_of
from coinfer_ros.core.checks import whole
from coinfer_ros.core.errors import CoinferError, Unavailable, Unsupported

T = TypeVar("T")

# Members of nvml.h's union nvmlValue_t in the order of its nvmlValueType_t.
_VALUE_TYPES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
_MOST_GPUS = 1024


class OpenGpu:
    """One GPU, kept open; one that was lost is looked for by its UUID at the next question.

    :param index: NVML's number of it.
    :raises InvalidInput: when ``index`` is no index at all.
    :raises Unavailable: when NVML or the GPU is not there; with the indices that are.
    :raises NotPermitted: when this user may not use it.
    """

    def __init__(self, index: int) -> None:
        whole("index", index, low=0, high=_MOST_GPUS)
        self._closed = False
        self._lost_in = 0
        LIBRARY.open()
        try:
            with LIBRARY.lock:
                try:
                    self._open(index)
                except Unavailable:  # it may have come since another user initialised NVML
                    LIBRARY.restart()
                    self._open(index)
        except BaseException:
            self.close()
            raise

    def __str__(self) -> str:
        return f"GPU {self.gpu.index} ({self.gpu.name})"

    def ask(self, function: str, *arguments: Any) -> Any:
        """Call one function of pynvml on this GPU.

        :raises Lost: when it is gone; the next call looks for it again.
        :raises Unavailable: when it does not answer now, or this is closed.
        :raises NotPermitted: when this user may not ask that.
        :raises Unsupported: when this GPU, its driver or the installed pynvml does not have it.
        """
        call = getattr(pynvml(), function, None)
        if call is None:
            raise Unsupported(f"{function} must be in pynvml; run: pip install -U nvidia-ml-py")
        return self._on_handle(function, lambda handle: call(handle, *arguments))

    def ask_first(self, functions: tuple[str, ...], *arguments: Any) -> Any:
        """Call the first of some functions that is supported; errors as ``ask``, of the last."""
        for function in functions[:-1]:
            with suppress(Unsupported):
                return self.ask(function, *arguments)
        return self.ask(functions[-1], *arguments)

    def field(self, field_id: int, scope_id: int) -> float:
        """Return one field value, in NVML's unit of it; errors as ``ask``."""

        def read(handle: Any) -> float:
            (found,) = pynvml().nvmlDeviceGetFieldValues(handle, [(field_id, scope_id)])
            if found.nvmlReturn:
                raise pynvml().NVMLError(found.nvmlReturn)
            if found.valueType >= len(_VALUE_TYPES):
                raise Unsupported(f"field {field_id} has the unknown type {found.valueType}")
            return float(getattr(found.value, _VALUE_TYPES[found.valueType]))

        return self._on_handle(f"field {field_id}, scope {scope_id}", read)

    def close(self) -> None:
        """Let go of NVML; twice is once."""
        if not self._closed:
            self._closed = True
            LIBRARY.close()

    def _open(self, index: int) -> None:
        self._life, self._handle = LIBRARY.life, handle_of(index)
        self.gpu = described(index, self._handle)

    def _on_handle(self, asked: str, call: Callable[[Any], T]) -> T:
        with LIBRARY.lock:
            if self._closed:
                raise Unavailable(f"{asked} of {self}: it is closed; open it again")
            self._find_again()
            handle, life = self._handle, LIBRARY.life
            LIBRARY.calls += 1
        # Without the lock: NVML may be called from several threads, and a call may hang.
        try:
            with translated(f"{asked} of {self}"):
                return call(handle)
        except Lost:
            self._lost_in = life
            raise
        finally:
            with LIBRARY.lock:
                LIBRARY.calls -= 1

    def _find_again(self) -> None:
        """Renew the handle when the GPU was lost, or NVML was initialised again meanwhile."""
        try:
            if self._lost_in == LIBRARY.life:
                LIBRARY.restart()
            if self._life != LIBRARY.life:
                with translated(f"{self}, {self.gpu.uuid}"):
                    self._handle = pynvml().nvmlDeviceGetHandleByUUID(self.gpu.uuid)
                self._life = LIBRARY.life
        except CoinferError as error:  # also NotPermitted: this is not about what was asked for
            self._lost_in = LIBRARY.life
            raise Lost(str(error)) from error
