# SPDX-License-Identifier: Apache-2.0
"""Times an encoder on several kernels, and says how far each answer is from float32's."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch

from bench import joules
from coinfer_ros.adapters.kernels import Kernel

Run = Callable[[torch.Tensor], torch.Tensor]
BASE = "float32"
FRAMES = 3  # in a row, as a robot runs them: its weights have the caches
COLUMNS = ("kernel", "p50, ms", "p90, ms", "times as fast", "error, %", "weights, MB", "J a frame")
UNKNOWN = "unknown"


@dataclass
class Pass:
    """One kernel's runs.

    :param bytes: what its linear layers take; NaN when unknown.
    :param seconds: every timed frame.
    :param error: distance of its answer from float32's, as a share of that one's size.
    :param frame_j: energy of a frame, NaN when nothing measures it.
    """

    run: Run
    bytes: float = math.nan
    seconds: list[float] = field(default_factory=list)
    error: float = math.nan
    frame_j: float = math.nan

    @property
    def p50_s(self) -> float:
        """The median frame."""
        return float(np.median(self.seconds))


def device() -> torch.device:
    """Return the GPU, or where there is none the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def around(kernel: Kernel) -> torch.dtype:
    """Return the type of all that is not a linear layer: on a GPU the narrowest that fits it."""
    if kernel.device.type == "cpu" or kernel.name == BASE:
        return torch.float32
    return torch.bfloat16 if kernel.name in {"bfloat16", "int4"} else torch.float16


@contextmanager
def all_cores() -> Iterator[None]:
    """Compute on every core meanwhile, as a robot that does nothing else."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.inference_mode()
def time_in_turn(passes: Mapping[str, Pass], image: torch.Tensor, rounds: int) -> None:
    """Run all, round by round: what else the machine does meets them all."""
    for _ in range(rounds):
        for one in passes.values():
            one.run(image)
            one.seconds += [_took_s(one.run, image) for _ in range(FRAMES)]


@torch.inference_mode()
def answer(one: Pass, image: torch.Tensor) -> torch.Tensor:
    """Return what it answers, float32 on the CPU."""
    return one.run(image).float().cpu()


@torch.inference_mode()
def energy(one: Pass, image: torch.Tensor) -> None:
    """Measure the joules of a frame where there is a counter."""
    if image.is_cuda:
        one.frame_j = joules.a_frame(lambda: one.run(image))


def distance(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Return how far ``found`` is off, as a share of the size of ``wanted``."""
    return float((found - wanted).norm() / wanted.norm())


def row(name: str, one: Pass, base_s: float) -> tuple[str, ...]:
    """Return a kernel's cells."""
    p50_s, p90_s = np.percentile(one.seconds, (50, 90))
    return (
        name,
        f"{p50_s * 1e3:.1f}",
        f"{p90_s * 1e3:.1f}",
        f"{base_s / p50_s:.2f}",
        f"{100 * one.error:.2g}",
        *(
            UNKNOWN if math.isnan(value) else f"{value:.{digits}f}"
            for value, digits in ((one.bytes / 1e6, 0), (one.frame_j, 2))
        ),
    )


def _took_s(run: Run, image: torch.Tensor) -> float:
    begun_s = time.perf_counter()
    run(image)
    if image.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begun_s
