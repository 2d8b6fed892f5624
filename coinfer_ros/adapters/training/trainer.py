# SPDX-License-Identifier: Apache-2.0
"""One training: a student, its optimizer, the source of its batches and how far it has come."""

from __future__ import annotations

import contextlib
import math
import os
import platform
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from coinfer_ros.adapters.training.student import Batch, Student
from coinfer_ros.core.errors import Unavailable

DEVICES = ("auto", "cpu", "cuda")
PEAK_RATE, WEIGHT_DECAY, WARM_UP_STEPS = 1e-3, 0.05, 200


def use_threads(threads: int) -> None:
    """Set how many CPU threads torch uses in this process."""
    torch.set_num_threads(threads)


def device_named(name: str) -> torch.device:
    """Return a device that is here, set to give the same numbers every time.

    :param name: one of :data:`DEVICES`; ``auto`` takes CUDA where it is.
    :raises Unavailable: when CUDA is asked for and is not here.
    """
    here = torch.cuda.is_available()
    if name == "cuda" and not here:
        raise Unavailable("--device must be one that is here, got cuda without a CUDA GPU")
    if name == "cpu" or not here:
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Nothing here reads memory that was never written; filling it all would cost a kernel each.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device("cuda")


def machine_name(device: torch.device, threads: int) -> str:
    """Return what a training ran on, for its model card."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    count = "one thread" if threads == 1 else f"{threads} threads"
    return f"{count} of an {_processor()} machine"


class Trainer:
    """All that a resumed training must find again as it was.

    :param student: taught in place, on ``device``.
    :param seed: draws the batches.
    """

    def __init__(self, student: Student, *, seed: int, device: torch.device) -> None:
        self.student = student
        self.rng = np.random.default_rng(seed)
        self.step = 0
        self._parameters = list(student.model.to(device).train().parameters())
        self.optimizer = torch.optim.AdamW(
            self._parameters,
            lr=PEAK_RATE,
            weight_decay=WEIGHT_DECAY,
            betas=(0.9, 0.98),
            fused=device.type == "cuda",
        )
        self._on_gpu = device.type == "cuda"

    def advance(self, batch: Batch, *, done: float) -> torch.Tensor:
        """Take one step and return its loss, which may still be on its way from the device.

        :param done: share of the training that lies behind, which sets the learning rate.
        """
        self.step += 1
        warm = min(1.0, self.step / WARM_UP_STEPS)
        rate = PEAK_RATE * warm * (0.5 + 0.5 * math.cos(math.pi * done))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with self._attention():
            loss = self.student.loss(batch)
            loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()

    def _attention(self) -> AbstractContextManager[None]:
        """On CUDA, take the one attention kernel that adds up in the same order every time."""
        return sdpa_kernel(SDPBackend.MATH) if self._on_gpu else contextlib.nullcontext()


def _processor() -> str:
    """Return the processor's name, as Linux tells it where it does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
